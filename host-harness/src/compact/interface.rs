//! How a component exports an interface.
//!
//! wit-component wraps it in a component of its own, which takes types and functions in and gives them
//! out again: all types stand there twice more. An instance that is put together from them is the same.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use wasmparser::{
    ComponentExport, ComponentExternalKind, ComponentInstance, ComponentTypeRef, Parser, Payload,
};

use super::parts::{Definition, Id, Parts, Space};

/// Replaces instances of such components.
///
/// # Errors
///
/// A component is another than wit-component makes.
pub fn unwrap(parts: &mut Parts) -> Result<()> {
    let wrapped: Vec<Id> = parts
        .iter()
        .filter(|(_, definition)| {
            matches!(
                definition,
                Definition::Instance(ComponentInstance::Instantiate { .. })
            )
        })
        .map(|(id, _)| id)
        .collect();
    for id in wrapped {
        let Some(Definition::Instance(ComponentInstance::Instantiate {
            component_index,
            args,
        })) = parts.get(id)
        else {
            continue;
        };
        let Some(Definition::Component(component)) =
            parts.get((Space::Component, *component_index))
        else {
            bail!("it has an instance of a component from outside");
        };
        let given: BTreeMap<&str, (ComponentExternalKind, u32)> = args
            .iter()
            .map(|argument| (argument.name, (argument.kind, argument.index)))
            .collect();
        let exports = passed_on(component)?
            .into_iter()
            .map(|(name, import)| {
                let (kind, index) = *given
                    .get(import.as_str())
                    .with_context(|| format!("nothing is given for {import}"))?;
                Ok(ComponentExport {
                    name,
                    kind,
                    index,
                    ty: None,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let instance = ComponentInstance::FromExports(exports.into());
        parts.set(id, Definition::Instance(instance));
    }
    Ok(())
}

/// What a component exports, and the import that it is.
fn passed_on(component: &[u8]) -> Result<Vec<(wasmparser::ComponentExternName<'_>, String)>> {
    let mut functions = Vec::new();
    let mut exports = Vec::new();
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::ComponentImportSection(section) => {
                for import in section {
                    let import = import?;
                    if matches!(import.ty, ComponentTypeRef::Func(_)) {
                        functions.push(import.name.name.to_owned());
                    }
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export?;
                    let import = match export.kind {
                        ComponentExternalKind::Func => {
                            let function = functions.get(export.index as usize);
                            function.context("a function is not passed on")?.clone()
                        }
                        // The type may be written out once more, with no word of which import it is.
                        ComponentExternalKind::Type => {
                            format!("import-type-{}", export.name.name)
                        }
                        other => bail!("an interface exports a {other:?}"),
                    };
                    if export.kind == ComponentExternalKind::Func {
                        // An export has a number too.
                        functions.push(import.clone());
                    }
                    exports.push((export.name, import));
                }
            }
            Payload::Version { .. }
            | Payload::ComponentTypeSection(_)
            | Payload::CustomSection(_)
            | Payload::End(_) => {}
            other => {
                let section = other.as_section().map(|(id, _)| id);
                ensure!(
                    section.is_none(),
                    "an interface's component has code or instances of its own"
                );
            }
        }
    }
    Ok(exports)
}
