//! From Mixpanel's response to the card's output; pure.

mod body;

use serde_json::value::RawValue;

use crate::bindings::profiles::Output;
use crate::excerpt::{excerpt, without_markup};
use crate::token::Token;

pub use body::Body;
use body::count;

/// More of a response is not read: 64 KiB, and room for words about each further update.
pub fn max_body_bytes(updates: usize) -> usize {
    64 * 1024 + 256 * updates.saturating_sub(1)
}

/// Of text that is quoted as it came.
pub const MAX_TEXT_CHARACTERS: usize = 255;

/// Of words that Mixpanel gave as such: room for the rules that several fields break.
const MAX_WORDS_CHARACTERS: usize = 1_000;

/// An HTTP response, as far as it was read.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub headers: Headers,
    /// At most [`max_body_bytes`].
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
            Verdict::NotUnderstood => (502, Some(response.why_not_understood(updates))),
        },
        status => (status, Some(response.reason())),
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
        let counts_fewer = body.counts_fewer(updates);
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
    ///
    /// It may hold the project token, where the server repeats that.
    pub fn reason(&self) -> String {
        let words = self.words().unwrap_or_else(|| phrase(self.status));
        let header = |name, value: &str| {
            let value = excerpt(value, None, MAX_TEXT_CHARACTERS);
            format!(" ({name}: {value})")
        };
        let location = match self.status {
            300..=399 => self.headers.location.as_deref(),
            _ => None,
        };
        let location = location.map(|location| header("Location", location));
        let encoding = self.compression();
        let encoding = encoding.map(|encoding| header("Content-Encoding", encoding));
        words + &location.unwrap_or_default() + &encoding.unwrap_or_default()
    }

    fn words(&self) -> Option<String> {
        if let Some(words) = self
            .json()
            .and_then(Body::read)
            .and_then(|body| body.words())
        {
            return Some(words);
        }
        if self.compression().is_some() {
            return None;
        }
        let body = String::from_utf8_lossy(&self.body);
        let text = excerpt(&without_markup(&body), None, MAX_TEXT_CHARACTERS);
        (!text.is_empty()).then_some(text)
    }

    /// The encoding of a body that cannot be read: nobody asked for one, but some proxies compress all
    /// that passes.
    fn compression(&self) -> Option<&str> {
        let encoding = self.headers.content_encoding.as_deref()?;
        let compressions = ["gzip", "x-gzip", "deflate", "compress", "br", "zstd"];
        let is_compression = compressions
            .iter()
            .any(|compression| encoding.trim().eq_ignore_ascii_case(compression));
        let is_text = str::from_utf8(&self.body).is_ok();
        (is_compression || !is_text).then_some(encoding)
    }

    fn why_not_understood(&self, updates: usize) -> String {
        let response = format!("the server's response (HTTP status {})", self.status);
        match &self.end {
            End::CutOff(cause) => {
                let cause = excerpt(cause, None, MAX_TEXT_CHARACTERS);
                format!("{response} was cut off: {cause}")
            }
            End::TooLong => {
                let bytes = max_body_bytes(updates);
                format!("{response} is longer than {bytes} bytes, so it is not Mixpanel's")
            }
            End::Complete => match (self.compression(), self.words()) {
                (Some(encoding), _) => {
                    let encoding = excerpt(encoding, None, MAX_TEXT_CHARACTERS);
                    format!(
                        "{response} is compressed, which was not asked for (Content-Encoding: {encoding})"
                    )
                }
                (None, Some(words)) => {
                    format!("{response} does not say whether the profile was stored: {words}")
                }
                (None, None) => format!("{response} has no text"),
            },
        }
    }
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
