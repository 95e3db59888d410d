//! The functions of `wasi:http` that can answer with an error code, and a code's case.
//!
//! The generator's bindings (crate `wasi`) make a copy of a code with all that each of its 39 cases
//! can carry, anew for each of these functions: 5 KB of code, where the card wants to know the case,
//! and the host's own words in one of them. They are read where the host has put them, as the canonical ABI
//! lays them out; `tests/end_to_end` compares that with the component.

#![allow(
    unsafe_code,
    reason = "functions of the host, and memory that it fills"
)]

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::mem::MaybeUninit;

use wasi::http::types::{
    FutureIncomingResponse, IncomingResponse, OutgoingRequest, RequestOptions,
};
use wasi::io::error::Error;

use crate::input::{Maybe, Text};

/// The cases of `error-code`, in their order.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[expect(dead_code, reason = "hosts make them")]
pub enum Case {
    DnsTimeout,
    DnsError,
    DestinationNotFound,
    DestinationUnavailable,
    DestinationIpProhibited,
    DestinationIpUnroutable,
    ConnectionRefused,
    ConnectionTerminated,
    ConnectionTimeout,
    ConnectionReadTimeout,
    ConnectionWriteTimeout,
    ConnectionLimitReached,
    TlsProtocolError,
    TlsCertificateError,
    TlsAlertReceived,
    HttpRequestDenied,
    HttpRequestLengthRequired,
    HttpRequestBodySize,
    HttpRequestMethodInvalid,
    HttpRequestUriInvalid,
    HttpRequestUriTooLong,
    HttpRequestHeaderSectionSize,
    HttpRequestHeaderSize,
    HttpRequestTrailerSectionSize,
    HttpRequestTrailerSize,
    HttpResponseIncomplete,
    HttpResponseHeaderSectionSize,
    HttpResponseHeaderSize,
    HttpResponseBodySize,
    HttpResponseTrailerSectionSize,
    HttpResponseTrailerSize,
    HttpResponseTransferCoding,
    HttpResponseContentCoding,
    HttpResponseTimeout,
    HttpUpgradeFailed,
    HttpProtocolError,
    LoopDetected,
    ConfigurationError,
    InternalError,
}

/// An error code, as far as the card wants to know it.
pub struct ErrorCode {
    pub case: Case,
    /// The host's own, where it gave any.
    pub words: Option<String>,
}

/// As the canonical ABI has it.
#[repr(C)]
struct Raw {
    case: Case,
    payload: Payload,
}

/// As large as the largest, which is a name with two numbers, and aligned as the numbers of 64 bits.
#[repr(C, align(8))]
union Payload {
    /// Of [`Case::InternalError`].
    words: core::mem::ManuallyDrop<Maybe<Text<'static>>>,
    others: [MaybeUninit<u64>; 3],
}

/// `result<T, E>`.
#[expect(dead_code, reason = "hosts make them")]
#[repr(C, u8)]
enum Returned<T, E = Raw> {
    Ok(T),
    Err(E),
}

impl Raw {
    fn read(&self) -> ErrorCode {
        let mut words = None;
        if self.case == Case::InternalError {
            // SAFETY: this is the payload of that case.
            if let Maybe::Some(text) = unsafe { &*self.payload.words } {
                words = Some(text.as_str().to_owned());
            }
        }
        ErrorCode {
            case: self.case,
            words,
        }
    }
}

type Handled = Returned<u32>;
type Got = Maybe<Returned<Returned<u32>, ()>>;

#[cfg(target_family = "wasm")]
mod host {
    use super::{Got, Handled, Maybe, MaybeUninit, Raw};

    #[link(wasm_import_module = "wasi:http/outgoing-handler@0.2.12")]
    unsafe extern "C" {
        pub fn handle(
            request: u32,
            has_options: u32,
            options: u32,
            result: *mut MaybeUninit<Handled>,
        );
    }

    #[link(wasm_import_module = "wasi:http/types@0.2.12")]
    unsafe extern "C" {
        #[link_name = "[method]future-incoming-response.get"]
        pub fn get(response: u32, result: *mut MaybeUninit<Got>);

        #[link_name = "http-error-code"]
        pub fn http_error_code(error: u32, result: *mut MaybeUninit<Maybe<Raw>>);
    }
}

/// Native builds, which are for the tests of the pure files, have no host.
#[cfg(not(target_family = "wasm"))]
mod host {
    use super::{Got, Handled, Maybe, MaybeUninit, Raw};

    pub unsafe fn handle(_: u32, _: u32, _: u32, _: *mut MaybeUninit<Handled>) {
        unreachable!()
    }

    pub unsafe fn get(_: u32, _: *mut MaybeUninit<Got>) {
        unreachable!()
    }

    pub unsafe fn http_error_code(_: u32, _: *mut MaybeUninit<Maybe<Raw>>) {
        unreachable!()
    }
}

/// `outgoing-handler.handle`.
pub fn handle(
    request: OutgoingRequest,
    options: RequestOptions,
) -> Result<FutureIncomingResponse, ErrorCode> {
    let mut result = MaybeUninit::uninit();
    // SAFETY: both handles go over to the host, which fills the result.
    unsafe {
        host::handle(
            request.take_handle(),
            1,
            options.take_handle(),
            &raw mut result,
        );
        match result.assume_init_ref() {
            Returned::Ok(response) => Ok(FutureIncomingResponse::from_handle(*response)),
            Returned::Err(code) => Err(code.read()),
        }
    }
}

/// `future-incoming-response.get`, whose `Err(())` is of an answer that was taken before.
pub fn get(
    response: &FutureIncomingResponse,
) -> Option<Result<Result<IncomingResponse, ErrorCode>, ()>> {
    let mut result = MaybeUninit::uninit();
    // SAFETY: the host fills the result; a handle in it is the caller's own.
    unsafe {
        host::get(response.handle(), &raw mut result);
        match result.assume_init_ref() {
            Maybe::None => None,
            Maybe::Some(Returned::Err(())) => Some(Err(())),
            Maybe::Some(Returned::Ok(Returned::Ok(response))) => {
                Some(Ok(Ok(IncomingResponse::from_handle(*response))))
            }
            Maybe::Some(Returned::Ok(Returned::Err(code))) => Some(Ok(Err(code.read()))),
        }
    }
}

/// `http-error-code`: that of a stream's error, where it is one of HTTP.
pub fn http_error_code(error: &Error) -> Option<ErrorCode> {
    let mut result = MaybeUninit::uninit();
    // SAFETY: the host fills the result.
    unsafe {
        host::http_error_code(error.handle(), &raw mut result);
        match result.assume_init_ref() {
            Maybe::None => None,
            Maybe::Some(code) => Some(code.read()),
        }
    }
}
