use super::InvalidInput;
use crate::records::{DynamicField, Input, PropertyValue};

fn refused(text: &str) -> String {
    match Input::from_json(text) {
        Ok(input) => panic!("{text}: {input:?}"),
        Err(invalid) => invalid.to_string(),
    }
}

fn with_dynamic(value: &str) -> String {
    format!(
        r#"{{"profile":{{"profile-id":"u"}},"properties":{{"dynamic-fields":[{{"name":"a","value":{value}}}]}}}}"#
    )
}

#[test]
fn every_field_is_read() {
    let text = r#" {"profile": {"profile-id": "u\u0031", "ip-address": "1.2.3.4", "time": "1611164108"},
        "properties": {"avatar": "a", "name": "b", "first-name": "c", "last-name": "d",
        "created": "e", "email": "f", "phone": "g", "custom-properties": "{\"h\":\"i\"}",
        "dynamic-fields": [{"name": "j", "value": {"text": "k"}}, {"name": "l", "value": {"number": -1.5}},
        {"name": "m", "value": {"boolean": true}}, {"name": "n", "value": {"date-time": "o"}},
        {"name": "p", "value": {"text-list": ["q", "r"]}}]}} "#;
    let input = Input::from_json(text).expect("an input");
    assert_eq!(input.profile.profile_id, "u1");
    let written = serde_json::to_string(&input).expect("JSON");
    let plain: String = text
        .split_whitespace()
        .collect::<String>()
        .replace("\\u0031", "1");
    assert_eq!(written, plain);
    assert_eq!(Input::from_json(&written), Ok(input.clone()));
    // As other readers of this crate have it.
    assert_eq!(
        serde_json::from_str::<Input>(text).expect("an input"),
        input
    );
    let value: serde_json::Value = serde_json::from_str(text).expect("JSON");
    assert_eq!(
        serde_json::from_value::<Input>(value).expect("an input"),
        input
    );
}

