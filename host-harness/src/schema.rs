//! `wit/` → JSON Schema (2020-12), for a builder that makes a form of the card.
//!
//! The types are walked as they are declared: a field that is added to the interface appears in the
//! form without a line changed here. The first paragraph of a doc comment is the `title`, the rest
//! the `description`; a field without its own takes over those of its type. A value has the form
//! that [`records`](crate::records) reads and writes.

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use wit_parser::{Function, Interface, PackageId, Resolve, WorldItem};

mod labels;
mod types;

use self::labels::label;
use self::types::{Types, merge};

/// The card's interface.
pub const WIT: &str = include_str!("../../wit/card.wit");

/// The packages that the card imports from, each after those that it uses itself.
const DEPENDENCIES: [(&str, &str); 7] = [
    ("io.wit", include_str!("../../wit/deps/io.wit")),
    ("clocks.wit", include_str!("../../wit/deps/clocks.wit")),
    ("random.wit", include_str!("../../wit/deps/random.wit")),
    (
        "filesystem.wit",
        include_str!("../../wit/deps/filesystem.wit"),
    ),
    ("sockets.wit", include_str!("../../wit/deps/sockets.wit")),
    ("cli.wit", include_str!("../../wit/deps/cli.wit")),
    ("http.wit", include_str!("../../wit/deps/http.wit")),
];

/// The JSON Schema of one exported function of `wit`, the text of a package.
///
/// It describes an object with a property for each parameter, and two that are read only: `output`
/// is what the function returns, `error` what it returns when it fails. `$defs` holds every named
/// type of the function's interface.
///
/// # Errors
///
/// `wit` cannot be parsed, exports no such function, or has a type that JSON cannot express, such
/// as a resource.
pub fn schema(wit: &str, function: &str) -> Result<Value> {
    let mut resolve = Resolve::default();
    for (name, dependency) in DEPENDENCIES {
        resolve.push_str(name, dependency)?;
    }
    let package = resolve.push_str("card.wit", wit)?;
    let (interface, function) = exported(&resolve, package, function)?;
    let types = Types {
        resolve: &resolve,
        owner: interface
            .types
            .values()
            .next()
            .map(|id| resolve.types[*id].owner),
    };

    let mut root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": id(&resolve, package, interface, function),
    });
    merge(
        &mut root,
        label(&resolve, &function.name, &function.docs, None),
    );
    merge(&mut root, types.function(function)?);
    let mut definitions = Map::new();
    for (name, id) in &interface.types {
        definitions.insert(name.clone(), types.definition(name, &resolve.types[*id])?);
    }
    root["$defs"] = definitions.into();
    Ok(root)
}

fn exported<'a>(
    resolve: &'a Resolve,
    package: PackageId,
    function: &str,
) -> Result<(&'a Interface, &'a Function)> {
    let interfaces = || {
        resolve.packages[package]
            .worlds
            .values()
            .flat_map(|world| resolve.worlds[*world].exports.values())
            .filter_map(|item| match item {
                WorldItem::Interface { id, .. } => Some(&resolve.interfaces[*id]),
                _ => None,
            })
    };
    interfaces()
        .find_map(|interface| Some((interface, interface.functions.get(function)?)))
        .with_context(|| {
            let names: Vec<_> = interfaces()
                .flat_map(|interface| interface.functions.keys().cloned())
                .collect();
            format!(
                "no function named {function} is exported: choose from {}",
                names.join(", ")
            )
        })
}

fn id(resolve: &Resolve, package: PackageId, interface: &Interface, function: &Function) -> String {
    let package = &resolve.packages[package].name;
    let interface = interface.name.as_deref().unwrap_or_default();
    format!(
        "urn:wit:{}",
        package.interface_id(&format!("{interface}/{}", function.name))
    )
}

#[cfg(test)]
mod tests;
