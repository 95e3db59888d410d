//! The types of an interface → the schemas of a form.

use anyhow::{Result, bail, ensure};
use serde_json::{Map, Value, json};
use wit_parser::{
    Docs, Enum, Field, Function, Resolve, Type, TypeDef, TypeDefKind, TypeOwner, Variant,
};

use super::labels::{aliased, label};

/// The types of one interface.
pub(super) struct Types<'a> {
    pub(super) resolve: &'a Resolve,
    pub(super) owner: Option<TypeOwner>,
}

impl<'a> Types<'a> {
    /// What a function takes and returns.
    pub(super) fn function(&self, function: &Function) -> Result<Value> {
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
    pub(super) fn definition(&self, name: &str, def: &TypeDef) -> Result<Value> {
        let mut schema = label(self.resolve, name, &def.docs, aliased(&def.kind));
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
        let mut schema = label(self.resolve, name, docs, Some(ty));
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

    /// An option may be left out or null, and so may a list, which is empty then, and a record that
    /// requires nothing.
    fn object<'b>(
        &self,
        fields: impl Iterator<Item = (&'b str, &'b Docs, &'b Type)>,
    ) -> Result<Value> {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for (name, docs, ty) in fields {
            let mut property = self.place(name, docs, ty)?;
            match self.empty(ty) {
                Some(Value::Null) => {}
                Some(empty) => property = or_null(property, empty),
                None => required.push(name),
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

    /// What a field of this type is where it is left out; `None` where it must not be.
    fn empty(&self, ty: &Type) -> Option<Value> {
        match self.kind(ty)? {
            TypeDefKind::Option(_) => Some(Value::Null),
            TypeDefKind::List(_) => Some(json!([])),
            TypeDefKind::Record(record) => {
                let is_optional = |field: &Field| self.empty(&field.ty).is_some();
                record.fields.iter().all(is_optional).then(|| json!({}))
            }
            _ => None,
        }
    }

    /// `{"case": payload}`, or `"case"` where it has none.
    fn variant(&self, variant: &Variant) -> Result<Value> {
        let mut cases = Vec::with_capacity(variant.cases.len());
        for case in &variant.cases {
            let mut schema = label(self.resolve, &case.name, &case.docs, case.ty.as_ref());
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
                    let mut schema = label(self.resolve, &case.name, &case.docs, None);
                    merge(&mut schema, json!({ "const": case.name }));
                    schema
                })
                .collect();
        }
        schema
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

fn integer(minimum: impl Into<Value>, maximum: impl Into<Value>) -> Value {
    json!({ "type": "integer", "minimum": minimum.into(), "maximum": maximum.into() })
}

/// A schema that takes null for this value, too.
fn or_null(mut schema: Value, default: Value) -> Value {
    if let Some(reference) = schema.get_mut("$ref").map(Value::take) {
        schema["anyOf"] = json!([{ "$ref": reference }, { "type": "null" }]);
        schema
            .as_object_mut()
            .map(|schema| schema.shift_remove("$ref"));
    } else {
        schema["type"] = json!([schema["type"], "null"]);
    }
    schema["default"] = default;
    schema
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
pub(super) fn merge(schema: &mut Value, more: Value) {
    if let (Value::Object(schema), Value::Object(more)) = (schema, more) {
        for (key, value) in more {
            schema.entry(key).or_insert(value);
        }
    }
}
