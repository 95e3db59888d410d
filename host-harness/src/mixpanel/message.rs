//! Requests to Mixpanel, and its responses.

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

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
