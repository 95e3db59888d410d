//! Whatever the input: invalid fields, or an update that holds just what was given, within every limit.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::tests::build;
use crate::bindings::profiles::{DynamicField, Input, Profile, Properties, PropertyValue};
use crate::date_time::DateTime;
use crate::strings::is_blank;

/// Mostly usable, now and then anything: blank, long, any Unicode.
fn text() -> BoxedStrategy<String> {
    prop_oneof![
        8 => "[a-z]{1,12}",
        2 => "\\PC{0,40}",
        1 => any::<String>(),
        1 => Just(String::new()),
        1 => "[ \t\u{a0}\u{200b}]{1,3}",
        1 => (250_usize..260).prop_map(|n| "x".repeat(n)),
        1 => (120_usize..130).prop_map(|n| "é".repeat(n)),
    ]
    .boxed()
}

fn date_time() -> BoxedStrategy<String> {
    prop_oneof![
        4 => (100_000_000_i64..10_000_000_000).prop_map(|seconds| seconds.to_string()),
        4 => (100_000_000_i64..10_000_000_000).prop_map(|seconds| {
            let date = DateTime::parse(&seconds.to_string()).expect("seconds");
            date.to_property() + "Z"
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

fn date(text: &str) -> Value {
    DateTime::parse(text)
        .expect("a valid date")
        .to_property()
        .into()
}

/// A string under one of Mixpanel's own names keeps that name's rule.
fn string(name: &str, text: &str) -> Value {
    if name == "$created" {
        date(text)
    } else {
        text.into()
    }
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
                put(&name, string(&name, &value));
            }
        }
    }
    for DynamicField { name, value } in &properties.dynamic_fields {
        match value {
            PropertyValue::Text(text) if is_blank(text) => {}
            PropertyValue::Text(text) => put(name, string(name, text)),
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
    fn invalid_fields_or_exactly_what_was_given(input in input()) {
        let json = match build(&input) {
            Ok(json) => json,
            Err(fields) => {
                prop_assert!(!fields.is_empty());
                for field in fields {
                    prop_assert!(!field.reason.is_empty());
                    let known = ["profile.", "properties"];
                    prop_assert!(known.iter().any(|place| field.field.starts_with(place)));
                }
                return Ok(());
            }
        };
        prop_assert!(json.len() <= 1_000_000);
        let update: Value = serde_json::from_slice(&json).expect("JSON");
        let update = update.as_object().expect("an update");
        prop_assert_eq!(&update["$token"], "T");
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
    let strategy = input();
    let valid = (0..1_000)
        .filter(|_| {
            let input = strategy.new_tree(&mut runner).expect("a case").current();
            build(&input).is_ok()
        })
        .count();
    assert!((50..950).contains(&valid), "{valid} of 1000");
}
