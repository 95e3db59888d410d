//! What goes over the wire.

use host_harness::clock::Clock;
use host_harness::outbound::Options;
use host_harness::records::{Connection, Input, PropertyValue, Region};
use host_harness::stand_in::{self, Authority, StandIn, Validity};
use serde_json::{Value, json};

use crate::support::{Setup, TOKEN, card, created, dynamic, joe, text, user};

#[tokio::test]
async fn the_request_byte_for_byte() {
    let setup = Setup::new();
    assert_eq!(setup.call(&joe("amq")).await, created());

    let requests = setup.stand_in.requests();
    let [request] = requests.as_slice() else {
        panic!("{} requests", requests.len())
    };
    let body = format!(
        r#"[{{"$token":"{TOKEN}","$distinct_id":"amq","$ip":"0","$set_once":{{"$name":"Joe"}}}}]"#
    );
    assert_eq!(String::from_utf8_lossy(&request.body), body);
    let head = String::from_utf8_lossy(&request.head);
    let mut lines: Vec<_> = head.trim_end().split("\r\n").collect();
    assert_eq!(
        lines.remove(0),
        "POST /engage?ip=0&verbose=1&strict=1 HTTP/1.1"
    );
    lines.sort_unstable();
    let expected = [
        format!("content-length: {}", body.len()),
        "content-type: application/json".to_owned(),
        format!("host: {}", setup.stand_in.address()),
        format!(
            "user-agent: mixpanel-create-profile/{}",
            env!("CARGO_PKG_VERSION")
        ),
    ];
    assert_eq!(lines, expected);
}

type Change = Box<dyn Fn(&mut Input)>;

