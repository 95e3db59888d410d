//! The table of inputs and the requests that they become; `tests/end_to_end` has the faults' table.

use super::{PLACEHOLDER_IDS, Request};
use crate::bindings::profiles::{
    Connection, DynamicField, Input, InvalidField, Profile, Properties, PropertyValue, Region,
};
use crate::input::owned;
use crate::url::Scheme;

fn build(connection: &Connection, input: &Input) -> Result<Request, Vec<InvalidField>> {
    let connection = owned::connection(connection);
    owned::with_input(input, |input| super::build(&connection, input))
}

fn connection() -> Connection {
    Connection {
        project_token: "T".into(),
        region: Region::Standard,
        base_url: None,
        max_retries: None,
    }
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

/// The request of a valid input with `change`.
fn request(change: impl FnOnce(&mut Input)) -> Request {
    let mut input = input("user1");
    change(&mut input);
    build(&connection(), &input).expect("a valid input")
}

fn body(change: impl FnOnce(&mut Input)) -> String {
    String::from_utf8(request(change).body).expect("UTF-8")
}

/// The faults of an input with `change`; none where it is valid.
fn faults(change: impl FnOnce(&mut Input)) -> Vec<InvalidField> {
    let mut input = input("user1");
    change(&mut input);
    build(&connection(), &input).err().unwrap_or_default()
}

#[test]
fn worked_examples_byte_for_byte() {
    type Change = fn(&mut Input);
    let cases: [(Change, &str); 6] = [
        (
            |i| {
                i.properties.dynamic_fields =
                    vec![dynamic("key1", PropertyValue::Text("val1".into()))]
            },
            r#"[{"$token":"T","$distinct_id":"user1","$ip":"0","$set_once":{"key1":"val1"}}]"#,
        ),
        (
            |i| {
                i.profile.profile_id = "amq".into();
                i.profile.ip_address = text("1.2.3.4");
                i.profile.time = text("1234567890");
                i.properties.name = text("Joe");
            },
            r#"[{"$token":"T","$distinct_id":"amq","$ip":"1.2.3.4","$time":1234567890,"$set_once":{"$name":"Joe"}}]"#,
        ),
        (
            |i| i.properties.created = text("2013-01-01T18:04:05-08:00"),
            r#"[{"$token":"T","$distinct_id":"user1","$ip":"0","$set_once":{"$created":"2013-01-02T02:04:05"}}]"#,
        ),
        (
            |i| i.profile.time = text("2021-01-20T09:35:08-08:00"),
            r#"[{"$token":"T","$distinct_id":"user1","$ip":"0","$time":1611164108,"$set_once":{}}]"#,
        ),
        (
            |i| {
                i.properties.email = text("");
                i.properties.phone = text(" ");
            },
            r#"[{"$token":"T","$distinct_id":"user1","$ip":"0","$set_once":{}}]"#,
        ),
        (
            |i| {
                i.properties.custom_properties = text(r#"{"b":"\u0001\"","a":"é"}"#);
                i.properties.avatar = text("https://example.com/a.PNG");
            },
            r#"[{"$token":"T","$distinct_id":"user1","$ip":"0","$set_once":{"$avatar":"https://example.com/a.PNG","b":"\u0001\"","a":"é"}}]"#,
        ),
    ];
    for (change, expected) in cases {
        assert_eq!(body(change), expected);
    }
    for address in ["[::1]:53709", "localhost"] {
        let faults = faults(|i| i.profile.ip_address = text(address));
        assert_eq!(faults.len(), 1, "{address}");
        assert_eq!(faults[0].field, "profile.ip-address", "{address}");
    }
}

#[test]
fn where_it_goes() {
    let query = "/engage?ip=0&verbose=1&strict=1";
    for (region, base_url, scheme, authority, path) in [
        (
            Region::Standard,
            None,
            Scheme::Https,
            "api.mixpanel.com",
            query.to_owned(),
        ),
        (
            Region::Eu,
            None,
            Scheme::Https,
            "api-eu.mixpanel.com",
            query.to_owned(),
        ),
        (
            Region::India,
            None,
            Scheme::Https,
            "api-in.mixpanel.com",
            query.to_owned(),
        ),
        (
            Region::Eu,
            Some(" "),
            Scheme::Https,
            "api-eu.mixpanel.com",
            query.to_owned(),
        ),
        (
            Region::Eu,
            Some("http://h:81"),
            Scheme::Http,
            "h:81",
            query.to_owned(),
        ),
        (
            Region::Eu,
            Some("https://h/a/"),
            Scheme::Https,
            "h",
            format!("/a{query}"),
        ),
    ] {
        let connection = Connection {
            region,
            base_url: base_url.map(str::to_owned),
            ..connection()
        };
        let request = build(&connection, &input("u")).expect("a valid input");
        assert_eq!(request.destination.scheme, scheme);
        assert_eq!(request.destination.authority, authority);
        assert_eq!(request.destination.path_with_query, path);
    }
}

#[test]
fn retries_are_three_when_left_out_and_at_most_ten() {
    for (given, retries) in [
        (None, Some(3)),
        (Some(0), Some(0)),
        (Some(10), Some(10)),
        (Some(11), None),
    ] {
        let connection = Connection {
            max_retries: given,
            ..connection()
        };
        let built = build(&connection, &input("u"));
        assert_eq!(
            built.ok().map(|request| request.destination.max_retries),
            retries,
            "{given:?}"
        );
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
            body.ends_with(&format!(r#""$set_once":{{"n":{json}}}}}]"#)),
            "{number}: {body}"
        );
    }
}

#[test]
fn placeholder_ids_are_refused_and_their_neighbours_are_not() {
    for id in PLACEHOLDER_IDS {
        let faults = faults(|i| i.profile.profile_id = id.into());
        assert_eq!(faults.len(), 1, "{id}");
        assert_eq!(faults[0].field, "profile.profile-id");
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
        assert_eq!(faults(|i| i.profile.profile_id = id.into()), [], "{id}");
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
        assert_eq!(faults(|i| change(i, limit)), [], "{field} at {limit}");
        let over = faults(|i| change(i, limit + 1));
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
        let faults = faults(|i| {
            i.properties.custom_properties = Some(format!(r#"{{"{name}":"x"}}"#));
        });
        assert_eq!(faults.is_empty(), is_fine, "{characters}");
        if let [fault] = faults.as_slice() {
            assert!(fault.field.chars().count() < 300, "{}", fault.field.len());
            assert!(fault.reason.contains(&format!("{characters} characters")));
        }
    }
}

#[test]
fn a_property_is_set_once() {
    for (custom, fields, field) in [
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
        let faults = faults(|i| {
            i.properties.name = text("Joe");
            i.properties.custom_properties = custom.map(str::to_owned);
            i.properties.dynamic_fields = fields
                .iter()
                .map(|name| dynamic(*name, PropertyValue::Number(1.0)))
                .collect();
        });
        assert_eq!(faults.len(), 1, "{custom:?} {fields:?}: {faults:?}");
        assert_eq!(faults[0].field, field);
    }
    // A blank one is not set, so another may be.
    assert_eq!(
        faults(|i| {
            i.properties.name = text(" ");
            i.properties.custom_properties = text(r#"{"$name":"Joe"}"#);
        }),
        []
    );
}

#[test]
fn custom_properties_are_an_object_of_strings() {
    for (json, field, rule) in [
        ("{", "", "line 1, column 2"),
        ("{\n \"a\": é}", "", "line 2, column 7"),
        ("{} x", "", "is not JSON"),
        (r#"{"a":"\ud800"}"#, ".a", "half a character"),
        (r#"{"\ud800":"a"}"#, "", "half a character"),
        ("[1]", "", "is an array"),
        ("7", "", "is a number"),
        ("true", "", "is a boolean"),
        (r#"{" ":"x"}"#, "", "blank key"),
        (r#"{"a":[{}]}"#, ".a", "is an array"),
        (r#"{"a":{"b":{}}}"#, ".a", "is an object"),
        (r#"{"a":1e999}"#, ".a", "is a number"),
    ] {
        let faults = faults(|i| i.properties.custom_properties = text(json));
        assert_eq!(faults.len(), 1, "{json}: {faults:?}");
        assert_eq!(
            faults[0].field,
            format!("properties.custom-properties{field}"),
            "{json}"
        );
        assert!(
            faults[0].reason.contains(rule),
            "{json}: {}",
            faults[0].reason
        );
    }
    for depth in [200, 100_000] {
        for json in ["[".repeat(depth), format!(r#"{{"a":{}"#, "[".repeat(depth))] {
            assert_eq!(
                faults(|i| i.properties.custom_properties = Some(json)).len(),
                1
            );
        }
    }
}

#[test]
fn reasons_repeat_neither_the_token_nor_a_value() {
    let secret = "s3cr3t-s3cr3t";
    let connection = Connection {
        project_token: secret.into(),
        base_url: Some(format!("http://{secret}@h")),
        ..connection()
    };
    let mut input = input("null");
    input.profile.ip_address = text(secret);
    input.profile.time = text(secret);
    input.properties.avatar = text(secret);
    input.properties.created = text(secret);
    input.properties.name = Some(secret.repeat(30));
    input.properties.custom_properties = Some(format!(r#"{{"a":"x" {secret}"#));
    let faults = build(&connection, &input).expect_err("faults");
    assert_eq!(faults.len(), 8);
    for fault in faults {
        assert!(
            !fault.reason.contains(secret),
            "{}: {}",
            fault.field,
            fault.reason
        );
    }
}
