//! From Mixpanel's answer to the card's output; pure.

use ::http::StatusCode;
use serde_json::Value;

use crate::bindings::profiles::Output;

/// More of an answer is not read: what Mixpanel has to say fits in a hundredth of it.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// Of text that is quoted as it came.
const MAX_TEXT_CHARACTERS: usize = 255;

/// Of words that Mixpanel gave as such: room for the rules that several fields break.
const MAX_WORDS_CHARACTERS: usize = 1_000;

/// Shorter ones, which no real project has, would be found in every text.
const MIN_TOKEN_BYTES: usize = 8;

/// An HTTP answer, as far as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub retry_after: Option<String>,
    pub date: Option<String>,
    /// At most [`MAX_BODY_BYTES`].
    pub body: Vec<u8>,
    pub end: End,
}

/// How an answer's body ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Complete,
    /// It is longer than what is read of it.
    TooLong,
    /// It stopped early, for this cause.
    CutOff(String),
}

/// What a body says of the update.
enum Verdict {
    Accepted,
    /// Mixpanel's own words, where it gave any.
    Refused(Option<String>),
    NotUnderstood,
}

/// Reads the answer.
///
/// A success is a 2xx status whose body says so too: Mixpanel answers `200 OK` to updates that it
/// drops. Those become 400, and a 2xx that is not understood becomes 502. Any other status stands.
///
/// A server may repeat what it was sent: `token` is replaced in the reason.
pub fn read(answer: &Answer, token: &str) -> Output {
    let (status_code, reason) = match answer.status {
        200..=299 => match verdict(answer) {
            Verdict::Accepted => {
                return Output {
                    status_code: answer.status,
                    reason: None,
                };
            }
            Verdict::Refused(words) => (
                400,
                words.map_or_else(
                    || "Mixpanel did not accept the profile, and gave no reason".to_owned(),
                    |words| excerpt(&words, token, MAX_WORDS_CHARACTERS),
                ),
            ),
            Verdict::NotUnderstood => (502, not_understood(answer, token)),
        },
        status => (
            status,
            own_words(answer, token).unwrap_or_else(|| phrase(status)),
        ),
    };
    Output {
        status_code,
        reason: Some(reason),
    }
}

fn verdict(answer: &Answer) -> Verdict {
    if answer.end != End::Complete {
        return Verdict::NotUnderstood;
    }
    match serde_json::from_slice::<Value>(&answer.body) {
        Ok(Value::Object(body)) => {
            let status = body.get("status").and_then(one_or_zero);
            let counts_none = body
                .get("num_good_events")
                .is_some_and(|count| !count.as_f64().is_some_and(|count| count >= 1.0));
            match words(&body) {
                Some(words) => Verdict::Refused(Some(words)),
                None if status == Some(false) || counts_none => Verdict::Refused(None),
                None if status == Some(true) => Verdict::Accepted,
                None => Verdict::NotUnderstood,
            }
        }
        Ok(body) => match one_or_zero(&body) {
            Some(true) => Verdict::Accepted,
            Some(false) => Verdict::Refused(None),
            None => Verdict::NotUnderstood,
        },
        Err(_) => Verdict::NotUnderstood,
    }
}

/// `1` or `0`, as a number or in quotes.
fn one_or_zero(value: &Value) -> Option<bool> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    match text.as_str() {
        "1" | "1.0" => Some(true),
        "0" | "0.0" => Some(false),
        _ => None,
    }
}

/// What the body names as wrong, in Mixpanel's own words; `None` where it names nothing.
fn words(body: &serde_json::Map<String, Value>) -> Option<String> {
    let mut words = Vec::new();
    for key in ["error", "errors"] {
        words.extend(body.get(key).and_then(text));
    }
    match body.get("failed_records") {
        Some(Value::Array(records)) => words.extend(records.iter().filter_map(record)),
        Some(records) => words.extend(text(records)),
        None => {}
    }
    if words.is_empty() {
        None
    } else {
        Some(words.join("; "))
    }
}

