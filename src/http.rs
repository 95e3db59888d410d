//! One request out, one response in; the only file that knows `wasi`. It makes no decisions.

mod cause;

use std::cell::OnceCell;
use std::time::Duration;

use anyhow::{Context as _, Result};
use wasi::clocks::monotonic_clock;
use wasi::http::outgoing_handler;
use wasi::http::types::{
    Fields, FutureIncomingResponse, HeaderError, IncomingBody, IncomingResponse, Method,
    OutgoingBody, OutgoingRequest, RequestOptions, Scheme, http_error_code,
};
use wasi::io::poll::{Pollable, poll};
use wasi::io::streams::StreamError;

pub use cause::Cause;
use cause::{failed, host_error, refused};

use crate::destination::{self, Endpoint};
use crate::excerpt::excerpt;
use crate::response::{End, Headers, MAX_TEXT_CHARACTERS, Response};

/// To connect, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// From the request's last byte to the response's first.
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(30);
/// Within the response.
const BETWEEN_BYTES_TIMEOUT: Duration = Duration::from_secs(30);

const USER_AGENT: &str = concat!("mixpanel-create-profile/", env!("CARGO_PKG_VERSION"));

/// What it closed for, the response's future knows.
const STREAM_CLOSED: &str = "the host closed the request's stream";

