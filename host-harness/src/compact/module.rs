//! Core modules: what the card's shares with the component around it, and under which names.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, ElementSection, Elements, EntityType, ExportKind,
    ExportSection, Function, FunctionSection, ImportSection, MemorySection, Module, RawSection,
    SectionId, TableSection, TypeSection, ValType,
};
use wasmparser::{
    BinaryReader, DataKind, ElementItems, ElementKind, ElementSectionReader, ExternalKind,
    MemoryType, Operator, Parser, Payload, TableType, TypeRef,
};

/// A stretch of zeros that is longer costs more than the head of another segment.
const LONGEST_ZEROS: usize = 9;

/// A module's imports, as pairs of names, in the order of their numbers.
///
/// # Errors
///
/// The bytes are no module, or it imports something else than functions.
pub fn imported_functions(module: &[u8]) -> Result<Vec<(&str, &str)>> {
    let mut imports = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::ImportSection(section) = payload? {
            for import in section.into_imports() {
                let import = import?;
                ensure!(
                    matches!(import.ty, TypeRef::Func(_)),
                    "the card's module imports {}, which is no function",
                    import.name
                );
                imports.push((import.module, import.name));
            }
        }
    }
    Ok(imports)
}

/// Which entry of its table each function of a module calls: it does nothing else than that.
///
/// # Errors
///
/// One of them does.
pub fn trampolines(module: &[u8]) -> Result<BTreeMap<&str, u32>> {
    let mut names = BTreeMap::new();
    let mut entries = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(_) => bail!("it imports something"),
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    if export.kind == ExternalKind::Func {
                        names.insert(export.name, export.index);
                    }
                }
            }
            Payload::CodeSectionEntry(body) => {
                let mut entry = None;
                let mut passed = 0;
                for operator in body.get_operators_reader()? {
                    match operator? {
                        Operator::LocalGet { local_index } if local_index == passed => passed += 1,
                        Operator::I32Const { value } if entry.is_none() => entry = Some(value),
                        Operator::CallIndirect { table_index: 0, .. } | Operator::End => {}
                        other => bail!("a trampoline has an instruction of its own: {other:?}"),
                    }
                }
                entries.push(u32::try_from(entry.context("a trampoline calls nothing")?)?);
            }
            _ => {}
        }
    }
    names
        .into_iter()
        .map(|(name, function)| {
            let entry = entries
                .get(function as usize)
                .context("a trampoline has no code")?;
            Ok((name, *entry))
        })
        .collect()
}

/// The imports that a module puts into the table which it imports, as pairs of names, by entry.
///
/// # Errors
///
/// It does anything else.
pub fn filled_entries(module: &[u8]) -> Result<Vec<(&str, &str)>> {
    let mut imports = Vec::new();
    let mut entries = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    if matches!(import.ty, TypeRef::Func(_)) {
                        imports.push((import.module, import.name));
                    }
                }
            }
            Payload::ElementSection(section) => {
                for element in section {
                    let (start, functions) = active_functions(element?)?;
                    ensure!(start == 0 && entries.is_empty(), "it fills two ranges");
                    entries = functions;
                }
            }
            Payload::CodeSectionStart { .. } => bail!("it has code"),
            _ => {}
        }
    }
    entries
        .into_iter()
        .map(|function| {
            let import = imports.get(function as usize);
            import.copied().context("it has a function of its own")
        })
        .collect()
}

/// Names for what is private to a component.
pub struct Names<'a> {
    /// For the imports, in the order of their numbers. The module that they are imported from gets none.
    pub imports: &'a [&'a str],
    /// For the exports that are used, by their old names; others are left out.
    pub exports: &'a BTreeMap<&'a str, &'a str>,
    /// What is moved out of the module, for functions that it imports, to have it before the module is there.
    pub shared: Option<Shared<'a>>,
}

/// Memory, data and table of a module, in a module of their own.
#[derive(Clone, Copy)]
pub struct Shared<'a> {
    pub memory: &'a str,
    pub table: &'a str,
    /// The old name of the function that allocates, and the name of what calls it.
    pub realloc: Option<(&'a str, &'a str)>,
}

