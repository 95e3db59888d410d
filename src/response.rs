//! From Mixpanel's response to the card's output; pure.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::bindings::profiles::Output;
use crate::excerpt::{excerpt, without_markup};
use crate::token::Token;

/// More of a response is not read: what Mixpanel has to say fits in a hundredth of it.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// Of text that is quoted as it came.
pub const MAX_TEXT_CHARACTERS: usize = 255;

/// Of words that Mixpanel gave as such: room for the rules that several fields break.
const MAX_WORDS_CHARACTERS: usize = 1_000;

/// An HTTP response, as far as it was read.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub headers: Headers,
    /// At most [`MAX_BODY_BYTES`].
    pub body: Vec<u8>,
    pub end: End,
}

/// The headers that say what to do about a response that is no success.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    pub retry_after: Vec<String>,
    pub date: Option<String>,
    pub location: Option<String>,
    pub content_encoding: Option<String>,
}

/// How a response's body ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum End {
    #[default]
    Complete,
    /// It is longer than what is read of it.
    TooLong,
    /// It stopped early, for this cause.
    CutOff(String),
}

/// What a body says of the updates.
enum Verdict {
    Accepted,
    /// Mixpanel's own words, where it gave any.
    Refused(Option<String>),
    NotUnderstood,
}

/// What Mixpanel's JSON holds, each value as it is written.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Body<'a> {
    #[serde(borrow)]
    pub status: Option<&'a RawValue>,
    code: Option<&'a RawValue>,
    num_good_events: Option<&'a RawValue>,
    num_records_imported: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
    errors: Option<&'a RawValue>,
    failed_records: Option<&'a RawValue>,
}

/// An update that the import API refuses.
#[derive(Default, Deserialize)]
#[serde(default)]
struct FailedRecord<'a> {
    #[serde(borrow)]
    field: Option<&'a RawValue>,
    message: Option<&'a RawValue>,
}

/// Reads the response to a request of so many `updates`.
///
/// A success is a 2xx status whose body says so too, for all of them: Mixpanel answers `200 OK` to
/// updates that it drops. Those become 400, and a 2xx that is not understood becomes 502. Any other
/// status stands.
///
/// A server may repeat what it was sent: `token` is replaced in the reason.
pub fn read(response: &Response, token: &Token<'_>, updates: usize) -> Output {
    let (status_code, reason) = match response.status {
        200..=299 => match response.verdict(updates) {
            Verdict::Accepted => (response.status, None),
            Verdict::Refused(words) => {
                let no_words = "Mixpanel did not accept the profile, and gave no reason";
                (400, Some(words.unwrap_or_else(|| no_words.to_owned())))
            }
            Verdict::NotUnderstood => (502, Some(response.why_not_understood(token))),
        },
        status => (status, Some(response.reason(token))),
    };
    Output {
        status_code,
        reason: reason.map(|reason| excerpt(&reason, Some(token), MAX_WORDS_CHARACTERS)),
    }
}

impl Response {
    fn verdict(&self, updates: usize) -> Verdict {
        let Some(json) = self.json() else {
            return Verdict::NotUnderstood;
        };
        let Some(body) = Body::read(json) else {
            return match count(json.trim().trim_matches('"')) {
                Some(1) => Verdict::Accepted,
                Some(0) => Verdict::Refused(None),
                _ => Verdict::NotUnderstood,
            };
        };
        let words = body.words();
        let good = body.num_good_events.or(body.num_records_imported);
        let counts_fewer = good.is_some_and(|good| number(good).is_none_or(|good| good < updates));
        let says = body.says();
        match says {
            _ if words.is_some() || says == Some(false) || counts_fewer => Verdict::Refused(words),
            Some(true) => Verdict::Accepted,
            _ => Verdict::NotUnderstood,
        }
    }

    /// A body that is whole, and valid JSON.
    pub fn json(&self) -> Option<&str> {
        if self.end != End::Complete {
            return None;
        }
        let body = self
            .body
            .strip_prefix(b"\xef\xbb\xbf")
            .unwrap_or(&self.body);
        let json = str::from_utf8(body).ok()?;
        serde_json::from_str::<&RawValue>(json).ok()?;
        Some(json)
    }

    /// Mixpanel's own words; else what the response says as text; else its status.
    pub fn reason(&self, token: &Token<'_>) -> String {
        let words = self.words(token).unwrap_or_else(|| phrase(self.status));
        let header = |name, value: &Option<String>| {
            let value = excerpt(value.as_deref()?, Some(token), MAX_TEXT_CHARACTERS);
            Some(format!(" ({name}: {value})"))
        };
        let location = match self.status {
            300..=399 => header("Location", &self.headers.location),
            _ => None,
        };
        let encoding = header("Content-Encoding", &self.headers.content_encoding);
        words + &location.unwrap_or_default() + &encoding.unwrap_or_default()
    }

