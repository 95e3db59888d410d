//! The properties of one profile, collected under Mixpanel's rules; pure.
//!
//! Mixpanel cuts or drops silently what is over its limits, so all of them are checked here.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::bindings::profiles::{DynamicField, InvalidField, Properties, PropertyValue};
use crate::date_time::DateTime;
use crate::url;

/// Of a string value, and of an id.
pub const MAX_TEXT_BYTES: usize = 255;
const MAX_NAME_CHARACTERS: usize = 255;
const MAX_LIST_ITEM_CHARACTERS: usize = 255;
const MAX_PROPERTIES: usize = 2_000;
/// 256 KB, in the smaller of its two readings; of the list as JSON.
const MAX_LIST_BYTES: usize = 256_000;

/// Every input that breaks a rule, in the order of the input.
#[derive(Default)]
pub struct Faults(Vec<InvalidField>);

impl Faults {
    /// Adds one: the field's path, and the rule as the rest of a sentence that starts with it.
    pub fn add(&mut self, field: impl Into<String>, reason: impl Into<String>) {
        self.0.push(InvalidField {
            field: field.into(),
            reason: reason.into(),
        });
    }

    /// `Ok` where there is none.
    ///
    /// # Errors
    ///
    /// All of them.
    pub fn into_result(self) -> Result<(), Vec<InvalidField>> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(self.0)
        }
    }
}

/// An optional text, where a blank one counts as absent: `$set_once ""` would take the place of a
/// later real value.
pub fn present(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !is_blank(text))
}

/// Nothing but white space.
pub fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// A property's value as JSON.
#[derive(Debug)]
enum Value<'a> {
    Text(Cow<'a, str>),
    Number(f64),
    Boolean(bool),
    List(&'a [String]),
}

/// What `$set_once` holds.
#[derive(Debug)]
pub struct Set<'a> {
    properties: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> Set<'a> {
    /// Collects all properties of `input`, and adds what is wrong with them to `faults`.
    pub fn collect(input: &'a Properties, faults: &mut Faults) -> Self {
        let mut collector = Collector {
            faults,
            properties: Vec::new(),
            set_by: BTreeMap::new(),
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
            faults.add(
                "properties",
                format!(
                    "has {} properties: a profile holds at most {MAX_PROPERTIES}",
                    properties.len()
                ),
            );
        }
        Set { properties }
    }
}

struct Collector<'a, 'f> {
    faults: &'f mut Faults,
    properties: Vec<(Cow<'a, str>, Value<'a>)>,
    /// Property name → path of the field that set it.
    set_by: BTreeMap<Cow<'a, str>, Cow<'static, str>>,
}

