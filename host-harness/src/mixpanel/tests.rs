use httparse::Header;
use serde_json::{Value, json};

use super::{Answer, Mixpanel, Request};

mod rules;

const PLAIN: &str = "/engage?ip=0";
const VERBOSE: &str = "/engage?ip=0&verbose=1";
const STRICT: &str = "/engage?ip=0&verbose=1&strict=1";

fn post(mixpanel: &mut Mixpanel, target: &str, body: impl AsRef<[u8]>) -> Answer {
    let headers = [Header {
        name: "content-type",
        value: b"application/json",
    }];
    let body = body.as_ref();
    mixpanel.engage(&Request {
        method: "POST",
        target,
        headers: &headers,
        body,
    })
}

fn answer(target: &str, body: impl AsRef<[u8]>) -> (u16, String) {
    let answer = post(&mut Mixpanel::default(), target, body);
    (
        answer.status.as_u16(),
        String::from_utf8_lossy(&answer.body).into_owned(),
    )
}

/// An update of the user `u` that sets `$set_once` to the given JSON.
fn update(set_once: &str) -> String {
    format!(r#"[{{"$token":"T","$distinct_id":"u","$ip":"0","$set_once":{set_once}}}]"#)
}

#[test]
fn answers_that_are_known() {
    let good = r#"[{"$token":"T","$distinct_id":"u","$ip":"0","$set_once":{"a":"b"}}]"#;
    let no_token = r#"[{"$distinct_id":"u","$set_once":{}}]"#;
    let empty_token = r#"[{"$token":"","$distinct_id":"u","$set_once":{}}]"#;
    let no_id = r#"[{"$token":"T","$set_once":{}}]"#;
    let empty_id = r#"[{"$token":"T","$distinct_id":"","$set_once":{}}]"#;
    let token_error = r#"{"error":"$token, missing or empty","status":0}"#;
    let id_error = r#"{"error":"$distinct_id, missing or empty","status":0}"#;
    let accepted = r#"{"error":null,"errors":{},"num_good_events":1,"status":1}"#;
    for (target, body, expected) in [
        (PLAIN, good, "1"),
        (VERBOSE, good, r#"{"error":null,"status":1}"#),
        (STRICT, good, accepted),
        ("/engage?strict=1", good, accepted),
        ("/engage?strict=0&verbose=10", good, "1"),
        ("/engage", good, "1"),
        (VERBOSE, no_token, token_error),
        (VERBOSE, empty_token, token_error),
        (VERBOSE, no_id, id_error),
        (VERBOSE, empty_id, id_error),
        (STRICT, no_token, token_error),
        (STRICT, empty_id, id_error),
        (PLAIN, no_token, "0"),
        (PLAIN, "[{", "0"),
        (PLAIN, "[]", "0"),
    ] {
        assert_eq!(
            answer(target, body),
            (200, expected.to_owned()),
            "{target} {body}"
        );
    }
    assert_eq!(
        answer(STRICT, vec![b' '; 2_097_153]),
        (
            413,
            r#"{"code":413,"error":"request exceeds max limit of 2097152 bytes","status":"Request Entity Too Large"}"#
                .to_owned()
        )
    );
}

#[test]
fn an_invalid_update_in_each_form_of_answer() {
    let body = update(r#"{"$name":1}"#);
    assert_eq!(answer(PLAIN, &body), (200, "0".to_owned()));
    let verbose = r#"{"error":"$set_once.$name, must be a string","status":0}"#;
    assert_eq!(answer(VERBOSE, &body), (200, verbose.to_owned()));
    let strict = r#"{"code":400,"error":"some data points in the request failed validation","failed_records":[{"index":0,"field":"$set_once.$name","message":"must be a string"}],"num_records_imported":0,"status":"Bad Request"}"#;
    assert_eq!(answer(STRICT, &body), (400, strict.to_owned()));
}

#[test]
fn good_updates_beside_bad_ones_are_stored() {
    let mut mixpanel = Mixpanel::default();
    let body = r#"[{"$token":"T","$distinct_id":"a","$set_once":{}},
                   {"$token":"T","$distinct_id":"b","$set":{}},
                   {"$token":"T","$distinct_id":"c","$set_once":{}}]"#;
    let answer = post(&mut mixpanel, STRICT, body);
    assert_eq!(answer.status.as_u16(), 400);
    let answer: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(answer["num_records_imported"], 2);
    assert_eq!(answer["failed_records"][0]["index"], 1);
    let ids: Vec<_> = mixpanel.profiles().map(|(_, id, _)| id).collect();
    assert_eq!(ids, ["a", "c"]);
}

#[test]
fn paths_methods_and_headers() {
    let json = Header {
        name: "Content-Type",
        value: b"application/json",
    };
    let utf8 = Header {
        name: "CONTENT-TYPE",
        value: b"Application/JSON; charset=utf-8",
    };
    let text = Header {
        name: "Content-Type",
        value: b"text/plain",
    };
    let gzip = Header {
        name: "Content-Encoding",
        value: b"gzip",
    };
    for (method, target, headers, status) in [
        ("POST", STRICT, vec![json], 200),
        ("POST", STRICT, vec![utf8], 200),
        ("POST", STRICT, vec![], 400),
        ("POST", STRICT, vec![text], 400),
        ("POST", STRICT, vec![json, json], 400),
        ("POST", STRICT, vec![json, gzip], 400),
        ("GET", STRICT, vec![json], 405),
        ("PUT", STRICT, vec![json], 405),
        ("POST", "/engage/", vec![json], 404),
        ("POST", "/engage#profile-set-once", vec![json], 404),
        ("POST", "/track", vec![json], 404),
        ("GET", "/", vec![json], 404),
    ] {
        let body = update("{}");
        let request = Request {
            method,
            target,
            headers: &headers,
            body: body.as_bytes(),
        };
        let answer = Mixpanel::default().engage(&request);
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{method} {target} {headers:?}"
        );
    }
}

#[test]
fn set_once_adds_what_is_missing_and_overwrites_nothing() {
    let mut mixpanel = Mixpanel::default();
    for (set_once, expected) in [
        (
            r#"{"plan":"free","$name":"Jo"}"#,
            r#"{"plan":"free","$name":"Jo"}"#,
        ),
        (
            r#"{"$name":"Joe","age":7}"#,
            r#"{"plan":"free","$name":"Jo","age":7}"#,
        ),
        (
            r#"{"plan":"free"}"#,
            r#"{"plan":"free","$name":"Jo","age":7}"#,
        ),
        ("{}", r#"{"plan":"free","$name":"Jo","age":7}"#),
    ] {
        assert_eq!(post(&mut mixpanel, PLAIN, update(set_once)).body, "1");
        let profile = mixpanel.profile("T", "u").expect("a profile");
        assert_eq!(
            Value::from(profile.properties.clone()).to_string(),
            expected
        );
    }
    assert_eq!(
        mixpanel.profile("T", "u").map(|profile| profile.updates),
        Some(4)
    );
    assert_eq!(mixpanel.count(), 1);
    assert_eq!(
        (mixpanel.profile("T", "v"), mixpanel.profile("U", "u")),
        (None, None)
    );

    // The limit is the profile's, however many updates it takes to get there.
    let most: Value = (0..1_997).map(|i| (format!("p{i}"), json!(i))).collect();
    assert_eq!(
        post(&mut mixpanel, PLAIN, update(&most.to_string())).body,
        "1"
    );
    assert_eq!(
        post(&mut mixpanel, PLAIN, update(r#"{"p0":0,"age":8}"#)).body,
        "1"
    );
    assert_eq!(
        post(&mut mixpanel, PLAIN, update(r#"{"one more":1}"#)).body,
        "0"
    );
}

#[test]
fn profiles_are_kept_apart_by_project() {
    let mut mixpanel = Mixpanel::default();
    for token in ["T", "U"] {
        let body = json!([{"$token": token, "$distinct_id": "u", "$set_once": {"of": token}}]);
        assert_eq!(post(&mut mixpanel, PLAIN, body.to_string()).body, "1");
    }
    let of: Vec<_> = mixpanel
        .profiles_of("u")
        .map(|profile| &profile.properties["of"])
        .collect();
    assert_eq!(of, ["T", "U"]);
    assert_eq!(mixpanel.count(), 2);
}

#[test]
fn where_a_location_comes_from_and_when() {
    for (target, updates, location, time) in [
        (PLAIN, vec![r#""$ip":"0""#], json!(null), json!(null)),
        (
            PLAIN,
            vec![r#""$ip":"1.2.3.4","$time":1234567890"#],
            json!("1.2.3.4"),
            json!(1_234_567_890),
        ),
        (
            PLAIN,
            vec![r#""$ip":"2001:db8::1""#],
            json!("2001:db8::1"),
            json!(null),
        ),
        (PLAIN, vec![r#""$time":0"#], json!(null), json!(0)),
        ("/engage", vec![r#""$time":1"#], json!("caller"), json!(1)),
        (
            "/engage?ip=1",
            vec![r#""$time":1"#],
            json!("caller"),
            json!(1),
        ),
        ("/engage", vec![r#""$ip":"0""#], json!(null), json!(null)),
        (
            PLAIN,
            vec![r#""$ip":"1.2.3.4","$time":5"#, r#""$ip":"0""#],
            json!("1.2.3.4"),
            json!(5),
        ),
        (
            "/engage",
            vec![r#""$ip":"1.2.3.4""#, r#""$time":9"#],
            json!("caller"),
            json!(9),
        ),
    ] {
        let mut mixpanel = Mixpanel::default();
        for update in &updates {
            let body =
                format!(r#"[{{"$token":"T","$distinct_id":"u",{update},"$set_once":{{}}}}]"#);
            assert_eq!(
                post(&mut mixpanel, target, body).body,
                "1",
                "{target} {update}"
            );
        }
        let profile = mixpanel
            .profile("T", "u")
            .map(|profile| profile.to_json("u"));
        let expected = json!({
            "$distinct_id": "u",
            "$properties": {},
            "location": location,
            "time": time,
            "updates": updates.len(),
        });
        assert_eq!(profile, Some(expected), "{target} {updates:?}");
    }
}