/// `field: message`, of one entry of `failed_records`.
fn record(record: &Value) -> Option<String> {
    let part = |key| record.get(key).and_then(text);
    match (part("field"), part("message")) {
        (Some(field), Some(message)) => Some(format!("{field}: {message}")),
        (Some(text), None) | (None, Some(text)) => Some(text),
        (None, None) => text(record),
    }
}

/// A value as text; `None` where it is null, blank or empty.
fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.trim().to_owned(),
        Value::Array(items) if items.is_empty() => return None,
        Value::Object(entries) if entries.is_empty() => return None,
        other => other.to_string(),
    };
    if text.is_empty() { None } else { Some(text) }
}

/// Mixpanel's own words in an answer that is no success.
fn own_words(answer: &Answer, token: &str) -> Option<String> {
    match serde_json::from_slice::<Value>(&answer.body) {
        Ok(Value::Object(body)) if answer.end == End::Complete => {
            if let Some(words) = words(&body) {
                return Some(excerpt(&words, token, MAX_WORDS_CHARACTERS));
            }
        }
        _ => {}
    }
    let body = String::from_utf8_lossy(&answer.body);
    let text = excerpt(&without_tags(&body), token, MAX_TEXT_CHARACTERS);
    if text.is_empty() { None } else { Some(text) }
}

fn not_understood(answer: &Answer, token: &str) -> String {
    let status = answer.status;
    match &answer.end {
        End::CutOff(cause) => {
            let cause = excerpt(cause, token, MAX_TEXT_CHARACTERS);
            format!("the server's answer (HTTP status {status}) was cut off: {cause}")
        }
        End::TooLong => format!(
            "the server's answer (HTTP status {status}) is longer than {MAX_BODY_BYTES} bytes, so it is not Mixpanel's"
        ),
        End::Complete => match own_words(answer, token) {
            Some(text) => format!(
                "the server's answer (HTTP status {status}) does not say whether the profile was stored: {text}"
            ),
            None => format!("the server's answer (HTTP status {status}) has no text"),
        },
    }
}

/// The status's standard phrase.
fn phrase(status: u16) -> String {
    StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .map_or_else(|| format!("HTTP status {status}"), str::to_owned)
}

/// At most `max` characters of `text` without the token, white space and control characters folded.
pub fn excerpt(text: &str, token: &str, max: usize) -> String {
    let replaced;
    let text = if token.len() >= MIN_TOKEN_BYTES && text.contains(token) {
        replaced = text.replace(token, "[project token]");
        &replaced
    } else {
        text
    };
    let mut folded = String::new();
    let words = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|w| !w.is_empty());
    for word in words {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(word);
    }
    if let Some((end, _)) = folded.char_indices().nth(max) {
        folded.truncate(end);
        folded.push('…');
    }
    folded
}

/// HTML's text: no tags, comments, styles or scripts. Other text passes as it is.
fn without_tags(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = if rest.starts_with("<!--") {
            after(rest, "-->")
        } else if is_tag(rest, "<style") {
            after(rest, "</style>")
        } else if is_tag(rest, "<script") {
            after(rest, "</script>")
        } else if rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c)) {
            after(rest, ">")
        } else {
            // A `<` of plain text.
            text.push('<');
            rest = &rest[1..];
            continue;
        };
        text.push(' ');
        rest = &rest[end..];
    }
    text.push_str(rest);
    text
}

fn is_tag(text: &str, tag: &str) -> bool {
    text.get(..tag.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(tag))
}

/// Where the text after `end` starts; its end, where there is none.
fn after(text: &str, end: &str) -> usize {
    text.as_bytes()
        .windows(end.len())
        .position(|window| window.eq_ignore_ascii_case(end.as_bytes()))
        .map_or(text.len(), |at| at + end.len())
}

#[cfg(test)]
mod tests;