impl<'a> Collector<'a, '_> {
    fn reserved(&mut self, input: &'a Properties) {
        if let Some(avatar) = present(input.avatar.as_ref()) {
            let field = "properties.avatar";
            if let Err(reason) = url::check_image_url(avatar) {
                self.faults.add(field, reason);
            }
            self.text("$avatar".into(), avatar.into(), field.into());
        }
        for (name, field, value) in [
            ("$name", "properties.name", &input.name),
            ("$first_name", "properties.first-name", &input.first_name),
            ("$last_name", "properties.last-name", &input.last_name),
        ] {
            self.optional_text(name, field, value.as_ref());
        }
        if let Some(created) = present(input.created.as_ref()) {
            self.date_time("$created".into(), created, "properties.created".into());
        }
        for (name, field, value) in [
            ("$email", "properties.email", &input.email),
            ("$phone", "properties.phone", &input.phone),
        ] {
            self.optional_text(name, field, value.as_ref());
        }
    }

    fn custom(&mut self, json: &'a str) {
        const FIELD: &str = "properties.custom-properties";
        let pairs = match serde_json::from_str::<Object>(json) {
            Ok(Object::Pairs(pairs)) => pairs,
            Ok(Object::Other(kind)) => {
                return self.faults.add(
                    FIELD,
                    format!("is {kind}: write a JSON object such as {{\"plan\": \"pro\"}}"),
                );
            }
            Err(error) => {
                // The parser's own words would repeat parts of the text.
                return self.faults.add(
                    FIELD,
                    format!(
                        "is not JSON (line {}, column {}): write an object such as {{\"plan\": \"pro\"}}",
                        error.line(),
                        error.column()
                    ),
                );
            }
        };
        let mut keys = BTreeSet::new();
        for (key, value) in pairs {
            if is_blank(&key) {
                self.faults
                    .add(FIELD, "has a blank key: give every property a name");
                continue;
            }
            let field = path(FIELD, &key);
            if !keys.insert(key.clone()) {
                self.faults
                    .add(field, "stands twice in the object: keep one of the two");
                continue;
            }
            match value {
                Custom::Text(text) if is_blank(&text) => self.name(&key, &field),
                Custom::Text(text) => self.text(key, text, field.into()),
                Custom::Other(kind) => {
                    self.faults.add(
                        field.clone(),
                        format!(
                            "is {kind}: custom properties are strings; put it in quotes, or use a dynamic field"
                        ),
                    );
                    self.set(key, Value::Text("".into()), field.into());
                }
            }
        }
    }

    fn dynamic(&mut self, index: usize, field: &'a DynamicField) {
        const FIELD: &str = "properties.dynamic-fields";
        if is_blank(&field.name) {
            self.faults.add(
                format!("{FIELD}[{index}].name"),
                "is blank: give the property a name, or remove the field",
            );
            return;
        }
        let name = Cow::Borrowed(field.name.as_str());
        let path = path(FIELD, &name);
        match &field.value {
            PropertyValue::Text(text) | PropertyValue::DateTime(text) if is_blank(text) => {
                self.name(&name, &path);
            }
            PropertyValue::Text(text) => self.text(name, text.into(), path.into()),
            PropertyValue::DateTime(text) => self.date_time(name, text, path.into()),
            PropertyValue::Number(number) => {
                if !number.is_finite() {
                    let kind = if number.is_nan() {
                        "not a number (NaN)"
                    } else {
                        "infinite"
                    };
                    let reason = format!("is {kind}: Mixpanel takes finite numbers only");
                    self.faults.add(path.clone(), reason);
                }
                self.set(name, Value::Number(*number), path.into());
            }
            PropertyValue::Boolean(boolean) => {
                self.set(name, Value::Boolean(*boolean), path.into());
            }
            // As with blank texts: a list of nothing would block a real one later.
            PropertyValue::TextList(items) if items.iter().all(|item| is_blank(item)) => {
                self.name(&name, &path);
            }
            PropertyValue::TextList(items) => self.list(name, items, path),
        }
    }

    fn optional_text(
        &mut self,
        name: &'static str,
        field: &'static str,
        value: Option<&'a String>,
    ) {
        if let Some(text) = present(value) {
            self.text(name.into(), text.into(), field.into());
        }
    }

    fn text(&mut self, name: Cow<'a, str>, text: Cow<'a, str>, field: Cow<'static, str>) {
        if let Err(reason) = check_text(&text) {
            self.faults.add(field.clone(), reason);
        }
        self.set(name, Value::Text(text), field);
    }

    fn date_time(&mut self, name: Cow<'a, str>, text: &'a str, field: Cow<'static, str>) {
        let value = match DateTime::parse(text) {
            Ok(date) => date.property_value().into(),
            Err(reason) => {
                self.faults.add(field.clone(), reason);
                text.into()
            }
        };
        self.set(name, Value::Text(value), field);
    }

    fn list(&mut self, name: Cow<'a, str>, items: &'a [String], path: String) {
        for (index, item) in items.iter().enumerate() {
            let characters = item.chars().count();
            if characters > MAX_LIST_ITEM_CHARACTERS {
                self.faults.add(
                    format!("{path}[{index}]"),
                    format!(
                        "has {characters} characters: at most {MAX_LIST_ITEM_CHARACTERS} are allowed in a list's item"
                    ),
                );
            }
        }
        let bytes = serde_json::to_vec(items).map_or(usize::MAX, |json| json.len());
        if bytes > MAX_LIST_BYTES {
            self.faults.add(
                path.clone(),
                format!(
                    "has {bytes} bytes as JSON: at most {MAX_LIST_BYTES} are allowed in a list"
                ),
            );
        }
        self.set(name, Value::List(items), path.into());
    }

    /// Adds a property. One with a fault is added too, so that its name is still checked.
    fn set(&mut self, name: Cow<'a, str>, value: Value<'a>, field: Cow<'static, str>) {
        self.name(&name, &field);
        if let Some(first) = self.set_by.get(&name) {
            let reason = format!("sets a property that {first} sets already: keep one of the two");
            self.faults.add(field, reason);
            return;
        }
        self.set_by.insert(name.clone(), field);
        self.properties.push((name, value));
    }

    /// Checks a name that is not blank.
    fn name(&mut self, name: &str, field: &str) {
        if name == "$ip" {
            self.faults.add(
                field,
                "has the name $ip, which Mixpanel takes beside the properties: use profile.ip-address",
            );
        }
        let characters = name.chars().count();
        if characters > MAX_NAME_CHARACTERS {
            self.faults.add(
                field,
                format!(
                    "has a name of {characters} characters: at most {MAX_NAME_CHARACTERS} are allowed"
                ),
            );
        }
    }
}

