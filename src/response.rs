//! From Mixpanel's answer to the card's output; pure.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use crate::bindings::profiles::Output;
use crate::faults::{text, with_figure};
use crate::json::{Entries, Raw, find};

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

/// What a body says of the updates.
enum Verdict {
    Accepted,
    /// Mixpanel's own words, where it gave any.
    Refused(Option<String>),
    NotUnderstood,
}

/// Reads the answer to a request of so many `updates`.
///
/// A success is a 2xx status whose body says so too, for all of them: Mixpanel answers `200 OK` to
/// updates that it drops. Those become 400, and a 2xx that is not understood becomes 502. Any other
/// status stands.
///
/// A server may repeat what it was sent: `token` is replaced in the reason.
pub fn read(answer: &Answer, token: &str, updates: usize) -> Output {
    let (status_code, reason) = match answer.status {
        200..=299 => match verdict(answer, updates) {
            Verdict::Accepted => (answer.status, None),
            Verdict::Refused(Some(words)) => (400, Some(words)),
            Verdict::Refused(None) => (
                400,
                Some("Mixpanel did not accept the profile, and gave no reason".to_owned()),
            ),
            Verdict::NotUnderstood => (502, Some(not_understood(answer, token))),
        },
        status => (
            status,
            Some(own_words(answer, token).unwrap_or_else(|| phrase(status))),
        ),
    };
    Output {
        status_code,
        reason: reason.map(|reason| excerpt(&reason, token, MAX_WORDS_CHARACTERS)),
    }
}

fn verdict(answer: &Answer, updates: usize) -> Verdict {
    let Some((body, entries)) = json(answer) else {
        return Verdict::NotUnderstood;
    };
    if body.kind() != "an object" {
        return match one_or_zero(body) {
            Some(true) => Verdict::Accepted,
            Some(false) => Verdict::Refused(None),
            None => Verdict::NotUnderstood,
        };
    }
    let words = words(&entries);
    let status = find(&entries, "status").and_then(one_or_zero);
    let counts_fewer = find(&entries, "num_good_events").is_some_and(|count| {
        let count = count.text();
        let count = count.strip_suffix(".0").unwrap_or(count);
        !count.parse::<usize>().is_ok_and(|count| count >= updates)
    });
    match status {
        _ if words.is_some() || status == Some(false) || counts_fewer => Verdict::Refused(words),
        Some(true) => Verdict::Accepted,
        _ => Verdict::NotUnderstood,
    }
}

/// A body that is JSON, and whole; with its entries.
fn json(answer: &Answer) -> Option<(Raw<'_>, Entries<'_>)> {
    if answer.end != End::Complete {
        return None;
    }
    Raw::read_with_entries(core::str::from_utf8(&answer.body).ok()?).ok()
}

/// `1` or `0`, as a number or in quotes.
fn one_or_zero(value: Raw<'_>) -> Option<bool> {
    let text = value.string().unwrap_or(value.text().into());
    match text.trim() {
        "1" | "1.0" => Some(true),
        "0" | "0.0" => Some(false),
        _ => None,
    }
}

/// What the body names as wrong, in Mixpanel's own words; `None` where it names nothing.
fn words(body: &[(Raw<'_>, Raw<'_>)]) -> Option<String> {
    let mut words = String::new();
    let mut add = |separator, more: Option<String>| {
        if let Some(more) = more {
            if !words.is_empty() {
                words.push_str(separator);
            }
            words.push_str(&more);
        }
    };
    for key in ["error", "errors", "failed_records"] {
        let Some(value) = find(body, key) else {
            continue;
        };
        if key != "failed_records" || value.kind() != "an array" {
            add("; ", words_of(value));
            continue;
        }
        for (_, record) in value.entries() {
            // `field: message`
            let entries = record.entries();
            let field = find(&entries, "field").and_then(words_of);
            let message = find(&entries, "message").and_then(words_of);
            if field.is_none() && message.is_none() {
                add("; ", words_of(record));
            } else {
                let separator = if field.is_some() { ": " } else { "; " };
                add("; ", field);
                add(separator, message);
            }
        }
    }
    if words.is_empty() { None } else { Some(words) }
}

/// A value as text; `None` where it is null, blank or empty.
fn words_of(value: Raw<'_>) -> Option<String> {
    let words = match value.kind() {
        "null" => return None,
        "an array" | "an object" if value.entries().is_empty() => return None,
        _ => match value.string() {
            Some(string) => string.trim().to_owned(),
            None => value.text().to_owned(),
        },
    };
    if words.is_empty() { None } else { Some(words) }
}

/// Mixpanel's own words in an answer that is no success; else what the answer says as text.
fn own_words(answer: &Answer, token: &str) -> Option<String> {
    if let Some(words) = json(answer).and_then(|(_, entries)| words(&entries)) {
        return Some(words);
    }
    let body = String::from_utf8_lossy(&answer.body);
    let text = excerpt(&without_tags(&body), token, MAX_TEXT_CHARACTERS);
    if text.is_empty() { None } else { Some(text) }
}

