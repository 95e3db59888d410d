//! What an update may hold.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{PLAIN, STRICT, answer, post, update};
use crate::mixpanel::Mixpanel;

/// What `body` is refused with, as (field, message); the field is empty for the whole request.
fn refusal(body: &str) -> (String, String) {
    let mut mixpanel = Mixpanel::default();
    let answer = post(&mut mixpanel, STRICT, body);
    assert_eq!(
        (answer.status.as_u16(), mixpanel.count()),
        (400, 0),
        "{body:.200}"
    );
    let answer: Value = serde_json::from_slice(&answer.body).expect("JSON");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match &answer["failed_records"][0] {
        Value::Null => (String::new(), text(&answer["error"])),
        record => (text(&record["field"]), text(&record["message"])),
    }
}

#[test]
fn updates_that_are_refused() {
    let root =
        |extra: &str| format!(r#"[{{"$token":"T","$distinct_id":"u",{extra},"$set_once":{{}}}}]"#);
    let id = |id: &str| format!(r#"[{{"$token":"T","$distinct_id":{id},"$set_once":{{}}}}]"#);
    let long_id = format!("{:?}", "x".repeat(256));
    for (body, field, message) in [
        ("{}".to_owned(), "", "must be a JSON array"),
        ("[1]".to_owned(), "", "must be an object"),
        ("[]".to_owned(), "", "0 updates"),
        (
            format!("[{}]", vec!["{}"; 2_001].join(",")),
            "",
            "2001 updates",
        ),
        ("\u{feff}[]".to_owned(), "", "must be a JSON array"),
        (update("{}") + "x", "", "must be a JSON array"),
        ("[".repeat(100_000), "", "must be a JSON array"),
        (root(r#""$token":"T""#), "", r#""$token" stands twice"#),
        (update(r#"{"a":1,"a":1}"#), "", r#""a" stands twice"#),
        (update(r#"{"a":{"b":1,"b":1}}"#), "", r#""b" stands twice"#),
        (id("7"), "$distinct_id", "must be a string"),
        (id(r#""anon""#), "$distinct_id", "is a placeholder"),
        (id(r#""{}""#), "$distinct_id", "is a placeholder"),
        (id(&long_id), "$distinct_id", "has 256 bytes"),
        (root(r#""$ip":0"#), "$ip", "must be an IP address"),
        (root(r#""$ip":"""#), "$ip", "must be an IP address"),
        (root(r#""$ip":"localhost""#), "$ip", "must be an IP address"),
        (
            root(r#""$ip":"[::1]:53709""#),
            "$ip",
            "must be an IP address",
        ),
        (
            root(r#""$time":"1611164108""#),
            "$time",
            "must be an integer",
        ),
        (
            root(r#""$time":1611164108.5"#),
            "$time",
            "must be an integer",
        ),
        (
            root(r#""$time":1611164108000"#),
            "$time",
            "must be an integer",
        ),
        (root(r#""$time":-1"#), "$time", "must be an integer"),
        (root(r#""$set":{}"#), "$set", "is not known"),
        (
            root(r#""$ignore_time":true"#),
            "$ignore_time",
            "is not known",
        ),
        (
            r#"[{"$token":"T","$distinct_id":"u"}]"#.to_owned(),
            "$set_once",
            "must be an object",
        ),
        (update("[]"), "$set_once", "must be an object"),
    ] {
        let (found_field, found) = refusal(&body);
        assert_eq!(found_field, field, "{body:.200}: {found}");
        assert!(found.contains(message), "{body:.200}: {found}");
    }
}

#[test]
fn every_placeholder_id_is_refused_and_its_likes_are_not() {
    let body = |id| json!([{"$token": "T", "$distinct_id": id, "$set_once": {}}]).to_string();
    for id in crate::mixpanel::update::PLACEHOLDER_IDS {
        assert_eq!(refusal(&body(id)).0, "$distinct_id", "{id}");
    }
    for id in [
        "$device:0",
        "Anon",
        "00",
        "user1",
        "\u{1f600}",
        &"x".repeat(255),
    ] {
        assert_eq!(answer(PLAIN, body(id)), (200, "1".to_owned()), "{id}");
    }
}

#[test]
fn properties_at_their_limits() {
    let text = |length| json!({"k": "x".repeat(length)});
    let name = |length| json!({"é".repeat(length): 1});
    let item = |length| json!({"k": ["é".repeat(length)]});
    // Each item takes three bytes, two quotes and a comma; two brackets are for one comma less.
    let list = |items| json!({"k": vec!["abc"; items]});
    let many = |count| {
        (0..count)
            .map(|i| (format!("p{i}"), json!(i)))
            .collect::<Value>()
    };
    for (set_once, message) in [
        (text(255), None),
        (text(256), Some("has 256 bytes")),
        (json!({"k": "é".repeat(127)}), None),
        (json!({"k": "é".repeat(128)}), Some("has 256 bytes")),
        (name(255), None),
        (name(256), Some("the name has 256 characters")),
        (json!({"": 1}), Some("must have a name")),
        (item(255), None),
        (item(256), Some("an item has 256 characters")),
        (list(42_666), None),
        (list(42_667), Some("the list has 256003 bytes")),
        (many(2_000), None),
        (many(2_001), Some("the profile would have 2001")),
        (json!({"k": null}), Some("null is no value")),
        (
            json!({"k": [1, true, 2.5, {"a": []}], "l": false, "m": 1e300}),
            None,
        ),
        (json!({"$ip": "1.2.3.4"}), Some("belongs beside the set")),
        (json!({"$created": "2013-01-02T02:04:05"}), None),
        (json!({"$created": "2024-02-29T23:59:59"}), None),
        (
            json!({"$created": "2023-02-29T23:59:59"}),
            Some("must be a date"),
        ),
        (
            json!({"$created": "2013-01-02T02:04:05Z"}),
            Some("must be a date"),
        ),
        (
            json!({"$created": "2013-01-02 02:04:05"}),
            Some("must be a date"),
        ),
        (
            json!({"$created": "2013-01-02T24:04:05"}),
            Some("must be a date"),
        ),
        (
            json!({"$created": "20130102T020405.123"}),
            Some("must be a date"),
        ),
        (
            json!({"$created": "2013-01-02t02:04:05"}),
            Some("must be a date"),
        ),
        (
            json!({"$created": "-013-01-02T02:04:05"}),
            Some("must be a date"),
        ),
        (json!({"$created": "2013-01-02"}), Some("must be a date")),
        (json!({"$created": 1_611_164_108}), Some("must be a string")),
        (json!({"$avatar": ["a"]}), Some("must be a string")),
        (json!({"$phone": 123}), Some("must be a string")),
        (json!({"$email": null}), Some("must be a string")),
    ] {
        let body = update(&set_once.to_string());
        match message {
            None => assert_eq!(answer(PLAIN, &body), (200, "1".to_owned()), "{body:.200}"),
            Some(message) => {
                let (field, found) = refusal(&body);
                assert!(field.starts_with("$set_once"), "{field}");
                assert!(found.contains(message), "{body:.200}: {found}");
            }
        }
    }
}

#[test]
fn an_update_of_more_than_a_megabyte_is_refused() {
    let set_once = |properties: usize| {
        let mut set = String::from("{");
        for i in 0..properties {
            // 513 bytes each, with quotes, colon and comma.
            let _ = write!(set, r#""{i:0254}":"{}","#, "x".repeat(253));
        }
        set + r#""last":1}"#
    };
    assert_eq!(answer(PLAIN, update(&set_once(1_949))).1, "1");
    let (field, message) = refusal(&update(&set_once(1_950)));
    assert_eq!(
        (field.as_str(), message.contains("at most 1000000")),
        ("", true),
        "{message}"
    );
}
