//! The properties of one profile, collected under Mixpanel's rules; pure.
//!
//! Mixpanel cuts or drops silently what is over its limits, so all of them are checked here.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::bindings::profiles::{DynamicField, Properties, PropertyValue};
use crate::date_time::DateTime;
use crate::faults::{Faults, characters, is_blank, present, text, with_figure};
use crate::json::{self, Raw};
use crate::url;

/// Of a string value, and of an id.
pub const MAX_TEXT_BYTES: usize = 255;
const MAX_NAME_CHARACTERS: usize = 255;
const MAX_LIST_ITEM_CHARACTERS: usize = 255;
const MAX_PROPERTIES: usize = 2_000;
/// 256 KB, in the smaller of its two readings; of the list as JSON.
const MAX_LIST_BYTES: usize = 256_000;

/// The longest that a byte becomes in JSON: `\u001f`.
const MAX_ESCAPE_BYTES: usize = 6;

const CUSTOM: &str = "properties.custom-properties";
const DYNAMIC: &str = "properties.dynamic-fields";

/// A property's value as JSON.
#[derive(Debug)]
pub enum Value<'a> {
    Text(Cow<'a, str>),
    Integer(i64),
    Number(f64),
    Boolean(bool),
    List(&'a [String]),
    Object(Object<'a>),
}

/// Names and values, in their order.
#[derive(Debug, Default)]
pub struct Object<'a>(pub Vec<(Cow<'a, str>, Value<'a>)>);

/// Collects what `$set_once` holds, and adds what is wrong with it to `faults`.
pub fn collect<'a>(input: &'a Properties, faults: &mut Faults) -> Object<'a> {
    let mut collector = Collector {
        faults,
        // Room for the usual profile.
        properties: Vec::with_capacity(16),
        sources: Vec::with_capacity(16),
        names: Names::default(),
    };
    collector.reserved(input);
    if let Some(json) = present(input.custom_properties.as_ref()) {
        collector.custom(json);
    }
    for (index, field) in input.dynamic_fields.iter().enumerate() {
        collector.dynamic(index, field);
    }
    let properties = collector.properties;
    if properties.len() > MAX_PROPERTIES {
        faults.add_figure(
            "properties",
            "has # properties: a profile holds at most 2000",
            properties.len(),
        );
    }
    Object(properties)
}

/// Names that were seen, sorted, each with a number.
#[derive(Default)]
struct Names<'a>(Vec<(Cow<'a, str>, usize)>);

impl<'a> Names<'a> {
    /// Adds a name, or tells the number of the same one.
    fn add(&mut self, name: Cow<'a, str>, number: usize) -> Result<(), usize> {
        match self.0.binary_search_by(|(seen, _)| seen.cmp(&name)) {
            Ok(at) => Err(self.0[at].1),
            // More than a profile can hold are refused anyway, and sorting them takes time.
            Err(_) if self.0.len() > MAX_PROPERTIES => Ok(()),
            Err(at) => {
                self.0.insert(at, (name, number));
                Ok(())
            }
        }
    }
}

struct Collector<'a, 'f> {
    faults: &'f mut Faults,
    properties: Vec<(Cow<'a, str>, Value<'a>)>,
    /// The field that each of them comes from: a path is made of it only where it is needed.
    sources: Vec<&'static str>,
    names: Names<'a>,
}

