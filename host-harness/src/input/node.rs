//! JSON values in their places, as they are written.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A name that the author chose is part of a path, but no more of it than tells which one it is.
const MAX_NAME_CHARACTERS: usize = 60;

/// A value in its place.
pub(super) struct Node<'a> {
    place: Place<'a>,
    /// Well-formed, without white space around it.
    pub(super) json: &'a str,
}

/// Where a value is. It becomes a path only where something is wrong: a list has many values.
enum Place<'a> {
    Root,
    Member(&'a Node<'a>, &'a str),
    Item(&'a Node<'a>, usize),
}

impl<'a> Node<'a> {
    /// A whole text.
    pub(super) fn root(json: &'a str) -> Self {
        Node {
            place: Place::Root,
            json,
        }
    }

    /// A member of this object.
    pub(super) fn member(&'a self, name: &'a str, json: &'a str) -> Self {
        Node {
            place: Place::Member(self, name),
            json,
        }
    }

    /// An item of this array.
    pub(super) fn item(&'a self, index: usize, json: &'a str) -> Self {
        Node {
            place: Place::Item(self, index),
            json,
        }
    }

    pub(super) fn path(&self) -> String {
        match self.place {
            Place::Root => String::new(),
            Place::Member(parent, name) => parent.path_of(name),
            Place::Item(parent, index) => format!("{}[{index}]", parent.path()),
        }
    }

    /// The path of a member of this object.
    pub(super) fn path_of(&self, name: &str) -> String {
        let path = self.path();
        let separator = if path.is_empty() { "" } else { "." };
        format!("{path}{separator}{}", shortened(name))
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

/// A name, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// An object's members in their order, as they are written.
pub(super) struct Members<'a>(pub(super) Vec<(Cow<'a, str>, &'a RawValue)>);

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
                while let Some((Name(name), value)) = map.next_entry()? {
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}
