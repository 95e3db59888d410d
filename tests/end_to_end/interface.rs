//! What the component imports, exports and says of itself.

use wit_parser::decoding::{DecodedWasm, decode};
use wit_parser::{Resolve, WorldItem};

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
        ["mixpanel:cards/profiles@0.1.0"]
    );
}

#[test]
fn the_exported_interface_is_that_of_the_repository() {
    let bytes = std::fs::read(component()).expect("the component");
    let decoded = decode(&bytes).expect("a component");
    let functions = |resolve: &Resolve| {
        let (_, interface) = resolve
            .interfaces
            .iter()
            .find(|(_, interface)| interface.name.as_deref() == Some("profiles"))
            .expect("the interface");
        let functions: Vec<_> = interface.functions.keys().cloned().collect();
        let types: Vec<_> = interface.types.keys().cloned().collect();
        (functions, types)
    };
    let mut source = Resolve::default();
    source
        .push_str("card.wit", include_str!("../../wit/card.wit"))
        .expect("WIT");
    assert_eq!(functions(decoded.resolve()), functions(&source));
}

/// The card reads error codes where the host has put them (`src/error_code.rs`).
#[test]
fn the_cases_of_error_codes_stand_in_the_cards_order() {
    let source = include_str!("../../src/error_code.rs");
    let (_, cases) = source.split_once("enum Case {").expect("the cases");
    let (cases, _) = cases.split_once('}').expect("their end");
    let ours: Vec<_> = cases
        .split(',')
        .map(|case| case.trim().to_ascii_lowercase())
        .filter(|case| !case.is_empty())
        .collect();
    let bytes = std::fs::read(component()).expect("the component");
    let decoded = decode(&bytes).expect("a component");
    let (id, error_code) = decoded
        .resolve()
        .types
        .iter()
        .find(|(_, definition)| definition.name.as_deref() == Some("error-code"))
        .expect("wasi:http's error codes");
    let wit_parser::TypeDefKind::Variant(variant) = &error_code.kind else {
        panic!("a variant");
    };
    let theirs: Vec<_> = variant
        .cases
        .iter()
        .map(|case| case.name.replace('-', "").to_ascii_lowercase())
        .collect();
    assert_eq!(ours, theirs);
    let mut sizes = wit_parser::SizeAlign::default();
    sizes.fill(decoded.resolve());
    let size = sizes.size(&wit_parser::Type::Id(id));
    // A case, and three words of 64 bits.
    assert_eq!(size.size_wasm32(), 32);
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
    const MAX_BYTES: u64 = 64 * 1024;
    let bytes = std::fs::metadata(component()).expect("the component").len();
    assert!(bytes <= MAX_BYTES, "{bytes} bytes, more than {MAX_BYTES}");
}