/// Sends a body once. Waits for the response for so long at most: a server that sends a byte now and
/// then would keep a host's own limits from ever passing, and a host may not know them at all. Reads so
/// many bytes of its body at most.
///
/// # Errors
///
/// No HTTP response came: the [`Cause`], with the server in front of it. A response that breaks off in
/// its body is a response.
pub fn send(
    endpoint: &Endpoint,
    body: &[u8],
    limit: Duration,
    max_response: usize,
) -> Result<Response> {
    exchange(endpoint, body, &Deadline::new(limit), max_response)
        .with_context(|| endpoint.authority.clone())
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

fn exchange(
    endpoint: &Endpoint,
    bytes: &[u8],
    deadline: &Deadline,
    max_response: usize,
) -> Result<Response> {
    // 1. The head.
    let request = OutgoingRequest::new(headers(bytes.len())?);
    set_target(&request, endpoint)?;
    let body = request
        .body()
        .map_err(|()| failed("the host gives no request body"))?;

    // 2. Off it goes. The body follows, since a host need not hold it in memory.
    let future = outgoing_handler::handle(request, Some(options()))
        .map_err(|code| host_error(code, &endpoint.authority))?;

    // 3. The body. Where it cannot be written, the future knows why: a stream only says "closed",
    //    and a server may well respond before it has read everything.
    let written = write(body, bytes, deadline);

    // 4. The response.
    match response(&future, endpoint, deadline) {
        Ok(response) => read(&response, endpoint, deadline, max_response),
        Err(error) => match error.downcast_ref() {
            Some(Cause::TimedOut(_)) => Err(written.err().unwrap_or(error)),
            _ => Err(error),
        },
    }
}

/// The request's headers, without those that the host keeps to itself.
fn headers(length: usize) -> Result<Fields> {
    let headers = [
        ("content-type", "application/json"),
        ("content-length", &length.to_string()),
        ("user-agent", USER_AGENT),
    ]
    .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
    if let Ok(fields) = Fields::from_list(&headers) {
        return Ok(fields);
    }
    let fields = Fields::new();
    for (name, value) in &headers {
        match fields.append(name, value) {
            Ok(()) => {}
            Err(HeaderError::Forbidden) if name != "content-type" => {}
            Err(_) => return Err(refused(&format!("the header {name}"))),
        }
    }
    Ok(fields)
}

fn set_target(request: &OutgoingRequest, endpoint: &Endpoint) -> Result<()> {
    let Endpoint {
        scheme,
        authority,
        path_with_query,
    } = endpoint;
    let scheme = match scheme {
        destination::Scheme::Http => Scheme::Http,
        destination::Scheme::Https => Scheme::Https,
    };
    request
        .set_method(&Method::Post)
        .map_err(|()| refused("the method POST"))?;
    request
        .set_scheme(Some(&scheme))
        .map_err(|()| refused("the URL's scheme"))?;
    request
        .set_authority(Some(authority))
        .map_err(|()| refused(&format!("the host and port {authority}")))?;
    request
        .set_path_with_query(Some(path_with_query))
        .map_err(|()| refused(&format!("the path {path_with_query}")))
}

/// The three limits, as far as the host supports them.
fn options() -> RequestOptions {
    let options = RequestOptions::new();
    // A host without one of them says so; then the deadline is what is left.
    let _ = options.set_connect_timeout(Some(nanoseconds(CONNECT_TIMEOUT)));
    let _ = options.set_first_byte_timeout(Some(nanoseconds(FIRST_BYTE_TIMEOUT)));
    let _ = options.set_between_bytes_timeout(Some(nanoseconds(BETWEEN_BYTES_TIMEOUT)));
    options
}

fn write(body: OutgoingBody, mut bytes: &[u8], deadline: &Deadline) -> Result<()> {
    {
        let stream = body
            .write()
            .map_err(|()| failed("the host gives no stream to write to"))?;
        while !bytes.is_empty() {
            let permitted = stream.check_write().map_err(|_| failed(STREAM_CLOSED))?;
            let permitted = usize::try_from(permitted).unwrap_or(usize::MAX);
            if permitted == 0 {
                deadline.wait(&stream.subscribe())?;
                continue;
            }
            let (now, later) = bytes.split_at(permitted.min(bytes.len()));
            stream.write(now).map_err(|_| failed(STREAM_CLOSED))?;
            bytes = later;
        }
        // No wait for all of it to be on its way: finishing the body asks for that.
    }
    OutgoingBody::finish(body, None).map_err(|_| failed(STREAM_CLOSED))
}

fn response(
    future: &FutureIncomingResponse,
    endpoint: &Endpoint,
    deadline: &Deadline,
) -> Result<IncomingResponse> {
    loop {
        // It has hardly come yet: that is not asked first.
        deadline.wait(&future.subscribe())?;
        if let Some(result) = future.get() {
            return result
                .map_err(|()| failed("the host gave the response away"))?
                .map_err(|code| host_error(code, &endpoint.authority));
        }
    }
}

fn read(
    response: &IncomingResponse,
    endpoint: &Endpoint,
    deadline: &Deadline,
    max_bytes: usize,
) -> Result<Response> {
    let fields = response.headers();
    let header = |name: &str| {
        let values = fields.get(name).into_iter();
        values.map(|value| String::from_utf8_lossy(&value).into_owned())
    };
    let headers = Headers {
        retry_after: header("retry-after").collect(),
        date: header("date").next(),
        location: header("location").next(),
        content_encoding: header("content-encoding").next(),
    };
    let body = response
        .consume()
        .map_err(|()| failed("the host gives no response body"))?;
    let mut bytes = Vec::new();
    let end = read_body(&body, &mut bytes, max_bytes, endpoint, deadline)
        .unwrap_or_else(|error| End::CutOff(format!("{error:#}")));
    Ok(Response {
        status: response.status(),
        headers,
        body: bytes,
        end,
    })
}

fn read_body(
    body: &IncomingBody,
    bytes: &mut Vec<u8>,
    max_bytes: usize,
    endpoint: &Endpoint,
    deadline: &Deadline,
) -> Result<End> {
    let stream = body
        .stream()
        .map_err(|()| failed("the host gives no stream to read from"))?;
    loop {
        // One byte more than is kept, to learn whether the body ends there.
        let wanted = max_bytes + 1 - bytes.len();
        match stream.read(u64::try_from(wanted)?) {
            Ok(chunk) if chunk.is_empty() => deadline.wait(&stream.subscribe())?,
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(StreamError::Closed) => return Ok(End::Complete),
            Err(StreamError::LastOperationFailed(error)) => {
                // Not every host has a code for it; the first line is words, the rest its insides.
                return Err(match http_error_code(&error) {
                    Some(code) => host_error(code, &endpoint.authority),
                    None => {
                        let words = error.to_debug_string();
                        let words = words.lines().next().unwrap_or_default();
                        let words = excerpt(words, None, MAX_TEXT_CHARACTERS);
                        failed(format!("the connection broke ({words})"))
                    }
                });
            }
        }
        if bytes.len() > max_bytes {
            bytes.truncate(max_bytes);
            return Ok(End::TooLong);
        }
    }
}

/// When an attempt must be over. Most are before they wait: the host is asked for a timer at the
/// first wait.
struct Deadline {
    limit: Duration,
    at: u64,
    timer: OnceCell<Pollable>,
}

impl Deadline {
    fn new(limit: Duration) -> Self {
        Deadline {
            limit,
            at: now().saturating_add(nanoseconds(limit)),
            timer: OnceCell::new(),
        }
    }

    /// Waits until `ready`.
    ///
    /// # Errors
    ///
    /// The attempt has [timed out](Cause::TimedOut).
    fn wait(&self, ready: &Pollable) -> Result<()> {
        let timer = self
            .timer
            .get_or_init(|| monotonic_clock::subscribe_instant(self.at));
        if poll(&[ready, timer]).contains(&0) {
            Ok(())
        } else {
            Err(Cause::TimedOut(self.limit).into())
        }
    }
}
