//! One request out, one answer in; the only file that knows `wasi`. It makes no decisions.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use wasi::clocks::monotonic_clock;
use wasi::http::outgoing_handler;
use wasi::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, Method,
    OutgoingBody, OutgoingRequest, RequestOptions, Scheme, http_error_code,
};
use wasi::io::poll::{Pollable, poll};
use wasi::io::streams::StreamError;

use crate::request::Request;
use crate::response::{Answer, End, MAX_BODY_BYTES, excerpt};
use crate::url;

/// To connect, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// From the request's last byte to the answer's first.
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(30);
/// Within the answer.
const BETWEEN_BYTES_TIMEOUT: Duration = Duration::from_secs(30);
/// The whole try, on the card's own clock: a server that sends a byte now and then would keep the
/// others from ever passing, and a host may not know them at all.
const TRY_TIMEOUT: Duration = Duration::from_secs(70);

const USER_AGENT: &str = concat!("mixpanel-create-profile/", env!("CARGO_PKG_VERSION"));

/// Why there was no answer.
#[derive(Debug)]
pub enum Failure {
    /// The host forbids the request.
    Denied(String),
    /// What failed on the way.
    Transport(String),
}

/// The card's own limit on one try has passed.
#[derive(Debug)]
struct TryTimedOut;

impl fmt::Display for TryTimedOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("no complete answer within 70 seconds")
    }
}

impl std::error::Error for TryTimedOut {}

/// Sends the request once.
///
/// # Errors
///
/// A [`Failure`] where no HTTP answer came. An answer that breaks off in its body is an answer.
pub fn send(request: &Request) -> Result<Answer, Failure> {
    exchange(request).map_err(|error| failure(&error, &request.authority))
}

/// A reading of the engine's clock, in nanoseconds from an unknown start.
pub fn now() -> u64 {
    monotonic_clock::now()
}

