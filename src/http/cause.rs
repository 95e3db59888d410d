//! Why there is no response, in words for whoever must act.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use anyhow::Error;
use wasi::http::types::ErrorCode;

use crate::excerpt::excerpt;
use crate::response::MAX_TEXT_CHARACTERS;

/// Why there is no response: the root of each error of [`send`].
pub enum Cause {
    /// The host forbids the request: its operator must act.
    Denied(String),
    /// The limit on the attempt has passed, by the card's own clock.
    TimedOut(Duration),
    Failed(Cow<'static, str>),
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Denied(reason) => formatter.write_str(reason),
            Cause::TimedOut(limit) => {
                let seconds = limit.as_millis().div_ceil(1_000);
                write!(formatter, "no complete response within {seconds} seconds")
            }
            Cause::Failed(words) => formatter.write_str(words),
        }
    }
}

// For `anyhow`. A derived one would bring in the tables of printable characters, 7 KB.
impl fmt::Debug for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl std::error::Error for Cause {}

pub fn failed(words: impl Into<Cow<'static, str>>) -> Error {
    Cause::Failed(words.into()).into()
}

/// The host takes no request with this in it.
pub fn refused(what: &str) -> Error {
    Cause::Denied(format!(
        "the host refuses {what} of the request: its operator must allow it, or use another host"
    ))
    .into()
}

/// What a host's error code means.
pub fn host_error(code: ErrorCode, authority: &str) -> Error {
    let denied = |reason| Cause::Denied(reason).into();
    match code {
        ErrorCode::HttpRequestDenied => denied(format!(
            "the host does not allow requests to {authority}: its operator must add that origin to the allowed ones"
        )),
        ErrorCode::DestinationIpProhibited => denied(format!(
            "the host does not allow connections to the address of {authority}: its operator must allow it"
        )),
        ErrorCode::HttpRequestMethodInvalid => refused("the method POST"),
        ErrorCode::HttpRequestUriInvalid => refused("the URL"),
        ErrorCode::InternalError(Some(words)) => {
            let words = excerpt(&words, None, MAX_TEXT_CHARACTERS);
            failed(format!("the host failed: {words}"))
        }
        code => failed(words(&code)),
    }
}

fn words(code: &ErrorCode) -> &'static str {
    match code {
        ErrorCode::DnsTimeout => "the name look-up timed out",
        ErrorCode::DnsError(_) | ErrorCode::DestinationNotFound => "the name look-up failed",
        ErrorCode::ConnectionRefused => "the connection was refused",
        ErrorCode::ConnectionTimeout => "no connection within 10 seconds",
        ErrorCode::ConnectionTerminated => "the connection was closed early",
        ErrorCode::HttpResponseIncomplete => {
            "the connection was closed before the response was complete"
        }
        ErrorCode::ConnectionReadTimeout | ErrorCode::HttpResponseTimeout => {
            "no response within 30 seconds"
        }
        ErrorCode::ConnectionWriteTimeout => "the request could not be sent in time",
        ErrorCode::DestinationUnavailable | ErrorCode::DestinationIpUnroutable => {
            "the server cannot be reached"
        }
        ErrorCode::TlsCertificateError => "TLS: the server's certificate is not valid for it",
        ErrorCode::TlsProtocolError | ErrorCode::TlsAlertReceived(_) => "TLS: the handshake failed",
        ErrorCode::HttpProtocolError => "the server's response is not HTTP",
        ErrorCode::HttpRequestBodySize(_) => "the request is larger than the host allows",
        ErrorCode::HttpResponseBodySize(_)
        | ErrorCode::HttpResponseHeaderSectionSize(_)
        | ErrorCode::HttpResponseHeaderSize(_) => "the response is larger than the host allows",
        ErrorCode::ConnectionLimitReached => "the host has too many connections",
        ErrorCode::ConfigurationError => "the host is not set up for it",
        ErrorCode::LoopDetected => "the host found the request going round in a circle",
        ErrorCode::InternalError(_) => "the host failed, and does not say why",
        ErrorCode::HttpResponseTransferCoding(_)
        | ErrorCode::HttpResponseContentCoding(_)
        | ErrorCode::HttpResponseTrailerSectionSize(_)
        | ErrorCode::HttpResponseTrailerSize(_) => {
            "the response has a form that the host does not take"
        }
        _ => "the host cannot send it as HTTP",
    }
}
