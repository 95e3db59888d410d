//! The card in a host of your own: wasmtime, with its own transport and no limits.
//!
//! `MIXPANEL_PROJECT_TOKEN=… cargo run --release --example embed`

use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

wasmtime::component::bindgen!({
    path: "wit",
    world: "create-profile-card",
    with: {
        "wasi": wasmtime_wasi::p2::bindings::sync,
        "wasi:http": wasmtime_wasi_http::p2::bindings::http,
    },
});
use exports::mixpanel::cards::profiles::{Connection, Input, Profile, Properties, Region};

/// What one call holds. The card is given no files, no environment and no standard streams.
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

fn main() -> wasmtime::Result<()> {
    let engine = Engine::default();
    let component = Component::from_file(&engine, "dist/mixpanel-create-profile.wasm")?;
    let mut linker = Linker::<Host>::new(&engine);
    wasmtime_wasi_http::p2::add_to_linker_sync(&mut linker)?;

    let connection = Connection {
        project_token: std::env::var("MIXPANEL_PROJECT_TOKEN")?,
        region: Region::Eu,
        base_url: std::env::var("MIXPANEL_BASE_URL").ok(),
        max_retries: None,
    };
    let input = Input {
        profile: Profile {
            profile_id: "user-4711".into(),
            ip_address: None,
            time: None,
        },
        properties: Properties {
            avatar: None,
            name: Some("Ada Lovelace".into()),
            first_name: None,
            last_name: None,
            created: None,
            email: Some("ada@example.com".into()),
            phone: None,
            custom_properties: None,
            dynamic_fields: vec![],
        },
    };

    let mut store = Store::new(&engine, Host::default());
    let card = CreateProfileCard::instantiate(&mut store, &component, &linker)?;
    match card
        .mixpanel_cards_profiles()
        .call_create_profile(&mut store, &connection, &input)?
    {
        Ok(output) => println!(
            "{} {}",
            output.status_code,
            output.reason.unwrap_or_default()
        ),
        Err(error) => println!("{error}"),
    }
    Ok(())
}
