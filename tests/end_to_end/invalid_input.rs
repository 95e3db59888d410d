//! Inputs that break a rule: every fault is named, and nothing is sent.

use host_harness::records::{Connection, Error, Input, InvalidField, Outcome, PropertyValue};

use crate::support::{Setup, TOKEN, dynamic, joe, text};

fn invalid(outcome: Outcome) -> Vec<InvalidField> {
    match outcome {
        Outcome::Err(Error::PermanentInvalidInput(fields)) => fields,
        other => panic!("accepted: {other:?}"),
    }
}

type Change = Box<dyn Fn(&mut Connection, &mut Input)>;

fn case(
    change: impl Fn(&mut Connection, &mut Input) + 'static,
    field: &'static str,
    rule: &'static str,
) -> (Change, &'static str, &'static str) {
    (Box::new(change), field, rule)
}

#[tokio::test]
async fn each_fault_is_named_and_nothing_is_sent() {
    let number = |name: &'static str, number: f64| {
        move |_: &mut Connection, input: &mut Input| {
            input.properties.dynamic_fields = vec![dynamic(name, PropertyValue::Number(number))];
        }
    };
    let custom = |json: &'static str| {
        move |_: &mut Connection, input: &mut Input| input.properties.custom_properties = text(json)
    };
    let base = |url: &'static str| {
        move |connection: &mut Connection, _: &mut Input| connection.base_url = text(url)
    };
    let id = |id: &'static str| {
        move |_: &mut Connection, input: &mut Input| input.profile.profile_id = id.to_owned()
    };
    let ip = |ip: &'static str| {
        move |_: &mut Connection, input: &mut Input| input.profile.ip_address = text(ip)
    };
    let long = "é".repeat(128);
    let item = "é".repeat(256);
    let many = (0..2_001)
        .map(|i| dynamic(&format!("p{i}"), PropertyValue::Boolean(true)))
        .collect::<Vec<_>>();
    let big_list = vec!["x".repeat(200); 1_300];
    let big_lists = (0..5)
        .map(|i| {
            dynamic(
                &format!("l{i}"),
                PropertyValue::TextList(vec!["x".repeat(200); 1_000]),
            )
        })
        .collect::<Vec<_>>();

    let mut cases = vec![
        case(
            |c, _| c.project_token = " ".into(),
            "connection.project-token",
            "is blank",
        ),
        case(
            |c, _| c.project_token = format!("{TOKEN}\n"),
            "connection.project-token",
            "a line end",
        ),
        case(
            |c, _| c.project_token = format!("\u{feff}{TOKEN}"),
            "connection.project-token",
            "a byte order mark",
        ),
        case(
            |c, _| c.project_token = "${MIXPANEL_TOKEN}".into(),
            "connection.project-token",
            "a variable",
        ),
        case(base("http://0x7f000001"), "connection.base-url", "host"),
        case(base("http://h:000041213"), "connection.base-url", "port"),
        case(base("proxy.example"), "connection.base-url", "http://"),
        case(
            base("ftp://proxy.example"),
            "connection.base-url",
            "http://",
        ),
        case(base("http://"), "connection.base-url", "has no host"),
        case(
            base("http://user:pass@h"),
            "connection.base-url",
            "user info",
        ),
        case(base("http://h?q"), "connection.base-url", "query"),
        case(base("http://h#f"), "connection.base-url", "fragment"),
        case(base("http://h:99999"), "connection.base-url", "port"),
        case(base("http://h h"), "connection.base-url", "host"),
        case(
            |c, _| c.max_retries = Some(11),
            "connection.max-retries",
            "at most 10",
        ),
        case(id(""), "profile.profile-id", "is blank"),
        case(id(" \t\u{3000}"), "profile.profile-id", "is blank"),
        case(
            move |_, i| i.profile.profile_id = long.clone(),
            "profile.profile-id",
            "256 bytes",
        ),
        case(
            ip("[::1]:53709"),
            "profile.ip-address",
            "is not an IP address",
        ),
        case(
            ip("localhost"),
            "profile.ip-address",
            "is not an IP address",
        ),
        case(ip("0"), "profile.ip-address", "is not an IP address"),
        case(ip(" 1.2.3.4"), "profile.ip-address", "is not an IP address"),
        case(
            ip("fe80::1%eth0"),
            "profile.ip-address",
            "is not an IP address",
        ),
        case(
            |_, i| i.profile.time = text("2021-01-20"),
            "profile.time",
            "without a time",
        ),
        case(
            |_, i| i.profile.time = text("1611164108000"),
            "profile.time",
            "milliseconds",
        ),
        case(
            |_, i| i.profile.time = text("1969-12-31T23:59:59Z"),
            "profile.time",
            "is before 1970",
        ),
        case(
            |_, i| i.properties.created = text("1899-12-30T00:00:00Z"),
            "properties.created",
            "is not within the years 1900 to 9999",
        ),
        case(
            |_, i| i.properties.created = text("45292"),
            "properties.created",
            "spreadsheet",
        ),
        case(
            |_, i| i.properties.created = text("2021-01-20T09:35:08"),
            "properties.created",
            "no offset",
        ),
        case(
            |_, i| i.properties.avatar = text("a.png"),
            "properties.avatar",
            "is not a URL",
        ),
        case(
            |_, i| i.properties.avatar = text("https://example.com/a.svg"),
            "properties.avatar",
            "does not end in",
        ),
        case(
            |_, i| i.properties.name = Some("x".repeat(256)),
            "properties.name",
            "256 bytes",
        ),
        case(
            |_, i| i.properties.first_name = Some("x".repeat(300)),
            "properties.first-name",
            "300 bytes",
        ),
        case(
            |_, i| i.properties.last_name = Some("x".repeat(256)),
            "properties.last-name",
            "at most 255",
        ),
        case(
            |_, i| i.properties.email = Some("x".repeat(256)),
            "properties.email",
            "256 bytes",
        ),
        case(
            |_, i| i.properties.phone = Some("x".repeat(256)),
            "properties.phone",
            "256 bytes",
        ),
        case(
            custom("plan=pro"),
            "properties.custom-properties",
            "is not JSON",
        ),
        case(
            custom("{\"a\": \"b\"} x"),
            "properties.custom-properties",
            "is not JSON",
        ),
        case(custom("[]"), "properties.custom-properties", "is an array"),
        case(custom("null"), "properties.custom-properties", "is null"),
        case(
            custom("\"x\""),
            "properties.custom-properties",
            "is a string",
        ),
        case(
            custom("{\"a\": 1}"),
            "properties.custom-properties.a",
            "is a number",
        ),
        case(
            custom("{\"a\": null}"),
            "properties.custom-properties.a",
            "is null",
        ),
        case(
            custom("{\"a\": true}"),
            "properties.custom-properties.a",
            "is a boolean",
        ),
        case(
            custom("{\"a\": {}}"),
            "properties.custom-properties.a",
            "is an object",
        ),
        case(
            custom("{\"a\": []}"),
            "properties.custom-properties.a",
            "is an array",
        ),
        case(
            custom("{\"\": \"x\"}"),
            "properties.custom-properties",
            "blank key",
        ),
        case(
            custom("{\"a\":\"1\",\"a\":\"2\"}"),
            "properties.custom-properties.a",
            "twice",
        ),
        case(
            custom("{\"$name\":\"Jo\"}"),
            "properties.custom-properties.$name",
            "properties.name",
        ),
        case(number("n", f64::NAN), "properties.dynamic-fields.n", "NaN"),
        case(
            number("n", f64::INFINITY),
            "properties.dynamic-fields.n",
            "infinite",
        ),
        case(
            number("n", f64::NEG_INFINITY),
            "properties.dynamic-fields.n",
            "infinite",
        ),
        case(
            number("$ip", 1.0),
            "properties.dynamic-fields.$ip",
            "use profile.ip-address",
        ),
        case(
            number("", 1.0),
            "properties.dynamic-fields[0].name",
            "is blank",
        ),
        case(
            number("$name", 1.0),
            "properties.dynamic-fields.$name",
            "properties.name",
        ),
        case(
            |_, i| {
                i.properties.dynamic_fields =
                    vec![dynamic("d", PropertyValue::DateTime("x".into()))];
            },
            "properties.dynamic-fields.d",
            "is not a date and time",
        ),
        case(
            move |_, i| {
                let value = PropertyValue::TextList(vec!["a".into(), item.clone()]);
                i.properties.dynamic_fields = vec![dynamic("l", value)];
            },
            "properties.dynamic-fields.l[1]",
            "256 characters",
        ),
        case(
            move |_, i| {
                let value = PropertyValue::TextList(big_list.clone());
                i.properties.dynamic_fields = vec![dynamic("l", value)];
            },
            "properties.dynamic-fields.l",
            "at most 256000",
        ),
        case(
            |_, i| {
                let value = PropertyValue::Boolean(true);
                i.properties.dynamic_fields =
                    vec![dynamic("a", value.clone()), dynamic("a", value)];
            },
            "properties.dynamic-fields.a",
            "already",
        ),
        case(
            move |_, i| {
                i.properties.name = None;
                i.properties.dynamic_fields = many.clone();
            },
            "properties",
            "2001 properties",
        ),
        case(
            move |_, i| i.properties.dynamic_fields = big_lists.clone(),
            "properties",
            "at most 1000000",
        ),
    ];
    for placeholder in [
        "00000000-0000-0000-0000-000000000000",
        "anon",
        "anonymous",
        "nil",
        "none",
        "null",
        "n/a",
        "na",
        "undefined",
        "unknown",
        "<nil>",
        "0",
        "-1",
        "true",
        "false",
        "[]",
        "{}",
    ] {
        cases.push(case(id(placeholder), "profile.profile-id", "placeholder"));
    }

    let setup = Setup::new();
    for (index, (change, field, rule)) in cases.iter().enumerate() {
        let (mut connection, mut input) = (setup.connection.clone(), joe("u1"));
        change(&mut connection, &mut input);
        let outcome = setup
            .card
            .create_profile(&connection, &input)
            .await
            .expect("a call");
        let fields = invalid(outcome);
        let [fault] = fields.as_slice() else {
            panic!("case {index}: {fields:?}")
        };
        assert_eq!(fault.field, *field, "case {index}: {}", fault.reason);
        assert!(
            fault.reason.contains(rule),
            "case {index}, {field}: {}",
            fault.reason
        );
    }
    assert!(setup.stand_in.requests().is_empty(), "nothing is sent");
    assert_eq!(setup.stand_in.connections(), 0);
}

