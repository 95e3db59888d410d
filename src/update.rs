//! From an input to an update as Mixpanel takes it; pure.

use std::io;
use std::net::IpAddr;

use serde::Serialize;

use crate::bindings::profiles::Input;
use crate::date_time::DateTime;
use crate::invalid::{InvalidFields, Reason};
use crate::properties::{MAX_STRING_BYTES, Properties};
use crate::strings::{is_blank, present, unwanted_in_name};
use crate::token::Token;

/// 1 MB, in the smaller of its two readings: what is over may be dropped without a word.
const MAX_BYTES: usize = 1_000_000;

/// Of a profile with a dozen properties.
const USUAL_BYTES: usize = 512;

/// Mixpanel refuses these as the id of an event, so that a profile under one of them could never
/// be joined with an event.
pub const PLACEHOLDER_IDS: [&str; 17] = [
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

/// What one user's profile is to hold: every value of it is one that Mixpanel takes.
#[derive(Debug, Serialize)]
pub struct Update<'a> {
    #[serde(rename = "$distinct_id")]
    distinct_id: &'a str,
    /// `0` where there is none: without it, Mixpanel would take the address of the engine's machine,
    /// and put the user in its data centre.
    #[serde(rename = "$ip")]
    ip: &'a str,
    /// In Unix seconds, not negative.
    #[serde(rename = "$time", skip_serializing_if = "Option::is_none")]
    time: Option<i64>,
    #[serde(rename = "$set_once")]
    set_once: Properties<'a>,
}

/// An entry of the array that `/engage` takes.
#[derive(Serialize)]
struct Entry<'a> {
    #[serde(rename = "$token")]
    token: Token<'a>,
    #[serde(flatten)]
    update: &'a Update<'a>,
}

/// JSON that is being written. Most writes are one quote, colon or comma, which is pushed: in the
/// engine, a copy of any length is a call of its own.
struct Json(Vec<u8>);

impl io::Write for Json {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match bytes {
            [byte] => self.0.push(*byte),
            _ => self.0.extend_from_slice(bytes),
        }
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write(bytes).map(drop)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> Update<'a> {
    /// Checks an input.
    ///
    /// # Errors
    ///
    /// Every invalid field of it, in the order of the interface.
    pub fn new(input: &'a Input) -> Result<Self, InvalidFields> {
        let mut invalid = InvalidFields::default();
        let profile = &input.profile;
        let distinct_id = invalid.check("profile.profile-id", profile_id(&profile.profile_id));
        let ip = present(profile.ip_address.as_ref()).map_or(Ok("0"), ip_address);
        let ip = invalid.check("profile.ip-address", ip);
        let time = present(profile.time.as_ref()).map(unix_seconds);
        let time = invalid.check("profile.time", time.transpose());
        let set_once = invalid.join(Properties::new(&input.properties));
        let (Some(distinct_id), Some(ip), Some(time), Some(set_once)) =
            (distinct_id, ip, time, set_once)
        else {
            return Err(invalid);
        };
        Ok(Update {
            distinct_id,
            ip,
            time,
            set_once,
        })
    }

    /// Writes the update for a project, an entry of the array that `/engage` takes.
    ///
    /// # Errors
    ///
    /// It is larger than Mixpanel allows.
    pub fn to_json(&self, token: Token<'_>) -> Result<Vec<u8>, InvalidFields> {
        let invalid = |reason: String| InvalidFields::one("properties", reason);
        let mut json = Json(Vec::with_capacity(USUAL_BYTES));
        let entry = Entry {
            token,
            update: self,
        };
        serde_json::to_writer(&mut json, &entry)
            .map_err(|error| invalid(format!("cannot be written as JSON: {error}")))?;
        let Json(json) = json;
        if json.len() > MAX_BYTES {
            let bytes = json.len();
            return Err(invalid(format!(
                "make an update of {bytes} bytes: at most {MAX_BYTES} are allowed"
            )));
        }
        Ok(json)
    }
}

fn profile_id(id: &str) -> Result<&str, Reason> {
    if is_blank(id) {
        return Err("is blank: give the user's unique identifier".into());
    }
    if let Some(found) = unwanted_in_name(id) {
        return Err(format!("holds {found}: it would be another user's identifier").into());
    }
    if id.len() > MAX_STRING_BYTES {
        let bytes = id.len();
        return Err(format!("has {bytes} bytes: at most {MAX_STRING_BYTES} are allowed").into());
    }
    if PLACEHOLDER_IDS.contains(&id) {
        return Err("is a placeholder that Mixpanel refuses as the id of an event: give the user's own identifier".into());
    }
    Ok(id)
}

fn unix_seconds(time: &str) -> Result<i64, Reason> {
    match DateTime::parse(time)?.unix_seconds() {
        seconds @ 0.. => Ok(seconds),
        _ => Err("is before 1970, and Mixpanel counts its seconds from then: leave it out".into()),
    }
}

fn ip_address(address: &str) -> Result<&str, &'static str> {
    if address.parse::<IpAddr>().is_err() {
        return Err(
            "is not an IP address: write IPv4 (1.2.3.4) or IPv6 (2001:db8::1), without port, brackets, zone or white space",
        );
    }
    Ok(address)
}

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;
