use std::collections::BTreeMap;

use jsonschema::Validator;
use serde_json::{Value, json};

use super::{WIT, schema};

mod kinds;
mod values;

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
        ("/$defs/input/required", json!(["profile"])),
        (
            "/$defs/input/properties/properties/anyOf",
            json!([{ "$ref": "#/$defs/properties" }, { "type": "null" }]),
        ),
        ("/$defs/input/properties/properties/default", json!({})),
        (
            "/$defs/properties/properties/dynamic-fields/type",
            json!(["array", "null"]),
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
    let (profiles, _) = WIT
        .split_once("interface connections")
        .expect("another interface");
    for line in profiles.lines().map(str::trim) {
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
