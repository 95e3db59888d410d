//! The card: in our host, and in one that has wasmtime's own transport and no pool of instances.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use host_harness::card::Card;
use host_harness::engine::Engine;
use host_harness::outbound::{Options, Outbound};
use host_harness::records::{Connection, Error, Input, Outcome, Output};
use wasmtime::Store;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::load::Caller;

pub const TOKEN: &str = "6f1a2b3c4d5e6f708192a3b4c5d6e7f8";

pub fn component() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("dist/mixpanel-create-profile.wasm")
}

/// What all calls are made with: `examples/new-profile.json`.
pub fn input() -> Result<Input> {
    Ok(serde_json::from_str(include_str!(
        "../../examples/new-profile.json"
    ))?)
}

pub fn connection(base_url: &str) -> Connection {
    Connection {
        project_token: TOKEN.to_owned(),
        base_url: Some(base_url.to_owned()),
        max_retries: Some(0),
        ..Connection::default()
    }
}

/// A way out that leads to this origin alone.
pub fn outbound(origin: &str) -> Result<Outbound> {
    Outbound::new(Options {
        allow: [origin.parse()?].into(),
        ..Options::default()
    })
}

/// The card in our host.
#[derive(Clone)]
pub struct Ours {
    card: Card,
    connection: Connection,
    input: Input,
}

impl Ours {
    pub fn new(engine: &Engine, origin: &str, base_url: &str) -> Result<Self> {
        Self::of(engine, &std::fs::read(component())?, origin, base_url)
    }

    /// Another component with its interface.
    pub fn of(engine: &Engine, component: &[u8], origin: &str, base_url: &str) -> Result<Self> {
        Ok(Ours {
            card: Card::new(engine, component, outbound(origin)?)?,
            connection: connection(base_url),
            input: input()?,
        })
    }

    pub fn with_base_url(mut self, base_url: &str) -> Self {
        self.connection = connection(base_url);
        self
    }
}

impl Caller for Ours {
    async fn call(&self) -> Result<()> {
        succeeded(
            &self
                .card
                .create_profile(&self.connection, &self.input)
                .await?,
        )
    }
}

/// Anything else than a success would be measured in vain.
pub fn succeeded(outcome: &Outcome) -> Result<()> {
    ensure!(outcome.is_success(), "{outcome:?}");
    Ok(())
}

/// The card in a host as wasmtime's documentation has it.
#[derive(Clone)]
pub struct Stock {
    instance: InstancePre<State>,
    create_profile: ComponentExportIndex,
    connection: Connection,
    input: Input,
}

#[derive(Default)]
struct State {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: Default::default(),
        }
    }
}

impl Stock {
    pub fn new(origin: &str) -> Result<Self> {
        let engine = wasmtime::Engine::default();
        let component = Component::from_file(&engine, component())?;
        let mut linker = Linker::<State>::new(&engine);
        wasmtime_wasi_http::p2::add_to_linker_async(&mut linker)?;
        let create_profile = component
            .get_export_index(None, "mixpanel:cards/profiles@0.1.0")
            .and_then(|interface| component.get_export_index(Some(&interface), "create-profile"))
            .context("the card's interface")?;
        Ok(Stock {
            instance: linker.instantiate_pre(&component)?,
            create_profile,
            connection: connection(origin),
            input: input()?,
        })
    }
}

impl Caller for Stock {
    async fn call(&self) -> Result<()> {
        let mut store = Store::new(self.instance.engine(), State::default());
        let instance = self.instance.instantiate_async(&mut store).await?;
        let function = instance.get_typed_func::<(&Connection, &Input), (Result<Output, Error>,)>(
            &mut store,
            self.create_profile,
        )?;
        let arguments = (&self.connection, &self.input);
        match function.call_async(&mut store, arguments).await?.0 {
            Ok(output) => succeeded(&Outcome::Ok(output)),
            Err(error) => bail!("{error:?}"),
        }
    }
}
