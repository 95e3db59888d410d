//! What an instance of the card takes: wasm instructions, which are the same on every machine, so that a
//! change which makes the card dearer shows; and memory, where it is used for more than one call. And
//! what it says of every failure that a host can name.
//!
//! A change that needs other numbers states them here: `cargo test --release --test instance --
//! --nocapture` prints them.

#![allow(clippy::expect_used, reason = "tests fail by panicking")]

use std::path::PathBuf;

use host_harness::fault::{Fault, Rule};
use host_harness::records::{self, Connection, Input, Outcome, Output};
use host_harness::stand_in::{self, StandIn};
use http::{HeaderName, Request, Response};
use http_body_util::BodyExt;
use wasmtime::component::{
    Component, ComponentNamedList, ComponentType, Instance, Lift, Linker, Lower, ResourceTable,
};
use wasmtime::{Config, Engine, ResourceLimiter, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
    default_send_request,
};

/// One call for `examples/new-profile.json`. 55,500 with rustup's standard library, and 57,000 with the
/// one of Debian's packages, which is built for size: this is between them, as is the next.
const INSTRUCTIONS_A_CALL: u64 = 56_300;

/// A profile of a list: as many of that input as one request holds, each under an id of its own.
const INSTRUCTIONS_A_PROFILE: u64 = 25_700;

/// Of one request.
const PROFILES: usize = 2_000;

/// An answer that comes at once takes fewer than one that is waited for.
const MARGIN_PERCENT: u64 = 10;

const PLENTY: u64 = 1 << 40;

#[derive(Default)]
struct Host {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: Hooks,
    /// Of the guest's memory, in bytes.
    memory: usize,
}

/// Sends requests, or fails to; forbids some headers.
#[derive(Default)]
struct Hooks(Option<Failure>, &'static [&'static str]);

/// Makes what a request fails for.
type Failure = fn() -> Error;

type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sending = Box<dyn Future<Output = Result<(Response<WasiBody>, Io), Error>> + Send>;

impl WasiHttpHooks for Hooks {
    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        self.1.contains(&name.as_str())
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Io,
    ) -> Sending {
        let failure = self.0;
        Box::new(async move {
            if let Some(error) = failure {
                return Err(error());
            }
            let (response, io) = default_send_request(request, options).await?;
            let io: Io = Box::new(io);
            Ok((response.map(BodyExt::boxed_unsync), io))
        })
    }
}

impl ResourceLimiter for Host {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.memory = self.memory.max(desired);
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        _desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(true)
    }
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Host {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.hooks,
        }
    }
}

type Single = Result<Output, records::Error>;
type List = Result<Vec<Single>, records::Error>;

/// The card in one instance.
struct Card {
    store: Store<Host>,
    component: Component,
    instance: Instance,
}

impl Card {
    fn new() -> Self {
        let mut config = Config::new();
        config.consume_fuel(true);
        let engine = Engine::new(&config).expect("an engine");
        let file =
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("dist/mixpanel-create-profile.wasm");
        let component =
            Component::from_file(&engine, file).expect("the component of `make component`");
        let mut linker = Linker::new(&engine);
        wasmtime_wasi_http::p2::add_to_linker_sync(&mut linker).expect("a linker");
        let mut store = Store::new(&engine, Host::default());
        store.limiter(|host| host);
        store.set_fuel(PLENTY).expect("fuel");
        let instance = linker
            .instantiate(&mut store, &component)
            .expect("an instance");
        Card {
            store,
            component,
            instance,
        }
    }

    fn call<A, R>(&mut self, function: &str, arguments: A) -> R
    where
        A: ComponentNamedList + Lower,
        R: ComponentType + Lift + 'static,
    {
        let interface = self
            .component
            .get_export_index(None, "mixpanel:cards/profiles@0.1.0")
            .expect("the interface");
        let function = self
            .component
            .get_export_index(Some(&interface), function)
            .expect("the function");
        let function = self
            .instance
            .get_typed_func::<A, (R,)>(&mut self.store, function)
            .expect("its type");
        let (result,) = function.call(&mut self.store, arguments).expect("a call");
        result
    }

    fn create_profile(&mut self, connection: &Connection, input: &Input) -> Outcome {
        let result: Single = self.call("create-profile", (connection, input));
        result.into()
    }

    fn create_profiles(&mut self, connection: &Connection, inputs: &[Input]) -> Vec<Outcome> {
        let results: List = self.call("create-profiles", (connection, inputs));
        let results = results.expect("outcomes");
        assert_eq!(results.len(), inputs.len());
        results.into_iter().map(Outcome::from).collect()
    }