/// A module with other names, and without custom sections.
pub struct Renamed {
    pub module: Vec<u8>,
    /// What it shares.
    pub store: Option<Vec<u8>>,
    pub has_table: bool,
}

/// In the order that a module has them.
const SECTIONS: [SectionId; 13] = [
    SectionId::Type,
    SectionId::Import,
    SectionId::Function,
    SectionId::Table,
    SectionId::Memory,
    SectionId::Tag,
    SectionId::Global,
    SectionId::Export,
    SectionId::Start,
    SectionId::Element,
    SectionId::DataCount,
    SectionId::Code,
    SectionId::Data,
];

/// # Errors
///
/// The module has what no linker puts there.
pub fn rename(module: &[u8], names: &Names) -> Result<Renamed> {
    let read = Read::new(module)?;
    let store = names
        .shared
        .map(|shared| Store::new(&read, shared))
        .transpose()?;

    let mut renamed = Module::new();
    for section in SECTIONS {
        let id = section as u8;
        let data = read.sections.get(&id).copied();
        match section {
            SectionId::Import => {
                let mut imports = ImportSection::new();
                for (name, ty) in names.imports.iter().zip(&read.imports) {
                    imports.import("", name, EntityType::Function(*ty));
                }
                if let Some(store) = &store {
                    store.import(&mut imports)?;
                }
                if !imports.is_empty() {
                    renamed.section(&imports);
                }
            }
            SectionId::Export => {
                let mut exports = ExportSection::new();
                for (old, (kind, index)) in &read.exports {
                    if let Some(name) = names.exports.get(old) {
                        exports.export(name, (*kind).into(), *index);
                    }
                }
                renamed.section(&exports);
            }
            SectionId::Table | SectionId::Memory | SectionId::DataCount | SectionId::Data
                if store.is_some() => {}
            SectionId::Element => {
                let mut elements = ElementSection::new();
                if let Some(data) = data {
                    let section = ElementSectionReader::new(BinaryReader::new(data, 0))?;
                    RoundtripReencoder.parse_element_section(&mut elements, section)?;
                }
                if let Some(store) = &store {
                    store.add_element(&mut elements);
                }
                if !elements.is_empty() {
                    renamed.section(&elements);
                }
            }
            _ => {
                if let Some(data) = data {
                    renamed.section(&RawSection { id, data });
                }
            }
        }
    }
    Ok(Renamed {
        module: renamed.finish(),
        has_table: store.as_ref().is_some_and(|store| store.table.is_some()),
        store: store.map(|store| store.module()).transpose()?,
    })
}

/// What is looked at of the card's module.
#[derive(Default)]
struct Read<'a> {
    sections: BTreeMap<u8, &'a [u8]>,
    /// Types of the imported functions.
    imports: Vec<u32>,
    memories: Vec<MemoryType>,
    tables: Vec<TableType>,
    exports: BTreeMap<&'a str, (ExternalKind, u32)>,
    /// Where in the table functions stand.
    entries: BTreeMap<u32, u32>,
    data: Vec<(i32, &'a [u8])>,
}

impl<'a> Read<'a> {
    fn new(module: &'a [u8]) -> Result<Self> {
        let mut read = Read::default();
        for payload in Parser::new(0).parse_all(module) {
            let payload = payload?;
            if let Some((id, range)) = payload.as_section() {
                let data = &module[usize::try_from(range.start)?..usize::try_from(range.end)?];
                read.sections.insert(id, data);
            }
            match payload {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        if let TypeRef::Func(ty) = import?.ty {
                            read.imports.push(ty);
                        }
                    }
                }
                Payload::MemorySection(section) => {
                    read.memories = section.into_iter().collect::<Result<_, _>>()?
                }
                Payload::TableSection(section) => {
                    for table in section {
                        read.tables.push(table?.ty);
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        read.exports
                            .insert(export.name, (export.kind, export.index));
                    }
                }
                Payload::ElementSection(section) => {
                    for element in section {
                        let (start, functions) = active_functions(element?)?;
                        for (function, entry) in functions.into_iter().zip(start..) {
                            read.entries.insert(function, entry);
                        }
                    }
                }
                Payload::DataSection(section) => {
                    for data in section {
                        let data = data?;
                        let DataKind::Active {
                            memory_index: 0,
                            offset_expr,
                        } = data.kind
                        else {
                            bail!("it has data that is not put into its memory at once");
                        };
                        read.data.push((constant(&offset_expr)?, data.data));
                    }
                }
                _ => {}
            }
        }
        Ok(read)
    }
}

