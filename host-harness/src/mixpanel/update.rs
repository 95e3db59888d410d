//! The body of a request: an array of updates, and every rule that one may break; pure.

use std::fmt;

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::json::Json;
use super::{Location, Request};

const MAX_UPDATES: usize = 2_000;
/// 1 MB and 256 KB have two readings: the smaller ones are safe under either.
const MAX_UPDATE_BYTES: usize = 1_000_000;
const MAX_LIST_BYTES: usize = 256_000;
const MAX_TEXT_BYTES: usize = 255;
const MAX_NAME_CHARACTERS: usize = 255;
const MAX_LIST_ITEM_CHARACTERS: usize = 255;

/// The end of the year 9999 in seconds; milliseconds since 1978 are beyond it.
const MAX_UNIX_SECONDS: i64 = 253_402_300_799;

/// Mixpanel refuses these as the id of an event.
pub(super) const PLACEHOLDER_IDS: [&str; 17] = [
    "00000000-0000-0000-0000-000000000000",
    "anon",
    "anonymous",
    "nil",
    "none",
    "null",
    "n/a",
    "na",
    "undefined",
    "unknown",
    "<nil>",
    "0",
    "-1",
    "true",
    "false",
    "[]",
    "{}",
];

/// The message that Mixpanel was recorded to give, whatever form of answer was asked for.
pub(super) const MISSING: &str = "missing or empty";

/// One update that broke a rule; `field` is empty where it is the update as a whole.
pub(super) struct Invalid {
    pub field: String,
    pub message: String,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => f.write_str(&self.message),
            field => write!(f, "{field}, {}", self.message),
        }
    }
}

pub(super) fn invalid(field: impl Into<String>, message: impl Into<String>) -> Invalid {
    Invalid {
        field: field.into(),
        message: message.into(),
    }
}

/// Reads the array of updates in the body of `request`.
///
/// `without_caller`: an update without `$ip` takes no location from the caller's address.
///
/// # Errors
///
/// Why the request as a whole is refused, or for each update why it is.
pub(super) fn read(
    request: &Request<'_>,
    without_caller: bool,
) -> Result<Vec<Result<Update, Invalid>>, String> {
    let mut types = request.header("content-type");
    let essence = types
        .next()
        .and_then(|value| value.split(|&b| b == b';').next());
    if !essence.is_some_and(|e| e.trim_ascii().eq_ignore_ascii_case(b"application/json"))
        || types.next().is_some()
    {
        return Err("Content-Type must be application/json".to_owned());
    }
    if request.header("content-encoding").next().is_some() {
        return Err("Content-Encoding is not supported: send the body as it is".to_owned());
    }
    let updates: Vec<Json> = serde_json::from_slice(request.body)
        .map_err(|error| format!("the body must be a JSON array of updates: {error}"))?;
    if !(1..=MAX_UPDATES).contains(&updates.len()) {
        return Err(format!(
            "{} updates: 1 to {MAX_UPDATES} are allowed",
            updates.len()
        ));
    }
    // Only then is it worth while to write each update again for its size.
    let may_exceed = request.body.len() > MAX_UPDATE_BYTES;
    let check = |Json(value)| match may_exceed.then(|| value.to_string().len()) {
        Some(bytes) if bytes > MAX_UPDATE_BYTES => Err(invalid(
            "",
            format!("an update has {bytes} bytes: at most {MAX_UPDATE_BYTES}"),
        )),
        _ => Update::read(value, without_caller),
    };
    Ok(updates.into_iter().map(check).collect())
}

/// One valid entry of the body's array.
pub(super) struct Update {
    pub token: String,
    pub distinct_id: String,
    pub location: Location,
    pub time: Option<i64>,
    pub set_once: Map<String, Value>,
}

