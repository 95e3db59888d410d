//! The interface's inputs, read where the engine has put them: the types of `wit/` as the
//! [canonical ABI] lays them out in memory.
//!
//! The generator's own types (`bindings`) are copies, made anew for each function of the interface:
//! they cost 6 KB of code, and for each profile of a list a dozen texts to take over and to free.
//! A test holds this layout against the one that `wit-parser` computes from `wit/`.
//!
//! [canonical ABI]: https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md

#![allow(
    unsafe_code,
    reason = "addresses and lengths that the canonical ABI vouches for"
)]

use core::marker::PhantomData;
use core::ops::Deref;

/// `list<T>`: elements that lie one after another.
#[repr(C)]
pub struct List<'a, T> {
    start: *const T,
    length: usize,
    elements: PhantomData<&'a [T]>,
}

impl<'a, T> List<'a, T> {
    /// # Safety
    ///
    /// So many elements are there, for as long as `'a`.
    #[cfg(target_family = "wasm")]
    pub(crate) unsafe fn at(start: *const T, length: usize) -> Self {
        List {
            start,
            length,
            elements: PhantomData,
        }
    }

    pub fn as_slice(&self) -> &'a [T] {
        if self.length == 0 {
            // Then the address may be any.
            return &[];
        }
        // SAFETY: whoever made the list had so many elements there, for as long as 'a: a slice, by
        // `From`; or the engine, which the canonical ABI makes see to it.
        unsafe { core::slice::from_raw_parts(self.start, self.length) }
    }
}

impl<'a, T> From<&'a [T]> for List<'a, T> {
    fn from(elements: &'a [T]) -> Self {
        List {
            start: elements.as_ptr(),
            length: elements.len(),
            elements: PhantomData,
        }
    }
}

/// `string`.
#[repr(transparent)]
pub struct Text<'a>(List<'a, u8>);

impl<'a> Text<'a> {
    /// # Safety
    ///
    /// So many bytes are there, for as long as `'a`, and they are UTF-8.
    #[cfg(target_family = "wasm")]
    pub(crate) unsafe fn at(start: *const u8, length: usize) -> Self {
        // SAFETY: as above.
        Text(unsafe { List::at(start, length) })
    }

    pub fn as_str(&self) -> &'a str {
        // SAFETY: the bytes are those of a `str`, by `From`, or of a string of the interface, which
        // engines hand over as UTF-8 and nothing else.
        unsafe { core::str::from_utf8_unchecked(self.0.as_slice()) }
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Text(List::from(text.as_bytes()))
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

/// `option<T>`.
#[repr(C, u8)]
pub enum Maybe<T> {
    None,
    Some(T),
}

impl<T> From<Option<T>> for Maybe<T> {
    fn from(option: Option<T>) -> Self {
        option.map_or(Maybe::None, Maybe::Some)
    }
}

/// `region`.
#[derive(Clone, Copy)]
#[repr(u8)]
pub enum Region {
    Standard,
    Eu,
    India,
}

/// `connection`.
#[repr(C)]
pub struct Connection<'a> {
    pub project_token: Text<'a>,
    pub region: Region,
    pub base_url: Maybe<Text<'a>>,
    pub max_retries: Maybe<u8>,
}

/// `profile`.
#[repr(C)]
pub struct Profile<'a> {
    pub profile_id: Text<'a>,
    pub ip_address: Maybe<Text<'a>>,
    pub time: Maybe<Text<'a>>,
}

/// `property-value`.
#[repr(C, u8)]
pub enum PropertyValue<'a> {
    Text(Text<'a>),
    Number(f64),
    Boolean(bool),
    DateTime(Text<'a>),
    TextList(List<'a, Text<'a>>),
}

/// `dynamic-field`.
#[repr(C)]
pub struct DynamicField<'a> {
    pub name: Text<'a>,
    pub value: PropertyValue<'a>,
}

/// `properties`.
#[repr(C)]
pub struct Properties<'a> {
    pub avatar: Maybe<Text<'a>>,
    pub name: Maybe<Text<'a>>,
    pub first_name: Maybe<Text<'a>>,
    pub last_name: Maybe<Text<'a>>,
    pub created: Maybe<Text<'a>>,
    pub email: Maybe<Text<'a>>,
    pub phone: Maybe<Text<'a>>,
    pub custom_properties: Maybe<Text<'a>>,
    pub dynamic_fields: List<'a, DynamicField<'a>>,
}

/// `input`.
#[repr(C)]
pub struct Input<'a> {
    pub profile: Profile<'a>,
    pub properties: Properties<'a>,
}

/// For tests, which make their inputs of the generator's types.
#[cfg(not(target_family = "wasm"))]
pub mod owned;
#[cfg(test)]
mod tests;
