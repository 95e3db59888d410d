//! The value of one property, under Mixpanel's rules; pure.

use std::borrow::Cow;

use serde::ser::{Serialize, Serializer};

use crate::bindings::profiles::PropertyValue;
use crate::date_time::DateTime;
use crate::destination::check_image_url;
use crate::invalid::Reason;
use crate::strings::{is_blank, unwanted_in_name};

/// Of a string value, and of an id.
pub const MAX_STRING_BYTES: usize = 255;
/// 256 KB, in the smaller of its two readings; of the list as JSON.
const MAX_LIST_BYTES: usize = 256_000;

/// The longest that a byte becomes in JSON: `\u001f`.
const MAX_ESCAPE_BYTES: usize = 6;

#[derive(Debug)]
pub enum Value<'a> {
    String(Cow<'a, str>),
    DateTime(DateTime),
    /// Finite.
    Number(f64),
    Boolean(bool),
    List(&'a [String]),
}

impl<'a> Value<'a> {
    /// Checks a string under the rule of its property's name, whichever field it was given in.
    ///
    /// # Errors
    ///
    /// The rule that it breaks.
    pub fn string(name: &str, value: Cow<'a, str>) -> Result<Self, Reason> {
        match name {
            "$created" => return DateTime::parse(&value).map(Value::DateTime),
            "$avatar" => check_image_url(&value)?,
            "$email" | "$phone" => {
                if let Some(found) = unwanted_in_name(&value) {
                    return Err(format!("holds {found}: remove it").into());
                }
            }
            _ => {}
        }
        let bytes = value.len();
        if bytes > MAX_STRING_BYTES {
            return Err(format!(
                "has {bytes} bytes: at most {MAX_STRING_BYTES} are allowed, and Mixpanel would cut the rest"
            )
            .into());
        }
        Ok(Value::String(value))
    }

    /// Checks the value of a dynamic field; `None` where it is blank.
    ///
    /// # Errors
    ///
    /// The rule that it breaks.
    pub fn dynamic(name: &str, value: &'a PropertyValue) -> Option<Result<Self, Reason>> {
        Some(match value {
            PropertyValue::Text(value) | PropertyValue::DateTime(value) if is_blank(value) => {
                return None;
            }
            // As with blank strings: a list of nothing would block a real one later.
            PropertyValue::TextList(items) if items.iter().all(|item| is_blank(item)) => {
                return None;
            }
            PropertyValue::Text(value) => Value::string(name, value.into()),
            PropertyValue::DateTime(value) => not_reserved(name, "a date-time")
                .and_then(|()| DateTime::parse(value).map(Value::DateTime)),
            PropertyValue::Number(value) => {
                not_reserved(name, "a number").and_then(|()| number(*value))
            }
            PropertyValue::Boolean(value) => {
                not_reserved(name, "a boolean").map(|()| Value::Boolean(*value))
            }
            PropertyValue::TextList(items) => {
                not_reserved(name, "a list").and_then(|()| list(items))
            }
        })
    }
}

/// Refuses a value of a kind that one of Mixpanel's own properties does not have.
fn not_reserved(name: &str, kind: &str) -> Result<(), Reason> {
    let wanted = match name {
        "$created" if kind == "a date-time" => return Ok(()),
        "$created" => "a date-time",
        "$avatar" | "$name" | "$first_name" | "$last_name" | "$email" | "$phone" => "a text",
        _ => return Ok(()),
    };
    Err(format!("is {kind}: {name} is {wanted} in Mixpanel").into())
}

fn number<'a>(number: f64) -> Result<Value<'a>, Reason> {
    if number.is_nan() {
        Err("is not a number (NaN): Mixpanel takes finite numbers only".into())
    } else if number.is_infinite() {
        Err("is infinite: Mixpanel takes finite numbers only".into())
    } else {
        Ok(Value::Number(number))
    }
}

fn list(items: &[String]) -> Result<Value<'_>, Reason> {
    let bytes: usize = items.iter().map(String::len).sum();
    // Three bytes are an item's quotes and its comma, two the brackets.
    if bytes * MAX_ESCAPE_BYTES + 3 * items.len() + 2 > MAX_LIST_BYTES {
        let json = serde_json::to_vec(items)
            .map_err(|error| format!("cannot be written as JSON: {error}"))?;
        if json.len() > MAX_LIST_BYTES {
            let bytes = json.len();
            return Err(format!(
                "has {bytes} bytes as JSON: at most {MAX_LIST_BYTES} are allowed in a list"
            )
            .into());
        }
    }
    Ok(Value::List(items))
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::String(string) => serializer.serialize_str(string),
            Value::DateTime(date_time) => date_time.serialize(serializer),
            Value::Number(number) => serialize_number(*number, serializer),
            Value::Boolean(boolean) => serializer.serialize_bool(*boolean),
            Value::List(items) => items.serialize(serializer),
        }
    }
}

/// Writes `3.0` as `3`, as JSON has it elsewhere, where an integer of 64 bits holds the number.
fn serialize_number<S: Serializer>(number: f64, serializer: S) -> Result<S::Ok, S::Error> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::float_cmp,
        reason = "a number that is no integer of 64 bits does not come back the same"
    )]
    if number as i64 as f64 == number && number < 9_223_372_036_854_775_808.0 {
        serializer.serialize_i64(number as i64)
    } else {
        serializer.serialize_f64(number)
    }
}
