//! What a component's bytes are made of, by crate, and by file for the card itself: `make size`.
//!
//! Wants the linker's component with the names of functions: of a build whose `strip` is off. Code is
//! shipped as it is there; all else is counted as `host-harness stamp` writes it.

use std::collections::BTreeMap;

use host_harness::compact::compact;
use host_harness::metadata::stamp;
use wasmparser::{KnownCustom, Name, Parser, Payload};

/// Bytes of a core module.
#[derive(Default)]
struct Sizes {
    module: u64,
    /// By function.
    functions: Vec<u64>,
    imported: usize,
    names: BTreeMap<usize, String>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args_os().nth(1).ok_or("usage: size COMPONENT")?;
    let component = std::fs::read(file)?;
    let mut largest = Sizes::default();
    let mut sizes = Sizes::default();
    for payload in Parser::new(0).parse_all(&component) {
        match payload? {
            Payload::ModuleSection {
                unchecked_range, ..
            } => {
                sizes = Sizes {
                    module: unchecked_range.end - unchecked_range.start,
                    ..Sizes::default()
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let is_function = matches!(import?.ty, wasmparser::TypeRef::Func(_));
                    sizes.imported += usize::from(is_function);
                }
            }
            Payload::CodeSectionEntry(body) => {
                sizes.functions.push(body.range().end - body.range().start);
            }
            Payload::CustomSection(section) => {
                if let KnownCustom::Name(names) = section.as_known() {
                    for name in names {
                        let Name::Function(map) = name? else { continue };
                        for naming in map {
                            let naming = naming?;
                            let name = rustc_demangle::demangle(naming.name).to_string();
                            sizes.names.insert(naming.index as usize, name);
                        }
                    }
                }
            }
            Payload::End(_) if sizes.module > largest.module => {
                largest = std::mem::take(&mut sizes);
            }
            _ => {}
        }
    }

    let mut groups: BTreeMap<String, u64> = BTreeMap::new();
    for (index, size) in largest.functions.iter().enumerate() {
        let name = largest.names.get(&(index + largest.imported));
        let group = group(name.map_or("", String::as_str));
        *groups.entry(group).or_default() += size;
    }
    let compact = compact(&component)?;
    let shipped = stamp(&component)?.len() as u64;
    let metadata = shipped - compact.len() as u64;
    let data = data(&compact)?;
    let code: u64 = largest.functions.iter().sum();
    let rest = shipped - metadata - data - code;
    groups.insert("data: texts and tables".to_owned(), data);
    groups.insert("metadata: name, version, licence".to_owned(), metadata);
    groups.insert("imports, exports, types and glue".to_owned(), rest);
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    for (group, size) in groups {
        println!("{size:>7}  {group}");
    }
    println!("{shipped:>7}  all");
    Ok(())
}

/// Bytes of all data in a component.
fn data(component: &[u8]) -> Result<u64, wasmparser::Error> {
    let mut bytes = 0;
    for payload in Parser::new(0).parse_all(component) {
        if let Payload::DataSection(section) = payload? {
            bytes += section.range().end - section.range().start;
        }
    }
    Ok(bytes)
}

/// The crate that a function belongs to; of the card itself, the file.
fn group(name: &str) -> String {
    if name.contains("mixpanel:cards") {
        return "interface: records in and out".to_owned();
    }
    let path = name.trim_start_matches(['<', '&', '*', '[', '(']);
    let path = path.trim_start_matches("mut ").trim_start_matches("dyn ");
    let mut parts = path.split("::");
    let first: String = parts
        .next()
        .unwrap_or_default()
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect();
    match first.as_str() {
        "mixpanel_create_profile" => {
            let file = parts.next().unwrap_or_default();
            let file: String = file
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            // What stands in lib.rs has the name of its type instead.
            if file.starts_with(char::is_uppercase) {
                "the card: lib.rs, with what is inlined into it".to_owned()
            } else {
                format!("the card: {file}.rs")
            }
        }
        "core" | "alloc" | "hifijson" | "serde_json" | "serde_core" | "zmij" | "itoa"
        | "wasip2" | "wit_bindgen" => format!("crate {first}"),
        _ if name.contains("mixpanel_create_profile::bindings") => {
            "interface: records in and out".to_owned()
        }
        _ => "others".to_owned(),
    }
}
