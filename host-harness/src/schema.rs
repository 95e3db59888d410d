//! `wit/` → JSON Schema (2020-12), for a builder that makes a form of the card.
//!
//! The types are walked as they are declared: a field that is added to the interface appears in the
//! form without a line changed here. The first paragraph of a doc comment is the `title`, the rest
//! the `description`; a field without its own takes over those of its type. A value has the form
//! that [`records`](crate::records) reads and writes.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value, json};
use wit_parser::{
    Docs, Enum, Function, Interface, PackageId, Resolve, Type, TypeDef, TypeDefKind, TypeOwner,
    Variant, WorldItem,
};

/// The card's interface.
pub const WIT: &str = include_str!("../../wit/card.wit");

/// The JSON Schema of one exported function of `wit`, the text of a package.
///
/// It describes an object with a property for each parameter, and two that are read only: `output`
/// is what the function returns, `error` what it returns when it fails. `$defs` holds every named
/// type of the function's interface.
///
/// # Errors
///
/// `wit` cannot be parsed, exports no such function, or has a type that JSON cannot express, such
/// as a resource.
pub fn schema(wit: &str, function: &str) -> Result<Value> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("card.wit", wit)?;
    let (interface, function) = exported(&resolve, package, function)?;
    let types = Types {
        resolve: &resolve,
        owner: interface
            .types
            .values()
            .next()
            .map(|id| resolve.types[*id].owner),
    };

    let mut root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": id(&resolve, package, interface, function),
    });
    merge(&mut root, types.label(&function.name, &function.docs, None));
    merge(&mut root, types.function(function)?);
    let mut definitions = Map::new();
    for (name, id) in &interface.types {
        definitions.insert(name.clone(), types.definition(name, &resolve.types[*id])?);
    }
    root["$defs"] = definitions.into();
    Ok(root)
}

fn exported<'a>(
    resolve: &'a Resolve,
    package: PackageId,
    function: &str,
) -> Result<(&'a Interface, &'a Function)> {
    let interfaces = || {
        resolve.packages[package]
            .worlds
            .values()
            .flat_map(|world| resolve.worlds[*world].exports.values())
            .filter_map(|item| match item {
                WorldItem::Interface { id, .. } => Some(&resolve.interfaces[*id]),
                _ => None,
            })
    };
    interfaces()
        .find_map(|interface| Some((interface, interface.functions.get(function)?)))
        .with_context(|| {
            let names: Vec<_> = interfaces()
                .flat_map(|interface| interface.functions.keys().cloned())
                .collect();
            format!(
                "no function named {function} is exported: choose from {}",
                names.join(", ")
            )
        })
}

fn id(resolve: &Resolve, package: PackageId, interface: &Interface, function: &Function) -> String {
    let package = &resolve.packages[package].name;
    let interface = interface.name.as_deref().unwrap_or_default();
    format!(
        "urn:wit:{}",
        package.interface_id(&format!("{interface}/{}", function.name))
    )
}

/// The types of one interface.
struct Types<'a> {
    resolve: &'a Resolve,
    owner: Option<TypeOwner>,
}

impl<'a> Types<'a> {
    fn function(&self, function: &Function) -> Result<Value> {
        let parameters = function
            .params
            .iter()
            .map(|param| (param.name.as_str(), &NO_DOCS, &param.ty));
        let mut schema = self.object(parameters)?;
        let returned = match function.result.as_ref().map(|ty| (ty, self.kind(ty))) {
            Some((_, Some(TypeDefKind::Result(result)))) => [
                ("output", result.ok.as_ref()),
                ("error", result.err.as_ref()),
            ],
            other => [("output", other.map(|(ty, _)| ty)), ("error", None)],
        };
        for (name, ty) in returned {
            let Some(ty) = ty else { continue };
            ensure!(
                schema["properties"].get(name).is_none(),
                "{} has a parameter named {name}, which is the name of what it returns",
                function.name
            );
            let mut property = self.place(name, &NO_DOCS, ty)?;
            property["readOnly"] = true.into();
            schema["properties"][name] = property;
        }
        Ok(schema)
    }

