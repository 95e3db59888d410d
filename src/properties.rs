//! The properties of one profile, under Mixpanel's rules for names and values; pure.
//!
//! Mixpanel cuts or drops silently what is over its limits, so all of them are checked here.

mod value;

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::ser::{Serialize, Serializer};

use crate::bindings::profiles::{self, PropertyValue};
use crate::custom_properties;
use crate::invalid::{InvalidFields, Reason};
use crate::strings::{is_blank, present, unwanted_in_name};

pub use value::MAX_STRING_BYTES;
use value::Value;

const MAX_NAME_CHARACTERS: usize = 255;
const MAX_LIST_ITEM_CHARACTERS: usize = 255;
const MAX_PROPERTIES: usize = 2_000;

/// Most profiles have no more.
const USUAL_PROPERTIES: usize = 12;

const CUSTOM: &str = "properties.custom-properties";
const DYNAMIC: &str = "properties.dynamic-fields";

/// What `$set_once` holds, in the order of the input: each name once.
#[derive(Debug)]
pub struct Properties<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

impl<'a> Properties<'a> {
    /// Checks the properties of an input.
    ///
    /// # Errors
    ///
    /// Every invalid field of them, in the order of the interface.
    pub fn new(input: &'a profiles::Properties) -> Result<Self, InvalidFields> {
        let mut set = Set::default();
        set.names.reserve(USUAL_PROPERTIES);
        set.properties.reserve(USUAL_PROPERTIES);
        for (name, field, value) in [
            ("$avatar", "properties.avatar", &input.avatar),
            ("$name", "properties.name", &input.name),
            ("$first_name", "properties.first-name", &input.first_name),
            ("$last_name", "properties.last-name", &input.last_name),
            ("$created", "properties.created", &input.created),
            ("$email", "properties.email", &input.email),
            ("$phone", "properties.phone", &input.phone),
        ] {
            if let Some(value) = present(value.as_ref()) {
                set.add(field, name.into(), Value::string(name, value.into()));
            }
        }
        if let Some(custom) = present(input.custom_properties.as_ref()) {
            set.custom(custom);
        }
        for (index, field) in input.dynamic_fields.iter().enumerate() {
            set.dynamic(index, field);
        }
        let count = set.count;
        if count > MAX_PROPERTIES {
            let reason =
                format!("has {count} properties: a profile holds at most {MAX_PROPERTIES}");
            set.invalid.add("properties", reason);
        }
        set.invalid.or(Properties(set.properties))
    }
}

/// Properties that are being collected.
#[derive(Default)]
struct Set<'a> {
    properties: Vec<(Cow<'a, str>, Value<'a>)>,
    /// The names, those of invalid values too, and the fields that they come from. A list: few profiles
    /// have more than a dozen.
    names: Vec<(Cow<'a, str>, &'static str)>,
    /// How many there are; more than a profile can hold are only counted.
    count: usize,
    invalid: InvalidFields,
}

impl<'a> Set<'a> {
    /// Adds a property whose name is checked, or what is wrong with it.
    fn add(
        &mut self,
        source: &'static str,
        name: Cow<'a, str>,
        value: Result<Value<'a>, impl Into<Reason>>,
    ) {
        self.count += 1;
        // They are refused anyway.
        if self.count > MAX_PROPERTIES {
            return;
        }
        if let Some((_, first)) = self.names.iter().find(|(taken, _)| *taken == name) {
            let first = path(first, &name);
            let reason = format!("sets a property that {first} sets already: keep one of the two");
            return self.invalid.add(path(source, &name), reason);
        }
        self.names.push((name.clone(), source));
        match value {
            Ok(value) => self.properties.push((name, value)),
            Err(reason) => self.invalid.add(path(source, &name), reason),
        }
    }

    fn check_name(&mut self, source: &'static str, name: &str) {
        if name == "$ip" {
            self.invalid.add(
                path(source, name),
                "has the name $ip, which Mixpanel takes beside the properties: use profile.ip-address",
            );
        }
        if let Some(found) = unwanted_in_name(name) {
            let reason = format!("has a name that holds {found}: remove it");
            self.invalid.add(path(source, name), reason);
        }
        // No string has more characters than bytes, and bytes need no counting.
        if name.len() > MAX_NAME_CHARACTERS {
            let count = name.chars().count();
            if count > MAX_NAME_CHARACTERS {
                let reason = format!(
                    "has a name of {count} characters: at most {MAX_NAME_CHARACTERS} are allowed"
                );
                self.invalid.add(path(source, name), reason);
            }
        }
    }

    fn custom(&mut self, json: &'a str) {
        let entries = match custom_properties::entries(json) {
            Ok(entries) => entries,
            Err(reason) => return self.invalid.add(CUSTOM, reason),
        };
        let mut names = BTreeSet::new();
        for (name, value) in entries {
            let Ok(name) = name else {
                const HALF: &str = "has a key that holds half a character (\\ud800 to \\udfff without the other half): write it whole";
                self.invalid.add(CUSTOM, HALF);
                continue;
            };
            if is_blank(&name) {
                let reason = "has a blank key: give every property a name";
                self.invalid.add(CUSTOM, reason);
                continue;
            }
            if !names.insert(name.clone()) {
                let reason = "stands twice in the object: keep one of the two";
                self.invalid.add(path(CUSTOM, &name), reason);
                continue;
            }
            self.check_name(CUSTOM, &name);
            match value {
                Ok(value) if is_blank(&value) => {}
                Ok(value) => {
                    let value = Value::string(&name, value);
                    self.add(CUSTOM, name, value);
                }
                Err(reason) => self.add(CUSTOM, name, Err(reason)),
            }
        }
    }

    fn dynamic(&mut self, index: usize, field: &'a profiles::DynamicField) {
        let name = field.name.as_str();
        if is_blank(name) {
            return self.invalid.add(
                format!("{DYNAMIC}[{index}].name"),
                "is blank: give the property a name, or remove the field",
            );
        }
        self.check_name(DYNAMIC, name);
        let Some(value) = Value::dynamic(name, &field.value) else {
            return;
        };
        if let PropertyValue::TextList(items) = &field.value {
            self.check_items(name, items);
        }
        self.add(DYNAMIC, name.into(), value);
    }

    fn check_items(&mut self, name: &str, items: &[String]) {
        for (index, item) in items.iter().enumerate() {
            if item.len() <= MAX_LIST_ITEM_CHARACTERS {
                continue;
            }
            let count = item.chars().count();
            if count > MAX_LIST_ITEM_CHARACTERS {
                let field = format!("{}[{index}]", path(DYNAMIC, name));
                let reason = format!(
                    "has {count} characters: at most {MAX_LIST_ITEM_CHARACTERS} are allowed in a list's item"
                );
                self.invalid.add(field, reason);
            }
        }
    }
}

/// The path of a property by its field and its name, cut where the name is too long for a property.
fn path(source: &'static str, name: &str) -> String {
    if source != CUSTOM && source != DYNAMIC {
        return source.to_owned();
    }
    let is_long = name.chars().nth(MAX_NAME_CHARACTERS).is_some();
    let name = name.chars().take(MAX_NAME_CHARACTERS);
    let name: String = name
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    format!("{source}.{name}{}", if is_long { "…" } else { "" })
}

impl Serialize for Properties<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}
