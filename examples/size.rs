//! What a component's bytes are made of, by crate, and by file for the card itself: `make size`.
//!
//! Wants the linker's component with the names of functions, which are not counted: of a build whose
//! `strip` is off.

use std::collections::BTreeMap;

use host_harness::metadata::stamp;
use wasmparser::{KnownCustom, Name, Parser, Payload};

/// Bytes of a core module.
#[derive(Default)]
struct Sizes {
    module: usize,
    /// By function.
    functions: Vec<usize>,
    imported: usize,
    names: BTreeMap<usize, String>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args_os().nth(1).ok_or("usage: size COMPONENT")?;
    let component = std::fs::read(file)?;
    let mut largest = Sizes::default();
    let mut sizes = Sizes::default();
    let mut data = 0;
    let mut removed = 0;
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
            Payload::DataSection(section) => data += section.range().end - section.range().start,
            Payload::CustomSection(section) => {
                removed += section.range().end - section.range().start;
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

    let mut groups: BTreeMap<String, usize> = BTreeMap::new();
    for (index, size) in largest.functions.iter().enumerate() {
        let name = largest.names.get(&(index + largest.imported));
        let group = group(name.map_or("", String::as_str));
        *groups.entry(group).or_default() += size;
    }
    let metadata = stamp(&component)?.len() - component.len();
    let shipped = component.len() + metadata - removed;
    let code: usize = largest.functions.iter().sum();
    let rest = shipped - metadata - data - code;
    groups.insert("data: strings and tables".to_owned(), data);
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

/// The crate that a function belongs to; of the card itself, the file.
fn group(name: &str) -> String {
    if name.contains("mixpanel:cards") || name.contains("mixpanel_create_profile::bindings") {
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
            // What is in lib.rs has the name of its type instead.
            if file.starts_with(char::is_uppercase) {
                "the card: lib.rs, with what is inlined into it".to_owned()
            } else {
                format!("the card: {file}.rs")
            }
        }
        _ if parts.next().is_some() => format!("crate {first}"),
        _ => "others".to_owned(),
    }
}
