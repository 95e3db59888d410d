//! Whatever the input: faults, or a request that holds just what was given, within every limit.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::Request;
use crate::bindings::profiles::{
    Connection, DynamicField, Input, InvalidField, Profile, Properties, PropertyValue, Region,
};
use crate::date_time::DateTime;
use crate::input::owned;

fn build(connection: &Connection, input: &Input) -> Result<Request, Vec<InvalidField>> {
    let connection = owned::connection(connection);
    owned::with_input(input, |input| super::build(&connection, input))
}

/// Mostly usable, now and then anything: blank, long, any Unicode.
fn text() -> BoxedStrategy<String> {
    prop_oneof![
        8 => "[a-z]{1,12}",
        2 => "\\PC{0,40}",
        1 => any::<String>(),
        1 => Just(String::new()),
        1 => "[ \t\u{a0}]{1,3}",
        1 => (250_usize..260).prop_map(|n| "x".repeat(n)),
        1 => (120_usize..130).prop_map(|n| "é".repeat(n)),
    ]
    .boxed()
}

fn date_time() -> BoxedStrategy<String> {
    prop_oneof![
        4 => (0_i64..253_402_300_800).prop_map(|seconds| seconds.to_string()),
        4 => (0_i64..253_402_300_800).prop_map(|seconds| {
            let date = DateTime::parse(&seconds.to_string()).expect("seconds");
            property_value(date) + "Z"
        }),
        1 => any::<i64>().prop_map(|seconds| seconds.to_string()),
        1 => text(),
    ]
    .boxed()
}

fn number() -> BoxedStrategy<f64> {
    prop_oneof![
        any::<f64>(),
        any::<i64>().prop_map(|n| {
            #[expect(clippy::cast_precision_loss, reason = "any number will do")]
            let number = n as f64;
            number
        }),
        Just(-0.0),
        Just(f64::NAN),
        Just(f64::INFINITY),
    ]
    .boxed()
}

fn value() -> BoxedStrategy<PropertyValue> {
    prop_oneof![
        4 => text().prop_map(PropertyValue::Text),
        3 => number().prop_map(PropertyValue::Number),
        2 => any::<bool>().prop_map(PropertyValue::Boolean),
        2 => date_time().prop_map(PropertyValue::DateTime),
        2 => vec(text(), 0..8).prop_map(PropertyValue::TextList),
        1 => (900_usize..1_100)
            .prop_map(|n| PropertyValue::TextList(vec!["y".repeat(250); n])),
    ]
    .boxed()
}

