//! What the component imports, exports and says of itself.

use wit_parser::decoding::{DecodedWasm, decode};
use wit_parser::{Resolve, WorldId, WorldItem};

use crate::support::component;

fn names<'a>(
    resolve: &Resolve,
    items: impl Iterator<Item = (&'a wit_parser::WorldKey, &'a WorldItem)>,
) -> Vec<String> {
    let mut names: Vec<_> = items.map(|(key, _)| resolve.name_world_key(key)).collect();
    names.sort();
    names
}

#[test]
fn the_component_imports_http_polling_and_a_clock_and_nothing_else() {
    let bytes = std::fs::read(component()).expect("the component");
    let DecodedWasm::Component(resolve, world) = decode(&bytes).expect("a component") else {
        panic!("a WIT package, not a component");
    };
    let world = &resolve.worlds[world];
    let imports: Vec<_> = names(&resolve, world.imports.iter())
        .into_iter()
        .map(|name| name.split('@').next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(
        imports,
        [
            "wasi:clocks/monotonic-clock",
            "wasi:http/outgoing-handler",
            "wasi:http/types",
            "wasi:io/error",
            "wasi:io/poll",
            "wasi:io/streams",
        ]
    );
    assert_eq!(
        names(&resolve, world.exports.iter()),
        [
            "mixpanel:cards/connections@0.1.0",
            "mixpanel:cards/profiles@0.1.0"
        ]
    );
}

fn wit() -> (Resolve, WorldId) {
    let mut resolve = Resolve::default();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/wit");
    let (package, _) = resolve.push_dir(folder).expect("WIT");
    let world = resolve
        .select_world(&[package], Some("create-profile-card"))
        .expect("the world");
    (resolve, world)
}

/// As `wasm-tools component targets wit -w create-profile-card` checks it: the component imports no
/// more than the world declares, and exports no less.
#[test]
fn the_component_targets_the_world_of_the_repository() {
    let bytes = std::fs::read(component()).expect("the component");
    let (resolve, world) = wit();
    wit_component::targets(&resolve, world, &bytes).expect("it targets the world");
}

#[test]
fn the_exported_interfaces_are_those_of_the_repository() {
    let bytes = std::fs::read(component()).expect("the component");
    let decoded = decode(&bytes).expect("a component");
    let (source, _) = wit();
    for name in ["profiles", "connections"] {
        let items = |resolve: &Resolve| {
            let (_, interface) = resolve
                .interfaces
                .iter()
                .find(|(_, interface)| interface.name.as_deref() == Some(name))
                .expect("the interface");
            let functions: Vec<_> = interface.functions.keys().cloned().collect();
            let types: Vec<_> = interface.types.keys().cloned().collect();
            (functions, types)
        };
        assert_eq!(items(decoded.resolve()), items(&source), "{name}");
    }
}

#[test]
fn the_component_says_what_it_is() {
    let bytes = std::fs::read(component()).expect("the component");
    let mut said = std::collections::BTreeMap::new();
    for payload in wasmparser::Parser::new(0).parse_all(&bytes) {
        // Sections of the modules inside come after these.
        if let wasmparser::Payload::CustomSection(section) = payload.expect("a component") {
            said.entry(section.name().to_owned())
                .or_insert_with(|| String::from_utf8_lossy(section.data()).into_owned());
        }
    }
    assert_eq!(said["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(said["licenses"], "Apache-2.0");
    assert_eq!(said["description"], env!("CARGO_PKG_DESCRIPTION"));
    assert!(said["component-name"].contains("mixpanel-create-profile"));
}

/// It is fetched, kept and compiled by every host.
#[test]
fn the_component_is_small() {
    const MAX_BYTES: u64 = 224 * 1024;
    let bytes = std::fs::metadata(component()).expect("the component").len();
    assert!(bytes <= MAX_BYTES, "{bytes} bytes, more than {MAX_BYTES}");
}