impl<'a> Collector<'a, '_> {
    fn reserved(&mut self, input: &'a Properties) {
        for (source, name, value) in [
            ("properties.avatar", "$avatar", &input.avatar),
            ("properties.name", "$name", &input.name),
            ("properties.first-name", "$first_name", &input.first_name),
            ("properties.last-name", "$last_name", &input.last_name),
            ("properties.created", "$created", &input.created),
            ("properties.email", "$email", &input.email),
            ("properties.phone", "$phone", &input.phone),
        ] {
            let Some(value) = present(value.as_ref()) else {
                continue;
            };
            if name == "$created" {
                self.date_time(source, name, value);
                continue;
            }
            if name == "$avatar"
                && let Err(reason) = url::check_image_url(value)
            {
                self.faults.add(source, reason);
            }
            self.text(source, name.into(), value.into());
        }
    }

    fn custom(&mut self, json: &'a str) {
        let object = match Raw::read(json) {
            Ok(object) if object.kind() == "an object" => object,
            Ok(other) => {
                let reason = [
                    "is ",
                    other.kind(),
                    ": write a JSON object such as {\"plan\": \"pro\"}",
                ];
                return self.faults.add(CUSTOM, &text(&reason));
            }
            Err(offset) => return self.not_json(json, offset),
        };
        let mut keys = Names::default();
        for (key, value) in object.entries() {
            let Some(key) = key.string() else {
                self.faults
                    .add(CUSTOM, "has a key that holds half a character (\\ud800 to \\udfff without the other half): write it whole");
                continue;
            };
            if is_blank(&key) {
                self.faults
                    .add(CUSTOM, "has a blank key: give every property a name");
                continue;
            }
            if keys.add(key.clone(), 0).is_err() {
                self.faults.add(
                    &path(CUSTOM, &key),
                    "stands twice in the object: keep one of the two",
                );
                continue;
            }
            match value.string() {
                Some(value) if is_blank(&value) => self.name(CUSTOM, &key),
                Some(value) => self.text(CUSTOM, key, value),
                None => {
                    let path = path(CUSTOM, &key);
                    if value.kind() == "a string" {
                        self.faults.add(&path, "holds half a character (\\ud800 to \\udfff without the other half): write it whole");
                    } else {
                        let reason = [
                            "is ",
                            value.kind(),
                            ": custom properties are strings; put it in quotes, or use a dynamic field",
                        ];
                        self.faults.add(&path, &text(&reason));
                    }
                    self.set(CUSTOM, key, Value::Boolean(false));
                }
            }
        }
    }

    /// The parser's own words would repeat parts of the text.
    fn not_json(&mut self, json: &str, offset: usize) {
        let before = json.get(..offset).unwrap_or(json);
        let mut line = 1;
        let mut column = 1;
        for c in before.chars() {
            column += 1;
            if c == '\n' {
                line += 1;
                column = 1;
            }
        }
        let reason = with_figure(
            "is not JSON (line #, column #): write an object such as {\"plan\": \"pro\"}",
            line,
        );
        self.faults.add_figure(CUSTOM, &reason, column);
    }

    fn dynamic(&mut self, index: usize, field: &'a DynamicField) {
        if is_blank(&field.name) {
            let field = with_figure("properties.dynamic-fields[#].name", index);
            return self.faults.add(
                &field,
                "is blank: give the property a name, or remove the field",
            );
        }
        let name = field.name.as_str();
        match &field.value {
            PropertyValue::Text(value) | PropertyValue::DateTime(value) if is_blank(value) => {
                self.name(DYNAMIC, name);
            }
            PropertyValue::Text(value) => self.text(DYNAMIC, name.into(), value.into()),
            PropertyValue::DateTime(value) => self.date_time(DYNAMIC, name, value),
            PropertyValue::Number(number) => {
                if !number.is_finite() {
                    let reason = if number.is_nan() {
                        "is not a number (NaN): Mixpanel takes finite numbers only"
                    } else {
                        "is infinite: Mixpanel takes finite numbers only"
                    };
                    self.faults.add(&path(DYNAMIC, name), reason);
                }
                self.set(DYNAMIC, name.into(), Value::Number(*number));
            }
            PropertyValue::Boolean(boolean) => {
                self.set(DYNAMIC, name.into(), Value::Boolean(*boolean));
            }
            // As with blank texts: a list of nothing would block a real one later.
            PropertyValue::TextList(items) if items.iter().all(|item| is_blank(item)) => {
                self.name(DYNAMIC, name);
            }
            PropertyValue::TextList(items) => self.list(name, items),
        }
    }

    fn text(&mut self, source: &'static str, name: Cow<'a, str>, value: Cow<'a, str>) {
        if value.len() > MAX_TEXT_BYTES {
            self.faults.add_figure(
                &path(source, &name),
                "has # bytes: at most 255 are allowed, and Mixpanel would cut the rest",
                value.len(),
            );
        }
        self.set(source, name, Value::Text(value));
    }

    fn date_time(&mut self, source: &'static str, name: &'a str, value: &'a str) {
        let value = match DateTime::parse(value) {
            Ok(date) => date.property_value().into(),
            Err(reason) => {
                self.faults.add(&path(source, name), &reason);
                value.into()
            }
        };
        self.set(source, name.into(), Value::Text(value));
    }

    fn list(&mut self, name: &'a str, items: &'a [String]) {
        let mut bytes = 0;
        for (index, item) in items.iter().enumerate() {
            bytes += item.len();
            // No text has more characters than bytes, and bytes need no counting.
            if item.len() <= MAX_LIST_ITEM_CHARACTERS {
                continue;
            }
            let characters = characters(item);
            if characters > MAX_LIST_ITEM_CHARACTERS {
                // A name may hold a # of its own.
                let field = text(&[&path(DYNAMIC, name), &with_figure("[#]", index)]);
                self.faults.add_figure(
                    &field,
                    "has # characters: at most 255 are allowed in a list's item",
                    characters,
                );
            }
        }
        // Three bytes are an item's quotes and its comma, two the brackets.
        if bytes * MAX_ESCAPE_BYTES + 3 * items.len() + 2 > MAX_LIST_BYTES {
            let bytes = json::write(&Value::List(items)).len();
            if bytes > MAX_LIST_BYTES {
                self.faults.add_figure(
                    &path(DYNAMIC, name),
                    "has # bytes as JSON: at most 256000 are allowed in a list",
                    bytes,
                );
            }
        }
        self.set(DYNAMIC, name.into(), Value::List(items));
    }

    /// Adds a property. One with a fault is added too, so that its name is still checked.
    fn set(&mut self, source: &'static str, name: Cow<'a, str>, value: Value<'a>) {
        self.name(source, &name);
        match self.names.add(name.clone(), self.properties.len()) {
            Ok(()) => {
                self.properties.push((name, value));
                self.sources.push(source);
            }
            Err(first) => {
                let reason = [
                    "sets a property that ",
                    &path(self.sources[first], &name),
                    " sets already: keep one of the two",
                ];
                self.faults.add(&path(source, &name), &text(&reason));
            }
        }
    }

    /// Checks a name that is not blank.
    fn name(&mut self, source: &'static str, name: &str) {
        if name == "$ip" {
            self.faults.add(
                &path(source, name),
                "has the name $ip, which Mixpanel takes beside the properties: use profile.ip-address",
            );
        }
        if name.len() <= MAX_NAME_CHARACTERS {
            return;
        }
        let characters = characters(name);
        if characters > MAX_NAME_CHARACTERS {
            self.faults.add_figure(
                &path(source, name),
                "has a name of # characters: at most 255 are allowed",
                characters,
            );
        }
    }
}

/// The path of a property by its field and its name; a name that is too long for a property is cut.
fn path(source: &'static str, name: &str) -> String {
    if source != CUSTOM && source != DYNAMIC {
        return source.into();
    }
    match name.char_indices().nth(MAX_NAME_CHARACTERS) {
        Some((end, _)) => text(&[source, ".", name.get(..end).unwrap_or(name), "…"]),
        None => text(&[source, ".", name]),
    }
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name.as_ref(), value)?;
        }
        map.end()
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Text(text) => serializer.serialize_str(text),
            Value::Integer(integer) => serializer.serialize_i64(*integer),
            // Within the integers of 64 bits, `3.0` is written `3`.
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_precision_loss,
                clippy::float_cmp,
                reason = "a number that is no integer of 64 bits does not come back the same"
            )]
            Value::Number(number)
                if *number as i64 as f64 == *number && *number < 9_223_372_036_854_775_808.0 =>
            {
                serializer.serialize_i64(*number as i64)
            }
            Value::Number(number) => serializer.serialize_f64(*number),
            Value::Boolean(boolean) => serializer.serialize_bool(*boolean),
            Value::List(items) => serializer.collect_seq(*items),
            Value::Object(object) => object.serialize(serializer),
        }
    }
}
