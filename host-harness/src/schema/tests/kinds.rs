//! Every kind of type and of docs, in interfaces that are made up.

use serde_json::{Value, json};

use super::super::schema;
use super::{made_up, validator};

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
