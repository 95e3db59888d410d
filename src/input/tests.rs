//! That these types lie in memory as the canonical ABI says.

use std::mem::{align_of, offset_of, size_of};

use wit_parser::{Resolve, SizeAlign, Type, TypeDefKind};

use super::{
    Connection, DynamicField, Input, List, Maybe, Profile, Properties, PropertyValue, Text,
};

/// Name, size, alignment, and the offsets of the fields in their order, of a record.
type Layout = (&'static str, usize, usize, Vec<usize>);

macro_rules! layout {
    ($name:literal, $type:ty, $($field:ident),+) => {
        (
            $name,
            size_of::<$type>(),
            align_of::<$type>(),
            vec![$(offset_of!($type, $field)),+],
        )
    };
}

#[test]
fn records_lie_in_memory_as_the_canonical_abi_says() {
    let ours: [Layout; 5] = [
        layout!(
            "connection",
            Connection<'_>,
            project_token,
            region,
            base_url,
            max_retries
        ),
        layout!("profile", Profile<'_>, profile_id, ip_address, time),
        layout!("dynamic-field", DynamicField<'_>, name, value),
        layout!(
            "properties",
            Properties<'_>,
            avatar,
            name,
            first_name,
            last_name,
            created,
            email,
            phone,
            custom_properties,
            dynamic_fields
        ),
        layout!("input", Input<'_>, profile, properties),
    ];
    let (resolve, sizes) = resolve();
    for (name, size, align, offsets) in ours {
        let id = type_named(&resolve, name);
        let TypeDefKind::Record(record) = &resolve.types[id].kind else {
            panic!("{name} is a record");
        };
        // Pointers have the size of this machine's.
        let fields = sizes.field_offsets(record.fields.iter().map(|field| &field.ty));
        let theirs: Vec<_> = fields
            .iter()
            .map(|(offset, _)| offset.size_wasm64())
            .collect();
        assert_eq!(offsets, theirs, "{name}");
        assert_eq!(size, sizes.size(&Type::Id(id)).size_wasm64(), "{name}");
        assert_eq!(align, sizes.align(&Type::Id(id)).align_wasm64(), "{name}");
    }
}

#[test]
fn variants_lie_in_memory_as_the_canonical_abi_says() {
    let (resolve, sizes) = resolve();
    let id = Type::Id(type_named(&resolve, "property-value"));
    assert_eq!(
        size_of::<PropertyValue<'_>>(),
        sizes.size(&id).size_wasm64()
    );
    let list = [Text::from("a"), Text::from("b")];
    for (case, value) in [
        PropertyValue::Text("t".into()),
        PropertyValue::Number(1.5),
        PropertyValue::Boolean(true),
        PropertyValue::DateTime("d".into()),
        PropertyValue::TextList(List::from(list.as_slice())),
    ]
    .iter()
    .enumerate()
    {
        assert_eq!(usize::from(tag(value)), case);
    }
    // The payload follows the tag at its own alignment.
    assert_eq!(size_of::<Maybe<u8>>(), 2);
    assert_eq!(tag(&Maybe::<u8>::None), 0);
    assert_eq!(tag(&Maybe::Some(7_u8)), 1);
    assert_eq!(size_of::<Maybe<Text<'_>>>(), 3 * size_of::<usize>());
    assert_eq!(super::Region::India as u8, 2);
}

#[test]
fn nothing_is_read_of_an_empty_list() {
    let list: List<'_, Text<'_>> = List {
        start: std::ptr::null(),
        length: 0,
        elements: std::marker::PhantomData,
    };
    assert!(list.as_slice().is_empty());
}

/// What stands first in a variant.
fn tag<T>(variant: &T) -> u8 {
    // SAFETY: a `repr(C, u8)` enum starts with its tag.
    unsafe { *std::ptr::from_ref(variant).cast::<u8>() }
}

fn resolve() -> (Resolve, SizeAlign) {
    let mut resolve = Resolve::default();
    resolve
        .push_path(concat!(env!("CARGO_MANIFEST_DIR"), "/wit"))
        .expect("the interface");
    let mut sizes = SizeAlign::default();
    sizes.fill(&resolve).expect("sizes");
    (resolve, sizes)
}

fn type_named(resolve: &Resolve, name: &str) -> wit_parser::TypeId {
    let (id, _) = resolve
        .types
        .iter()
        .find(|(_, definition)| definition.name.as_deref() == Some(name))
        .expect("a type of the interface");
    id
}