/// Checks a string value.
///
/// # Errors
///
/// The limit and the figure that breaks it.
pub fn check_text(text: &str) -> Result<(), String> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(format!(
            "has {} bytes: at most {MAX_TEXT_BYTES} are allowed, and Mixpanel would cut the rest",
            text.len()
        ));
    }
    Ok(())
}

/// The path of a property by its name; a name that is too long for a property is cut.
fn path(field: &str, name: &str) -> String {
    match name.char_indices().nth(MAX_NAME_CHARACTERS) {
        Some((end, _)) => format!("{field}.{}…", &name[..end]),
        None => format!("{field}.{name}"),
    }
}

impl Serialize for Set<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.properties.len()))?;
        for (name, value) in &self.properties {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Text(text) => serializer.serialize_str(text),
            // Within the integers of 64 bits, `3.0` is written `3`.
            Value::Number(number)
                if number.fract() == 0.0 && number.abs() < 9_223_372_036_854_775_808.0 =>
            {
                #[expect(clippy::cast_possible_truncation, reason = "integral and within i64")]
                serializer.serialize_i64(*number as i64)
            }
            Value::Number(number) => serializer.serialize_f64(*number),
            Value::Boolean(boolean) => serializer.serialize_bool(*boolean),
            Value::List(items) => items.serialize(serializer),
        }
    }
}

/// A JSON text's root, with all its pairs in their order: a map type would hide equal keys.
enum Object<'a> {
    Pairs(Vec<(Cow<'a, str>, Custom<'a>)>),
    Other(&'static str),
}

/// A custom property's value.
enum Custom<'a> {
    Text(Cow<'a, str>),
    /// What stands there instead of a string.
    Other(&'static str),
}

/// One visitor for the root and for the values below it: they differ in what they keep.
struct Found<T>(std::marker::PhantomData<T>);

trait Keep<'de>: Sized {
    fn text(text: Cow<'de, str>) -> Self;
    fn other(kind: &'static str) -> Self;
    fn map<A: MapAccess<'de>>(map: A) -> Result<Self, A::Error>;
}

impl<'de> Keep<'de> for Object<'de> {
    fn text(_: Cow<'de, str>) -> Self {
        Object::Other("a string")
    }

    fn other(kind: &'static str) -> Self {
        Object::Other(kind)
    }

    fn map<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut pairs = Vec::new();
        while let Some(key) = map.next_key::<Key>()? {
            pairs.push((key.0, map.next_value()?));
        }
        Ok(Object::Pairs(pairs))
    }
}

impl<'de> Keep<'de> for Custom<'de> {
    fn text(text: Cow<'de, str>) -> Self {
        Custom::Text(text)
    }

    fn other(kind: &'static str) -> Self {
        Custom::Other(kind)
    }

    fn map<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Custom::Other("an object"))
    }
}

impl<'de, T: Keep<'de>> Visitor<'de> for Found<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<T, E> {
        Ok(T::other("a boolean"))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<T, E> {
        Ok(T::other("a number"))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<T, E> {
        Ok(T::other("a number"))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<T, E> {
        Ok(T::other("a number"))
    }

    fn visit_unit<E: de::Error>(self) -> Result<T, E> {
        Ok(T::other("null"))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        Ok(T::text(Cow::Owned(text.to_owned())))
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<T, E> {
        Ok(T::text(Cow::Borrowed(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<T, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(T::other("an array"))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::map(map)
    }
}

impl<'de> de::Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Found(std::marker::PhantomData))
    }
}

impl<'de> de::Deserialize<'de> for Custom<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Found(std::marker::PhantomData))
    }
}

/// An object's key; JSON has no others than strings.
struct Key<'a>(Cow<'a, str>);

impl<'de> de::Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_str(Found::<Custom>(std::marker::PhantomData))? {
            Custom::Text(text) => Ok(Key(text)),
            Custom::Other(_) => Err(de::Error::custom("a key that is no string")),
        }
    }
}
