//! Faults on request: which requests they befall, and the bytes, waits and ends they are made of;
//! pure.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::mixpanel::Answer;

mod rules;

pub use self::rules::{Rule, Rules};

/// Long stretches of filling go out in blocks of this size, so that none is held in memory whole.
const BLOCK_BYTES: usize = 64 * 1024;

/// What goes wrong. As JSON: `"reset"`, or `{"delay": {"millis": 50}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Fault {
    /// Another answer than Mixpanel's. `Content-Length` is added where `headers` hold neither it
    /// nor `Transfer-Encoding`.
    Answer {
        /// Any number, even one that is no status.
        status: u16,
        /// Names and values, in the order in which they are sent.
        #[serde(default)]
        headers: Vec<(String, String)>,
        /// Sent as it is, whatever the headers say of it.
        #[serde(default)]
        body: String,
    },
    /// Silence, until the client goes away or closes its half of the connection.
    Hang,
    /// Mixpanel's own answer, late.
    Delay {
        /// How late.
        millis: u64,
    },
    /// Mixpanel's own answer, with a wait after each byte.
    SlowBytes {
        /// The wait.
        millis: u64,
    },
    /// Mixpanel's own answer up to the middle of its body, then silence.
    Stall,
    /// Mixpanel's own answer up to the middle of its body, then the end of the connection.
    CutOff,
    /// Mixpanel's own answer, with a `Content-Length` of half its body.
    ShortLength,
    /// Mixpanel's own answer in chunks, the second of which has no valid size.
    BrokenChunk,
    /// An interim answer with this status (1xx), then Mixpanel's own.
    Interim {
        /// Of the interim answer.
        status: u16,
    },
    /// Mixpanel's own answer, then the end of the connection without having said so.
    CloseAfterAnswer,
    /// The end of the connection instead of an answer.
    Close,
    /// The end of a connection before anything is read of it; tied to no profile.
    CloseOnAccept,
    /// A TCP reset instead of an answer.
    Reset,
    /// Bytes that are no HTTP, then the end of the connection.
    Garbage,
    /// Headers without end.
    EndlessHeaders,
    /// 200 with a body of so many times the letter `x`.
    LongBody {
        /// The length of the body.
        bytes: u64,
    },
    /// 200 with a body of so many times `[`.
    DeepJson {
        /// How many.
        depth: u64,
    },
    /// A body that looks like a refusal but is not UTF-8.
    InvalidUtf8 {
        /// Of the answer.
        status: u16,
    },
}

/// What to do with a connection, one thing after the other; after the last, the next request is
/// awaited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Writes these bytes.
    Write(Bytes),
    /// Writes the same so many times.
    Repeat(Bytes, u64),
    /// Waits so long, or until the client goes away: then nothing follows.
    Wait(Duration),
    /// Waits until the client goes away; nothing follows.
    Hang,
    /// Closes the connection in good order; nothing follows.
    Close,
    /// Breaks the connection off with a TCP reset; nothing follows.
    Reset,
}

impl Fault {
    /// What happens to the connection; `own` gives Mixpanel's own answer, where that is wanted.
    pub fn steps(&self, own: impl FnOnce() -> Answer) -> Vec<Step> {
        match self {
            Self::Answer {
                status,
                headers,
                body,
            } => vec![Step::Write(answer(*status, headers, body))],
            Self::Hang => vec![Step::Hang],
            Self::Delay { millis } => {
                vec![
                    Step::Wait(Duration::from_millis(*millis)),
                    Step::Write(own().to_http()),
                ]
            }
            Self::SlowBytes { millis } => {
                let wait = Step::Wait(Duration::from_millis(*millis));
                let bytes = own().to_http();
                (0..bytes.len())
                    .flat_map(|i| [Step::Write(bytes.slice(i..=i)), wait.clone()])
                    .collect()
            }
            Self::Stall => vec![Step::Write(first_half(&own())), Step::Hang],
            Self::CutOff => vec![Step::Write(first_half(&own())), Step::Close],
            Self::ShortLength => {
                let own = own();
                let head = own.head(own.body.len() / 2);
                vec![Step::Write([head.as_bytes(), &own.body].concat().into())]
            }
            Self::BrokenChunk => {
                let Answer { status, body } = own();
                let half = &body[..body.len() / 2];
                let mut bytes = format!(
                    "HTTP/1.1 {}\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n",
                    status.as_u16(),
                    half.len()
                )
                .into_bytes();
                bytes.extend_from_slice(half);
                bytes.extend_from_slice(b"\r\nno size\r\n");
                vec![Step::Write(bytes.into()), Step::Close]
            }
            Self::Interim { status } => {
                let mut bytes = status_line(*status).into_bytes();
                bytes.extend_from_slice(b"\r\n");
                bytes.extend_from_slice(&own().to_http());
                vec![Step::Write(bytes.into())]
            }
            Self::CloseAfterAnswer => vec![Step::Write(own().to_http()), Step::Close],
            Self::Close | Self::CloseOnAccept => vec![Step::Close],
            Self::Reset => vec![Step::Reset],
            Self::Garbage => {
                let bytes = b"SSH-2.0-not-http\r\n\0\xff\xfe\r\n\r\n";
                vec![Step::Write(Bytes::from_static(bytes)), Step::Close]
            }
            Self::EndlessHeaders => vec![
                Step::Write(status_line(200).into()),
                Step::Repeat(
                    format!("X-Filling: {}\r\n", "x".repeat(1_000)).into(),
                    u64::MAX,
                ),
            ],
            Self::LongBody { bytes } => filled(b'x', *bytes),
            Self::DeepJson { depth } => filled(b'[', *depth),
            Self::InvalidUtf8 { status } => {
                let body = b"{\"error\":\"\xff\xfe\xc3(\",\"status\":0}";
                let length = body.len();
                let head = format!("{}Content-Length: {length}\r\n\r\n", status_line(*status));
                vec![Step::Write([head.as_bytes(), body].concat().into())]
            }
        }
    }
}

/// With the standard phrase, where `status` is one that has any.
fn status_line(status: u16) -> String {
    let phrase = StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason());
    format!("HTTP/1.1 {status} {}\r\n", phrase.unwrap_or_default())
}

fn answer(status: u16, headers: &[(String, String)], body: &str) -> Bytes {
    let mut answer = status_line(status);
    for (name, value) in headers {
        answer.extend([name, ": ", value, "\r\n"]);
    }
    let framed = headers.iter().any(|(name, _)| {
        name.eq_ignore_ascii_case("content-length")
            || name.eq_ignore_ascii_case("transfer-encoding")
    });
    if !framed {
        answer.extend(["Content-Length: ", &body.len().to_string(), "\r\n"]);
    }
    answer.push_str("\r\n");
    answer.push_str(body);
    answer.into()
}

/// All of the head, and the first half of the body that it announces.
fn first_half(own: &Answer) -> Bytes {
    let head = own.head(own.body.len());
    [head.as_bytes(), &own.body[..own.body.len() / 2]]
        .concat()
        .into()
}

/// 200 with a body of `length` times `byte`.
fn filled(byte: u8, length: u64) -> Vec<Step> {
    let head = format!("{}Content-Length: {length}\r\n\r\n", status_line(200));
    let block = Bytes::from(vec![byte; BLOCK_BYTES]);
    let rest = usize::try_from(length % BLOCK_BYTES as u64).unwrap_or_default();
    vec![
        Step::Write(head.into()),
        Step::Repeat(block.clone(), length / BLOCK_BYTES as u64),
        Step::Write(block.slice(..rest)),
    ]
}

#[cfg(test)]
mod tests;
