//! One HTTP/1.1 request out of the bytes that have come so far; pure.

use std::borrow::Cow;

use http::StatusCode;
use httparse::{Header, Status};

use crate::mixpanel::Request;

/// How many headers a request may have.
pub(super) const MAX_HEADERS: usize = 64;
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// On the wire: with the framing of its chunks, where it comes in any.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// A request that has come whole.
pub(super) struct Whole<'h, 'b> {
    pub method: &'b str,
    pub target: &'b str,
    pub headers: &'h [Header<'b>],
    /// Without any transfer coding.
    pub body: Cow<'b, [u8]>,
    /// How many bytes the head takes, its empty line included.
    pub head: usize,
    /// How many bytes the whole takes.
    pub end: usize,
    /// Whether the client will use the connection again.
    pub keep_alive: bool,
}

impl Whole<'_, '_> {
    /// The request without its framing.
    pub(super) fn request(&self) -> Request<'_> {
        Request {
            method: self.method,
            target: self.target,
            headers: self.headers,
            body: &self.body,
        }
    }
}

/// What the bytes so far amount to.
pub(super) enum Framed<'h, 'b> {
    Whole(Whole<'h, 'b>),
    /// More bytes are to come; where `expects_continue`, not before the client was told to go on.
    Partial {
        expects_continue: bool,
    },
}

/// Reads one request at the start of `bytes`.
///
/// # Errors
///
/// The status of the answer after which the connection is of no more use: 400, 413, 431 or 501.
pub(super) fn frame<'h, 'b>(
    headers: &'h mut [Header<'b>; MAX_HEADERS],
    bytes: &'b [u8],
) -> Result<Framed<'h, 'b>, StatusCode> {
    let mut request = httparse::Request::new(headers);
    let head = match request.parse(bytes) {
        Ok(Status::Complete(head)) if head <= MAX_HEAD_BYTES => head,
        Ok(Status::Partial) if bytes.len() < MAX_HEAD_BYTES => {
            return Ok(Framed::Partial {
                expects_continue: false,
            });
        }
        Ok(_) | Err(httparse::Error::TooManyHeaders) => {
            return Err(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        }
        Err(_) => return Err(StatusCode::BAD_REQUEST),
    };
    let (Some(method), Some(target), Some(version)) =
        (request.method, request.path, request.version)
    else {
        return Err(StatusCode::BAD_REQUEST);
    };
    let headers = &*request.headers;
    let host = only(headers, "host")?;
    if version == 1 && host.is_none() {
        return Err(StatusCode::BAD_REQUEST);
    }
    let rest = &bytes[head..];
    let body = match (
        only(headers, "content-length")?,
        only(headers, "transfer-encoding")?,
    ) {
        (None, None) => Some((Cow::Borrowed(&rest[..0]), 0)),
        (Some(length), None) => {
            let length = content_length(length)?;
            rest.get(..length).map(|body| (Cow::Borrowed(body), length))
        }
        (None, Some(coding)) if coding.eq_ignore_ascii_case(b"chunked") => {
            chunked(rest)?.map(|(body, length)| (Cow::Owned(body), length))
        }
        (None, Some(_)) => return Err(StatusCode::NOT_IMPLEMENTED),
        // Two answers to where the body ends.
        (Some(_), Some(_)) => return Err(StatusCode::BAD_REQUEST),
    };
    let Some((body, length)) = body else {
        let expect = only(headers, "expect")?;
        let expects_continue = expect.is_some_and(|e| e.eq_ignore_ascii_case(b"100-continue"));
        return Ok(Framed::Partial { expects_continue });
    };
    let connection = only(headers, "connection")?;
    let keep_alive = version == 1 && !connection.is_some_and(|c| c.eq_ignore_ascii_case(b"close"));
    Ok(Framed::Whole(Whole {
        method,
        target,
        headers,
        body,
        head,
        end: head + length,
        keep_alive,
    }))
}

/// The value of the header `name`, which may stand once at most.
fn only<'b>(headers: &[Header<'b>], name: &str) -> Result<Option<&'b [u8]>, StatusCode> {
    let mut values = headers.iter().filter(|h| h.name.eq_ignore_ascii_case(name));
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(StatusCode::BAD_REQUEST),
        (value, None) => Ok(value.map(|header| header.value)),
    }
}

fn content_length(value: &[u8]) -> Result<usize, StatusCode> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(StatusCode::BAD_REQUEST);
    }
    // More digits than fit are too much in any case.
    let length = str::from_utf8(value)
        .ok()
        .and_then(|digits| digits.parse().ok());
    match length.unwrap_or(usize::MAX) {
        length if length > MAX_BODY_BYTES => Err(StatusCode::PAYLOAD_TOO_LARGE),
        length => Ok(length),
    }
}

/// The body that `bytes` start with, and how many of them its chunks take, where all have come.
fn chunked(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, StatusCode> {
    let mut body = Vec::new();
    let mut at = 0;
    loop {
        if at > MAX_BODY_BYTES {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let rest = &bytes[at..];
        let (line, size) = match httparse::parse_chunk_size(rest) {
            Ok(Status::Complete((line, size))) => (line, size),
            // A size line may carry extensions: that, too, must end somewhere.
            Ok(Status::Partial) if rest.len() < MAX_HEAD_BYTES => return Ok(None),
            Ok(Status::Partial) | Err(_) => return Err(StatusCode::BAD_REQUEST),
        };
        let size = usize::try_from(size).map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
        if size > MAX_BODY_BYTES {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let start = at + line;
        if size == 0 {
            // Trailers are of no use here; without them one empty line remains.
            return match bytes.get(start..start + 2) {
                Some(b"\r\n") => Ok(Some((body, start + 2))),
                Some(_) => Err(StatusCode::NOT_IMPLEMENTED),
                None => Ok(None),
            };
        }
        let end = start + size;
        let Some(chunk) = bytes.get(start..end) else {
            return Ok(None);
        };
        match bytes.get(end..end + 2) {
            Some(b"\r\n") => body.extend_from_slice(chunk),
            Some(_) => return Err(StatusCode::BAD_REQUEST),
            None => return Ok(None),
        }
        at = end + 2;
    }
}

#[cfg(test)]
mod tests;