    /// Instructions since it was made.
    fn used(&self) -> u64 {
        PLENTY - self.store.get_fuel().expect("fuel")
    }
}

fn connection(stand_in: &StandIn) -> Connection {
    Connection {
        project_token: "6f1a2b3c4d5e6f708192a3b4c5d6e7f8".to_owned(),
        base_url: Some(stand_in.origin()),
        ..Connection::default()
    }
}

fn input() -> Input {
    serde_json::from_str(include_str!("../examples/new-profile.json")).expect("an input")
}

/// That as many were used as are stated, about.
fn check(what: &str, used: u64, stated: u64) {
    println!("{used} instructions {what}, and {stated} are stated");
    assert!(
        used.abs_diff(stated) * 100 <= stated * MARGIN_PERCENT,
        "{used} instructions {what}, and {stated} are stated"
    );
}

fn inputs(count: usize) -> Vec<Input> {
    let mut inputs = vec![input(); count];
    for (number, input) in inputs.iter_mut().enumerate() {
        input.profile.profile_id = format!("user-{number}");
    }
    inputs
}

fn stand_in() -> StandIn {
    StandIn::start(stand_in::Options::default()).expect("a stand-in")
}

#[test]
fn a_call_takes_about_as_many_instructions_as_are_stated() {
    let stand_in = stand_in();
    let mut card = Card::new();
    assert!(
        card.create_profile(&connection(&stand_in), &input())
            .is_success()
    );
    check("a call", card.used(), INSTRUCTIONS_A_CALL);
}

#[test]
fn a_profile_of_a_list_takes_about_as_many_instructions_as_are_stated() {
    let stand_in = stand_in();
    let mut card = Card::new();
    let outcomes = card.create_profiles(&connection(&stand_in), &inputs(PROFILES));
    assert!(outcomes.iter().all(Outcome::is_success));
    check(
        "a profile",
        card.used() / PROFILES as u64,
        INSTRUCTIONS_A_PROFILE,
    );
}

#[test]
fn an_instance_that_is_used_again_needs_no_more_memory_and_says_the_same() {
    let stand_in = stand_in();
    let mut card = Card::new();
    let connection = connection(&stand_in);
    let nobody = Connection {
        project_token: String::new(),
        ..connection.clone()
    };
    let mut list = inputs(60);
    for input in list.iter_mut().step_by(3) {
        input.profile.ip_address = Some("localhost".to_owned());
    }
    let mut round = || {
        let single = card.create_profile(&connection, &list[1]);
        assert!(single.is_success(), "{single:?}");
        let many = card.create_profiles(&connection, &list);
        for (index, outcome) in many.iter().enumerate() {
            assert_eq!(outcome.is_success(), index % 3 != 0, "{outcome:?}");
        }
        // Parameters without a byte in them: the engine asks for no memory.
        let refused: List = card.call("create-profiles", (&nobody, &list[..0]));
        assert!(
            matches!(&refused, Err(records::Error::PermanentInvalidInput(fields)) if fields.len() == 1)
        );
        let outcomes = (single, many, card.create_profile(&nobody, &list[0]));
        (outcomes, card.store.data().memory)
    };
    let first = round();
    for _ in 0..50 {
        assert_eq!(round(), first);
    }
}

/// Each of a thousand requests is answered with more than the card reads of an answer.
#[test]
fn what_a_server_answers_takes_no_memory_for_good() {
    let stand_in = stand_in();
    stand_in.add_rule(Rule::new(Fault::Answer {
        status: 400,
        headers: vec![],
        body: "x".repeat(100_000),
    }));
    let mut card = Card::new();
    let outcomes = card.create_profiles(&connection(&stand_in), &inputs(500));
    assert_eq!(stand_in.request_count(), 999);
    assert!(outcomes.iter().all(|outcome| !outcome.is_success()));
    let memory = card.store.data().memory;
    println!("{memory} bytes of memory");
    assert!(memory < 4 << 20, "{memory} bytes");
}

