//! How a component gives its core module what that imports.
//!
//! Imports need the module's memory, and the module needs the imports: wit-component hands it
//! trampolines through a table (its "shim"), which a third module ("fixup") fills afterwards. With
//! memory and table in a module that comes first, the imports go straight to the card; only the function
//! that allocates memory for them has to be called through the table.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentAlias, Export, ExternalKind, Instance,
    InstantiationArg, InstantiationArgKind,
};

use super::module::{self, Names, Shared};
use super::parts::{Definition, Id, Parts, Space};

/// What a definition takes from a core instance: kind and name.
type Taken<'a> = (ExternalKind, &'a str);

/// Gives the card's module all that it imports from one instance, by short names of `pool`.
///
/// # Errors
///
/// The component is not put together as wit-component does.
pub fn relink<'a>(parts: &mut Parts<'a>, pool: &'a [String]) -> Result<()> {
    let mut pool = pool.iter().map(String::as_str);
    let mut short = || pool.next().context("there are too few short names");

    let card = lifted_from(parts)?;
    let (module, arguments) = instantiated(parts, card)?;
    let code = code(parts, module)?.to_vec();
    let given = module::imported_functions(&code)?
        .into_iter()
        .map(|(from, name)| entry(parts, argument(&arguments, from)?, name))
        .collect::<Result<Vec<_>>>()?;
    let lowered = without_shim(parts, card, &given)?;

    let imports = lowered
        .iter()
        .map(|_| short())
        .collect::<Result<Vec<_>>>()?;
    let taken = taken_from(parts, card);
    let mut exports = BTreeMap::new();
    for (_, name) in taken.values() {
        if !exports.contains_key(name) {
            exports.insert(*name, short()?);
        }
    }
    let shared = if lowered == given {
        None
    } else {
        let realloc = realloc(parts, &taken)?;
        Some(Shared {
            memory: short()?,
            table: short()?,
            realloc: realloc
                .map(|name| Ok::<_, anyhow::Error>((name, short()?)))
                .transpose()?,
        })
    };
    let renamed = module::rename(
        &code,
        &Names {
            imports: &imports,
            exports: &exports,
            shared,
        },
    )?;
    parts.set(module, Definition::Module(renamed.module.into()));

    let mut bag: Vec<Export> = imports
        .iter()
        .zip(&lowered)
        .map(|(&name, &(_, index))| {
            let kind = ExternalKind::Func;
            Export { name, kind, index }
        })
        .collect();
    for (id, (kind, name)) in &taken {
        parts.set(*id, alias(card, *kind, exports[name]));
    }
    if let (Some(shared), Some(store)) = (shared, renamed.store) {
        let (_, module_index) = parts.add(Definition::Module(store.into()));
        let args = Box::new([]);
        let store = Instance::Instantiate { module_index, args };
        let store = parts.add(Definition::CoreInstance(store));
        let mut share = |kind, name| {
            let (_, index) = parts.add(alias(store, kind, name));
            bag.push(Export { name, kind, index });
        };
        share(ExternalKind::Memory, shared.memory);
        if renamed.has_table {
            share(ExternalKind::Table, shared.table);
        }
        for (id, _) in taken
            .iter()
            .filter(|(_, (kind, _))| *kind == ExternalKind::Memory)
        {
            parts.set(*id, alias(store, ExternalKind::Memory, shared.memory));
        }
        if let Some((_, name)) = shared.realloc {
            let (_, realloc) = parts.add(alias(store, ExternalKind::Func, name));
            set_realloc(parts, realloc);
        }
    }
    let (_, bag) = parts.add(Definition::CoreInstance(Instance::FromExports(bag.into())));
    let args = Box::new([InstantiationArg {
        name: "",
        kind: InstantiationArgKind::Instance,
        index: bag,
    }]);
    let (_, module_index) = module;
    let instance = Instance::Instantiate { module_index, args };
    parts.set(card, Definition::CoreInstance(instance));
    Ok(())
}

fn alias((_, instance_index): Id, kind: ExternalKind, name: &str) -> Definition<'_> {
    Definition::Alias(ComponentAlias::CoreInstanceExport {
        kind,
        instance_index,
        name,
    })
}

/// The core instance that all of the component's functions are of.
fn lifted_from(parts: &Parts) -> Result<Id> {
    let mut from = None;
    for (_, definition) in parts.iter() {
        let Definition::Canon(CanonicalFunction::Lift {
            core_func_index, ..
        }) = definition
        else {
            continue;
        };
        let Some(Definition::Alias(ComponentAlias::CoreInstanceExport { instance_index, .. })) =
            parts.get((Space::CoreFunc, *core_func_index))
        else {
            bail!("an export is no function of a core module");
        };
        let instance = (Space::CoreInstance, *instance_index);
        ensure!(
            from.is_none_or(|other| other == instance),
            "its functions are of several core modules"
        );
        from = Some(instance);
    }
    from.context("it exports no function")
}

