//! A component as the list of its definitions: they can be changed, added and left out, and come out in
//! as few sections as the order of their references permits.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::convert::Infallible;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use wasm_encoder::reencode::{Error, Reencode, ReencodeComponent};
use wasm_encoder::{
    CanonicalFunctionSection, Component, ComponentAliasSection, ComponentExportSection,
    ComponentImportSection, ComponentInstanceSection, ComponentSectionId, ComponentTypeSection,
    InstanceSection, RawSection,
};
use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentAlias, ComponentExport, ComponentExternalKind,
    ComponentImport, ComponentInstance, ComponentOuterAliasKind, ComponentType, ComponentTypeRef,
    Encoding, ExternalKind, Instance, Parser, Payload,
};

use super::Unfamiliar;

/// The kinds of things that have numbers of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Space {
    Component,
    CoreFunc,
    CoreGlobal,
    CoreInstance,
    CoreMemory,
    CoreModule,
    CoreTable,
    CoreTag,
    CoreType,
    Func,
    Instance,
    Type,
    Value,
}

impl From<ExternalKind> for Space {
    fn from(kind: ExternalKind) -> Self {
        match kind {
            ExternalKind::Func | ExternalKind::FuncExact => Space::CoreFunc,
            ExternalKind::Table => Space::CoreTable,
            ExternalKind::Memory => Space::CoreMemory,
            ExternalKind::Global => Space::CoreGlobal,
            ExternalKind::Tag => Space::CoreTag,
        }
    }
}

impl From<ComponentExternalKind> for Space {
    fn from(kind: ComponentExternalKind) -> Self {
        match kind {
            ComponentExternalKind::Module => Space::CoreModule,
            ComponentExternalKind::Func => Space::Func,
            ComponentExternalKind::Value => Space::Value,
            ComponentExternalKind::Type => Space::Type,
            ComponentExternalKind::Instance => Space::Instance,
            ComponentExternalKind::Component => Space::Component,
        }
    }
}

/// The number of a definition in the component as it was read.
pub type Id = (Space, u32);