struct Store<'a> {
    memory: MemoryType,
    table: Option<TableType>,
    shared: Shared<'a>,
    /// Where in the table the function stands that allocates.
    entry: Option<u32>,
    /// That function, where it was not in the table.
    added: Option<u32>,
    data: &'a [(i32, &'a [u8])],
}

impl<'a> Store<'a> {
    fn new(read: &'a Read, shared: Shared<'a>) -> Result<Self> {
        let [memory] = read.memories[..] else {
            bail!("the card's module has not one memory of its own");
        };
        ensure!(
            read.tables.len() <= 1,
            "the card's module has several tables"
        );
        let mut store = Store {
            memory,
            table: read.tables.first().copied(),
            shared,
            entry: None,
            added: None,
            data: &read.data,
        };
        if let Some((realloc, _)) = shared.realloc {
            let Some(&(ExternalKind::Func, function)) = read.exports.get(realloc) else {
                bail!("the card's module exports no function {realloc}");
            };
            store.entry = read.entries.get(&function).copied();
            if store.entry.is_none() {
                let table = store.table.get_or_insert(TableType {
                    element_type: wasmparser::RefType::FUNCREF,
                    table64: false,
                    initial: 0,
                    maximum: None,
                    shared: false,
                });
                store.entry = Some(u32::try_from(table.initial)?);
                table.initial += 1;
                table.maximum = table.maximum.map(|maximum| maximum.max(table.initial));
                store.added = Some(function);
            }
        }
        Ok(store)
    }

    fn import(&self, imports: &mut ImportSection) -> Result<()> {
        let memory = RoundtripReencoder.memory_type(self.memory)?;
        imports.import("", self.shared.memory, memory);
        if let Some(table) = self.table {
            imports.import("", self.shared.table, RoundtripReencoder.table_type(table)?);
        }
        Ok(())
    }

    fn add_element(&self, elements: &mut ElementSection) {
        if let (Some(entry), Some(function)) = (self.entry, self.added) {
            let offset = ConstExpr::i32_const(entry.cast_signed());
            elements.active(None, &offset, Elements::Functions((&[function]).into()));
        }
    }

    fn module(&self) -> Result<Vec<u8>> {
        let mut module = Module::new();
        let mut exports = ExportSection::new();
        let mut functions = FunctionSection::new();
        let mut code = CodeSection::new();
        if let (Some((_, name)), Some(entry)) = (self.shared.realloc, self.entry) {
            let mut types = TypeSection::new();
            types.ty().function([ValType::I32; 4], [ValType::I32]);
            module.section(&types);
            functions.function(0);
            exports.export(name, ExportKind::Func, 0);
            let mut function = Function::new([]);
            let mut body = function.instructions();
            for parameter in 0..4 {
                body.local_get(parameter);
            }
            body.i32_const(entry.cast_signed()).call_indirect(0, 0);
            body.end();
            code.function(&function);
            module.section(&functions);
        }
        if let Some(table) = self.table {
            let mut tables = TableSection::new();
            tables.table(RoundtripReencoder.table_type(table)?);
            module.section(&tables);
            exports.export(self.shared.table, ExportKind::Table, 0);
        }
        let mut memories = MemorySection::new();
        memories.memory(RoundtripReencoder.memory_type(self.memory)?);
        module.section(&memories);
        exports.export(self.shared.memory, ExportKind::Memory, 0);
        module.section(&exports);
        if !code.is_empty() {
            module.section(&code);
        }
        let mut data = DataSection::new();
        for (at, bytes) in without_zeros(self.data)? {
            data.active(0, &ConstExpr::i32_const(at), bytes.iter().copied());
        }
        if !data.is_empty() {
            module.section(&data);
        }
        Ok(module.finish())
    }
}

