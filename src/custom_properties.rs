//! Custom properties: a JSON object of strings, read so that every entry is seen; pure.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::invalid::Reason;
use crate::strings::BYTE_ORDER_MARK;

/// Five times what a profile can hold: more are not worth the memory.
const MAX_ENTRIES: usize = 10_000;

/// A key and a value; the reason where one is no string.
pub type Entry<'a> = (Result<Cow<'a, str>, Reason>, Result<Cow<'a, str>, Reason>);

/// Reads the entries of a JSON object in their order, equal keys too.
///
/// # Errors
///
/// It is no JSON, no object, or one with more entries than any profile has use for.
pub fn entries(json: &str) -> Result<impl Iterator<Item = Entry<'_>>, Reason> {
    let json = json.strip_prefix(BYTE_ORDER_MARK).unwrap_or(json);
    let Entries { entries, more } = serde_json::from_str(json).map_err(|_| no_object(json))?;
    if more > 0 {
        let count = entries.len() + more;
        return Err(format!("has {count} entries: at most {MAX_ENTRIES} are read").into());
    }
    Ok(entries
        .into_iter()
        .map(|(key, value)| (string(key), string(value))))
}

/// What is there instead. The parser's own words would repeat parts of it.
fn no_object(json: &str) -> Reason {
    match serde_json::from_str::<&RawValue>(json) {
        Ok(other) => {
            let kind = kind(other);
            format!("is {kind}: write a JSON object such as {{\"plan\": \"pro\"}}").into()
        }
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            let where_to = if error.is_eof() {
                "ends too early, at "
            } else {
                ""
            };
            format!("is not JSON ({where_to}line {line}, column {column}): write an object such as {{\"plan\": \"pro\"}}").into()
        }
    }
}

fn string(json: &RawValue) -> Result<Cow<'_, str>, Reason> {
    let written = json.get();
    let inner = written
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    match inner {
        Some(inner) if !inner.contains('\\') => Ok(Cow::Borrowed(inner)),
        Some(_) => serde_json::from_str(written).map(Cow::Owned).map_err(|_| {
            "holds half a character (\\ud800 to \\udfff without the other half): write it whole"
                .into()
        }),
        None => {
            let kind = kind(json);
            let how = match kind {
                "null" => "leave it out",
                "an object" | "an array" => "write it as a string, or use a dynamic field",
                _ => "put it in quotes, or use a dynamic field",
            };
            Err(format!("is {kind}: custom properties are strings; {how}").into())
        }
    }
}

/// What a JSON value is, with its article.
fn kind(json: &RawValue) -> &'static str {
    match json.get().as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// `serde_json::Map` would keep the last of equal keys only.
struct Entries<'a> {
    entries: Vec<(&'a RawValue, &'a RawValue)>,
    /// How many there are beside those.
    more: usize,
}

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Entries<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Entries<'de>, M::Error> {
                let mut entries = Vec::new();
                let mut more = 0;
                while let Some(entry) = map.next_entry()? {
                    if entries.len() < MAX_ENTRIES {
                        entries.push(entry);
                    } else {
                        more += 1;
                    }
                }
                Ok(Entries { entries, more })
            }
        }
        deserializer.deserialize_map(Object)
    }
}