    /// A type where it is declared, under its name.
    fn definition(&self, name: &str, def: &TypeDef) -> Result<Value> {
        let mut schema = self.label(name, &def.docs, aliased(&def.kind));
        let shape = match (name, &def.kind) {
            // A validator that asserts formats must let Unix seconds pass, too.
            ("date-time", TypeDefKind::Type(Type::String)) => json!({
                "type": "string",
                "anyOf": [
                    { "title": "RFC 3339", "format": "date-time" },
                    { "title": "Unix seconds", "pattern": r"^[0-9]+(\.[0-9]+)?$" },
                ],
            }),
            ("json-object", TypeDefKind::Type(Type::String)) => json!({
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": { "type": "object" },
            }),
            (_, kind) => self.shape(kind)?,
        };
        merge(&mut schema, shape);
        Ok(schema)
    }

    /// A type where it is used, under the name and with the docs of the place.
    fn place(&self, name: &str, docs: &Docs, ty: &Type) -> Result<Value> {
        let mut schema = self.label(name, docs, Some(ty));
        merge(&mut schema, self.reference(ty)?);
        Ok(schema)
    }

    fn reference(&self, ty: &Type) -> Result<Value> {
        Ok(match ty {
            Type::Bool => json!({ "type": "boolean" }),
            Type::U8 => integer(u8::MIN, u8::MAX),
            Type::U16 => integer(u16::MIN, u16::MAX),
            Type::U32 => integer(u32::MIN, u32::MAX),
            Type::U64 => integer(u64::MIN, u64::MAX),
            Type::S8 => integer(i8::MIN, i8::MAX),
            Type::S16 => integer(i16::MIN, i16::MAX),
            Type::S32 => integer(i32::MIN, i32::MAX),
            Type::S64 => integer(i64::MIN, i64::MAX),
            Type::F32 | Type::F64 => json!({ "type": "number" }),
            Type::Char => json!({ "type": "string", "minLength": 1, "maxLength": 1 }),
            Type::String => json!({ "type": "string" }),
            Type::ErrorContext => bail!("an error-context has no form in JSON"),
            Type::Id(id) => {
                let def = &self.resolve.types[*id];
                match &def.name {
                    Some(name) if Some(def.owner) == self.owner => {
                        json!({ "$ref": format!("#/$defs/{name}") })
                    }
                    // Another interface may use the same name for something else.
                    Some(name) => self.definition(name, def)?,
                    None => self.shape(&def.kind)?,
                }
            }
        })
    }

    fn shape(&self, kind: &TypeDefKind) -> Result<Value> {
        Ok(match kind {
            TypeDefKind::Type(ty) => self.reference(ty)?,
            TypeDefKind::Record(record) => self.object(
                record
                    .fields
                    .iter()
                    .map(|field| (field.name.as_str(), &field.docs, &field.ty)),
            )?,
            TypeDefKind::Variant(variant) => self.variant(variant)?,
            TypeDefKind::Enum(cases) => self.enumeration(cases),
            TypeDefKind::Option(ty) => {
                let mut schema = self.reference(ty)?;
                match ty {
                    Type::Id(_) => json!({ "anyOf": [schema, { "type": "null" }] }),
                    _ => {
                        schema["type"] = json!([schema["type"], "null"]);
                        schema
                    }
                }
            }
            TypeDefKind::List(ty) => json!({ "type": "array", "items": self.reference(ty)? }),
            TypeDefKind::Tuple(tuple) => {
                let items = tuple
                    .types
                    .iter()
                    .map(|ty| self.reference(ty))
                    .collect::<Result<Vec<_>>>()?;
                json!({
                    "type": "array",
                    "minItems": items.len(),
                    "prefixItems": items,
                    "items": false,
                })
            }
            TypeDefKind::Flags(flags) => {
                let names: Vec<_> = flags.flags.iter().map(|flag| &flag.name).collect();
                json!({ "type": "array", "items": { "enum": names }, "uniqueItems": true })
            }
            TypeDefKind::Result(result) => {
                let case = |name, ty: &Option<Type>| {
                    let value = match ty {
                        Some(ty) => self.reference(ty)?,
                        None => json!({ "type": "null" }),
                    };
                    anyhow::Ok(only(name, value))
                };
                json!({ "oneOf": [case("ok", &result.ok)?, case("err", &result.err)?] })
            }
            other => bail!("a {} has no form in JSON", other.as_str()),
        })
    }