#[tokio::test]
async fn all_faults_are_named_at_once_in_the_order_of_the_input() {
    let setup = Setup::new();
    let mut connection = setup.connection.clone();
    connection.project_token = String::new();
    connection.base_url = text("h");
    connection.max_retries = Some(200);
    let mut input = joe("null");
    input.profile.ip_address = text("::1]");
    input.profile.time = text("soon");
    input.properties.avatar = text("x");
    input.properties.name = Some("x".repeat(256));
    input.properties.created = text("x");
    input.properties.custom_properties = text(r#"{"a": 1, "b": null, "$created": "x"}"#);
    input.properties.dynamic_fields = vec![
        dynamic("n", PropertyValue::Number(f64::NAN)),
        dynamic(" ", PropertyValue::Number(1.0)),
    ];
    let outcome = setup
        .card
        .create_profile(&connection, &input)
        .await
        .expect("a call");
    let fields: Vec<_> = invalid(outcome)
        .into_iter()
        .map(|fault| fault.field)
        .collect();
    assert_eq!(
        fields,
        [
            "connection.project-token",
            "connection.base-url",
            "connection.max-retries",
            "profile.profile-id",
            "profile.ip-address",
            "profile.time",
            "properties.avatar",
            "properties.name",
            "properties.created",
            "properties.custom-properties.a",
            "properties.custom-properties.b",
            "properties.custom-properties.$created",
            "properties.dynamic-fields.n",
            "properties.dynamic-fields[1].name",
        ]
    );
    assert_eq!(setup.stand_in.connections(), 0);
}
