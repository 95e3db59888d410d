//! A smaller component that does the same: the component around the card's code is written anew.
//!
//! What it imports and exports, and the code of its core module, stay as they are.

mod interface;
mod link;
mod module;
mod parts;

use std::fmt;

use anyhow::{Context as _, Result, ensure};
use wasm_encoder::{Component, ComponentSectionId, RawSection};
use wasmparser::component_types::ComponentEntityType;
use wasmparser::{Validator, WasmFeatures};

use parts::Parts;

/// Why a component was left as it is: a linker put it together in a way that is not known here.
#[derive(Debug)]
pub struct Unfamiliar;

impl fmt::Display for Unfamiliar {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the component is not put together as this knows how to make smaller")
    }
}

/// The component with short names for all that is private to it, each definition once, as few sections
/// and core modules as it needs, and no custom sections.
///
/// # Errors
///
/// The bytes are no component, it is [`Unfamiliar`], or what came out would not be a component with the
/// same imports and exports, which is a fault of this.
pub fn compact(component: &[u8]) -> Result<Vec<u8>> {
    let mut parts = Parts::read(component)?;
    // Each import and export is one definition at least.
    let names = short_names(parts.iter().count());
    link::relink(&mut parts, &names)
        .and_then(|()| interface::unwrap(&mut parts))
        .context(Unfamiliar)?;
    parts.drop_default_options();
    parts.merge_aliases();
    let compact = parts.write()?;
    check(component, &compact)?;
    Ok(compact)
}

/// One letter while they last, then two.
fn short_names(count: usize) -> Vec<String> {
    let letters = || ('a'..='z').chain('A'..='Z');
    let one = letters().map(String::from);
    let two = letters().flat_map(|first| letters().map(move |second| format!("{first}{second}")));
    one.chain(two).take(count).collect()
}

/// That the second is a component, and can stand wherever the first can.
fn check(before: &[u8], after: &[u8]) -> Result<()> {
    let mut both = Component::new();
    for data in [before, after] {
        let id = ComponentSectionId::Component.into();
        both.section(&RawSection { id, data });
    }
    // What every host of WASI 0.2 knows.
    let features = WasmFeatures::WASM2 | WasmFeatures::COMPONENT_MODEL;
    let types = Validator::new_with_features(features)
        .validate_all(&both.finish())
        .context("the compact component is not valid: this is a fault of the pass")?;
    let types = types.as_ref();
    let [before, after] = [0, 1].map(|at| ComponentEntityType::Component(types.component_at(at)));
    let is_same = ComponentEntityType::is_subtype_of(&before, types, &after, types)
        && ComponentEntityType::is_subtype_of(&after, types, &before, types);
    ensure!(
        is_same,
        "the compact component has other imports or exports: this is a fault of the pass"
    );
    Ok(())
}

#[cfg(test)]
mod tests;