fn custom() -> BoxedStrategy<Option<String>> {
    let pairs = vec((text(), text()), 0..6).prop_map(|pairs| {
        let pairs: Vec<_> = pairs
            .into_iter()
            .map(|(key, value)| format!("{}:{}", Value::from(key), Value::from(value)))
            .collect();
        Some(format!("{{{}}}", pairs.join(",")))
    });
    prop_oneof![
        3 => Just(None),
        4 => pairs,
        1 => any::<String>().prop_map(Some),
        1 => Just(Some(r#"{"a":{"b":[1,null,true]}}"#.to_owned())),
    ]
    .boxed()
}

fn fields() -> BoxedStrategy<Vec<DynamicField>> {
    let some = vec((text(), value()), 0..8).prop_map(|fields| {
        fields
            .into_iter()
            .map(|(name, value)| DynamicField { name, value })
            .collect()
    });
    let many = (1_990_usize..2_010).prop_map(|count| {
        (0..count)
            .map(|n| DynamicField {
                name: format!("many {n}"),
                value: PropertyValue::Boolean(true),
            })
            .collect()
    });
    prop_oneof![20 => some, 1 => many].boxed()
}

fn connection() -> impl Strategy<Value = Connection> {
    let region = prop_oneof![
        Just(Region::Standard),
        Just(Region::Eu),
        Just(Region::India)
    ];
    let base_url = prop_oneof![
        4 => Just(None),
        2 => "https?://[a-z]{1,8}(\\.[a-z]{1,5})?(:[1-9][0-9]{0,3})?(/[a-z%0-9]{0,5})?".prop_map(Some),
        1 => any::<String>().prop_map(Some),
    ];
    let retries = prop_oneof![4 => option::of(0_u8..=10), 1 => any::<Option<u8>>()];
    (text(), region, base_url, retries).prop_map(|(token, region, base_url, max_retries)| {
        Connection {
            project_token: token,
            region,
            base_url,
            max_retries,
        }
    })
}

fn input() -> impl Strategy<Value = Input> {
    let ip = prop_oneof![
        2 => any::<std::net::IpAddr>().prop_map(|ip| ip.to_string()),
        1 => text(),
    ];
    let avatar = prop_oneof![
        2 => "https://[a-z]{1,8}/[a-z]{1,8}\\.(png|JPG|gif|jpeg)",
        1 => text(),
    ];
    let profile = (
        text(),
        option::weighted(0.3, ip),
        option::weighted(0.3, date_time()),
    );
    let names = vec(option::weighted(0.4, text()), 5);
    let rest = (
        option::weighted(0.3, avatar),
        option::weighted(0.3, date_time()),
        custom(),
        fields(),
    );
    (profile, names, rest).prop_map(|((profile_id, ip_address, time), names, rest)| {
        let mut names = names.into_iter();
        let mut next = || names.next().flatten();
        let (avatar, created, custom_properties, dynamic_fields) = rest;
        Input {
            profile: Profile {
                profile_id,
                ip_address,
                time,
            },
            properties: Properties {
                avatar,
                name: next(),
                first_name: next(),
                last_name: next(),
                created,
                email: next(),
                phone: next(),
                custom_properties,
                dynamic_fields,
            },
        }
    })
}

fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

fn date(text: &str) -> Value {
    property_value(DateTime::parse(text).expect("a valid date")).into()
}

fn property_value(date: DateTime) -> String {
    String::from_utf8(date.property_value().to_vec()).expect("ASCII")
}

/// What `$set_once` must hold, by a way of its own: one map, and a panic on anything that a valid
/// input cannot have.
fn model(properties: &Properties) -> BTreeMap<String, Value> {
    let mut set = BTreeMap::new();
    let mut put = |name: &str, value: Value| {
        assert!(set.insert(name.to_owned(), value).is_none(), "{name} twice");
    };
    for (name, value) in [
        ("$avatar", &properties.avatar),
        ("$name", &properties.name),
        ("$first_name", &properties.first_name),
        ("$last_name", &properties.last_name),
        ("$email", &properties.email),
        ("$phone", &properties.phone),
    ] {
        if let Some(value) = value.as_deref().filter(|value| !is_blank(value)) {
            put(name, value.into());
        }
    }
    if let Some(created) = properties.created.as_deref().filter(|c| !is_blank(c)) {
        put("$created", date(created));
    }
    if let Some(custom) = properties
        .custom_properties
        .as_deref()
        .filter(|c| !is_blank(c))
    {
        let custom: BTreeMap<String, String> = serde_json::from_str(custom).expect("strings");
        for (name, value) in custom {
            if !is_blank(&value) {
                put(&name, value.into());
            }
        }
    }
    for DynamicField { name, value } in &properties.dynamic_fields {
        match value {
            PropertyValue::Text(text) if is_blank(text) => {}
            PropertyValue::Text(text) => put(name, text.as_str().into()),
            PropertyValue::Number(number) => put(name, json!(number)),
            PropertyValue::Boolean(boolean) => put(name, json!(boolean)),
            PropertyValue::DateTime(text) if is_blank(text) => {}
            PropertyValue::DateTime(text) => put(name, date(text)),
            PropertyValue::TextList(items) if items.iter().all(|item| is_blank(item)) => {}
            PropertyValue::TextList(items) => put(name, json!(items)),
        }
    }
    set
}

/// Equal but for how a number is written: `3` for `3.0`.
fn same(sent: &Value, given: &Value) -> bool {
    match (sent, given) {
        (Value::Number(sent), Value::Number(given)) => sent.as_f64() == given.as_f64(),
        _ => sent == given,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3_000) })]

    #[test]
    fn faults_or_exactly_what_was_given(connection in connection(), input in input()) {
        let request = match build(&connection, &input) {
            Ok(request) => request,
            Err(faults) => {
                prop_assert!(!faults.is_empty());
                for fault in faults {
                    prop_assert!(!fault.reason.is_empty());
                    let known = ["connection.", "profile.", "properties"];
                    prop_assert!(known.iter().any(|place| fault.field.starts_with(place)));
                }
                return Ok(());
            }
        };
        prop_assert!(request.body.len() <= 1_000_002);
        let body: Value = serde_json::from_slice(&request.body).expect("JSON");
        prop_assert_eq!(body.as_array().map(Vec::len), Some(1));
        let update = body[0].as_object().expect("an update");
        prop_assert_eq!(&update["$token"], connection.project_token.as_str());
        prop_assert_eq!(&update["$distinct_id"], input.profile.profile_id.as_str());
        prop_assert!((1..=255).contains(&input.profile.profile_id.len()));
        let ip = input.profile.ip_address.as_deref().filter(|ip| !is_blank(ip));
        prop_assert_eq!(&update["$ip"], ip.unwrap_or("0"));
        let time = input.profile.time.as_deref().filter(|time| !is_blank(time));
        let time = time.map(|time| DateTime::parse(time).expect("a date").unix_seconds());
        prop_assert_eq!(update.get("$time").cloned(), time.map(Value::from));
        let set = update["$set_once"].as_object().expect("an object");
        let model = model(&input.properties);
        prop_assert!(set.len() == model.len() && set.len() <= 2_000);
        for (name, given) in &model {
            prop_assert!(!is_blank(name) && name.chars().count() <= 255);
            prop_assert!(same(&set[name], given), "{}: {} for {}", name, set[name], given);
            match given {
                Value::String(text) => prop_assert!(text.len() <= 255),
                Value::Array(items) => {
                    prop_assert!(given.to_string().len() <= 256_000);
                    for item in items {
                        let characters = item.as_str().expect("a text").chars().count();
                        prop_assert!(characters <= 255);
                    }
                }
                _ => {}
            }
        }
    }
}

/// Without it, a generator that is always refused would prove nothing.
#[test]
fn the_generators_make_enough_valid_inputs() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let strategy = (connection(), input());
    let valid = (0..1_000)
        .filter(|_| {
            let (connection, input) = strategy.new_tree(&mut runner).expect("a case").current();
            build(&connection, &input).is_ok()
        })
        .count();
    assert!((50..950).contains(&valid), "{valid} of 1000");
}