fn not_understood(answer: &Answer, token: &str) -> String {
    let (words, rest) = match &answer.end {
        End::CutOff(cause) => (
            "the server's answer (HTTP status #) was cut off: ",
            Some(excerpt(cause, token, MAX_TEXT_CHARACTERS)),
        ),
        End::TooLong => (
            "the server's answer (HTTP status #) is longer than 65536 bytes, so it is not Mixpanel's",
            None,
        ),
        End::Complete => match own_words(answer, token) {
            Some(words) => (
                "the server's answer (HTTP status #) does not say whether the profile was stored: ",
                Some(words),
            ),
            None => ("the server's answer (HTTP status #) has no text", None),
        },
    };
    with_figure(words, answer.status.into()) + rest.as_deref().unwrap_or_default()
}

/// A status's standard phrase, of those that [servers and what stands in front of them][registry]
/// answer with.
///
/// [registry]: https://www.iana.org/assignments/http-status-codes
fn phrase(status: u16) -> String {
    let number = with_figure("#", status.into());
    PHRASES
        .as_bytes()
        .split(|&byte| byte == b'|')
        .find_map(|phrase| phrase.strip_prefix(number.as_bytes()))
        .and_then(|phrase| core::str::from_utf8(phrase).ok())
        .map_or_else(|| text(&["HTTP status ", &number]), ToOwned::to_owned)
}

/// In one text: a table would cost as much again in pointers.
const PHRASES: &str = "301Moved Permanently|302Found|303See Other|304Not Modified|307Temporary Redirect|308Permanent Redirect|\
400Bad Request|401Unauthorized|402Payment Required|403Forbidden|404Not Found|405Method Not Allowed|406Not Acceptable|\
407Proxy Authentication Required|408Request Timeout|409Conflict|410Gone|411Length Required|412Precondition Failed|\
413Payload Too Large|414URI Too Long|415Unsupported Media Type|421Misdirected Request|422Unprocessable Entity|\
426Upgrade Required|428Precondition Required|429Too Many Requests|431Request Header Fields Too Large|\
451Unavailable For Legal Reasons|500Internal Server Error|501Not Implemented|502Bad Gateway|503Service Unavailable|\
504Gateway Timeout|505HTTP Version Not Supported|511Network Authentication Required";

/// At most `max` characters of `text` without the token, white space and control characters folded.
pub fn excerpt(text: &str, token: &str, max: usize) -> String {
    let mut folded = String::new();
    let mut room = max;
    let mut has_gap = false;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let is_token = token.len() >= MIN_TOKEN_BYTES && rest.starts_with(token);
        let (piece, length) = if is_token {
            ("[project token]", token.len())
        } else {
            (rest.get(..c.len_utf8()).unwrap_or_default(), c.len_utf8())
        };
        rest = rest.get(length..).unwrap_or_default();
        if !is_token && (c.is_whitespace() || c.is_control()) {
            has_gap = !folded.is_empty();
            continue;
        }
        let gap = if has_gap { " " } else { "" };
        has_gap = false;
        // The token's replacement, like all of them, is ASCII.
        let characters = gap.len() + if is_token { piece.len() } else { 1 };
        if characters > room {
            folded.push('…');
            break;
        }
        room -= characters;
        folded.push_str(gap);
        folded.push_str(piece);
    }
    folded
}

/// HTML's text: no tags, comments, styles or scripts. Other text passes as it is.
fn without_tags(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(at) = rest.bytes().position(|byte| byte == b'<') {
        text.push_str(rest.get(..at).unwrap_or_default());
        let after = rest.get(at + 1..).unwrap_or_default();
        let end = match after.as_bytes().first() {
            Some(b'!') if after.starts_with("!--") => "-->",
            Some(b's' | b'S') if is_tag(after, "style") => "</style>",
            Some(b's' | b'S') if is_tag(after, "script") => "</script>",
            Some(b'/' | b'!' | b'?' | b'a'..=b'z' | b'A'..=b'Z') => ">",
            // A `<` of plain text.
            _ => {
                text.push('<');
                rest = after;
                continue;
            }
        };
        text.push(' ');
        rest = behind(after, end);
    }
    text.push_str(rest);
    text
}

fn is_tag(text: &str, tag: &str) -> bool {
    text.get(..tag.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(tag))
}

/// The text behind `end`; nothing where there is none.
fn behind<'a>(text: &'a str, end: &str) -> &'a str {
    text.as_bytes()
        .windows(end.len())
        .position(|window| window.eq_ignore_ascii_case(end.as_bytes()))
        .and_then(|at| text.get(at + end.len()..))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
