//! The table of inputs and the updates that they become; `tests/end_to_end` has more of invalid ones.

use super::{PLACEHOLDER_IDS, Update};
use crate::bindings::profiles::{
    DynamicField, Input, InvalidField, Profile, Properties, PropertyValue,
};
use crate::token::Token;

/// The update of an input as JSON, in the project `T`.
pub fn build(input: &Input) -> Result<Vec<u8>, Vec<InvalidField>> {
    let update = Update::new(input).map_err(Vec::from)?;
    let token = Token::parse("T").expect("a token");
    update.to_json(token).map_err(Vec::from)
}

fn input(id: &str) -> Input {
    Input {
        profile: Profile {
            profile_id: id.into(),
            ip_address: None,
            time: None,
        },
        properties: Properties {
            avatar: None,
            name: None,
            first_name: None,
            last_name: None,
            created: None,
            email: None,
            phone: None,
            custom_properties: None,
            dynamic_fields: vec![],
        },
    }
}

fn dynamic(name: impl Into<String>, value: PropertyValue) -> DynamicField {
    DynamicField {
        name: name.into(),
        value,
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "the fields that it is for are optional"
)]
fn text(text: &str) -> Option<String> {
    Some(text.into())
}

fn body(change: impl FnOnce(&mut Input)) -> String {
    let mut input = input("user1");
    change(&mut input);
    String::from_utf8(build(&input).expect("a valid input")).expect("UTF-8")
}

/// The invalid fields of an input with `change`.
fn invalid(change: impl FnOnce(&mut Input)) -> Vec<InvalidField> {
    let mut input = input("user1");
    change(&mut input);
    build(&input).err().unwrap_or_default()
}