    /// An option may be left out, and so may a list, which is empty then.
    fn object<'b>(
        &self,
        fields: impl Iterator<Item = (&'b str, &'b Docs, &'b Type)>,
    ) -> Result<Value> {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for (name, docs, ty) in fields {
            let mut property = self.place(name, docs, ty)?;
            match self.kind(ty) {
                Some(TypeDefKind::Option(_)) => {}
                Some(TypeDefKind::List(_)) => property["default"] = json!([]),
                _ => required.push(name),
            }
            properties.insert(name.to_owned(), property);
        }
        Ok(json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        }))
    }

    /// `{"case": payload}`, or `"case"` where it has none.
    fn variant(&self, variant: &Variant) -> Result<Value> {
        let mut cases = Vec::with_capacity(variant.cases.len());
        for case in &variant.cases {
            let mut schema = self.label(&case.name, &case.docs, case.ty.as_ref());
            let shape = match &case.ty {
                Some(ty) => only(&case.name, self.reference(ty)?),
                None => json!({ "const": case.name }),
            };
            merge(&mut schema, shape);
            cases.push(schema);
        }
        Ok(json!({ "oneOf": cases }))
    }

    /// The cases with their labels only where there are any to show.
    fn enumeration(&self, cases: &Enum) -> Value {
        let names: Vec<_> = cases.cases.iter().map(|case| &case.name).collect();
        let mut schema = json!({ "type": "string", "enum": names });
        if cases.cases.iter().any(|case| !case.docs.is_empty()) {
            schema["oneOf"] = cases
                .cases
                .iter()
                .map(|case| {
                    let mut schema = self.label(&case.name, &case.docs, None);
                    merge(&mut schema, json!({ "const": case.name }));
                    schema
                })
                .collect();
        }
        schema
    }

    /// `title` and `description`: each from the docs of the place, else from those of its type;
    /// a title that neither gives is made from the name.
    fn label(&self, name: &str, docs: &Docs, ty: Option<&Type>) -> Value {
        let (mut title, mut description) = paragraphs(docs);
        let mut ty = ty;
        while let Some(Type::Id(id)) = ty {
            let def = &self.resolve.types[*id];
            let (inherited_title, inherited_description) = paragraphs(&def.docs);
            title = title.or(inherited_title);
            description = description.or(inherited_description);
            ty = match &def.kind {
                TypeDefKind::Option(ty) => Some(ty),
                kind => aliased(kind),
            };
        }
        let mut label = json!({ "title": title.unwrap_or_else(|| title_case(name)) });
        if let Some(description) = description {
            label["description"] = description.into();
        }
        label
    }

    /// What a type is behind its aliases; `None` for a primitive type.
    fn kind(&self, ty: &Type) -> Option<&'a TypeDefKind> {
        let mut ty = ty;
        while let Type::Id(id) = ty {
            match &self.resolve.types[*id].kind {
                TypeDefKind::Type(target) => ty = target,
                kind => return Some(kind),
            }
        }
        None
    }
}

/// WIT has no doc comments on parameters and results.
static NO_DOCS: Docs = Docs { contents: None };

fn aliased(kind: &TypeDefKind) -> Option<&Type> {
    match kind {
        TypeDefKind::Type(ty) => Some(ty),
        _ => None,
    }
}

fn integer(minimum: impl Into<Value>, maximum: impl Into<Value>) -> Value {
    json!({ "type": "integer", "minimum": minimum.into(), "maximum": maximum.into() })
}

/// An object with this one property.
fn only(name: &str, value: Value) -> Value {
    json!({
        "type": "object",
        "properties": { name: value },
        "required": [name],
        "additionalProperties": false,
    })
}

/// Adds what `schema` does not say yet.
fn merge(schema: &mut Value, more: Value) {
    if let (Value::Object(schema), Value::Object(more)) = (schema, more) {
        for (key, value) in more {
            schema.entry(key).or_insert(value);
        }
    }
}

/// The first paragraph, and all others; the lines of a paragraph are joined, since a form breaks
/// them anew.
fn paragraphs(docs: &Docs) -> (Option<String>, Option<String>) {
    let mut paragraphs = docs
        .contents
        .as_deref()
        .unwrap_or_default()
        .split("\n\n")
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|paragraph| !paragraph.is_empty());
    let first = paragraphs.next();
    let others: Vec<_> = paragraphs.collect();
    (first, (!others.is_empty()).then(|| others.join("\n\n")))
}

/// `first-name` → `First Name`.
fn title_case(name: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(1.min(word.len()));
        first.to_ascii_uppercase() + rest
    };
    name.split('-').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
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
}
