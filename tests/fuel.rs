//! What the card computes, in wasm instructions: figures that are the same on every machine, so that a
//! change which makes the card dearer shows.
//!
//! A change that needs another number states it here: `cargo test --release --test fuel -- --nocapture`
//! prints both.

#![allow(clippy::expect_used, reason = "tests fail by panicking")]

use std::path::PathBuf;

use host_harness::records::{Connection, Error, Input, Outcome, Output};
use host_harness::stand_in::{self, StandIn};
use wasmtime::component::{
    Component, ComponentNamedList, ComponentType, Lift, Linker, Lower, ResourceTable,
};
use wasmtime::{Config, Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// One call for `examples/new-profile.json`.
const INSTRUCTIONS_A_CALL: u64 = 38_900;

/// A profile of a list: as many of that input as one request holds, each under an id of its own.
const INSTRUCTIONS_A_PROFILE: u64 = 14_500;

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
            hooks: Default::default(),
        }
    }
}

/// What a function returned, and the instructions that it took.
fn call<A, R>(function: &str, arguments: A) -> (R, u64)
where
    A: ComponentNamedList + Lower,
    R: ComponentType + Lift + 'static,
{
    let mut config = Config::new();
    config.consume_fuel(true);
    let engine = Engine::new(&config).expect("an engine");
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("dist/mixpanel-create-profile.wasm");
    let component = Component::from_file(&engine, file).expect("the component of `make component`");
    let mut linker = Linker::new(&engine);
    wasmtime_wasi_http::p2::add_to_linker_sync(&mut linker).expect("a linker");
    let mut store = Store::new(&engine, Host::default());
    store.set_fuel(PLENTY).expect("fuel");
    let instance = linker
        .instantiate(&mut store, &component)
        .expect("an instance");
    let interface = component
        .get_export_index(None, "mixpanel:cards/profiles@0.1.0")
        .expect("the interface");
    let function = component
        .get_export_index(Some(&interface), function)
        .expect("the function");
    let function = instance
        .get_typed_func::<A, (R,)>(&mut store, function)
        .expect("its type");
    let (result,) = function.call(&mut store, arguments).expect("a call");
    (result, PLENTY - store.get_fuel().expect("fuel"))
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

#[test]
fn a_call_takes_about_as_many_instructions_as_are_stated() {
    let stand_in = StandIn::start(stand_in::Options::default()).expect("a stand-in");
    let (connection, input) = (connection(&stand_in), input());
    let (result, used): (Result<Output, Error>, _) = call("create-profile", (&connection, &input));
    assert!(Outcome::from(result).is_success());
    check("a call", used, INSTRUCTIONS_A_CALL);
}

#[test]
fn a_profile_of_a_list_takes_about_as_many_instructions_as_are_stated() {
    let stand_in = StandIn::start(stand_in::Options::default()).expect("a stand-in");
    let connection = connection(&stand_in);
    let mut inputs = vec![input(); PROFILES];
    for (number, input) in inputs.iter_mut().enumerate() {
        input.profile.profile_id = format!("user-{number}");
    }
    let (results, used): (Result<Vec<Result<Output, Error>>, Error>, _) =
        call("create-profiles", (&connection, &inputs[..]));
    let results = results.expect("outcomes");
    assert_eq!(results.len(), PROFILES);
    for result in results {
        assert!(Outcome::from(result).is_success());
    }
    check("a profile", used / PROFILES as u64, INSTRUCTIONS_A_PROFILE);
}