/// Codes with what they can carry, each of which lies in memory in a way of its own.
#[test]
fn what_a_host_fails_for_reaches_the_caller_in_words() {
    let cases: [(Failure, &str); 19] = [
        (|| Error::DnsTimeout, "the name look-up timed out"),
        (
            || Error::DnsError {
                rcode: Some("NXDOMAIN".to_owned()),
                info_code: Some(7),
            },
            "the name look-up failed",
        ),
        (
            || Error::DestinationUnavailable,
            "the server cannot be reached",
        ),
        (|| Error::ConnectionRefused, "the connection was refused"),
        (
            || Error::ConnectionTimeout,
            "no connection within 10 seconds",
        ),
        (
            || Error::ConnectionReadTimeout,
            "no response within 30 seconds",
        ),
        (
            || Error::ConnectionLimitReached,
            "the host has too many connections",
        ),
        (
            || Error::TlsCertificateError,
            "TLS: the server's certificate is not valid for it",
        ),
        (
            || Error::TlsAlertReceived {
                alert_id: Some(40),
                alert_message: Some("handshake failure".to_owned()),
            },
            "TLS: the handshake failed",
        ),
        (
            || Error::HttpRequestBodySize(Some(1 << 40)),
            "the request is larger than the host allows",
        ),
        (
            || Error::HttpResponseHeaderSize {
                field_name: Some("x-large".to_owned()),
                field_size: Some(70_000),
            },
            "the response is larger than the host allows",
        ),
        (
            || Error::HttpResponseTransferCoding(Some("gzip".to_owned())),
            "the response has a form that the host does not take",
        ),
        (
            || Error::HttpResponseIncomplete,
            "closed before the response was complete",
        ),
        (
            || Error::HttpProtocolError,
            "the server's response is not HTTP",
        ),
        (
            || Error::HttpUpgradeFailed,
            "the host cannot send it as HTTP",
        ),
        (|| Error::LoopDetected, "going round in a circle"),
        (
            || Error::ConfigurationError,
            "the host is not set up for it",
        ),
        (
            || Error::InternalError(None),
            "the host failed, and does not say why",
        ),
        (
            || Error::InternalError(Some("a fuse has blown".to_owned())),
            "the host failed: a fuse has blown",
        ),
    ];
    let connection = Connection {
        max_retries: Some(0),
        ..connection(&stand_in())
    };
    for (error, words) in cases {
        let mut card = Card::new();
        card.store.data_mut().hooks.0 = Some(error);
        let outcome = card.create_profile(&connection, &input());
        let Outcome::Err(records::Error::Transport(reason)) = &outcome else {
            panic!("{outcome:?} for {:?}", error());
        };
        assert!(reason.contains(words), "{reason} for {:?}", error());
    }
}

#[test]
fn what_a_host_forbids_is_denied() {
    let cases: [(Failure, &str); 4] = [
        (|| Error::HttpRequestMethodInvalid, "the method POST"),
        (|| Error::HttpRequestUriInvalid, "the URL"),
        (
            || Error::HttpRequestDenied,
            "add that origin to the allowed ones",
        ),
        (|| Error::DestinationIpProhibited, "must allow it"),
    ];
    for (error, words) in cases {
        let mut card = Card::new();
        card.store.data_mut().hooks.0 = Some(error);
        let outcome = card.create_profile(&connection(&stand_in()), &input());
        let Outcome::Err(records::Error::PermanentDenied(reason)) = &outcome else {
            panic!("{outcome:?} for {:?}", error());
        };
        assert!(reason.contains(words), "{reason}");
    }
}

/// Some hosts keep these headers to themselves: they send their own, or none.
#[test]
fn headers_that_a_host_forbids_are_left_out() {
    let stand_in = stand_in();
    for forbidden in [
        &["content-length"][..],
        &["user-agent"],
        &["content-length", "user-agent"],
    ] {
        let mut card = Card::new();
        card.store.data_mut().hooks.1 = forbidden;
        stand_in.clear_requests();
        let outcome = card.create_profile(&connection(&stand_in), &input());
        assert!(outcome.is_success(), "{forbidden:?}: {outcome:?}");
        let requests = stand_in.requests();
        assert_eq!(requests.len(), 1);
        assert!(requests[0].header("content-type").is_some());
    }
}

#[test]
fn what_a_request_cannot_be_without_is_named_and_asked_for_once() {
    let stand_in = stand_in();
    let mut card = Card::new();
    card.store.data_mut().hooks.1 = &["content-type"];
    let outcome = card.create_profile(&connection(&stand_in), &input());
    let Outcome::Err(records::Error::PermanentDenied(reason)) = &outcome else {
        panic!("{outcome:?}");
    };
    assert!(reason.contains("the header content-type"), "{reason}");
    assert!(stand_in.requests().is_empty());
}