/// The module of an instance, and what it is given: an instance for each name.
fn instantiated<'a>(parts: &Parts<'a>, instance: Id) -> Result<(Id, Vec<(&'a str, Id)>)> {
    let Some(Definition::CoreInstance(Instance::Instantiate { module_index, args })) =
        parts.get(instance)
    else {
        bail!("{instance:?} is not made of a module");
    };
    let arguments = args
        .iter()
        .map(|argument| (argument.name, (Space::CoreInstance, argument.index)))
        .collect();
    Ok(((Space::CoreModule, *module_index), arguments))
}

fn argument(arguments: &[(&str, Id)], name: &str) -> Result<Id> {
    let argument = arguments.iter().find(|(other, _)| *other == name);
    let (_, instance) = argument.with_context(|| format!("nothing is given for {name:?}"))?;
    Ok(*instance)
}

fn code<'p>(parts: &'p Parts, module: Id) -> Result<&'p [u8]> {
    match parts.get(module) {
        Some(Definition::Module(code)) => Ok(code),
        _ => bail!("{module:?} is imported"),
    }
}

/// A function in an instance that was put together from functions.
fn entry(parts: &Parts, instance: Id, name: &str) -> Result<Id> {
    let Some(Definition::CoreInstance(Instance::FromExports(entries))) = parts.get(instance) else {
        bail!("{name} is of another module");
    };
    let entry = entries.iter().find(|entry| entry.name == name);
    let entry = entry.with_context(|| format!("nothing is given for {name}"))?;
    ensure!(entry.kind == ExternalKind::Func, "{name} is no function");
    Ok((Space::CoreFunc, entry.index))
}

/// What the card's instance is given, with each trampoline replaced by what it leads to; the modules
/// that are for nothing else are gone.
fn without_shim(parts: &mut Parts, card: Id, given: &[Id]) -> Result<Vec<Id>> {
    let mut shim = None;
    for id in given {
        if let Some(Definition::Alias(ComponentAlias::CoreInstanceExport {
            instance_index, ..
        })) = parts.get(*id)
        {
            let instance = (Space::CoreInstance, *instance_index);
            ensure!(
                shim.is_none_or(|other| other == instance),
                "its imports come through several modules"
            );
            shim = Some(instance);
        }
    }
    let Some(shim) = shim else {
        return Ok(given.to_vec());
    };
    let others: Vec<Id> = parts
        .iter()
        .filter(|(id, definition)| {
            let is_made = matches!(
                definition,
                Definition::CoreInstance(Instance::Instantiate { .. })
            );
            is_made && *id != card && *id != shim
        })
        .map(|(id, _)| id)
        .collect();
    let [fixup] = others[..] else {
        bail!("it has more core modules than wit-component makes");
    };
    let (shim_module, _) = instantiated(parts, shim)?;
    let (fixup_module, arguments) = instantiated(parts, fixup)?;
    let trampolines = module::trampolines(code(parts, shim_module)?)
        .context("wit-component's shim is another than it was")?;
    let filled = module::filled_entries(code(parts, fixup_module)?)
        .context("wit-component's fixup is another than it was")?;
    let lowered = given
        .iter()
        .map(|id| {
            let Some(Definition::Alias(ComponentAlias::CoreInstanceExport { name, .. })) =
                parts.get(*id)
            else {
                return Ok(*id);
            };
            let at = trampolines.get(name).context("a trampoline is missing")?;
            let (from, name) = filled
                .get(*at as usize)
                .context("a trampoline leads nowhere")?;
            entry(parts, argument(&arguments, from)?, name)
        })
        .collect::<Result<_>>()?;
    parts.remove(fixup);
    parts.remove(shim);
    Ok(lowered)
}

fn taken_from<'a>(parts: &Parts<'a>, instance: Id) -> BTreeMap<Id, Taken<'a>> {
    let mut taken = BTreeMap::new();
    for (id, definition) in parts.iter() {
        if let Definition::Alias(ComponentAlias::CoreInstanceExport {
            kind,
            instance_index,
            name,
        }) = definition
            && (Space::CoreInstance, *instance_index) == instance
        {
            taken.insert(id, (*kind, *name));
        }
    }
    taken
}

/// The export of the card by which imports allocate memory for what they return.
fn realloc<'a>(parts: &Parts, taken: &BTreeMap<Id, Taken<'a>>) -> Result<Option<&'a str>> {
    let mut realloc = None;
    for (_, definition) in parts.iter() {
        let Definition::Canon(CanonicalFunction::Lower { options, .. }) = definition else {
            continue;
        };
        for option in options {
            if let CanonicalOption::Realloc(index) = option {
                let (_, name) = taken
                    .get(&(Space::CoreFunc, *index))
                    .context("memory is allocated by another module")?;
                ensure!(
                    realloc.is_none_or(|other| other == *name),
                    "memory is allocated by several functions"
                );
                realloc = Some(*name);
            }
        }
    }
    Ok(realloc)
}

fn set_realloc(parts: &mut Parts, realloc: u32) {
    for (_, definition) in parts.iter_mut() {
        if let Definition::Canon(CanonicalFunction::Lower { options, .. }) = definition {
            for option in options {
                if let CanonicalOption::Realloc(index) = option {
                    *index = realloc;
                }
            }
        }
    }
}
