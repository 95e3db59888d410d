//! What Mixpanel does with a request to its profile API, as documented and as recorded; pure.
//!
//! Where the real service cuts or drops something without a word, this one refuses it, so that a
//! test sees the fault.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value, json};

use self::update::{Invalid, MISSING, Update, invalid};

mod update;

const MAX_REQUEST_BYTES: usize = 2_097_152;
/// Counted over a profile's whole life.
const MAX_PROPERTIES: usize = 2_000;

/// No limit of Mixpanel's: it keeps a load test that never repeats an id to some 1.5 GB.
const MAX_PROFILES: usize = 1_000_000;

/// A request as it came off the wire.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `POST`, and so on.
    pub method: &'a str,
    /// Path, and query where there is one.
    pub target: &'a str,
    /// In the order in which they came.
    pub headers: &'a [httparse::Header<'a>],
    /// Without any transfer coding.
    pub body: &'a [u8],
}

impl Request<'_> {
    /// The target up to its query.
    pub fn path(&self) -> &str {
        self.target
            .split_once('?')
            .map_or(self.target, |(path, _)| path)
    }

    /// The target's query, empty where there is none.
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// Every value of the header `name`, whose case is of no account.
    pub fn header(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.headers
            .iter()
            .filter(move |h| h.name.eq_ignore_ascii_case(name))
            .map(|h| h.value)
    }
}

/// An answer; its body is always JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: StatusCode,
    /// JSON.
    pub body: Bytes,
}

impl Answer {
    /// The answer whose body is `value`.
    pub fn json(status: StatusCode, value: &Value) -> Self {
        Self {
            status,
            body: value.to_string().into(),
        }
    }

    /// An error in the form that Mixpanel's gateway gives to those that it answers itself.
    pub fn error(status: StatusCode, error: &str) -> Self {
        let phrase = phrase(status);
        Self::json(
            status,
            &json!({"code": status.as_u16(), "error": error, "status": phrase}),
        )
    }

    /// The status line and headers, ended by an empty line, with a `Content-Length` of `length`.
    pub fn head(&self, length: usize) -> String {
        let (status, phrase) = (self.status.as_u16(), phrase(self.status));
        format!(
            "HTTP/1.1 {status} {phrase}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        )
    }

    /// The whole answer as HTTP/1.1 writes it.
    pub fn to_http(&self) -> Bytes {
        [self.head(self.body.len()).as_bytes(), &self.body]
            .concat()
            .into()
    }
}

/// The standard phrase of `status`, and for 413 the older one that Mixpanel uses.
fn phrase(status: StatusCode) -> &'static str {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => "Request Entity Too Large",
        _ => status.canonical_reason().unwrap_or_default(),
    }
}

/// What decides on a profile's location.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Location {
    /// Nothing: the profile has none.
    #[default]
    Nowhere,
    /// The last address that an update gave in `$ip`.
    Address(IpAddr),
    /// The address that the request came from, since neither `$ip` nor `ip=0` was given.
    Caller,
}

/// What is remembered of one user.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// In the order in which they were added.
    pub properties: Map<String, Value>,
    /// Where the user is located, by what was last said of it.
    pub location: Location,
    /// The last `$time` given, in Unix seconds.
    pub time: Option<i64>,
    /// How many updates were applied, counting those that found nothing to add.
    pub updates: u64,
}

impl Profile {
    /// As Mixpanel's query API writes a profile, and beside it what else is remembered:
    /// `location` (an address, `"caller"` or null), `time` and `updates`.
    pub fn to_json(&self, distinct_id: &str) -> Value {
        let location = match &self.location {
            Location::Nowhere => Value::Null,
            Location::Address(address) => address.to_string().into(),
            Location::Caller => "caller".into(),
        };
        json!({
            "$distinct_id": distinct_id,
            "$properties": self.properties,
            "location": location,
            "time": self.time,
            "updates": self.updates,
        })
    }
}

/// The profiles of every project that was written to.
#[derive(Debug, Default)]
pub struct Mixpanel {
    /// By project token, then by id.
    projects: BTreeMap<String, BTreeMap<String, Profile>>,
    count: usize,
}

impl Mixpanel {
    /// The profile of `distinct_id` in the project of `token`.
    pub fn profile(&self, token: &str, distinct_id: &str) -> Option<&Profile> {
        self.projects.get(token)?.get(distinct_id)
    }

    /// Every profile as (token, id, profile), in the order of tokens and ids.
    pub fn profiles(&self) -> impl Iterator<Item = (&str, &str, &Profile)> {
        self.projects.iter().flat_map(|(token, profiles)| {
            profiles
                .iter()
                .map(move |(id, profile)| (token.as_str(), id.as_str(), profile))
        })
    }

