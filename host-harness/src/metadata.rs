//! Registry metadata: what a component says of itself, as registries and `wasm-tools` show it.

use anyhow::{Context as _, Result};
use wasm_metadata::{AddMetadata, AddMetadataField, Description, Licenses, Version};
use wasmparser::{Parser, Payload};

/// The card's name in registries.
pub const NAME: &str = "mixpanel-create-profile";

/// The component with its name, version, licence and description in custom sections, and without the
/// names that the linker gives its parts: they would be a twelfth of it.
///
/// The harness and the card share them through the workspace.
///
/// # Errors
///
/// The bytes are no component.
pub fn stamp(component: &[u8]) -> Result<Vec<u8>> {
    let mut metadata = AddMetadata::default();
    metadata.name = AddMetadataField::Set(NAME.to_owned());
    metadata.version = AddMetadataField::Set(Version::new(env!("CARGO_PKG_VERSION")));
    metadata.licenses = AddMetadataField::Set(Licenses::new(env!("CARGO_PKG_LICENSE"))?);
    metadata.description = AddMetadataField::Set(Description::new(env!("CARGO_PKG_DESCRIPTION")));
    without_names(component)
        .and_then(|component| metadata.to_wasm(&component))
        .context("this is not a WebAssembly component")
}

fn without_names(component: &[u8]) -> Result<Vec<u8>> {
    let mut kept = Vec::with_capacity(component.len());
    // Where what was not yet looked at starts, and how deep in nested components it is.
    let (mut start, mut depth) = (0, 0u32);
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section) if depth == 0 && section.name() == "component-name" => {
                let range = section.range();
                let (from, to) = (usize::try_from(range.start)?, usize::try_from(range.end)?);
                // One byte of kind and the length, seven bits a byte, stand in front of the range.
                let length = to - from;
                let head = 2 + length.checked_ilog2().unwrap_or(0) as usize / 7;
                kept.extend_from_slice(&component[start..from - head]);
                start = to;
            }
            _ => {}
        }
    }
    kept.extend_from_slice(&component[start..]);
    Ok(kept)
}
