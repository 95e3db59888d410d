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
mod tests;