/// Data without long stretches of zeros: that is what memory holds.
fn without_zeros<'a>(data: &[(i32, &'a [u8])]) -> Result<Vec<(i32, &'a [u8])>> {
    let mut kept = Vec::new();
    let mut end = 0i64;
    for &(at, bytes) in data {
        ensure!(i64::from(at) >= end, "its data overlaps");
        end = i64::from(at) + i64::try_from(bytes.len())?;
        let mut start = 0;
        while start < bytes.len() {
            let zeros = |from: usize| bytes[from..].iter().take_while(|byte| **byte == 0).count();
            start += zeros(start);
            let mut stop = start;
            while stop < bytes.len() {
                let zeros = zeros(stop);
                if zeros > LONGEST_ZEROS || stop + zeros == bytes.len() {
                    break;
                }
                stop += zeros.max(1);
            }
            if start < stop {
                kept.push((at + i32::try_from(start)?, &bytes[start..stop]));
            }
            start = stop;
        }
    }
    Ok(kept)
}

/// Where an element segment starts, and its functions.
fn active_functions(element: wasmparser::Element) -> Result<(u32, Vec<u32>)> {
    let ElementKind::Active {
        table_index: None | Some(0),
        offset_expr,
    } = element.kind
    else {
        bail!("it has entries that are not put into its table at once");
    };
    let ElementItems::Functions(functions) = element.items else {
        bail!("it has entries that are no functions");
    };
    let start = u32::try_from(constant(&offset_expr)?)?;
    Ok((start, functions.into_iter().collect::<Result<_, _>>()?))
}

fn constant(expression: &wasmparser::ConstExpr) -> Result<i32> {
    let mut operators = expression.get_operators_reader();
    let Operator::I32Const { value } = operators.read()? else {
        bail!("a place is not a constant");
    };
    ensure!(
        matches!(operators.read()?, Operator::End),
        "a place is not a constant"
    );
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trampolines_are_taken_for_them() {
        let module = |body: &str| {
            wat::parse_str(format!(
                r#"(module
                    (type $t (func (param i32 i64)))
                    (table 9 funcref)
                    (func (export "f") (type $t) {body}))"#
            ))
            .expect("a module")
        };
        let call = "(call_indirect (type $t) (local.get 0) (local.get 1) (i32.const 7))";
        let trampoline = module(call);
        assert_eq!(
            trampolines(&trampoline).expect("a trampoline"),
            BTreeMap::from([("f", 7)])
        );
        for other in [
            "",
            "(drop (i32.const 7))",
            "(call_indirect (type $t) (local.get 0) (i64.const 1) (i32.const 7))",
            "(call_indirect (type $t) (i32.const 1) (local.get 1) (i32.const 7))",
            &format!("{call} {call}"),
        ] {
            assert!(trampolines(&module(other)).is_err(), "{other}");
        }
    }

    #[test]
    fn long_zeros_are_left_out_of_data() {
        let zeros = [0; LONGEST_ZEROS + 1];
        let long = [&b"ab"[..], &zeros, b"c"].concat();
        let short = [&b"a"[..], &zeros[1..], b"b"].concat();
        let around = [&zeros[..], b"a\0b", &zeros[..2]].concat();
        let check = |bytes: &[u8], kept: &[(i32, &[u8])]| {
            assert_eq!(without_zeros(&[(100, bytes)]).expect("data"), kept);
        };
        check(b"", &[]);
        check(&zeros, &[]);
        check(b"ab", &[(100, b"ab")]);
        check(&short, &[(100, &short)]);
        check(&long, &[(100, b"ab"), (112, b"c")]);
        check(&around, &[(110, b"a\0b")]);
        assert!(without_zeros(&[(100, b"ab"), (101, b"c")]).is_err());
    }
}