    /// The profiles of `distinct_id` in all projects.
    pub fn profiles_of(&self, distinct_id: &str) -> impl Iterator<Item = &Profile> {
        self.projects
            .values()
            .filter_map(move |profiles| profiles.get(distinct_id))
    }

    /// How many profiles there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Answers `request`, and applies every update of it that is valid.
    pub fn engage(&mut self, request: &Request<'_>) -> Answer {
        if request.path() != "/engage" {
            return Answer::error(
                StatusCode::NOT_FOUND,
                "no such path: profiles go to /engage",
            );
        }
        if request.method != "POST" {
            return Answer::error(StatusCode::METHOD_NOT_ALLOWED, "/engage takes POST alone");
        }
        if request.body.len() > MAX_REQUEST_BYTES {
            let error = format!("request exceeds max limit of {MAX_REQUEST_BYTES} bytes");
            return Answer::error(StatusCode::PAYLOAD_TOO_LARGE, &error);
        }
        let flag = |flag| request.query().split('&').any(|pair| pair == flag);
        let form = match (flag("strict=1"), flag("verbose=1")) {
            (true, _) => Form::Strict,
            (false, true) => Form::Verbose,
            (false, false) => Form::Plain,
        };
        let updates = match update::read(request, flag("ip=0")) {
            Ok(updates) => updates,
            Err(error) => return form.refused(&error, &[], 0),
        };
        let mut good = 0;
        let mut failures = Vec::new();
        for (index, update) in updates.into_iter().enumerate() {
            let applied = update.and_then(|update| self.apply(update));
            match applied {
                Ok(()) => good += 1,
                Err(invalid) => failures.push((index, invalid)),
            }
        }
        match failures.first() {
            None => form.accepted(good),
            Some((_, first)) => form.refused(&first.to_string(), &failures, good),
        }
    }

    /// `$set_once`: adds what the profile lacks, and overwrites nothing.
    fn apply(&mut self, update: Update) -> Result<(), Invalid> {
        let known = self.profile(&update.token, &update.distinct_id);
        if known.is_none() && self.count >= MAX_PROFILES {
            return Err(invalid("$distinct_id", "no room: start the stand-in anew"));
        }
        let lacks = |name: &&String| known.is_none_or(|p| !p.properties.contains_key(*name));
        let total =
            known.map_or(0, |p| p.properties.len()) + update.set_once.keys().filter(lacks).count();
        if total > MAX_PROPERTIES {
            let message = format!("the profile would have {total}: at most {MAX_PROPERTIES}");
            return Err(invalid("$set_once", message));
        }
        self.count += usize::from(known.is_none());
        let project = self.projects.entry(update.token).or_default();
        let profile = project.entry(update.distinct_id).or_default();
        for (name, value) in update.set_once {
            profile.properties.entry(name).or_insert(value);
        }
        if update.location != Location::Nowhere {
            profile.location = update.location;
        }
        profile.time = update.time.or(profile.time);
        profile.updates += 1;
        Ok(())
    }
}

/// The form of answer that the query asks for.
#[derive(Clone, Copy)]
enum Form {
    Plain,
    Verbose,
    Strict,
}

impl Form {
    fn accepted(self, good: usize) -> Answer {
        let body = match self {
            Self::Plain => Bytes::from_static(b"1"),
            Self::Verbose => Bytes::from_static(br#"{"error":null,"status":1}"#),
            Self::Strict => {
                format!(r#"{{"error":null,"errors":{{}},"num_good_events":{good},"status":1}}"#)
                    .into()
            }
        };
        Answer {
            status: StatusCode::OK,
            body,
        }
    }

    /// `failures` are (index, why), and empty where the request as a whole was refused.
    fn refused(self, error: &str, failures: &[(usize, Invalid)], good: usize) -> Answer {
        let recorded = failures
            .first()
            .is_some_and(|(_, first)| first.message == MISSING);
        match self {
            Self::Plain => Answer {
                status: StatusCode::OK,
                body: Bytes::from_static(b"0"),
            },
            // How a strict answer refuses anything else is not known: this is how Mixpanel's
            // import API does it.
            Self::Strict if !recorded => {
                let records: Vec<_> = failures
                    .iter()
                    .map(|(index, Invalid { field, message })| {
                        json!({"index": index, "field": field, "message": message})
                    })
                    .collect();
                let error = if records.is_empty() {
                    error
                } else {
                    "some data points in the request failed validation"
                };
                Answer::json(
                    StatusCode::BAD_REQUEST,
                    &json!({
                        "code": 400,
                        "error": error,
                        "failed_records": records,
                        "num_records_imported": good,
                        "status": "Bad Request",
                    }),
                )
            }
            Self::Verbose | Self::Strict => {
                Answer::json(StatusCode::OK, &json!({"error": error, "status": 0}))
            }
        }
    }
}

#[cfg(test)]
mod tests;
