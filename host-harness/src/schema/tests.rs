use std::collections::BTreeMap;

use jsonschema::Validator;
use serde_json::{Value, json};

use super::{WIT, schema};
use crate::records::{Connection, Input, Outcome};

fn card() -> Value {
    schema(WIT, "create-profile").expect("the card's own interface")
}

/// The schema of a made-up interface with these items.
fn made_up(items: &str) -> anyhow::Result<Value> {
    let wit = format!("package a:b; interface c {{ {items} }} world w {{ export c; }}");
    schema(&wit, "f")
}

fn validator(schema: &Value) -> Validator {
    jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(schema)
        .expect("a schema")
}

/// A validator of one property of the card's schema: `input`, `output` …
fn validator_of(property: &str) -> Validator {
    let mut card = card();
    let part = card["properties"][property]["$ref"].take();
    validator(&json!({
        "$schema": card["$schema"], "$id": card["$id"], "$defs": card["$defs"], "$ref": part,
    }))
}

#[test]
fn is_a_json_schema() {
    let card = card();
    assert_eq!(
        card["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    assert_eq!(
        card["$id"],
        "urn:wit:mixpanel:cards/profiles/create-profile@0.1.0"
    );
    if let Err(error) = jsonschema::draft202012::meta::validate(&card) {
        panic!("{}: {error}", error.instance_path());
    }
}

#[test]
fn describes_the_action() {
    let card = card();
    assert_eq!(card["title"], "Create Profile");
    let help = card["description"].as_str().expect("a help text");
    assert!(
        help.starts_with("Create a new user profile in Mixpanel. On a"),
        "{help}"
    );
    let names: Vec<_> = card["properties"]
        .as_object()
        .expect("an object")
        .keys()
        .collect();
    assert_eq!(names, ["connection", "input", "output", "error"]);
    assert_eq!(card["required"], json!(["connection", "input"]));
    for (name, read_only) in [
        ("connection", None),
        ("input", None),
        ("output", Some(true)),
        ("error", Some(true)),
    ] {
        let property = &card["properties"][name];
        assert_eq!(property["$ref"], format!("#/$defs/{name}"));
        assert_eq!(
            property.get("readOnly").and_then(Value::as_bool),
            read_only,
            "{name}"
        );
    }
}

/// The nodes that a form needs most, whole but for what the interface's authors may reword.
#[test]
fn has_the_nodes_that_a_form_needs() {
    let card = card();
    for (pointer, wanted) in [
        ("/$defs/region/type", json!("string")),
        ("/$defs/region/enum", json!(["standard", "eu", "india"])),
        (
            "/$defs/connection/properties/region/$ref",
            json!("#/$defs/region"),
        ),
        (
            "/$defs/connection/required",
            json!(["project-token", "region"]),
        ),
        (
            "/$defs/connection/properties/max-retries/type",
            json!(["integer", "null"]),
        ),
        (
            "/$defs/connection/properties/max-retries/maximum",
            json!(255),
        ),
        ("/$defs/profile/required", json!(["profile-id"])),
        (
            "/$defs/profile/properties/ip-address/title",
            json!("IP Address"),
        ),
        (
            "/$defs/profile/properties/ip-address/type",
            json!(["string", "null"]),
        ),
        (
            "/$defs/profile/properties/time/anyOf",
            json!([{ "$ref": "#/$defs/date-time" }, { "type": "null" }]),
        ),
        ("/$defs/date-time/type", json!("string")),
        ("/$defs/date-time/anyOf/0/format", json!("date-time")),
        (
            "/$defs/json-object/contentMediaType",
            json!("application/json"),
        ),
        ("/$defs/properties/required", json!([])),
        (
            "/$defs/properties/properties/dynamic-fields/type",
            json!("array"),
        ),
        (
            "/$defs/properties/properties/dynamic-fields/items",
            json!({ "$ref": "#/$defs/dynamic-field" }),
        ),
        (
            "/$defs/properties/properties/dynamic-fields/default",
            json!([]),
        ),
        ("/$defs/dynamic-field/required", json!(["name", "value"])),
        ("/$defs/property-value/oneOf/4/title", json!("Text List")),
        (
            "/$defs/property-value/oneOf/4/properties/text-list",
            json!({ "type": "array", "items": { "type": "string" } }),
        ),
        ("/$defs/output/properties/status-code/maximum", json!(65535)),
        ("/$defs/error/oneOf/3/const", json!("execution-failed")),
    ] {
        assert_eq!(card.pointer(pointer), Some(&wanted), "{pointer}");
    }
}

/// Title and description of each documented record and field, read off the text of the
/// interface line by line, without the parser.
fn documented() -> BTreeMap<String, (String, String)> {
    let mut found = BTreeMap::new();
    let mut docs: Vec<&str> = Vec::new();
    let mut record = None;
    for line in WIT.lines().map(str::trim) {
        if let Some(doc) = line.strip_prefix("///") {
            docs.push(doc.trim());
            continue;
        }
        let blank = docs
            .iter()
            .position(|doc| doc.is_empty())
            .unwrap_or(docs.len());
        let labels = (
            docs[..blank].join(" "),
            docs[blank..].join(" ").trim().to_owned(),
        );
        docs.clear();
        if let Some(name) = line
            .strip_prefix("record ")
            .and_then(|l| l.strip_suffix(" {"))
        {
            record = Some(name);
            if !labels.0.is_empty() {
                found.insert(format!("/$defs/{name}"), labels);
            }
        } else if line == "}" {
            record = None;
        } else if let (Some(record), Some((field, _))) = (record, line.split_once(": "))
            && !labels.0.is_empty()
        {
            found.insert(format!("/$defs/{record}/properties/{field}"), labels);
        }
    }
    found
}

#[test]
fn labels_and_help_texts_are_those_of_the_interface() {
    let card = card();
    let documented = documented();
    assert!(documented.len() > 20, "{documented:?}");
    for (pointer, (title, description)) in &documented {
        let node = card
            .pointer(pointer)
            .unwrap_or_else(|| panic!("{pointer} is missing"));
        assert_eq!(node["title"], **title, "{pointer}");
        if !description.is_empty() {
            assert_eq!(node["description"], **description, "{pointer}");
        }
    }
}

#[test]
fn every_field_has_a_label() {
    let card = card();
    for (name, definition) in card["$defs"].as_object().expect("definitions") {
        assert!(definition["title"].is_string(), "{name}");
        for (field, node) in definition["properties"].as_object().into_iter().flatten() {
            let title = node["title"].as_str().unwrap_or_default();
            assert!(!title.trim().is_empty(), "{name}.{field}");
        }
    }
}

#[test]
fn fields_stand_in_the_interfaces_order() {
    let card = card();
    let keys: Vec<_> = card["$defs"]["properties"]["properties"]
        .as_object()
        .expect("properties")
        .keys()
        .map(String::as_str)
        .collect();
    let mut by_position = keys.clone();
    by_position.sort_by_key(|key| {
        WIT.find(&format!("        {key}: "))
            .unwrap_or_else(|| panic!("no field {key}"))
    });
    assert_eq!(keys[..3], ["avatar", "name", "first-name"]);
    // `name` is a field of another record as well.
    by_position.retain(|key| *key != "name");
    assert_eq!(
        keys.into_iter()
            .filter(|key| *key != "name")
            .collect::<Vec<_>>(),
        by_position
    );
}

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
        json!({ "profile": { "profile-id": "user1" } }),
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

/// Types that the card does not use today.
#[test]
fn every_kind_of_type() {
    for (ty, valid, invalid) in [
        (
            "s8",
            vec![json!(-128), json!(127)],
            vec![json!(-129), json!(128), json!(0.5)],
        ),
        ("u64", vec![json!(u64::MAX)], vec![json!(-1)]),
        ("s64", vec![json!(i64::MIN)], vec![json!(u64::MAX)]),
        ("f32", vec![json!(0.5)], vec![json!("0.5")]),
        ("char", vec![json!("é")], vec![json!(""), json!("ab")]),
        (
            "list<u8>",
            vec![json!([]), json!([1])],
            vec![json!([256]), json!(null)],
        ),
        (
            "option<list<u8>>",
            vec![json!(null), json!([1])],
            vec![json!(1)],
        ),
        ("option<e>", vec![json!(null), json!("a")], vec![json!("c")]),
        (
            "tuple<u8, string>",
            vec![json!([1, "a"])],
            vec![json!([1]), json!([1, "a", 2])],
        ),
        (
            "fs",
            vec![json!([]), json!(["x", "y"])],
            vec![json!(["x", "x"]), json!(["z"])],
        ),
        ("alias", vec![json!("a")], vec![json!("c")]),
        (
            "result<u8, e>",
            vec![json!({ "ok": 1 }), json!({ "err": "a" })],
            vec![json!(1)],
        ),
        (
            "result<_, e>",
            vec![json!({ "ok": null })],
            vec![json!({ "ok": 1 }), json!({})],
        ),
        (
            "result",
            vec![json!({ "err": null })],
            vec![json!({ "ok": null, "err": null })],
        ),
    ] {
        let items = format!(
            "enum e {{ a, b }} flags fs {{ x, y }} type alias = e; f: func(p: tuple<{ty}>);"
        );
        let schema = made_up(&items).unwrap_or_else(|error| panic!("{ty}: {error:#}"));
        jsonschema::draft202012::meta::validate(&schema).expect(ty);
        let validator = validator(&schema);
        for value in valid {
            assert!(
                validator.is_valid(&json!({ "p": [value] })),
                "{ty}: {value}"
            );
        }
        for value in invalid {
            assert!(
                !validator.is_valid(&json!({ "p": [value] })),
                "{ty}: {value}"
            );
        }
    }
}

#[test]
fn a_field_without_docs_takes_over_those_of_its_type() {
    let schema = made_up(
        "/// Label of a
         /// type
         ///
         /// Help of a type,
         /// in two lines.
         ///
         /// And more.
         type documented = string;
         type plain = string;
         record r {
             inherits: option<documented>,
             /// Own label
             label: documented,
             /// Own label
             ///
             /// Own help.
             both: documented,
             first-name: plain,
         }
         f: func(r: r);",
    )
    .expect("a schema");
    let type_help = "Help of a type, in two lines.\n\nAnd more.";
    for (field, title, description) in [
        ("inherits", "Label of a type", Some(type_help)),
        ("label", "Own label", Some(type_help)),
        ("both", "Own label", Some("Own help.")),
        ("first-name", "First Name", None),
    ] {
        let node = &schema["$defs"]["r"]["properties"][field];
        assert_eq!(node["title"], title, "{field}");
        assert_eq!(
            node.get("description").and_then(Value::as_str),
            description,
            "{field}"
        );
    }
}

#[test]
fn cases_of_an_enum_show_their_labels() {
    let schema = made_up(
        "enum e {
             /// The first
             ///
             /// Help.
             a,
             b,
         }
         f: func(p: e);",
    )
    .expect("a schema");
    assert_eq!(
        schema["$defs"]["e"],
        json!({
            "title": "E",
            "type": "string",
            "enum": ["a", "b"],
            "oneOf": [
                { "title": "The first", "description": "Help.", "const": "a" },
                { "title": "B", "const": "b" },
            ],
        })
    );
    assert!(validator(&schema).is_valid(&json!({ "p": "b" })));
}

