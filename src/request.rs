//! From the card's input to Mixpanel's request, or to every field that is wrong; pure.

use std::net::IpAddr;

use serde::Serialize;

use crate::bindings::profiles::{Connection, Input, InvalidField, Profile, Region};
use crate::date_time::DateTime;
use crate::properties::{Faults, MAX_TEXT_BYTES, Set, is_blank, present};
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

/// What is sent, and how it may be tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub scheme: Scheme,
    /// Host, and port where there is one.
    pub authority: String,
    pub path_with_query: String,
    /// JSON.
    pub body: Vec<u8>,
    pub max_retries: u8,
}

/// One entry of the array that `/engage` takes.
#[derive(Serialize)]
struct Update<'a> {
    #[serde(rename = "$token")]
    token: &'a str,
    #[serde(rename = "$distinct_id")]
    distinct_id: &'a str,
    /// `"0"` where there is none: without it Mixpanel would take the address of the engine's
    /// machine, and put the user in its data centre.
    #[serde(rename = "$ip")]
    ip: &'a str,
    #[serde(rename = "$time", skip_serializing_if = "Option::is_none")]
    time: Option<i64>,
    #[serde(rename = "$set_once")]
    set_once: Set<'a>,
}

/// Builds the request that creates one profile.
///
/// # Errors
///
/// Every field that breaks a rule, in the order of the input; there is at least one.
pub fn build(connection: &Connection, input: &Input) -> Result<Request, Vec<InvalidField>> {
    let mut faults = Faults::default();

    let token = &connection.project_token;
    if is_blank(token) {
        faults.add(
            "connection.project-token",
            "is blank: copy it from the project's settings in Mixpanel",
        );
    }
    let base = origin(connection, &mut faults);
    let max_retries = connection.max_retries.unwrap_or(retry::DEFAULT_RETRIES);
    if max_retries > retry::MAX_RETRIES {
        faults.add(
            "connection.max-retries",
            format!(
                "is {max_retries}: at most {} are allowed",
                retry::MAX_RETRIES
            ),
        );
    }

    check_profile_id(&input.profile, &mut faults);
    let update = Update {
        token,
        distinct_id: &input.profile.profile_id,
        ip: ip_address(&input.profile, &mut faults),
        time: time(&input.profile, &mut faults),
        set_once: Set::collect(&input.properties, &mut faults),
    };
    let body = serde_json::to_vec(&[&update]).unwrap_or_default();
    // Two bytes are the array's brackets.
    let bytes = body.len().saturating_sub(2);
    if bytes > MAX_UPDATE_BYTES {
        faults.add(
            "properties",
            format!("make an update of {bytes} bytes: at most {MAX_UPDATE_BYTES} are allowed"),
        );
    }

    faults.into_result()?;
    Ok(Request {
        scheme: base.scheme,
        authority: base.authority,
        path_with_query: base.path + PATH_WITH_QUERY,
        body,
        max_retries,
    })
}

fn origin(connection: &Connection, faults: &mut Faults) -> BaseUrl {
    if let Some(base) = present(connection.base_url.as_ref()) {
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
        authority: authority.to_owned(),
        path: String::new(),
    }
}

fn check_profile_id(profile: &Profile, faults: &mut Faults) {
    const FIELD: &str = "profile.profile-id";
    let id = profile.profile_id.as_str();
    if is_blank(id) {
        faults.add(FIELD, "is blank: give the user's unique identifier");
    } else if id.len() > MAX_TEXT_BYTES {
        faults.add(
            FIELD,
            format!(
                "has {} bytes: at most {MAX_TEXT_BYTES} are allowed",
                id.len()
            ),
        );
    } else if PLACEHOLDER_IDS.contains(&id) {
        faults.add(
            FIELD,
            "is a placeholder that Mixpanel refuses as the id of an event: give the user's own identifier",
        );
    }
}

fn ip_address<'a>(profile: &'a Profile, faults: &mut Faults) -> &'a str {
    let Some(address) = present(profile.ip_address.as_ref()) else {
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

fn time(profile: &Profile, faults: &mut Faults) -> Option<i64> {
    let time = present(profile.time.as_ref())?;
    match DateTime::parse(time) {
        Ok(date) => Some(date.unix_seconds()),
        Err(reason) => {
            faults.add("profile.time", reason);
            None
        }
    }
}

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;
