//! JSON → [`Input`], with the path of each invalid field, what was found there and how to write it.
//!
//! A derived reader would name Rust's types, read arrays by position, show the values of fields and
//! round numbers.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::value::RawValue;

use crate::records::{Input, InvalidField};

mod node;
mod number;
mod reader;

use self::node::Node;
use self::reader::Reader;

/// The reason where a text holds more than one object.
pub const SEVERAL_VALUES: &str = "holds several JSON values: write one a line";

/// The reason where a text stops within an object.
pub const ENDS_EARLY: &str =
    "is not JSON: it ends before its last brace, bracket or quote is closed";

/// Why a text is no input of the card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InvalidInput {
    /// The id of the profile, where that much could be read.
    pub profile_id: Option<String>,
    /// At least one; the text as a whole has an empty path.
    pub fields: Vec<InvalidField>,
}

impl fmt::Display for InvalidInput {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, InvalidField { field, reason }) in self.fields.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            let space = if field.is_empty() { "" } else { " " };
            write!(formatter, "{separator}{field}{space}{reason}")?;
        }
        Ok(())
    }
}

impl std::error::Error for InvalidInput {}

impl Input {
    /// Reads one JSON object; a byte order mark in front of it is skipped. Optional fields may be left
    /// out or null.
    ///
    /// # Errors
    ///
    /// Every invalid field.
    pub fn from_json(text: &str) -> Result<Self, InvalidInput> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader = Reader::default();
        let input = match only_value(text) {
            Ok(json) => reader.input(&Node::root(json)),
            Err(reason) => {
                reader.refuse("", reason);
                Input::default()
            }
        };
        if reader.invalid.is_empty() {
            return Ok(input);
        }
        let id = input.profile.profile_id;
        Err(InvalidInput {
            profile_id: (!id.is_empty()).then_some(id),
            fields: reader.invalid,
        })
    }
}

/// As [`Input::from_json`].
impl<'de> Deserialize<'de> for Input {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        Input::from_json(json.get()).map_err(D::Error::custom)
    }
}

/// The one value that `text` must hold, or what it holds instead.
fn only_value(text: &str) -> Result<&str, String> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    match (values.next(), values.next()) {
        (None, _) => Err("is empty: give one object".to_owned()),
        (Some(Ok(value)), None) => Ok(value.get()),
        (Some(Ok(_)), Some(Ok(_))) => Err(SEVERAL_VALUES.to_owned()),
        (Some(Err(error)), _) | (_, Some(Err(error))) => Err(not_json(text, &error)),
    }
}

fn not_json(text: &str, error: &serde_json::Error) -> String {
    if error.is_eof() {
        return ENDS_EARLY.to_owned();
    }
    let (line, column) = (error.line(), error.column());
    let place = if text.trim_end().contains('\n') {
        format!("line {line}, column {column}")
    } else {
        format!("column {column}")
    };
    let line = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    // The reader may have gone some letters into a word.
    let around = column.saturating_sub(9)..column.saturating_add(9).min(line.len());
    let around = line.as_bytes().get(around).unwrap_or_default();
    let has = |word: &str| around.windows(word.len()).any(|w| w == word.as_bytes());
    let at = column
        .checked_sub(1)
        .and_then(|at| line.as_bytes().get(at).copied());
    let hint = match at {
        Some(b'\'') => ": strings stand in double quotes",
        Some(b'}' | b']') => ": a value is missing, or there is a comma too many",
        _ if has("NaN") || has("Infinity") => {
            ": NaN and infinities are no numbers of JSON: leave the field out, or give it as a text"
        }
        _ if has("True") || has("False") || has("None") => ": write true, false and null",
        _ => "",
    };
    format!("is not JSON at {place}{hint}")
}

#[cfg(test)]
mod tests;
