//! From the card's inputs to what Mixpanel takes, or to every field that is wrong; pure.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;

use crate::bindings::profiles::InvalidField;
use crate::date_time::DateTime;
use crate::faults::{Faults, is_blank, present};
use crate::input::{Connection, Input, Maybe, Profile, Region};
use crate::json;
use crate::properties::{self, MAX_TEXT_BYTES, Names};
use crate::retry;
use crate::url::{self, BaseUrl, Scheme};

/// 1 MB, in the smaller of its two readings: what is over may be dropped without a word.
const MAX_UPDATE_BYTES: usize = 1_000_000;

/// No location from the connection's address, and an answer that says what was accepted.
const PATH_WITH_QUERY: &str = "/engage?ip=0&verbose=1&strict=1";

/// Mixpanel refuses these as the id of an event, so that a profile under one of them could never
/// be joined with an event.
const PLACEHOLDER_IDS: [&str; 17] = [
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

/// Where requests go, and how often one may be tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    pub scheme: Scheme,
    /// Host, and port where there is one.
    pub authority: String,
    pub path_with_query: String,
    pub max_retries: u8,
}

/// Reads a connection, and adds what is wrong with it to `faults`: then the destination is not to
/// be used.
pub fn destination(connection: &Connection<'_>, faults: &mut Faults) -> Destination {
    if is_blank(&connection.project_token) {
        faults.add(
            "connection.project-token",
            "is blank: copy it from the project's settings in Mixpanel",
        );
    }
    let base = origin(connection, faults);
    let max_retries = match connection.max_retries {
        Maybe::Some(retries) => retries,
        Maybe::None => retry::DEFAULT_RETRIES,
    };
    if max_retries > retry::MAX_RETRIES {
        faults.add_figure(
            "connection.max-retries",
            "is #: at most 10 are allowed",
            max_retries.into(),
        );
    }
    Destination {
        scheme: base.scheme,
        authority: base.authority,
        path_with_query: base.path + PATH_WITH_QUERY,
        max_retries,
    }
}

/// The request that creates one profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub destination: Destination,
    /// JSON.
    pub body: Vec<u8>,
}

/// Builds the request that creates one profile.
///
/// # Errors
///
/// Every field that breaks a rule, in the order of the interface; there is at least one.
pub fn build(connection: &Connection<'_>, input: &Input<'_>) -> Result<Request, Vec<InvalidField>> {
    let mut faults = Faults::default();
    let destination = destination(connection, &mut faults);
    let mut body = [b'['].to_vec();
    update(
        connection,
        input,
        &mut Names::default(),
        &mut faults,
        &mut body,
    );
    body.push(b']');
    faults.into_result()?;
    Ok(Request { destination, body })
}

/// Writes the update that creates one profile, an entry of the array that `/engage` takes, behind
/// `json`; adds every field that breaks a rule to `faults`, in the order of the input: then the
/// update is not to be used. `names` is memory that was used before, or none.
pub fn update<'a>(
    connection: &Connection<'_>,
    input: &Input<'a>,
    names: &mut Names<'a>,
    faults: &mut Faults,
    json: &mut Vec<u8>,
) {
    let start = json.len();
    check_profile_id(&input.profile, faults);
    json.extend_from_slice(br#"{"$token":"#);
    json::text(json, &connection.project_token, b',');
    json.extend_from_slice(br#""$distinct_id":"#);
    json::text(json, &input.profile.profile_id, b',');
    // `"0"` where there is none: without it Mixpanel would take the address of the engine's
    // machine, and put the user in its data centre.
    json.extend_from_slice(br#""$ip":"#);
    json::text(json, ip_address(&input.profile, faults), b',');
    if let Some(time) = time(&input.profile, faults) {
        json.extend_from_slice(br#""$time":"#);
        json::integer(json, time);
        json.push(b',');
    }
    json.extend_from_slice(br#""$set_once":"#);
    properties::write(&input.properties, names, faults, json);
    json.push(b'}');

    let length = json.len() - start;
    if length > MAX_UPDATE_BYTES {
        faults.add_figure(
            "properties",
            "make an update of # bytes: at most 1000000 are allowed",
            length,
        );
    }
}

fn origin(connection: &Connection<'_>, faults: &mut Faults) -> BaseUrl {
    if let Some(base) = present(&connection.base_url) {
        match url::base_url(base) {
            Ok(base) => return base,
            Err(reason) => faults.add("connection.base-url", reason),
        }
    }
    let authority = match connection.region {
        Region::Standard => "api.mixpanel.com",
        Region::Eu => "api-eu.mixpanel.com",
        Region::India => "api-in.mixpanel.com",
    };
    BaseUrl {
        scheme: Scheme::Https,
        authority: authority.into(),
        path: String::new(),
    }
}

fn check_profile_id(profile: &Profile<'_>, faults: &mut Faults) {
    const FIELD: &str = "profile.profile-id";
    let id = profile.profile_id.as_str();
    if is_blank(id) {
        faults.add(FIELD, "is blank: give the user's unique identifier");
    } else if id.len() > MAX_TEXT_BYTES {
        faults.add_figure(FIELD, "has # bytes: at most 255 are allowed", id.len());
    } else if PLACEHOLDER_IDS.contains(&id) {
        faults.add(
            FIELD,
            "is a placeholder that Mixpanel refuses as the id of an event: give the user's own identifier",
        );
    }
}

fn ip_address<'a>(profile: &Profile<'a>, faults: &mut Faults) -> &'a str {
    let Some(address) = present(&profile.ip_address) else {
        return "0";
    };
    if address.parse::<IpAddr>().is_err() {
        faults.add(
            "profile.ip-address",
            "is not an IP address: write IPv4 (1.2.3.4) or IPv6 (2001:db8::1), without port, brackets, zone or white space",
        );
    }
    address
}

fn time(profile: &Profile<'_>, faults: &mut Faults) -> Option<i64> {
    match DateTime::parse(present(&profile.time)?) {
        Ok(date) => Some(date.unix_seconds()),
        Err(reason) => {
            faults.add("profile.time", &reason);
            None
        }
    }
}

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;