/// Each input of the card, and the update that it becomes; `$token` and `$distinct_id` aside.
#[tokio::test]
async fn every_input_reaches_its_place() {
    let cases: Vec<(&str, Change, Value)> = vec![
        (
            "nothing",
            Box::new(|_| {}),
            json!({"$ip": "0", "$set_once": {}}),
        ),
        (
            "ip-address v4",
            Box::new(|i| i.profile.ip_address = text("1.2.3.4")),
            json!({"$ip": "1.2.3.4", "$set_once": {}}),
        ),
        (
            "ip-address v6",
            Box::new(|i| i.profile.ip_address = text("2001:db8::1")),
            json!({"$ip": "2001:db8::1", "$set_once": {}}),
        ),
        (
            "time in Unix seconds",
            Box::new(|i| i.profile.time = text("1234567890")),
            json!({"$ip": "0", "$time": 1_234_567_890, "$set_once": {}}),
        ),
        (
            "time in RFC 3339",
            Box::new(|i| i.profile.time = text("2021-01-20T09:35:08-08:00")),
            json!({"$ip": "0", "$time": 1_611_164_108, "$set_once": {}}),
        ),
        (
            "reserved properties",
            Box::new(|i| {
                i.properties.avatar = text("https://example.com/a.png?size=64");
                i.properties.name = text("Joe Doe");
                i.properties.first_name = text("Joe");
                i.properties.last_name = text("Doe");
                i.properties.created = text("2013-01-01T18:04:05-08:00");
                i.properties.email = text("joe@example.com");
                i.properties.phone = text("+4930123456");
            }),
            json!({"$ip": "0", "$set_once": {
                "$avatar": "https://example.com/a.png?size=64",
                "$name": "Joe Doe",
                "$first_name": "Joe",
                "$last_name": "Doe",
                "$created": "2013-01-02T02:04:05",
                "$email": "joe@example.com",
                "$phone": "+4930123456",
            }}),
        ),
        (
            "blank values",
            Box::new(|i| {
                i.profile.ip_address = text("");
                i.profile.time = text(" ");
                i.properties.email = text("");
                i.properties.phone = text(" ");
                i.properties.created = text("\t");
                i.properties.avatar = text("\n");
                i.properties.custom_properties = text(r#"{"plan": " "}"#);
                i.properties.dynamic_fields = vec![
                    dynamic("a", PropertyValue::Text(" ".into())),
                    dynamic("b", PropertyValue::DateTime(String::new())),
                    dynamic("c", PropertyValue::TextList(vec![])),
                ];
            }),
            json!({"$ip": "0", "$set_once": {}}),
        ),
        (
            "custom-properties",
            Box::new(|i| {
                i.properties.custom_properties =
                    text(r#"{"plan": "pro", "größe": "10 \u20ac \"x\""}"#);
            }),
            json!({"$ip": "0", "$set_once": {"plan": "pro", "größe": "10 € \"x\""}}),
        ),
        (
            "dynamic-fields",
            Box::new(|i| {
                i.properties.dynamic_fields = vec![
                    dynamic("text", PropertyValue::Text("val1".into())),
                    dynamic("integral", PropertyValue::Number(3.0)),
                    dynamic("number", PropertyValue::Number(-1.5)),
                    dynamic("boolean", PropertyValue::Boolean(false)),
                    dynamic("date", PropertyValue::DateTime("1611164108".into())),
                    dynamic(
                        "list",
                        PropertyValue::TextList(vec!["a".into(), String::new()]),
                    ),
                ];
            }),
            json!({"$ip": "0", "$set_once": {
                "text": "val1",
                "integral": 3,
                "number": -1.5,
                "boolean": false,
                "date": "2021-01-20T17:35:08",
                "list": ["a", ""],
            }}),
        ),
    ];
    let setup = Setup::new();
    for (case, change, update) in cases {
        let mut input = user("$device:4711");
        change(&mut input);
        setup.stand_in.clear_requests();
        assert_eq!(setup.call(&input).await, created(), "{case}");
        let requests = setup.stand_in.requests();
        let mut sent: Value = serde_json::from_slice(&requests[0].body).expect("JSON");
        let sent = sent[0].as_object_mut().expect("an update");
        assert_eq!(sent.remove("$token"), Some(TOKEN.into()), "{case}");
        assert_eq!(
            sent.remove("$distinct_id"),
            Some("$device:4711".into()),
            "{case}"
        );
        assert_eq!(Value::Object(sent.clone()), update, "{case}");
    }
}

#[tokio::test]
async fn an_existing_profile_gets_what_it_lacks_and_keeps_what_it_has() {
    let setup = Setup::new();
    let mut input = joe("u1");
    input.properties.email = text("old@example.com");
    assert_eq!(setup.call(&input).await, created());
    let mut again = user("u1");
    again.properties.email = text("new@example.com");
    again.properties.phone = text("+4930123456");
    assert_eq!(setup.call(&again).await, created());
    assert_eq!(
        setup.properties("u1").expect("the profile"),
        json!({"$name": "Joe", "$email": "old@example.com", "$phone": "+4930123456"})
    );
    assert_eq!(setup.stand_in.profile_count(), 1);
}

#[tokio::test]
async fn a_base_url_may_have_a_path() {
    let mut setup = Setup::new();
    for (path, target) in [
        ("", "/engage?ip=0&verbose=1&strict=1"),
        ("/", "/engage?ip=0&verbose=1&strict=1"),
        (
            "/proxy/mixpanel/",
            "/proxy/mixpanel/engage?ip=0&verbose=1&strict=1",
        ),
    ] {
        setup.connection.base_url = Some(setup.stand_in.origin() + path);
        setup.connection.max_retries = Some(0);
        setup.stand_in.clear_requests();
        setup.call(&joe("u1")).await;
        assert_eq!(setup.stand_in.requests()[0].target(), target);
    }
}

/// The untouched origins of the three regions, over TLS, with names that lead to the stand-in.
#[tokio::test]
async fn each_region_has_its_own_server() {
    let authority = Authority::new().expect("an authority");
    for (region, host) in [
        (Region::Standard, "api.mixpanel.com"),
        (Region::Eu, "api-eu.mixpanel.com"),
        (Region::India, "api-in.mixpanel.com"),
    ] {
        let tls = authority
            .server(&[host], Validity::Valid)
            .expect("a certificate");
        let options = stand_in::Options {
            tls: Some(tls),
            ..Default::default()
        };
        let stand_in = StandIn::start(options).expect("a stand-in");
        let mut outbound = Options {
            resolve: vec![
                format!("{host}:443:{}", stand_in.address())
                    .parse()
                    .expect("a name"),
            ],
            ..Options::default()
        };
        outbound
            .trust_pem(authority.pem().as_bytes())
            .expect("a certificate");
        let card = card(outbound).with_clock(Clock::System);
        let connection = Connection {
            project_token: TOKEN.into(),
            region,
            ..Connection::default()
        };
        let outcome = card
            .create_profile(&connection, &joe("u1"))
            .await
            .expect("a call");
        assert_eq!(outcome, created(), "{region:?}");
        assert_eq!(stand_in.requests()[0].header("host").as_deref(), Some(host));
    }
}
