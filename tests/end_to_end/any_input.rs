//! Whatever the input: the built component never traps, and what it sends passes the stand-in's
//! checks, which know all of Mixpanel's rules.

use std::cell::Cell;

use host_harness::records::{
    Connection, DynamicField, Error, Input, Outcome, Profile, Properties, PropertyValue,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::Value;

use crate::support::{Setup, created};

fn text() -> BoxedStrategy<String> {
    prop_oneof![
        12 => "[a-z]{1,12}",
        2 => "\\PC{0,40}",
        1 => any::<String>(),
        1 => (0_usize..300).prop_map(|n| "é".repeat(n)),
        1 => Just("\u{0}\u{ffff}\u{10ffff}\u{feff}".to_owned()),
    ]
    .boxed()
}

fn date_time() -> BoxedStrategy<String> {
    prop_oneof![
        6 => (100_000_000_u32..=u32::MAX).prop_map(|seconds| seconds.to_string()),
        2 => Just("2021-01-20T09:35:08-08:00".to_owned()),
        1 => text(),
    ]
    .boxed()
}

fn value() -> BoxedStrategy<PropertyValue> {
    prop_oneof![
        3 => text().prop_map(PropertyValue::Text),
        3 => any::<f64>().prop_map(PropertyValue::Number),
        1 => any::<bool>().prop_map(PropertyValue::Boolean),
        1 => date_time().prop_map(PropertyValue::DateTime),
        1 => vec(text(), 0..6).prop_map(PropertyValue::TextList),
        1 => (0_usize..2_000).prop_map(|n| PropertyValue::TextList(vec!["y".repeat(200); n])),
    ]
    .boxed()
}

fn fields() -> BoxedStrategy<Vec<DynamicField>> {
    let some = vec((text(), value()), 0..5).prop_map(|fields| {
        fields
            .into_iter()
            .map(|(name, value)| DynamicField { name, value })
            .collect()
    });
    let many = (1_995_usize..2_005).prop_map(|count| {
        (0..count)
            .map(|n| DynamicField {
                name: format!("many {n}"),
                value: PropertyValue::Boolean(true),
            })
            .collect()
    });
    prop_oneof![9 => some, 1 => many].boxed()
}

fn token() -> BoxedStrategy<String> {
    prop_oneof![9 => "[A-Za-z0-9_.-]{1,40}", 1 => "[ -~]{0,4}"].boxed()
}

fn custom() -> BoxedStrategy<String> {
    let pairs = vec((text(), text()), 0..4).prop_map(|pairs| {
        let pairs: Vec<_> = pairs
            .into_iter()
            .map(|(key, value)| format!("{}:{}", Value::from(key), Value::from(value)))
            .collect();
        format!("{{{}}}", pairs.join(","))
    });
    prop_oneof![
        5 => pairs,
        1 => text(),
        1 => (1_usize..100_000).prop_map(|depth| "[".repeat(depth)),
    ]
    .boxed()
}

fn input() -> impl Strategy<Value = Input> {
    let ip = prop_oneof![
        3 => any::<std::net::IpAddr>().prop_map(|ip| ip.to_string()),
        1 => text(),
    ];
    let profile = (
        text(),
        option::weighted(0.3, ip),
        option::weighted(0.3, date_time()),
    );
    let names = vec(option::weighted(0.3, text()), 5);
    let rest = (
        option::weighted(0.1, text()),
        option::weighted(0.3, date_time()),
        option::weighted(0.4, custom()),
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

#[test]
fn is_refused_with_its_faults_or_stored() {
    let setup = Setup::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let (stored, refused) = (Cell::new(0), Cell::new(0));
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(1_000)
    };
    proptest!(config, |(input in input(), token in token(), retries in any::<Option<u8>>())| {
        let connection = Connection {
            project_token: token,
            max_retries: retries,
            ..setup.connection.clone()
        };
        let outcome = runtime.block_on(setup.card.create_profile(&connection, &input));
        match outcome {
            Ok(Outcome::Err(Error::PermanentInvalidInput(fields))) => {
                prop_assert!(!fields.is_empty());
                refused.set(refused.get() + 1);
            }
            Ok(outcome) => {
                prop_assert_eq!(outcome, created());
                let id = &input.profile.profile_id;
                prop_assert!(setup.stand_in.profile(&connection.project_token, id).is_some());
                stored.set(stored.get() + 1);
            }
            Err(stopped) => return Err(TestCaseError::fail(stopped.to_string())),
        }
    });
    let (stored, refused) = (stored.get(), refused.get());
    println!("{stored} stored, {refused} refused");
    assert!(
        stored > 30 && refused > 30,
        "{stored} stored, {refused} refused"
    );
}