#[test]
fn types_of_another_interface_are_told_apart() {
    let wit = "package a:b;
        interface other { enum e { x } record r { e: e } }
        interface c { use other.{r}; enum e { y } f: func(r: r, e: e); }
        world w { export c; }";
    let validator = validator(&schema(wit, "f").expect("a schema"));
    assert!(validator.is_valid(&json!({ "r": { "e": "x" }, "e": "y" })));
    assert!(!validator.is_valid(&json!({ "r": { "e": "y" }, "e": "y" })));
    assert!(!validator.is_valid(&json!({ "r": { "e": "x" }, "e": "x" })));
}

#[test]
fn a_function_may_return_no_result() {
    let plain = made_up("f: func() -> string;").expect("a schema");
    assert_eq!(
        plain["properties"],
        json!({ "output": { "title": "Output", "type": "string", "readOnly": true } })
    );
    let nothing = made_up("f: func() -> result;").expect("a schema");
    assert_eq!(nothing["properties"], json!({}));
}

#[test]
fn is_refused_with_what_is_wrong() {
    for (items, reason) in [
        ("f: func(", "expected"),
        (
            "g: func(); h: func();",
            "no function named f is exported: choose from g, h",
        ),
        ("resource r; f: func(p: r);", "has no form in JSON"),
        (
            "f: func(p: list<stream<u8>>);",
            "a stream has no form in JSON",
        ),
        (
            "f: func(error: u8) -> result<_, u8>;",
            "f has a parameter named error",
        ),
    ] {
        let error = made_up(items).expect_err(items);
        assert!(format!("{error:#}").contains(reason), "{items}: {error:#}");
    }
}
