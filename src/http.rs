//! One request out, one answer in; the only file that knows `wasi`. It makes no decisions.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::OnceCell;
use core::time::Duration;

use wasi::clocks::monotonic_clock;
use wasi::http::types::{
    Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, Method, OutgoingBody,
    OutgoingRequest, RequestOptions, Scheme,
};
use wasi::io::poll::{Pollable, poll};
use wasi::io::streams::StreamError;

use crate::error_code::{Case, ErrorCode, get, handle, http_error_code};
use crate::faults::text;
use crate::request::Destination;
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

/// What it closed for, the answer's future knows.
const STREAM_CLOSED: &str = "the host closed the request's stream";

/// Why there was no answer.
#[derive(Debug)]
pub enum Failure {
    /// The host forbids the request.
    Denied(String),
    /// What failed on the way.
    Transport(String),
}

/// What went wrong on the way.
enum Cause {
    /// The card's own limit on one try has passed.
    TryTimedOut,
    /// The host does not do as its interface says.
    Host(&'static str),
    /// The host's own words.
    Broken(String),
    Code(ErrorCode),
}

impl From<ErrorCode> for Cause {
    fn from(code: ErrorCode) -> Self {
        Cause::Code(code)
    }
}

impl From<StreamError> for Cause {
    fn from(_: StreamError) -> Self {
        Cause::Host(STREAM_CLOSED)
    }
}

type Result<T> = core::result::Result<T, Cause>;

/// Sends a body once.
///
/// # Errors
///
/// A [`Failure`] where no HTTP answer came. An answer that breaks off in its body is an answer.
pub fn send(destination: &Destination, body: &[u8]) -> core::result::Result<Answer, Failure> {
    exchange(destination, body).map_err(|cause| failure(&cause, &destination.authority))
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

fn exchange(destination: &Destination, bytes: &[u8]) -> Result<Answer> {
    let deadline = Deadline::new();

    // 1. The head.
    let length = itoa::Buffer::new().format(bytes.len()).as_bytes().to_vec();
    let headers = Fields::from_list(&[
        ("content-type".to_owned(), b"application/json".to_vec()),
        ("content-length".to_owned(), length),
        ("user-agent".to_owned(), USER_AGENT.as_bytes().to_vec()),
    ])
    .map_err(|_| Cause::Host("the host refuses the headers"))?;
    let outgoing = OutgoingRequest::new(headers);
    let scheme = match destination.scheme {
        url::Scheme::Http => Scheme::Http,
        url::Scheme::Https => Scheme::Https,
    };
    outgoing
        .set_method(&Method::Post)
        .and_then(|()| outgoing.set_scheme(Some(&scheme)))
        .and_then(|()| outgoing.set_authority(Some(&destination.authority)))
        .and_then(|()| outgoing.set_path_with_query(Some(&destination.path_with_query)))
        .map_err(|()| Cause::Host("the host refuses the request's method or URL"))?;
    let body = outgoing
        .body()
        .map_err(|()| Cause::Host("the host gives no request body"))?;

    // 2. Off it goes. The body follows, since a host need not hold it in memory.
    let future = handle(outgoing, options())?;

    // 3. The body. Where it cannot be written, the future knows why: a stream only says "closed",
    //    and a server may well answer before it has read everything.
    let written = write(body, bytes, &deadline);

    // 4. The answer.
    match response(&future, &deadline) {
        Ok(response) => read(&response, &deadline),
        Err(Cause::TryTimedOut) => Err(written.err().unwrap_or(Cause::TryTimedOut)),
        Err(cause) => Err(cause),
    }
}

/// When a try must be over. Most are before they wait: the host is asked for a timer at the first
/// wait.
struct Deadline {
    at: u64,
    timer: OnceCell<Pollable>,
}

impl Deadline {
    fn new() -> Self {
        Deadline {
            at: now().saturating_add(nanoseconds(TRY_TIMEOUT)),
            timer: OnceCell::new(),
        }
    }

    /// Until `ready`.
    ///
    /// # Errors
    ///
    /// The try's time is over.
    fn wait(&self, ready: &Pollable) -> Result<()> {
        let timer = self
            .timer
            .get_or_init(|| monotonic_clock::subscribe_instant(self.at));
        if poll(&[ready, timer]).contains(&0) {
            Ok(())
        } else {
            Err(Cause::TryTimedOut)
        }
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

fn write(body: OutgoingBody, mut bytes: &[u8], deadline: &Deadline) -> Result<()> {
    {
        let stream = body
            .write()
            .map_err(|()| Cause::Host("the host gives no stream to write to"))?;
        while !bytes.is_empty() {
            let permitted = usize::try_from(stream.check_write()?).unwrap_or(usize::MAX);
            if permitted == 0 {
                deadline.wait(&stream.subscribe())?;
                continue;
            }
            let (now, later) = bytes.split_at(permitted.min(bytes.len()));
            stream.write(now)?;
            bytes = later;
        }
        // No wait for all of it to be on its way: finishing the body asks for that.
    }
    OutgoingBody::finish(body, None).map_err(|_| Cause::Host(STREAM_CLOSED))
}

fn response(future: &FutureIncomingResponse, deadline: &Deadline) -> Result<IncomingResponse> {
    loop {
        // It has hardly come yet: that is not asked first.
        deadline.wait(&future.subscribe())?;
        match get(future) {
            Some(Ok(result)) => return Ok(result?),
            Some(Err(())) => return Err(Cause::Host("the host gave the answer away")),
            None => {}
        }
    }
}

fn read(response: &IncomingResponse, deadline: &Deadline) -> Result<Answer> {
    let mut answer = Answer {
        status: response.status(),
        retry_after: None,
        date: None,
        body: Vec::new(),
        end: End::Complete,
    };
    // A success has nothing to say of a next try.
    if !(200..=299).contains(&answer.status) {
        let headers = response.headers();
        let header = |name: &str| {
            let value = headers.get(name).into_iter().next()?;
            String::from_utf8(value).ok()
        };
        answer.retry_after = header("retry-after");
        answer.date = header("date");
    }
    let body = response
        .consume()
        .map_err(|()| Cause::Host("the host gives no answer body"))?;
    answer.end = read_body(&body, &mut answer.body, deadline)
        .unwrap_or_else(|cause| End::CutOff(describe(&cause)));
    Ok(answer)
}

fn read_body(body: &IncomingBody, bytes: &mut Vec<u8>, deadline: &Deadline) -> Result<End> {
    let stream = body
        .stream()
        .map_err(|()| Cause::Host("the host gives no stream to read from"))?;
    loop {
        // One byte more than is kept, to learn whether the body ends there.
        let wanted = MAX_BODY_BYTES + 1 - bytes.len();
        match stream.read(u64::try_from(wanted).unwrap_or(u64::MAX)) {
            Ok(chunk) if chunk.is_empty() => deadline.wait(&stream.subscribe())?,
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(StreamError::Closed) => return Ok(End::Complete),
            Err(StreamError::LastOperationFailed(error)) => {
                // Not every host has a code for it; the first line is words, the rest its insides.
                return Err(match http_error_code(&error) {
                    Some(code) => Cause::Code(code),
                    None => Cause::Broken(error.to_debug_string()),
                });
            }
        }
        if bytes.len() > MAX_BODY_BYTES {
            bytes.truncate(MAX_BODY_BYTES);
            return Ok(End::TooLong);
        }
    }
}

fn failure(cause: &Cause, authority: &str) -> Failure {
    let case = match cause {
        Cause::Code(code) => Some(code.case),
        _ => None,
    };
    match case {
        Some(Case::HttpRequestDenied) => Failure::Denied(text(&[
            "the host does not allow requests to ",
            authority,
            ": its operator must add that origin to the allowed ones",
        ])),
        Some(Case::DestinationIpProhibited) => Failure::Denied(text(&[
            "the host does not allow connections to the address of ",
            authority,
            ": its operator must allow it",
        ])),
        _ => Failure::Transport(text(&[authority, ": ", &describe(cause)])),
    }
}

/// What failed, in words.
fn describe(cause: &Cause) -> String {
    let words = match cause {
        Cause::TryTimedOut => "no complete answer within 70 seconds",
        Cause::Host(words) => words,
        Cause::Broken(words) => {
            let words = words.lines().next().unwrap_or_default();
            return text(&["the connection broke (", &excerpt(words, "", 255), ")"]);
        }
        Cause::Code(code) => {
            if let Some(words) = &code.words {
                return text(&["the host failed: ", &excerpt(words, "", 255)]);
            }
            words_of(code.case)
        }
    };
    words.to_owned()
}

fn words_of(case: Case) -> &'static str {
    match case {
        Case::DnsTimeout => "the name look-up timed out",
        Case::DnsError | Case::DestinationNotFound => "the name look-up failed",
        Case::ConnectionRefused => "the connection was refused",
        Case::ConnectionTimeout => "no connection within 10 seconds",
        Case::ConnectionTerminated => "the connection was closed early",
        Case::HttpResponseIncomplete => "the connection was closed before the answer was complete",
        Case::ConnectionReadTimeout | Case::HttpResponseTimeout => "no answer within 30 seconds",
        Case::ConnectionWriteTimeout => "the request could not be sent in time",
        Case::DestinationUnavailable | Case::DestinationIpUnroutable => {
            "the server cannot be reached"
        }
        Case::TlsCertificateError => "TLS: the server's certificate is not valid for it",
        Case::TlsProtocolError | Case::TlsAlertReceived => "TLS: the handshake failed",
        Case::HttpProtocolError => "the server's answer is not HTTP",
        Case::HttpRequestBodySize => "the request is larger than the host allows",
        Case::HttpResponseBodySize
        | Case::HttpResponseHeaderSectionSize
        | Case::HttpResponseHeaderSize => "the answer is larger than the host allows",
        Case::ConnectionLimitReached => "the host has too many connections",
        Case::ConfigurationError => "the host is not set up for it",
        Case::LoopDetected => "the host found the request going round in a circle",
        Case::InternalError => "the host failed, and does not say why",
        Case::HttpResponseTransferCoding
        | Case::HttpResponseContentCoding
        | Case::HttpResponseTrailerSectionSize
        | Case::HttpResponseTrailerSize => "the answer has a form that the host does not take",
        _ => "the host cannot send it as HTTP",
    }
}
