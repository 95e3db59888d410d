//! JSON values in their places, as they are written.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A name that the author chose is part of a path, but no more of it than tells which one it is.
const MAX_NAME_CHARACTERS: usize = 60;

/// A value in its place.
pub(super) struct Node<'a> {
    pub(super) path: String,
    /// Well-formed, without white space around it.
    pub(super) json: &'a str,
}

impl<'a> Node<'a> {
    /// A whole text.
    pub(super) fn root(json: &'a str) -> Self {
        Node {
            path: String::new(),
            json,
        }
    }

    /// A member of this object.
    pub(super) fn child(&self, name: &str, json: &'a str) -> Node<'a> {
        let separator = if self.path.is_empty() { "" } else { "." };
        Node {
            path: format!("{}{separator}{}", self.path, shortened(name)),
            json,
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self.json.as_bytes().first() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b't' | b'f') => Kind::Boolean,
            Some(b'n') => Kind::Null,
            _ => Kind::Number,
        }
    }
}

/// What a value is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    Array,
    String,
    Number,
    Boolean,
    Null,
}

/// The beginning of a reason.
impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Kind::Object => "is an object",
            Kind::Array => "is an array",
            Kind::String => "is a string",
            Kind::Number => "is a number",
            Kind::Boolean => "is a boolean",
            Kind::Null => "is null",
        })
    }
}

fn shortened(name: &str) -> String {
    let mut characters = name.chars();
    let mut short: String = characters.by_ref().take(MAX_NAME_CHARACTERS).collect();
    if characters.next().is_some() {
        short.push('…');
    }
    short
}

/// An object's members in their order, as they are written.
pub(super) struct Members<'a>(pub(super) Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}
