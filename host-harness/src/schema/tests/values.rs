//! What the schema lets pass, the harness reads, and what the harness prints, the schema describes.

use serde_json::{Value, json};

use super::validator_of;
use crate::records::{Connection, Input, Outcome};

fn input(profile: Value, properties: Value) -> Value {
    json!({ "profile": profile, "properties": properties })
}

fn with_profile(field: &str, value: Value) -> Value {
    let mut profile = json!({ "profile-id": "user1" });
    profile[field] = value;
    input(profile, json!({}))
}

fn with_property(field: &str, value: Value) -> Value {
    input(json!({ "profile-id": "user1" }), json!({ field: value }))
}

fn with_dynamic(value: Value) -> Value {
    with_property(
        "dynamic-fields",
        json!([{ "name": "key1", "value": value }]),
    )
}

/// What the schema lets pass, the harness can read.
#[test]
fn inputs_that_are_valid() {
    let validator = validator_of("input");
    for instance in [
        input(json!({ "profile-id": "user1" }), json!({})),
        input(json!({ "profile-id": "user1" }), Value::Null),
        json!({ "profile": { "profile-id": "user1" } }),
        with_profile("time", json!("2021-01-20T09:35:08-08:00")),
        with_profile("time", json!("2021-01-20T17:35:08.5Z")),
        with_profile("time", json!("1611164108")),
        with_profile("time", json!("1611164108.9")),
        with_profile("time", Value::Null),
        with_profile("ip-address", json!("1.2.3.4")),
        with_profile("ip-address", Value::Null),
        with_property("first-name", json!("Joe")),
        with_property("first-name", Value::Null),
        with_property("created", json!("0")),
        with_property("custom-properties", json!("{\"plan\":\"pro\"}")),
        with_property("dynamic-fields", json!([])),
        with_property("dynamic-fields", Value::Null),
        with_dynamic(json!({ "text": "val1" })),
        with_dynamic(json!({ "number": 3 })),
        with_dynamic(json!({ "number": -0.5 })),
        with_dynamic(json!({ "boolean": false })),
        with_dynamic(json!({ "date-time": "2013-01-01T18:04:05-08:00" })),
        with_dynamic(json!({ "text-list": ["a", ""] })),
        with_dynamic(json!({ "text-list": [] })),
    ] {
        if let Err(error) = validator.validate(&instance) {
            panic!("{instance}: {error}");
        }
        serde_json::from_value::<Input>(instance.clone())
            .unwrap_or_else(|error| panic!("{instance}: {error}"));
    }
}

#[test]
fn inputs_that_are_not() {
    let validator = validator_of("input");
    for instance in [
        json!(null),
        json!({}),
        json!({ "properties": {} }),
        json!([{ "profile": { "profile-id": "user1" } }]),
        input(json!({}), json!({})),
        input(json!({ "profile-id": null }), json!({})),
        input(json!({ "profile-id": 1 }), json!({})),
        with_profile("profile_id", json!("user1")),
        with_profile("time", json!(1_611_164_108)),
        with_profile("time", json!("2021-01-20")),
        with_profile("time", json!("2021-01-20T09:35:08")),
        with_profile("time", json!("-1")),
        with_profile("time", json!("1e9")),
        with_profile("time", json!("yesterday")),
        with_property("first-name", json!(1)),
        with_property("firstName", json!("Joe")),
        with_property("dynamic-fields", json!({ "key1": "val1" })),
        with_property("dynamic-fields", json!([{ "name": "key1" }])),
        with_property("custom-properties", json!({ "plan": "pro" })),
        with_dynamic(json!("val1")),
        with_dynamic(json!({})),
        with_dynamic(json!({ "text": 1 })),
        with_dynamic(json!({ "number": "1" })),
        with_dynamic(json!({ "text": "a", "number": 1 })),
        with_dynamic(json!({ "text-list": ["a", 1] })),
        with_dynamic(json!({ "date-time": "2021-01-20" })),
        with_dynamic(json!({ "date": "0" })),
    ] {
        assert!(!validator.is_valid(&instance), "{instance}");
    }
}

#[test]
fn connections() {
    let validator = validator_of("connection");
    for (instance, valid) in [
        (json!({ "project-token": "T", "region": "standard" }), true),
        (
            json!({ "project-token": "T", "region": "eu", "base-url": "http://[::1]:1" }),
            true,
        ),
        (
            json!({ "project-token": "T", "region": "india", "base-url": null }),
            true,
        ),
        (
            json!({ "project-token": "T", "region": "eu", "max-retries": 0 }),
            true,
        ),
        (
            json!({ "project-token": "T", "region": "eu", "max-retries": 255 }),
            true,
        ),
        (
            json!({ "project-token": "T", "region": "eu", "max-retries": null }),
            true,
        ),
        (
            json!({ "project-token": "T", "region": "eu", "max-retries": 256 }),
            false,
        ),
        (
            json!({ "project-token": "T", "region": "eu", "max-retries": -1 }),
            false,
        ),
        (
            json!({ "project-token": "T", "region": "eu", "max-retries": 1.5 }),
            false,
        ),
        (json!({ "project-token": "T", "region": "EU" }), false),
        (json!({ "project-token": "T", "region": null }), false),
        (json!({ "project-token": "T" }), false),
        (json!({ "region": "eu" }), false),
        (
            json!({ "project-token": "T", "region": "eu", "token": "T" }),
            false,
        ),
    ] {
        assert_eq!(validator.is_valid(&instance), valid, "{instance}");
        let read = serde_json::from_value::<Connection>(instance.clone());
        assert!(!valid || read.is_ok(), "{instance}: {read:?}");
    }
}

/// What the harness prints, the schema describes.
#[test]
fn outcomes() {
    let (output, error) = (validator_of("output"), validator_of("error"));
    for (outcome, valid) in [
        (
            json!({ "ok": { "status-code": 200, "reason": null } }),
            true,
        ),
        (
            json!({ "ok": { "status-code": 429, "reason": "rate limits" } }),
            true,
        ),
        (json!({ "ok": { "reason": null } }), false),
        (
            json!({ "ok": { "status-code": "200", "reason": null } }),
            false,
        ),
        (
            json!({ "ok": { "status-code": 65536, "reason": null } }),
            false,
        ),
        (json!({ "err": { "permanent-invalid-input": [] } }), true),
        (
            json!({ "err": { "permanent-invalid-input": [{ "field": "a", "reason": "b" }] } }),
            true,
        ),
        (
            json!({ "err": { "permanent-invalid-input": [{ "field": "a" }] } }),
            false,
        ),
        (json!({ "err": { "permanent-denied": "a" } }), true),
        (json!({ "err": { "transport": "a" } }), true),
        (json!({ "err": { "transport": null } }), false),
        (json!({ "err": "transport" }), false),
        (json!({ "err": "execution-failed" }), true),
        (json!({ "err": "denied" }), false),
    ] {
        let described = match (outcome.get("ok"), outcome.get("err")) {
            (Some(ok), None) => output.is_valid(ok),
            (None, Some(err)) => error.is_valid(err),
            _ => panic!("{outcome}"),
        };
        assert_eq!(described, valid, "{outcome}");
        let read = serde_json::from_value::<Outcome>(outcome.clone());
        assert_eq!(read.is_ok(), valid, "{outcome}: {read:?}");
        if let Ok(read) = read {
            assert_eq!(serde_json::to_value(read).expect("JSON"), outcome);
        }
    }
}
