//! What the card computes for one call, in wasm instructions: a figure that is the same on every
//! machine, so that a change which makes the card dearer shows.

#![allow(clippy::expect_used, reason = "tests fail by panicking")]

use std::path::PathBuf;

use host_harness::records::{Connection, Error, Input, Outcome, Output};
use host_harness::stand_in::{self, StandIn};
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Config, Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// For `examples/new-profile.json`. A change that needs more says so here.
const INSTRUCTIONS: u64 = 79_000;

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

#[test]
fn a_call_takes_about_as_many_instructions_as_are_stated() {
    let stand_in = StandIn::start(stand_in::Options::default()).expect("a stand-in");
    let connection = Connection {
        project_token: "6f1a2b3c4d5e6f708192a3b4c5d6e7f8".to_owned(),
        base_url: Some(stand_in.origin()),
        ..Connection::default()
    };
    let input: Input =
        serde_json::from_str(include_str!("../examples/new-profile.json")).expect("an input");

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
        .get_export_index(Some(&interface), "create-profile")
        .expect("the function");
    let create_profile = instance
        .get_typed_func::<(&Connection, &Input), (Result<Output, Error>,)>(&mut store, function)
        .expect("its type");
    let (result,) = create_profile
        .call(&mut store, (&connection, &input))
        .expect("a call");
    assert!(Outcome::from(result).is_success());

    let used = PLENTY - store.get_fuel().expect("fuel");
    assert!(
        used.abs_diff(INSTRUCTIONS) * 100 <= INSTRUCTIONS * MARGIN_PERCENT,
        "{used} instructions, and {INSTRUCTIONS} are stated"
    );
}