impl Update {
    fn read(value: Value, without_caller: bool) -> Result<Self, Invalid> {
        let Value::Object(mut fields) = value else {
            return Err(invalid("", "an update must be an object"));
        };
        let token = id(fields.remove("$token"), "$token")?;
        let distinct_id = id(fields.remove("$distinct_id"), "$distinct_id")?;
        if PLACEHOLDER_IDS.contains(&distinct_id.as_str()) {
            return Err(invalid(
                "$distinct_id",
                "is a placeholder, not the id of a user",
            ));
        }
        let location = match fields.remove("$ip") {
            None if without_caller => Location::Nowhere,
            None => Location::Caller,
            Some(ip) if ip == "0" => Location::Nowhere,
            Some(ip) => match ip.as_str().and_then(|ip| ip.parse().ok()) {
                Some(address) => Location::Address(address),
                None => return Err(invalid("$ip", r#"must be an IP address or "0""#)),
            },
        };
        let time = match fields.remove("$time") {
            None => None,
            Some(time) => match time.as_i64() {
                Some(seconds @ 0..=MAX_UNIX_SECONDS) => Some(seconds),
                _ => return Err(invalid("$time", "must be an integer of Unix seconds")),
            },
        };
        let Some(Value::Object(set_once)) = fields.remove("$set_once") else {
            return Err(invalid("$set_once", "must be an object of properties"));
        };
        if let Some(other) = fields.keys().next() {
            return Err(invalid(other, "is not known here"));
        }
        for (name, value) in &set_once {
            check_property(name, value)
                .map_err(|message| invalid(format!("$set_once.{name}"), message))?;
        }
        Ok(Self {
            token,
            distinct_id,
            location,
            time,
            set_once,
        })
    }
}

fn id(value: Option<Value>, field: &str) -> Result<String, Invalid> {
    match value {
        Some(Value::String(id)) if id.len() > MAX_TEXT_BYTES => Err(invalid(
            field,
            format!("has {} bytes: at most {MAX_TEXT_BYTES}", id.len()),
        )),
        Some(Value::String(id)) if !id.is_empty() => Ok(id),
        None | Some(Value::String(_) | Value::Null) => Err(invalid(field, MISSING)),
        Some(_) => Err(invalid(field, "must be a string")),
    }
}

fn check_property(name: &str, value: &Value) -> Result<(), String> {
    let characters = name.chars().count();
    if characters == 0 {
        return Err("a property must have a name".to_owned());
    }
    if characters > MAX_NAME_CHARACTERS {
        return Err(format!(
            "the name has {characters} characters: at most {MAX_NAME_CHARACTERS}"
        ));
    }
    if name == "$ip" {
        return Err("belongs beside the set, not in it".to_owned());
    }
    let reserved = [
        "$avatar",
        "$name",
        "$first_name",
        "$last_name",
        "$created",
        "$email",
        "$phone",
    ];
    match value {
        Value::String(text) if name == "$created" && !is_date(text) => {
            Err("must be a date written as YYYY-MM-DDTHH:MM:SS".to_owned())
        }
        Value::String(text) if text.len() > MAX_TEXT_BYTES => Err(format!(
            "has {} bytes: at most {MAX_TEXT_BYTES}",
            text.len()
        )),
        Value::String(_) => Ok(()),
        _ if reserved.contains(&name) => Err("must be a string".to_owned()),
        // What a number that JSON cannot write becomes.
        Value::Null => Err("null is no value".to_owned()),
        Value::Array(items) => check_list(value, items),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => Ok(()),
    }
}

fn check_list(list: &Value, items: &[Value]) -> Result<(), String> {
    let longest = items
        .iter()
        .filter_map(Value::as_str)
        .map(|item| item.chars().count())
        .max();
    let longest = longest.unwrap_or_default();
    if longest > MAX_LIST_ITEM_CHARACTERS {
        return Err(format!(
            "an item has {longest} characters: at most {MAX_LIST_ITEM_CHARACTERS}"
        ));
    }
    match list.to_string().len() {
        bytes if bytes > MAX_LIST_BYTES => Err(format!(
            "the list has {bytes} bytes: at most {MAX_LIST_BYTES}"
        )),
        _ => Ok(()),
    }
}

fn is_date(text: &str) -> bool {
    // RFC 3339 also knows fractions of a second, which are longer, and other separators.
    text.len() == 19
        && text.as_bytes()[10] == b'T'
        && OffsetDateTime::parse(&format!("{text}Z"), &Rfc3339).is_ok()
}