#[derive(Debug)]
pub enum Definition<'a> {
    Alias(ComponentAlias<'a>),
    Canon(CanonicalFunction),
    Component(&'a [u8]),
    CoreInstance(Instance<'a>),
    Export(ComponentExport<'a>),
    Import(ComponentImport<'a>),
    Instance(ComponentInstance<'a>),
    Module(Cow<'a, [u8]>),
    Type(ComponentType<'a>),
}

/// In the order in which they go out where several could: what others wait for goes first.
const SECTIONS: [ComponentSectionId; 9] = [
    ComponentSectionId::CoreModule,
    ComponentSectionId::CoreInstance,
    ComponentSectionId::Type,
    ComponentSectionId::Import,
    ComponentSectionId::Alias,
    ComponentSectionId::CanonicalFunction,
    ComponentSectionId::Component,
    ComponentSectionId::Instance,
    ComponentSectionId::Export,
];

impl Definition<'_> {
    fn section(&self) -> ComponentSectionId {
        match self {
            Definition::Alias(_) => ComponentSectionId::Alias,
            Definition::Canon(_) => ComponentSectionId::CanonicalFunction,
            Definition::Component(_) => ComponentSectionId::Component,
            Definition::CoreInstance(_) => ComponentSectionId::CoreInstance,
            Definition::Export(_) => ComponentSectionId::Export,
            Definition::Import(_) => ComponentSectionId::Import,
            Definition::Instance(_) => ComponentSectionId::Instance,
            Definition::Module(_) => ComponentSectionId::CoreModule,
            Definition::Type(_) => ComponentSectionId::Type,
        }
    }

    fn space(&self) -> Space {
        match self {
            Definition::Alias(ComponentAlias::InstanceExport { kind, .. }) => (*kind).into(),
            Definition::Alias(ComponentAlias::CoreInstanceExport { kind, .. }) => (*kind).into(),
            Definition::Alias(ComponentAlias::Outer { kind, .. }) => match kind {
                ComponentOuterAliasKind::CoreModule => Space::CoreModule,
                ComponentOuterAliasKind::CoreType => Space::CoreType,
                ComponentOuterAliasKind::Type => Space::Type,
                ComponentOuterAliasKind::Component => Space::Component,
            },
            Definition::Canon(CanonicalFunction::Lift { .. }) => Space::Func,
            Definition::Canon(_) => Space::CoreFunc,
            Definition::Component(_) => Space::Component,
            Definition::CoreInstance(_) => Space::CoreInstance,
            Definition::Export(export) => export.kind.into(),
            Definition::Import(import) => match import.ty {
                ComponentTypeRef::Module(_) => Space::CoreModule,
                ComponentTypeRef::Func(_) => Space::Func,
                ComponentTypeRef::Value(_) => Space::Value,
                ComponentTypeRef::Type(_) => Space::Type,
                ComponentTypeRef::Instance(_) => Space::Instance,
                ComponentTypeRef::Component(_) => Space::Component,
            },
            Definition::Instance(_) => Space::Instance,
            Definition::Module(_) => Space::CoreModule,
            Definition::Type(_) => Space::Type,
        }
    }
}

/// The definitions of one component. Custom sections are left out.
#[derive(Default)]
pub struct Parts<'a> {
    list: Vec<(Id, Definition<'a>)>,
    count: HashMap<Space, u32>,
    /// References to the first mean the second.
    same: HashMap<Id, Id>,
}

impl<'a> Parts<'a> {
    /// # Errors
    ///
    /// The bytes are no component, or one that has what no card has.
    pub fn read(component: &'a [u8]) -> Result<Self> {
        let mut parts = Parts::default();
        let mut depth = 0u32;
        for payload in Parser::new(0).parse_all(component) {
            let payload = payload.context("this is not a WebAssembly component")?;
            let inside = depth > 0;
            match &payload {
                Payload::ModuleSection {
                    unchecked_range, ..
                }
                | Payload::ComponentSection {
                    unchecked_range, ..
                } => {
                    depth += 1;
                    let from = usize::try_from(unchecked_range.start)?;
                    let bytes = &component[from..usize::try_from(unchecked_range.end)?];
                    match payload {
                        _ if inside => {}
                        Payload::ModuleSection { .. } => {
                            parts.add(Definition::Module(bytes.into()));
                        }
                        _ => {
                            parts.add(Definition::Component(bytes));
                        }
                    }
                    continue;
                }
                Payload::End(_) => depth = depth.saturating_sub(1),
                _ => {}
            }
            if inside {
                continue;
            }
            match payload {
                Payload::InstanceSection(section) => {
                    parts.add_all(section, Definition::CoreInstance)?
                }
                Payload::ComponentInstanceSection(section) => {
                    parts.add_all(section, Definition::Instance)?
                }
                Payload::ComponentAliasSection(section) => {
                    parts.add_all(section, Definition::Alias)?
                }
                Payload::ComponentTypeSection(section) => {
                    parts.add_all(section, Definition::Type)?
                }
                Payload::ComponentCanonicalSection(section) => {
                    parts.add_all(section, Definition::Canon)?
                }
                Payload::ComponentImportSection(section) => {
                    parts.add_all(section, Definition::Import)?
                }
                Payload::ComponentExportSection(section) => {
                    parts.add_all(section, Definition::Export)?
                }
                Payload::Version { encoding, .. } => ensure!(
                    encoding == Encoding::Component,
                    "this is a WebAssembly module, not a component"
                ),
                Payload::CustomSection(_) | Payload::End(_) => {}
                other => {
                    let section = other.as_section().map(|(id, _)| id);
                    return Err(anyhow!("it has sections of kind {section:?}").context(Unfamiliar));
                }
            }
        }
        Ok(parts)
    }

    fn add_all<T: wasmparser::FromReader<'a>>(
        &mut self,
        section: wasmparser::SectionLimited<'a, T>,
        definition: impl Fn(T) -> Definition<'a>,
    ) -> Result<()> {
        for item in section {
            self.add(definition(item?));
        }
        Ok(())
    }

    /// Adds a definition; where it stands in the list does not matter.
    pub fn add(&mut self, definition: Definition<'a>) -> Id {
        let space = definition.space();
        let count = self.count.entry(space).or_default();
        let id = (space, *count);
        *count += 1;
        self.list.push((id, definition));
        id
    }

    pub fn iter(&self) -> impl Iterator<Item = (Id, &Definition<'a>)> {
        self.list.iter().map(|(id, definition)| (*id, definition))
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (Id, &mut Definition<'a>)> {
        self.list
            .iter_mut()
            .map(|(id, definition)| (*id, definition))
    }

    pub fn get(&self, id: Id) -> Option<&Definition<'a>> {
        self.iter()
            .find_map(|(other, definition)| (other == id).then_some(definition))
    }

    pub fn set(&mut self, id: Id, definition: Definition<'a>) {
        for (other, place) in &mut self.list {
            if *other == id {
                *place = definition;
                return;
            }
        }
    }

    pub fn remove(&mut self, id: Id) {
        self.list.retain(|(other, _)| *other != id);
    }

    /// One alias for all of the same thing.
    pub fn merge_aliases(&mut self) {
        let mut first: Vec<(Id, &ComponentAlias)> = Vec::new();
        for (id, definition) in &self.list {
            let Definition::Alias(alias) = definition else {
                continue;
            };
            match first.iter().find(|(_, other)| *other == alias) {
                Some((other, _)) => {
                    self.same.insert(*id, *other);
                }
                None => first.push((*id, alias)),
            }
        }
    }

    /// Strings are UTF-8 where nothing is said.
    pub fn drop_default_options(&mut self) {
        for (_, definition) in &mut self.list {
            let Definition::Canon(
                CanonicalFunction::Lift { options, .. } | CanonicalFunction::Lower { options, .. },
            ) = definition
            else {
                continue;
            };
            *options = options
                .iter()
                .filter(|option| !matches!(option, CanonicalOption::UTF8))
                .copied()
                .collect();
        }
    }

    /// The component, without what nothing needs.
    ///
    /// # Errors
    ///
    /// A definition refers to what is not there.
    pub fn write(&self) -> Result<Vec<u8>> {
        let mut numbers = Numbers {
            same: &self.same,
            new: HashMap::new(),
            seen: Vec::new(),
            depth: 0,
        };
        let mut scratch = Component::new();
        let mut references = Vec::new();
        for (_, definition) in &self.list {
            encode(&mut scratch, &[definition], &mut numbers)?;
            references.push(std::mem::take(&mut numbers.seen));
        }
        let sections = self.order(&references)?;

        let mut count: HashMap<Space, u32> = HashMap::new();
        for &place in sections.iter().flatten() {
            let id = self.list[place].0;
            let next = count.entry(id.0).or_default();
            numbers.new.insert(id, *next);
            *next += 1;
        }
        let mut component = Component::new();
        for section in &sections {
            let definitions: Vec<_> = section.iter().map(|&place| &self.list[place].1).collect();
            encode(&mut component, &definitions, &mut numbers)?;
        }
        Ok(component.finish())
    }

    /// Places in the list, section by section.
    fn order(&self, references: &[Vec<Id>]) -> Result<Vec<Vec<usize>>> {
        let places: HashMap<Id, usize> =
            self.list.iter().map(|(id, _)| *id).zip(0usize..).collect();
        let place = |id: &Id| {
            let Some(place) = places.get(id) else {
                bail!("{id:?} is not defined");
            };
            Ok(*place)
        };
        let is_outside = |place: &usize| {
            let definition = &self.list[*place].1;
            matches!(definition, Definition::Import(_) | Definition::Export(_))
        };
        // To make an instance may do something, whether it is used or not.
        let is_wanted = |place: &usize| {
            let definition = &self.list[*place].1;
            is_outside(place)
                || matches!(
                    definition,
                    Definition::CoreInstance(Instance::Instantiate { .. })
                        | Definition::Instance(ComponentInstance::Instantiate { .. })
                )
        };
        let mut waiting: HashSet<usize> = HashSet::new();
        let mut found: Vec<usize> = (0..self.list.len()).filter(is_wanted).collect();
        while let Some(next) = found.pop() {
            if waiting.insert(next) {
                for id in &references[next] {
                    found.push(place(id)?);
                }
            }
        }

        let mut sections: Vec<Vec<usize>> = Vec::new();
        while !waiting.is_empty() {
            let section = SECTIONS.iter().find_map(|&kind| {
                let mut section: Vec<usize> = Vec::new();
                for (at, (_, definition)) in self.list.iter().enumerate() {
                    if !waiting.contains(&at) || definition.section() != kind {
                        continue;
                    }
                    let is_ready = references[at].iter().all(|id| {
                        let at = places[id];
                        !waiting.contains(&at) || section.contains(&at)
                    });
                    if is_ready {
                        section.push(at);
                        if is_alone(kind) {
                            break;
                        }
                    } else if is_outside(&at) {
                        // The order of imports and of exports stays.
                        break;
                    }
                }
                (!section.is_empty()).then_some(section)
            });
            let Some(section) = section else {
                bail!("its definitions refer to each other in a circle");
            };
            waiting.retain(|place| !section.contains(place));
            sections.push(section);
        }
        Ok(sections)
    }
}

/// Whether a section holds one such definition.
fn is_alone(section: ComponentSectionId) -> bool {
    matches!(
        section,
        ComponentSectionId::CoreModule | ComponentSectionId::Component
    )
}

/// Writes definitions of one kind as one section.
fn encode(
    component: &mut Component,
    definitions: &[&Definition],
    numbers: &mut Numbers,
) -> Result<(), Error> {
    let mut aliases = ComponentAliasSection::new();
    let mut canons = CanonicalFunctionSection::new();
    let mut core_instances = InstanceSection::new();
    let mut exports = ComponentExportSection::new();
    let mut imports = ComponentImportSection::new();
    let mut instances = ComponentInstanceSection::new();
    let mut types = ComponentTypeSection::new();
    for definition in definitions {
        match definition {
            Definition::Alias(alias) => {
                aliases.alias(numbers.component_alias(alias.clone())?);
            }
            Definition::Canon(canon) => {
                numbers.parse_component_canonical(&mut canons, canon.clone())?
            }
            Definition::CoreInstance(instance) => {
                numbers.parse_instance(&mut core_instances, instance.clone())?
            }
            Definition::Export(export) => {
                numbers.parse_component_export(&mut exports, export.clone())?
            }
            Definition::Import(import) => {
                let ty = numbers.component_type_ref(import.ty)?;
                imports.import(import.name, ty);
            }
            Definition::Instance(instance) => {
                numbers.parse_component_instance(&mut instances, instance.clone())?
            }
            Definition::Type(ty) => numbers.parse_component_type(types.ty(), ty.clone())?,
            Definition::Component(data) => {
                let id = ComponentSectionId::Component.into();
                component.section(&RawSection { id, data });
            }
            Definition::Module(data) => {
                let id = ComponentSectionId::CoreModule.into();
                component.section(&RawSection { id, data });
            }
        }
    }
    match definitions.first() {
        Some(Definition::Alias(_)) => component.section(&aliases),
        Some(Definition::Canon(_)) => component.section(&canons),
        Some(Definition::CoreInstance(_)) => component.section(&core_instances),
        Some(Definition::Export(_)) => component.section(&exports),
        Some(Definition::Import(_)) => component.section(&imports),
        Some(Definition::Instance(_)) => component.section(&instances),
        Some(Definition::Type(_)) => component.section(&types),
        Some(Definition::Component(_) | Definition::Module(_)) | None => component,
    };
    Ok(())
}

/// Gives references their new numbers, and notes what they refer to.
struct Numbers<'a> {
    same: &'a HashMap<Id, Id>,
    new: HashMap<Id, u32>,
    seen: Vec<Id>,
    /// In how many types of instances or components the reference stands, which have numbers of their own.
    depth: u32,
}

impl Numbers<'_> {
    fn here(&mut self, space: Space, index: u32) -> u32 {
        if self.depth > 0 {
            return index;
        }
        let id = (space, index);
        let id = *self.same.get(&id).unwrap_or(&id);
        self.seen.push(id);
        self.new.get(&id).copied().unwrap_or(index)
    }

    fn outer(&mut self, space: Space, count: u32, index: u32) -> u32 {
        if count != self.depth {
            return index;
        }
        let depth = std::mem::take(&mut self.depth);
        let index = self.here(space, index);
        self.depth = depth;
        index
    }
}

impl Reencode for Numbers<'_> {
    type Error = Infallible;

    fn function_index(&mut self, index: u32) -> Result<u32, Error> {
        Ok(self.here(Space::CoreFunc, index))
    }

    fn global_index(&mut self, index: u32) -> Result<u32, Error> {
        Ok(self.here(Space::CoreGlobal, index))
    }

    fn memory_index(&mut self, index: u32) -> Result<u32, Error> {
        Ok(self.here(Space::CoreMemory, index))
    }

    fn table_index(&mut self, index: u32) -> Result<u32, Error> {
        Ok(self.here(Space::CoreTable, index))
    }

    fn tag_index(&mut self, index: u32) -> Result<u32, Error> {
        Ok(self.here(Space::CoreTag, index))
    }

    fn type_index(&mut self, index: u32) -> Result<u32, Error> {
        Ok(self.here(Space::CoreType, index))
    }
}

impl ReencodeComponent for Numbers<'_> {
    fn component_type_index(&mut self, index: u32) -> u32 {
        self.here(Space::Type, index)
    }

    fn component_instance_index(&mut self, index: u32) -> u32 {
        self.here(Space::Instance, index)
    }

    fn component_func_index(&mut self, index: u32) -> u32 {
        self.here(Space::Func, index)
    }

    fn component_index(&mut self, index: u32) -> u32 {
        self.here(Space::Component, index)
    }

    fn component_value_index(&mut self, index: u32) -> u32 {
        self.here(Space::Value, index)
    }

    fn module_index(&mut self, index: u32) -> u32 {
        self.here(Space::CoreModule, index)
    }

    fn instance_index(&mut self, index: u32) -> u32 {
        self.here(Space::CoreInstance, index)
    }

    fn outer_type_index(&mut self, count: u32, index: u32) -> Result<u32, Error> {
        Ok(self.outer(Space::CoreType, count, index))
    }

    fn outer_component_type_index(&mut self, count: u32, index: u32) -> u32 {
        self.outer(Space::Type, count, index)
    }

    fn outer_component_index(&mut self, count: u32, index: u32) -> u32 {
        self.outer(Space::Component, count, index)
    }

    fn outer_module_index(&mut self, count: u32, index: u32) -> u32 {
        self.outer(Space::CoreModule, count, index)
    }

    fn push_depth(&mut self) {
        self.depth += 1;
    }

    fn pop_depth(&mut self) {
        self.depth -= 1;
    }
}