    fn words(&self, token: &Token<'_>) -> Option<String> {
        if let Some(words) = self
            .json()
            .and_then(Body::read)
            .and_then(|body| body.words())
        {
            return Some(words);
        }
        if self.is_compressed() {
            return None;
        }
        let body = String::from_utf8_lossy(&self.body);
        let text = excerpt(&without_markup(&body), Some(token), MAX_TEXT_CHARACTERS);
        (!text.is_empty()).then_some(text)
    }

    /// Nobody asked for it, but some proxies compress all that passes.
    fn is_compressed(&self) -> bool {
        let encoding = self.headers.content_encoding.as_deref().map(str::trim);
        encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity"))
    }

    fn why_not_understood(&self, token: &Token<'_>) -> String {
        let response = format!("the server's response (HTTP status {})", self.status);
        match &self.end {
            End::CutOff(cause) => {
                let cause = excerpt(cause, Some(token), MAX_TEXT_CHARACTERS);
                format!("{response} was cut off: {cause}")
            }
            End::TooLong => {
                format!("{response} is longer than {MAX_BODY_BYTES} bytes, so it is not Mixpanel's")
            }
            End::Complete if self.is_compressed() => {
                let encoding = self.headers.content_encoding.as_deref().unwrap_or_default();
                let encoding = excerpt(encoding, Some(token), MAX_TEXT_CHARACTERS);
                format!(
                    "{response} is compressed, which was not asked for (Content-Encoding: {encoding})"
                )
            }
            End::Complete => match self.words(token) {
                Some(words) => {
                    format!("{response} does not say whether the profile was stored: {words}")
                }
                None => format!("{response} has no text"),
            },
        }
    }
}

impl<'a> Body<'a> {
    /// `None` where the JSON is no object.
    pub fn read(json: &'a str) -> Option<Self> {
        // A struct would be read from an array as well, by position.
        if !json.trim_start().starts_with('{') {
            return None;
        }
        serde_json::from_str(json).ok()
    }

    /// Whether the status is a success; `None` where it is neither that nor a refusal.
    fn says(&self) -> Option<bool> {
        let status = self.status?;
        match number(status) {
            Some(1) => Some(true),
            Some(0) => Some(false),
            // The import API's.
            _ => {
                let is_ok = text(status).is_some_and(|status| status.eq_ignore_ascii_case("ok"));
                (is_ok && self.code.and_then(number) == Some(200)).then_some(true)
            }
        }
    }

    /// What the body names as wrong, in Mixpanel's own words; `None` where it names nothing.
    pub fn words(&self) -> Option<String> {
        let mut words: Vec<String> = [self.error, self.errors]
            .into_iter()
            .filter_map(|value| text(value?))
            .collect();
        if let Some(records) = self.failed_records {
            match serde_json::from_str::<Vec<&RawValue>>(records.get()) {
                Ok(records) => words.extend(records.into_iter().filter_map(failed_record)),
                Err(_) => words.extend(text(records)),
            }
        }
        (!words.is_empty()).then(|| words.join("; "))
    }
}

/// `field: message`
fn failed_record(json: &RawValue) -> Option<String> {
    let record = json.get().starts_with('{').then_some(json.get());
    let record: Option<FailedRecord> = record.and_then(|json| serde_json::from_str(json).ok());
    let record = record.unwrap_or_default();
    match (record.field.and_then(text), record.message.and_then(text)) {
        (Some(field), Some(message)) => Some(format!("{field}: {message}")),
        (Some(words), None) | (None, Some(words)) => Some(words),
        (None, None) => text(json),
    }
}

/// A string, or any other value as it is written; `None` where it is blank or empty.
fn text(json: &RawValue) -> Option<String> {
    let written = json.get();
    let is_empty = |open, close| {
        let inner = written
            .strip_prefix(open)
            .and_then(|rest: &str| rest.strip_suffix(close));
        inner.is_some_and(|inner: &str| inner.trim().is_empty())
    };
    if written == "null" || is_empty('{', '}') || is_empty('[', ']') {
        return None;
    }
    let text: String = serde_json::from_str(written).unwrap_or_else(|_| written.to_owned());
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A whole number, in quotes or not.
fn number(json: &RawValue) -> Option<usize> {
    count(&text(json)?)
}

fn count(number: &str) -> Option<usize> {
    number.strip_suffix(".0").unwrap_or(number).parse().ok()
}

/// A status's standard phrase.
fn phrase(status: u16) -> String {
    http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .map_or_else(|| format!("HTTP status {status}"), str::to_owned)
}

#[cfg(test)]
mod tests;