#[test]
fn worked_examples_byte_for_byte() {
    type Change = fn(&mut Input);
    let cases: [(Change, &str); 7] = [
        (
            |i| {
                i.properties.dynamic_fields =
                    vec![dynamic("key1", PropertyValue::Text("val1".into()))]
            },
            r#"{"$token":"T","$distinct_id":"user1","$ip":"0","$set_once":{"key1":"val1"}}"#,
        ),
        (
            |i| {
                i.profile.profile_id = "amq".into();
                i.profile.ip_address = text("1.2.3.4");
                i.profile.time = text("1234567890");
                i.properties.name = text("Joe");
            },
            r#"{"$token":"T","$distinct_id":"amq","$ip":"1.2.3.4","$time":1234567890,"$set_once":{"$name":"Joe"}}"#,
        ),
        (
            |i| i.properties.created = text("2013-01-01T18:04:05-08:00"),
            r#"{"$token":"T","$distinct_id":"user1","$ip":"0","$set_once":{"$created":"2013-01-02T02:04:05"}}"#,
        ),
        (
            |i| {
                i.properties.dynamic_fields = vec![dynamic(
                    "Birthday",
                    PropertyValue::DateTime("1965-03-02T00:00:00Z".into()),
                )]
            },
            r#"{"$token":"T","$distinct_id":"user1","$ip":"0","$set_once":{"Birthday":"1965-03-02T00:00:00"}}"#,
        ),
        (
            |i| i.profile.time = text("2021-01-20T09:35:08-08:00"),
            r#"{"$token":"T","$distinct_id":"user1","$ip":"0","$time":1611164108,"$set_once":{}}"#,
        ),
        (
            |i| {
                i.properties.email = text("");
                i.properties.phone = text(" ");
            },
            r#"{"$token":"T","$distinct_id":"user1","$ip":"0","$set_once":{}}"#,
        ),
        (
            |i| {
                i.properties.custom_properties = text(r#"{"b":"\u0001\"","a":"é"}"#);
                i.properties.avatar = text("https://example.com/a.PNG");
            },
            r#"{"$token":"T","$distinct_id":"user1","$ip":"0","$set_once":{"$avatar":"https://example.com/a.PNG","b":"\u0001\"","a":"é"}}"#,
        ),
    ];
    for (change, expected) in cases {
        assert_eq!(body(change), expected);
    }
    for address in ["[::1]:53709", "localhost"] {
        let fields = invalid(|i| i.profile.ip_address = text(address));
        assert_eq!(fields.len(), 1, "{address}");
        assert_eq!(fields[0].field, "profile.ip-address", "{address}");
    }
}

#[test]
fn numbers_are_written_as_json_has_them() {
    for (number, json) in [
        (0.0, "0"),
        (-0.0, "0"),
        (3.0, "3"),
        (-3.0, "-3"),
        (1.5, "1.5"),
        (0.1, "0.1"),
        (9_007_199_254_740_993.0, "9007199254740992"),
        (-4e18, "-4000000000000000000"),
        (1e19, "1e+19"),
        (1e300, "1e+300"),
        (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
    ] {
        let body = body(|i| {
            i.properties.dynamic_fields = vec![dynamic("n", PropertyValue::Number(number))]
        });
        assert!(
            body.ends_with(&format!(r#""$set_once":{{"n":{json}}}}}"#)),
            "{number}: {body}"
        );
    }
}

#[test]
fn placeholder_ids_are_refused_and_their_neighbours_are_not() {
    for id in PLACEHOLDER_IDS {
        let fields = invalid(|i| i.profile.profile_id = id.into());
        assert_eq!(fields.len(), 1, "{id}");
        assert_eq!(fields[0].field, "profile.profile-id");
    }
    for id in [
        "Null",
        "NONE",
        " null",
        "00",
        "1",
        "$device:abc",
        "undefined1",
        "[ ]",
    ] {
        assert_eq!(invalid(|i| i.profile.profile_id = id.into()), [], "{id}");
    }
}

/// Each limit at its edge, and one over.
#[test]
fn limits() {
    type Change = fn(&mut Input, usize);
    let cases: [(&str, usize, Change); 10] = [
        ("profile.profile-id", 255, |i, n| {
            i.profile.profile_id = "x".repeat(n)
        }),
        ("properties.name", 255, |i, n| {
            i.properties.name = Some("x".repeat(n))
        }),
        ("properties.email", 255, |i, n| {
            // The limit is of bytes: two for each of these but the last.
            i.properties.email = Some("é".repeat(127) + &"x".repeat(n - 254));
        }),
        ("properties.custom-properties.a", 255, |i, n| {
            i.properties.custom_properties = Some(format!(r#"{{"a":"{}"}}"#, "x".repeat(n)));
        }),
        ("properties.dynamic-fields.t", 255, |i, n| {
            let value = PropertyValue::Text("x".repeat(n));
            i.properties.dynamic_fields = vec![dynamic("t", value)];
        }),
        ("properties.dynamic-fields.l[1]", 255, |i, n| {
            let value = PropertyValue::TextList(vec!["a".into(), "é".repeat(n)]);
            i.properties.dynamic_fields = vec![dynamic("l", value)];
        }),
        ("properties.dynamic-fields.#1[1]", 255, |i, n| {
            let value = PropertyValue::TextList(vec!["a".into(), "é".repeat(n)]);
            i.properties.dynamic_fields = vec![dynamic("#1", value)];
        }),
        ("properties.dynamic-fields.l", 256_000, |i, n| {
            // Two quotes and a comma an item; the brackets stand for the first comma and one more.
            let mut items = vec!["x".repeat(253); n / 256 - 1];
            items.push("x".repeat(n - 256 * (n / 256 - 1) - 4));
            i.properties.dynamic_fields = vec![dynamic("l", PropertyValue::TextList(items))];
        }),
        ("properties", 2_000, |i, n| {
            i.properties.dynamic_fields = (0..n)
                .map(|k| dynamic(format!("p{k}"), PropertyValue::Boolean(true)))
                .collect();
        }),
        ("properties", 1_000_000, |i, n| {
            let list = |k: usize, bytes: usize| {
                let mut items = vec!["x".repeat(117); bytes / 120 - 1];
                items.push("x".repeat(bytes - 120 * (bytes / 120 - 1) - 4));
                dynamic(format!("l{k}"), PropertyValue::TextList(items))
            };
            // What is not list: the update around it, and `"l0":` with a comma each.
            let frame = r#"{"$token":"T","$distinct_id":"user1","$ip":"0","$set_once":{"l0":,"l1":,"l2":,"l3":}}"#;
            let last = n - frame.len() - 3 * 250_000;
            i.properties.dynamic_fields = vec![
                list(0, 250_000),
                list(1, 250_000),
                list(2, 250_000),
                list(3, last),
            ];
        }),
    ];
    for (field, limit, change) in cases {
        assert_eq!(invalid(|i| change(i, limit)), [], "{field} at {limit}");
        let over = invalid(|i| change(i, limit + 1));
        assert_eq!(over.len(), 1, "{field} over {limit}: {over:?}");
        assert_eq!(over[0].field, field);
        assert!(
            over[0].reason.contains(&(limit + 1).to_string()),
            "{}",
            over[0].reason
        );
    }
}

#[test]
fn names_have_at_most_255_characters_and_their_paths_no_more() {
    for (characters, is_fine) in [(255, true), (256, false), (100_000, false)] {
        let name = "é".repeat(characters);
        let fields = invalid(|i| {
            i.properties.custom_properties = Some(format!(r#"{{"{name}":"x"}}"#));
        });
        assert_eq!(fields.is_empty(), is_fine, "{characters}");
        if let [field] = fields.as_slice() {
            assert!(field.field.chars().count() < 300, "{}", field.field.len());
            assert!(field.reason.contains(&format!("{characters} characters")));
        }
    }
}

#[test]
fn a_property_is_set_once() {
    for (custom, names, field) in [
        (
            Some(r#"{"a":"1","a":"2"}"#),
            vec![],
            "properties.custom-properties.a",
        ),
        (
            Some(r#"{"a":"1","\u0061":"2"}"#),
            vec![],
            "properties.custom-properties.a",
        ),
        (
            Some(r#"{"a":" ","a":""}"#),
            vec![],
            "properties.custom-properties.a",
        ),
        (
            Some(r#"{"$name":"x"}"#),
            vec![],
            "properties.custom-properties.$name",
        ),
        (
            Some(r#"{"a":"1"}"#),
            vec!["a"],
            "properties.dynamic-fields.a",
        ),
        (None, vec!["a", "a"], "properties.dynamic-fields.a"),
        (None, vec!["$name"], "properties.dynamic-fields.$name"),
    ] {
        let fields = invalid(|i| {
            i.properties.name = text("Joe");
            i.properties.custom_properties = custom.map(str::to_owned);
            i.properties.dynamic_fields = names
                .iter()
                .map(|name| dynamic(*name, PropertyValue::Number(1.0)))
                .collect();
        });
        assert_eq!(fields.len(), 1, "{custom:?} {names:?}: {fields:?}");
        assert_eq!(fields[0].field, field);
    }
    // A blank one is not set, so another may be.
    assert_eq!(
        invalid(|i| {
            i.properties.name = text(" ");
            i.properties.custom_properties = text(r#"{"$name":"Joe"}"#);
        }),
        []
    );
}

#[test]
fn custom_properties_are_an_object_of_strings() {
    for (json, field, rule) in [
        ("{", "", "ends too early, at line 1, column 1"),
        ("{\n \"a\": é}", "", "line 2, column 7"),
        ("{} x", "", "is not JSON"),
        (r#"{"a":"\ud800"}"#, ".a", "half a character"),
        (r#"{"\ud800":"a"}"#, "", "half a character"),
        ("[1]", "", "is an array"),
        ("\u{feff}[1]", "", "is an array"),
        ("7", "", "is a number"),
        ("true", "", "is a boolean"),
        (r#"{" ":"x"}"#, "", "blank key"),
        (r#"{"a":[{}]}"#, ".a", "is an array"),
        (r#"{"a":{"b":{}}}"#, ".a", "is an object"),
        (r#"{"a":1e999}"#, ".a", "is a number"),
    ] {
        let fields = invalid(|i| i.properties.custom_properties = text(json));
        assert_eq!(fields.len(), 1, "{json}: {fields:?}");
        assert_eq!(
            fields[0].field,
            format!("properties.custom-properties{field}"),
            "{json}"
        );
        assert!(
            fields[0].reason.contains(rule),
            "{json}: {}",
            fields[0].reason
        );
    }
    for depth in [200, 100_000] {
        for json in ["[".repeat(depth), format!(r#"{{"a":{}"#, "[".repeat(depth))] {
            assert_eq!(
                invalid(|i| i.properties.custom_properties = Some(json)).len(),
                1
            );
        }
    }
}

#[test]
fn reasons_never_repeat_a_value() {
    let secret = "s3cr3t-s3cr3t";
    let mut input = input("null");
    input.profile.ip_address = text(secret);
    input.profile.time = text(secret);
    input.properties.avatar = text(secret);
    input.properties.created = text(secret);
    input.properties.name = Some(secret.repeat(30));
    input.properties.email = Some(format!("{secret}\n"));
    input.properties.custom_properties = Some(format!(r#"{{"a":"x" {secret}"#));
    let fields = build(&input).expect_err("invalid fields");
    assert_eq!(fields.len(), 8);
    for field in fields {
        assert!(
            !field.reason.contains(secret),
            "{}: {}",
            field.field,
            field.reason
        );
    }
}

#[test]
fn identifiers_and_names_hold_nothing_that_cannot_be_seen() {
    type Change = fn(&mut Input, String);
    let cases: [(&str, Change); 5] = [
        ("profile.profile-id", |i, s| i.profile.profile_id = s),
        ("properties.email", |i, s| i.properties.email = Some(s)),
        ("properties.phone", |i, s| i.properties.phone = Some(s)),
        ("properties.custom-properties.", |i, s| {
            let object = serde_json::json!({ s: "x" });
            i.properties.custom_properties = Some(object.to_string());
        }),
        ("properties.dynamic-fields.", |i, s| {
            i.properties.dynamic_fields = vec![dynamic(s, PropertyValue::Boolean(true))];
        }),
    ];
    for (field, change) in cases {
        for (string, found) in [
            ("a\u{0}", "a control character"),
            ("\u{feff}a", "a byte order mark"),
            ("a\n", "a line end"),
            ("a\rb", "a line end"),
            ("a\tb", "a tab"),
        ] {
            let fields = invalid(|i| change(i, string.to_owned()));
            assert_eq!(fields.len(), 1, "{field} {string:?}: {fields:?}");
            assert!(fields[0].field.starts_with(field), "{}", fields[0].field);
            assert!(fields[0].reason.contains(found), "{}", fields[0].reason);
        }
    }
    // In free text, they pass as they are.
    let body = body(|i| {
        i.properties.name = text("a\tb\r\nc\u{0}");
        i.properties.dynamic_fields = vec![dynamic("t", PropertyValue::Text("\na\u{feff}".into()))];
    });
    assert!(
        body.contains("\"$name\":\"a\\tb\\r\\nc\\u0000\",\"t\":\"\\na\u{feff}\""),
        "{body}"
    );
    // Invisible ones are blank.
    for blank in ["\u{200b}", "\u{feff}", "\u{ad}", " \u{2060}\t"] {
        let body = self::body(|i| {
            i.properties.email = text(blank);
            i.properties.dynamic_fields = vec![dynamic("t", PropertyValue::Text(blank.into()))];
        });
        assert!(body.ends_with(r#""$set_once":{}}"#), "{blank:?}: {body}");
    }
}

/// Mixpanel's own properties keep their rules whichever field gives them.
#[test]
fn the_same_rule_under_the_same_name() {
    let custom = |name: &str, value: &str| {
        let object = serde_json::json!({ name: value });
        move |i: &mut Input| i.properties.custom_properties = Some(object.to_string())
    };
    let field = |name: &str, value: PropertyValue| {
        let field = dynamic(name, value);
        move |i: &mut Input| i.properties.dynamic_fields = vec![field]
    };
    let date = "2013-01-01T18:04:05-08:00";
    let moment = r#""$set_once":{"$created":"2013-01-02T02:04:05"}}"#;
    assert!(body(custom("$created", date)).ends_with(moment));
    assert!(body(field("$created", PropertyValue::Text(date.into()))).ends_with(moment));
    assert!(body(field("$created", PropertyValue::DateTime(date.into()))).ends_with(moment));
    assert!(body(custom("$avatar", "https://h/a.png")).contains("$avatar"));
    for (fields, rule) in [
        (
            invalid(custom("$created", "yesterday")),
            "is not a date and time",
        ),
        (invalid(custom("$created", "1508255889000")), "milliseconds"),
        (invalid(custom("$avatar", "a.png")), "is not a URL"),
        (invalid(custom("$email", "a\nb")), "a line end"),
        (
            invalid(field(
                "$avatar",
                PropertyValue::Text("https://h/a.svg".into()),
            )),
            "does not end in",
        ),
        (
            invalid(field("$created", PropertyValue::Text("2021-01-20".into()))),
            "without a time",
        ),
        (
            invalid(field("$created", PropertyValue::Number(1_611_164_108.0))),
            "$created is a date-time",
        ),
        (
            invalid(field("$avatar", PropertyValue::DateTime(date.into()))),
            "$avatar is a text",
        ),
        (
            invalid(field("$phone", PropertyValue::Number(49.0))),
            "$phone is a text",
        ),
        (
            invalid(field("$name", PropertyValue::Boolean(true))),
            "$name is a text",
        ),
        (
            invalid(field("$email", PropertyValue::TextList(vec!["a".into()]))),
            "$email is a text",
        ),
    ] {
        assert_eq!(fields.len(), 1, "{rule}: {fields:?}");
        assert!(fields[0].reason.contains(rule), "{}", fields[0].reason);
    }
}

/// However many faults an input has, they take no more memory than what names a hundred.
#[test]
fn a_hundred_invalid_fields_are_named() {
    let blank = || dynamic("", PropertyValue::Boolean(true));
    for (count, named, more) in [
        (100, 100, None),
        (101, 100, Some(1)),
        (50_000, 100, Some(49_900)),
    ] {
        let fields = invalid(|input| {
            input.properties.dynamic_fields = (0..count).map(|_| blank()).collect();
        });
        let rest = more.map(|more| format!("have {more} more invalid fields: fix these first"));
        assert_eq!(fields.len(), named + usize::from(more.is_some()));
        assert_eq!(fields.get(named).map(|field| field.reason.clone()), rest);
    }
}

#[test]
fn many_properties_are_refused_without_much_work() {
    let object = |count: usize| {
        let entries: Vec<_> = (0..count).map(|n| format!(r#""{n}":"1""#)).collect();
        format!("{{{}}}", entries.join(","))
    };
    let expect = |fields: Vec<InvalidField>, field: &str, reason: &str| {
        let [
            InvalidField {
                field: f,
                reason: r,
            },
        ] = &fields[..]
        else {
            panic!("{fields:?}");
        };
        assert_eq!((f.as_str(), r.as_str()), (field, reason));
    };
    expect(
        invalid(|input| input.properties.custom_properties = Some(object(9_999))),
        "properties",
        "has 9999 properties: a profile holds at most 2000",
    );
    expect(
        invalid(|input| input.properties.custom_properties = Some(object(300_000))),
        "properties.custom-properties",
        "has 300000 entries: at most 10000 are read",
    );
    expect(
        invalid(|input| {
            let field = |n| dynamic(format!("{n}"), PropertyValue::Boolean(true));
            input.properties.dynamic_fields = (0..300_000).map(field).collect();
        }),
        "properties",
        "has 300000 properties: a profile holds at most 2000",
    );
}
