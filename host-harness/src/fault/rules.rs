//! Which requests get which fault.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Fault;

/// Which requests get which fault.
///
/// Rules stand in sequence: a request gets the fault of the first that applies to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rule {
    /// The id that an update of the request must have; any request where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_id: Option<String>,
    /// Of the requests that come to this rule, only each so-manieth gets the fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<NonZeroU32>,
    /// How many more requests get the fault; no end where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// Whether the request's updates are applied although its answer is lost. They always are
    /// where the fault is in how Mixpanel's own answer is delivered.
    #[serde(default)]
    pub store: bool,
    /// What goes wrong.
    pub fault: Fault,
}

impl Rule {
    /// Every request gets `fault`, and nothing is stored.
    pub fn new(fault: Fault) -> Self {
        Self {
            profile_id: None,
            every: None,
            times: None,
            store: false,
            fault,
        }
    }

    /// Only requests with an update of `profile_id`.
    #[must_use]
    pub fn of(mut self, profile_id: impl Into<String>) -> Self {
        self.profile_id = Some(profile_id.into());
        self
    }

    /// Only each `nth` request that comes to this rule.
    #[must_use]
    pub fn every(mut self, nth: NonZeroU32) -> Self {
        self.every = Some(nth);
        self
    }

    /// At most `times` requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// The updates are applied although the answer is lost.
    #[must_use]
    pub fn storing(mut self) -> Self {
        self.store = true;
        self
    }
}

/// The rules in force, and how often each was come to.
#[derive(Debug, Default)]
pub struct Rules(Vec<(Rule, u32)>);

impl Rules {
    /// Puts `rules` in the place of all others.
    pub fn set(&mut self, rules: impl IntoIterator<Item = Rule>) {
        self.0 = rules.into_iter().map(|rule| (rule, 0)).collect();
    }

    /// Adds `rule` behind all others.
    pub fn add(&mut self, rule: Rule) {
        self.0.push((rule, 0));
    }

    /// The rules with the times that are left to them, those that are used up included.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter().map(|(rule, _)| rule)
    }

    /// Whether the connection that was just accepted must be closed.
    pub fn close_on_accept(&mut self) -> bool {
        self.take(|rule| rule.fault == Fault::CloseOnAccept)
            .is_some()
    }

    /// The rule that applies to the request whose body is `body`, and has been used once more.
    pub fn for_request(&mut self, body: &[u8]) -> Option<&Rule> {
        if self.0.is_empty() {
            return None;
        }
        let by_id = self.iter().any(|rule| rule.profile_id.is_some());
        let ids = if by_id { ids(body) } else { Vec::new() };
        self.take(|rule| {
            rule.fault != Fault::CloseOnAccept
                && rule.profile_id.as_ref().is_none_or(|id| ids.contains(id))
        })
    }

    fn take(&mut self, matches: impl Fn(&Rule) -> bool) -> Option<&Rule> {
        for (rule, come_to) in &mut self.0 {
            if rule.times == Some(0) || !matches(rule) {
                continue;
            }
            *come_to = come_to.wrapping_add(1);
            if rule.every.is_some_and(|nth| *come_to % nth != 0) {
                continue;
            }
            rule.times = rule.times.map(|times| times - 1);
            return Some(rule);
        }
        None
    }
}

/// The id of each update in `body`, as far as that can be read.
fn ids(body: &[u8]) -> Vec<String> {
    #[derive(Deserialize)]
    struct Update {
        #[serde(rename = "$distinct_id", default)]
        distinct_id: Value,
    }
    let updates: Vec<Update> = serde_json::from_slice(body).unwrap_or_default();
    updates
        .into_iter()
        .filter_map(|u| u.distinct_id.as_str().map(str::to_owned))
        .collect()
}