/// Waits without using the processor.
pub fn sleep(duration: Duration) {
    monotonic_clock::subscribe_duration(nanoseconds(duration)).block();
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn exchange(request: &Request) -> Result<Answer> {
    let deadline = monotonic_clock::subscribe_instant(
        monotonic_clock::now().saturating_add(nanoseconds(TRY_TIMEOUT)),
    );

    // 1. The head.
    let length = request.body.len().to_string();
    let headers = Fields::from_list(&[
        ("content-type".to_owned(), b"application/json".to_vec()),
        ("content-length".to_owned(), length.into_bytes()),
        ("user-agent".to_owned(), USER_AGENT.as_bytes().to_vec()),
    ])
    .context("the host refuses the headers")?;
    let outgoing = OutgoingRequest::new(headers);
    let scheme = match request.scheme {
        url::Scheme::Http => Scheme::Http,
        url::Scheme::Https => Scheme::Https,
    };
    outgoing
        .set_method(&Method::Post)
        .and_then(|()| outgoing.set_scheme(Some(&scheme)))
        .and_then(|()| outgoing.set_authority(Some(&request.authority)))
        .and_then(|()| outgoing.set_path_with_query(Some(&request.path_with_query)))
        .map_err(|()| anyhow!("the host refuses the request's method or URL"))?;
    let body = outgoing
        .body()
        .map_err(|()| anyhow!("the host gives no request body"))?;

    // 2. Off it goes. The body follows, since a host need not hold it in memory.
    let future = outgoing_handler::handle(outgoing, Some(options()))?;

    // 3. The body. Where it cannot be written, the future knows why: a stream only says "closed",
    //    and a server may well answer before it has read everything.
    let written = write(body, &request.body, &deadline);

    // 4. The answer.
    match response(&future, &deadline) {
        Ok(response) => read(&response, &deadline),
        Err(error) if error.is::<TryTimedOut>() => Err(written.err().unwrap_or(error)),
        Err(error) => Err(error),
    }
}

/// The three limits, as far as the host supports them.
fn options() -> RequestOptions {
    let options = RequestOptions::new();
    // A host without one of them says so; then TRY_TIMEOUT is what is left.
    let _ = options.set_connect_timeout(Some(nanoseconds(CONNECT_TIMEOUT)));
    let _ = options.set_first_byte_timeout(Some(nanoseconds(FIRST_BYTE_TIMEOUT)));
    let _ = options.set_between_bytes_timeout(Some(nanoseconds(BETWEEN_BYTES_TIMEOUT)));
    options
}

fn write(body: OutgoingBody, mut bytes: &[u8], deadline: &Pollable) -> Result<()> {
    {
        let stream = body
            .write()
            .map_err(|()| anyhow!("the host gives no stream to write to"))?;
        let ready = stream.subscribe();
        while !bytes.is_empty() {
            let permitted = usize::try_from(stream.check_write()?).unwrap_or(usize::MAX);
            if permitted == 0 {
                wait(&ready, deadline)?;
                continue;
            }
            let (now, later) = bytes.split_at(permitted.min(bytes.len()));
            stream.write(now)?;
            bytes = later;
        }
        stream.flush()?;
        while stream.check_write()? == 0 {
            wait(&ready, deadline)?;
        }
    }
    Ok(OutgoingBody::finish(body, None)?)
}

fn response(future: &FutureIncomingResponse, deadline: &Pollable) -> Result<IncomingResponse> {
    let ready = future.subscribe();
    loop {
        match future.get() {
            Some(Ok(result)) => return Ok(result?),
            Some(Err(())) => return Err(anyhow!("the host gave the answer away")),
            None => wait(&ready, deadline)?,
        }
    }
}

fn read(response: &IncomingResponse, deadline: &Pollable) -> Result<Answer> {
    let headers = response.headers();
    let header = |name: &str| {
        let value = headers.get(name).into_iter().next()?;
        String::from_utf8(value).ok()
    };
    let mut answer = Answer {
        status: response.status(),
        retry_after: header("retry-after"),
        date: header("date"),
        body: Vec::new(),
        end: End::Complete,
    };
    let body = response
        .consume()
        .map_err(|()| anyhow!("the host gives no answer body"))?;
    answer.end = read_body(&body, &mut answer.body, deadline)
        .unwrap_or_else(|error| End::CutOff(describe(&error)));
    Ok(answer)
}

fn read_body(body: &IncomingBody, bytes: &mut Vec<u8>, deadline: &Pollable) -> Result<End> {
    let stream = body
        .stream()
        .map_err(|()| anyhow!("the host gives no stream to read from"))?;
    let ready = stream.subscribe();
    loop {
        // One byte more than is kept, to learn whether the body ends there.
        let wanted = MAX_BODY_BYTES + 1 - bytes.len();
        match stream.read(u64::try_from(wanted).unwrap_or(u64::MAX)) {
            Ok(chunk) if chunk.is_empty() => wait(&ready, deadline)?,
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(StreamError::Closed) => return Ok(End::Complete),
            Err(StreamError::LastOperationFailed(error)) => {
                // Not every host has a code for it; the first line is words, the rest its insides.
                return Err(match http_error_code(&error) {
                    Some(code) => code.into(),
                    None => anyhow!(
                        "the connection broke ({})",
                        error.to_debug_string().lines().next().unwrap_or_default()
                    ),
                });
            }
        }
        if bytes.len() > MAX_BODY_BYTES {
            bytes.truncate(MAX_BODY_BYTES);
            return Ok(End::TooLong);
        }
    }
}

/// Until `ready`, or until the try's time is over.
fn wait(ready: &Pollable, deadline: &Pollable) -> Result<()> {
    if poll(&[ready, deadline]).contains(&0) {
        Ok(())
    } else {
        Err(TryTimedOut.into())
    }
}

fn failure(error: &anyhow::Error, authority: &str) -> Failure {
    match error.downcast_ref::<ErrorCode>() {
        Some(ErrorCode::HttpRequestDenied) => Failure::Denied(format!(
            "the host does not allow requests to {authority}: its operator must add that origin to the allowed ones"
        )),
        Some(ErrorCode::DestinationIpProhibited) => Failure::Denied(format!(
            "the host does not allow connections to the address of {authority}: its operator must allow it"
        )),
        _ => Failure::Transport(format!("{authority}: {}", describe(error))),
    }
}

/// What failed, in words; a code that needs none but its own name keeps it.
fn describe(error: &anyhow::Error) -> String {
    let Some(code) = error.downcast_ref::<ErrorCode>() else {
        return error.to_string();
    };
    let words = match code {
        ErrorCode::DnsTimeout => "the name look-up timed out",
        ErrorCode::DnsError(_) | ErrorCode::DestinationNotFound => "the name look-up failed",
        ErrorCode::ConnectionRefused => "the connection was refused",
        ErrorCode::ConnectionTimeout => "no connection within 10 seconds",
        ErrorCode::ConnectionTerminated => "the connection was closed early",
        ErrorCode::HttpResponseIncomplete => {
            "the connection was closed before the answer was complete"
        }
        ErrorCode::ConnectionReadTimeout | ErrorCode::HttpResponseTimeout => {
            "no answer within 30 seconds"
        }
        ErrorCode::ConnectionWriteTimeout => "the request could not be sent in time",
        ErrorCode::DestinationUnavailable | ErrorCode::DestinationIpUnroutable => {
            "the server cannot be reached"
        }
        ErrorCode::TlsCertificateError => "TLS: the server's certificate is not valid for it",
        ErrorCode::TlsProtocolError | ErrorCode::TlsAlertReceived(_) => "TLS: the handshake failed",
        ErrorCode::HttpProtocolError => "the server's answer is not HTTP",
        ErrorCode::InternalError(Some(words)) => {
            return format!("the host failed: {}", excerpt(words, "", 255));
        }
        other => return format!("{other:?}"),
    };
    words.to_owned()
}