#[test]
fn what_may_be_left_out() {
    let least = Input::from_json(r#"{"profile":{"profile-id":"u"}}"#).expect("an input");
    for text in [
        r#"{"profile":{"profile-id":"u"},"properties":{}}"#,
        r#"{"profile":{"profile-id":"u"},"properties":null}"#,
        r#"{"profile":{"profile-id":"u","time":null,"ip-address":null}}"#,
        r#"{"profile":{"profile-id":"u"},"properties":{"email":null,"dynamic-fields":null}}"#,
        r#"{"profile":{"profile-id":"u"},"properties":{"dynamic-fields":[]}}"#,
        "\u{feff}{\"profile\":{\"profile-id\":\"u\"}}",
    ] {
        assert_eq!(Input::from_json(text).as_ref(), Ok(&least), "{text}");
    }
    let input = Input::from_json(&with_dynamic(r#"{"text-list":null}"#)).expect("an input");
    assert_eq!(
        input.properties.dynamic_fields,
        [DynamicField {
            name: "a".to_owned(),
            value: PropertyValue::TextList(vec![])
        }]
    );
}

/// The path, what was found, and how to write it.
#[test]
#[expect(clippy::too_many_lines, reason = "a table is as long as its rows")]
fn invalid_fields() {
    let profile = |fields: &str| format!(r#"{{"profile":{{{fields}}}}}"#);
    let properties =
        |fields: &str| format!(r#"{{"profile":{{"profile-id":"u"}},"properties":{{{fields}}}}}"#);
    for (text, said) in [
        (
            profile(r#""profile-id":4711"#),
            "profile.profile-id is a number: put it in quotes",
        ),
        (
            profile(r#""profile-id":true"#),
            "profile.profile-id is a boolean: put it in quotes",
        ),
        (
            profile(r#""profile-id":["a"]"#),
            "profile.profile-id is an array: give a string",
        ),
        (
            profile(r#""profile-id":{}"#),
            "profile.profile-id is an object: give a string",
        ),
        (
            profile(r#""profile-id":null"#),
            "profile.profile-id is missing",
        ),
        (profile(""), "profile.profile-id is missing"),
        (
            profile(r#""profile-id":"u","ip":"1.2.3.4""#),
            "profile.ip is not known: use one of profile-id, ip-address, time",
        ),
        (
            profile(r#""profile-id":"u","profile-id":"v""#),
            "profile.profile-id is there twice: give it once",
        ),
        (
            profile(r#""profile-id":"\ud800""#),
            r"profile.profile-id has half a character (\ud800 to \udfff): write both halves",
        ),
        (
            profile(r#""profile-id":1,"time":2"#),
            "profile.profile-id is a number: put it in quotes; profile.time is a number: put it in quotes",
        ),
        ("{}".to_owned(), "profile is missing"),
        (r#"{"profile":null}"#.to_owned(), "profile is missing"),
        (
            r#"{"profile":"u"}"#.to_owned(),
            "profile is a string: give an object",
        ),
        (
            r#"{"profile":["u1","8.8.8.8"]}"#.to_owned(),
            "profile is an array: give an object",
        ),
        (
            r#"{"profile":{"profile-id":"u"},"property":{}}"#.to_owned(),
            "property is not known: use one of profile, properties",
        ),
        (
            properties(r#""name":1"#),
            "properties.name is a number: put it in quotes",
        ),
        (
            properties(r#""custom-properties":{"plan":"pro"}"#),
            r#"properties.custom-properties is an object: give it as a string that holds JSON, such as "{\"plan\":\"free\"}""#,
        ),
        (
            properties(r#""dynamic-fields":{"a":1}"#),
            "properties.dynamic-fields is an object: give an array of dynamic fields",
        ),
        (
            properties(r#""dynamic-fields":[["a",{"text":"b"}]]"#),
            "properties.dynamic-fields[0] is an array: give an object",
        ),
        (
            properties(r#""dynamic-fields":[{"name":"a"}]"#),
            "properties.dynamic-fields[0].value is missing",
        ),
        (
            with_dynamic(r#""b""#),
            r#"properties.dynamic-fields[0].value is a string: write {"text": "…"} or {"date-time": "…"}"#,
        ),
        (
            with_dynamic("1"),
            r#"properties.dynamic-fields[0].value is a number: write {"number": …}"#,
        ),
        (
            with_dynamic("true"),
            r#"properties.dynamic-fields[0].value is a boolean: write {"boolean": …}"#,
        ),
        (
            with_dynamic(r#"["b"]"#),
            r#"properties.dynamic-fields[0].value is an array: write {"text-list": […]}"#,
        ),
        (
            with_dynamic("{}"),
            "properties.dynamic-fields[0].value has no value: give one of text, number, boolean, date-time, text-list",
        ),
        (
            with_dynamic(r#"{"text":"b","number":1}"#),
            "properties.dynamic-fields[0].value has more than one value: give one of text, number, boolean, date-time, text-list",
        ),
        (
            with_dynamic(r#"{"date":"b"}"#),
            "properties.dynamic-fields[0].value.date is not known: use one of text, number, boolean, date-time, text-list",
        ),
        (
            with_dynamic(r#"{"text":1}"#),
            "properties.dynamic-fields[0].value.text is a number: put it in quotes",
        ),
        (
            with_dynamic(r#"{"text":null}"#),
            "properties.dynamic-fields[0].value.text is null: give a string",
        ),
        (
            with_dynamic(r#"{"number":"1"}"#),
            "properties.dynamic-fields[0].value.number is a string: write the number without quotes",
        ),
        (
            with_dynamic(r#"{"number":738529527931269425}"#),
            "properties.dynamic-fields[0].value.number cannot be carried exactly as a number: give it as a text",
        ),
        (
            with_dynamic(r#"{"number":1e400}"#),
            "properties.dynamic-fields[0].value.number cannot be carried exactly as a number: give it as a text",
        ),
        (
            with_dynamic(r#"{"boolean":"true"}"#),
            "properties.dynamic-fields[0].value.boolean is a string: write true or false without quotes",
        ),
        (
            with_dynamic(r#"{"boolean":1}"#),
            "properties.dynamic-fields[0].value.boolean is a number: write true or false",
        ),
        (
            with_dynamic(r#"{"text-list":"b"}"#),
            "properties.dynamic-fields[0].value.text-list is a string: give an array of strings",
        ),
        (
            with_dynamic(r#"{"text-list":["b",1,null]}"#),
            "properties.dynamic-fields[0].value.text-list[1] is a number: put it in quotes; properties.dynamic-fields[0].value.text-list[2] is null: give a string",
        ),
    ] {
        assert_eq!(refused(&text), said, "{text}");
    }
}

#[test]
fn what_is_no_object_at_all() {
    let object = r#"{"profile":{"profile-id":"u"}}"#;
    let array = "is an array: give one object, or one object a line";
    for (text, said) in [
        (
            r#"[["u1","8.8.8.8"],[null,"Ada"]]"#.to_owned(),
            array.to_owned(),
        ),
        (format!("[{object}]"), array.to_owned()),
        ("[]".to_owned(), array.to_owned()),
        ("null".to_owned(), "is null: give an object".to_owned()),
        ("17".to_owned(), "is a number: give an object".to_owned()),
        (
            r#""u""#.to_owned(),
            "is a string: give an object".to_owned(),
        ),
        (String::new(), "is empty: give one object".to_owned()),
        (" \n".to_owned(), "is empty: give one object".to_owned()),
        (
            format!("{object}\n{object}\n"),
            "holds several JSON values: write one a line".to_owned(),
        ),
        (
            object[..20].to_owned(),
            "is not JSON: it ends before its last brace, bracket or quote is closed".to_owned(),
        ),
        ("nonsense".to_owned(), "is not JSON at column 2".to_owned()),
        (
            "{\n  'profile': {}\n}".to_owned(),
            "is not JSON at line 2, column 3: strings stand in double quotes".to_owned(),
        ),
        (
            r#"{"profile":{"profile-id":"u",}}"#.to_owned(),
            "is not JSON at column 30: a value is missing, or there is a comma too many".to_owned(),
        ),
        (
            format!("{object}}}"),
            "is not JSON at column 31: a value is missing, or there is a comma too many".to_owned(),
        ),
    ] {
        assert_eq!(refused(&text), said, "{text}");
    }
    for number in ["NaN", "-NaN", "Infinity", "-Infinity"] {
        let said = refused(&with_dynamic(&format!(r#"{{"number":{number}}}"#)));
        assert!(
            said.contains("NaN and infinities are no numbers of JSON"),
            "{number}: {said}"
        );
    }
    for word in ["True", "None", "False"] {
        let said = refused(&with_dynamic(&format!(r#"{{"boolean":{word}}}"#)));
        assert!(
            said.ends_with("write true, false and null"),
            "{word}: {said}"
        );
    }
}

/// Neither a value, nor a word of Rust or of its libraries.
#[test]
fn no_value_is_in_a_reason() {
    let secret = "ada@example.com";
    for text in [
        format!(r#"{{"profile":"{secret}"}}"#),
        format!(r#"{{"profile":{{"profile-id":["{secret}"]}}}}"#),
        with_dynamic(&format!(r#"{{"number":"{secret}"}}"#)),
        with_dynamic(&format!(r#"{{"boolean":"{secret}"}}"#)),
        with_dynamic(&format!(r#"{{"text-list":"{secret}"}}"#)),
        format!(r#"{{"profile":{{"profile-id":"{secret}" "b"}}}}"#),
        format!("'{secret}'"),
        with_dynamic(r#"{"number":738529527931269425}"#),
    ] {
        let said = refused(&text);
        for word in [
            secret,
            "73852",
            "expected",
            "invalid type",
            "unit",
            "sequence",
            "map",
            "struct",
            "f64",
            "at line 1",
        ] {
            assert!(!said.contains(word), "{word}: {said}");
        }
    }
}

#[test]
fn many_mistakes_and_long_names_are_cut() {
    let list = vec!["1"; 10_000].join(",");
    let Err(InvalidInput { fields, .. }) =
        Input::from_json(&with_dynamic(&format!(r#"{{"text-list":[{list}]}}"#)))
    else {
        panic!("an input")
    };
    assert_eq!(fields.len(), 100);
    let said = refused(&format!(r#"{{"{}":1}}"#, "x".repeat(1_000_000)));
    assert!(
        said.starts_with(&format!("{}… is not known", "x".repeat(60))),
        "{said:.100}"
    );
    let deep = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
    refused(&with_dynamic(&deep));
}

#[test]
fn the_id_is_kept_where_it_could_be_read() {
    for (text, id) in [
        (r#"{"profile":{"profile-id":"u","ip":1}}"#, Some("u")),
        (r#"{"profile":{"profile-id":"u"},"property":1}"#, Some("u")),
        (r#"{"profile":{"profile-id":4711}}"#, None),
        ("nonsense", None),
    ] {
        let invalid = Input::from_json(text).expect_err(text);
        assert_eq!(invalid.profile_id.as_deref(), id, "{text}");
    }
}
