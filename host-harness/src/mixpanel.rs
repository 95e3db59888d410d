//! What Mixpanel does with a request to its profile API, as documented and as recorded; pure.
//!
//! Where the real service cuts or drops something without a word, this one refuses it, so that a
//! test sees the fault.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use http::StatusCode;
use serde::Deserialize;
use serde_json::map::Entry;
use serde_json::{Map, Value, json};

mod form;
mod json;
mod message;
mod update;

use self::form::Form;
pub use self::message::{Answer, Request};
use self::update::{Invalid, Update, invalid};

const MAX_REQUEST_BYTES: usize = 2_097_152;
/// Counted over a profile's whole life.
const MAX_PROPERTIES: usize = 2_000;

/// No limits of Mixpanel's: they keep a load test that never repeats an id to some 1.5 GB.
const MAX_PROFILES: usize = 1_000_000;
const MAX_BYTES: usize = 1 << 30;

/// What a vendor's integration asks when a connection is set up.
const CREDENTIALS_PATH: &str = "/api/app/validate-project-credentials/";

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
    /// The tokens that [`CREDENTIALS_PATH`] knows.
    tokens: BTreeSet<String>,
    /// Of all names and values, roughly.
    bytes: usize,
    /// By project token, then by id.
    projects: BTreeMap<String, BTreeMap<String, Profile>>,
    count: usize,
}

impl Mixpanel {
    /// Knows these tokens.
    pub fn new(tokens: impl IntoIterator<Item = String>) -> Self {
        Self {
            tokens: tokens.into_iter().collect(),
            ..Self::default()
        }
    }

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

    /// Answers `request`: profiles, or whether a token is right.
    pub fn answer(&mut self, request: &Request<'_>) -> Answer {
        match (request.path(), request.method) {
            (CREDENTIALS_PATH, "POST") => self.credentials(request.body),
            (CREDENTIALS_PATH, _) => Answer::error(
                StatusCode::METHOD_NOT_ALLOWED,
                "credentials are checked by POST alone",
            ),
            _ => self.engage(request),
        }
    }

    /// Whether the token in `body` is known. It is not documented by Mixpanel how this is answered.
    fn credentials(&self, body: &[u8]) -> Answer {
        #[derive(Deserialize)]
        struct Credentials {
            project_token: String,
        }
        match serde_json::from_slice(body) {
            Ok(Credentials { project_token }) if self.tokens.contains(&project_token) => {
                Answer::json(StatusCode::OK, &json!({"status": "ok"}))
            }
            Ok(_) => Answer::json(
                StatusCode::UNAUTHORIZED,
                &json!({"error": "Invalid project token", "status": "error"}),
            ),
            Err(_) => Answer::json(
                StatusCode::BAD_REQUEST,
                &json!({"error": "project_token is missing", "status": "error"}),
            ),
        }
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
        if (known.is_none() && self.count >= MAX_PROFILES) || self.bytes >= MAX_BYTES {
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
            if let Entry::Vacant(entry) = profile.properties.entry(name) {
                self.bytes += entry.key().len() + size(&value);
                entry.insert(value);
            }
        }
        if update.location != Location::Nowhere {
            profile.location = update.location;
        }
        profile.time = update.time.or(profile.time);
        profile.updates += 1;
        Ok(())
    }
}

/// The memory of a value, roughly.
fn size(value: &Value) -> usize {
    let own = size_of::<Value>();
    match value {
        Value::String(text) => own + text.len(),
        Value::Array(items) => own + items.iter().map(size).sum::<usize>(),
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| name.len() + size(value);
            own + members.iter().map(member).sum::<usize>()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => own,
    }
}

#[cfg(test)]
mod tests;
