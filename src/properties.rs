//! The properties of one profile, collected under Mixpanel's rules; pure.
//!
//! Mixpanel cuts or drops silently what is over its limits, so all of them are checked here.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use crate::date_time::DateTime;
use crate::faults::{Faults, characters, is_blank, present, text, with_figure};
use crate::input::{DynamicField, Properties, PropertyValue, Text};
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

/// Writes what `$set_once` holds, a JSON object, behind `json`, and adds what is wrong with it to
/// `faults`: then what is written need not be JSON. `names` is memory that was used before,
/// or none.
pub fn write<'a>(
    input: &Properties<'a>,
    names: &mut Names<'a>,
    faults: &mut Faults,
    json: &mut Vec<u8>,
) {
    names.0.clear();
    let mut collector = Collector {
        faults,
        json,
        count: 0,
        names,
        reserved: 0,
    };
    collector.json.push(b'{');
    collector.reserved(input);
    if let Some(custom) = present(&input.custom_properties) {
        collector.custom(custom);
    }
    for (index, field) in input.dynamic_fields.as_slice().iter().enumerate() {
        collector.dynamic(index, field);
    }
    let count = collector.count;
    json::end(json, b'}');
    if count > MAX_PROPERTIES {
        faults.add_figure(
            "properties",
            "has # properties: a profile holds at most 2000",
            count,
        );
    }
}

/// Mixpanel's names for the fields that have one of their own, and these fields.
const RESERVED: [(&str, &str); 7] = [
    ("$avatar", "properties.avatar"),
    ("$name", "properties.name"),
    ("$first_name", "properties.first-name"),
    ("$last_name", "properties.last-name"),
    ("$created", "properties.created"),
    ("$email", "properties.email"),
    ("$phone", "properties.phone"),
];

const AVATAR: usize = 0;
const CREATED: usize = 4;

/// Names that were seen, sorted, and the field that each of them comes from; without [`RESERVED`]
/// ones that come from their own.
#[derive(Default)]
pub struct Names<'a>(Vec<(Cow<'a, str>, &'static str)>);

impl<'a> Names<'a> {
    /// Adds a name, or tells where the same one comes from.
    fn add(&mut self, name: Cow<'a, str>, source: &'static str) -> Result<(), &'static str> {
        match self.0.binary_search_by(|(seen, _)| seen.cmp(&name)) {
            Ok(at) => Err(self.0[at].1),
            // More than a profile can hold are refused anyway, and sorting them takes time.
            Err(_) if self.0.len() > MAX_PROPERTIES => Ok(()),
            Err(at) => {
                self.0.insert(at, (name, source));
                Ok(())
            }
        }
    }
}

struct Collector<'a, 'f> {
    faults: &'f mut Faults,
    json: &'f mut Vec<u8>,
    /// Of the properties in it.
    count: usize,
    names: &'f mut Names<'a>,
    /// Which of [`RESERVED`] are among them, a bit each.
    reserved: u8,
}

impl<'a> Collector<'a, '_> {
    fn reserved(&mut self, input: &Properties<'a>) {
        let values = [
            &input.avatar,
            &input.name,
            &input.first_name,
            &input.last_name,
            &input.created,
            &input.email,
            &input.phone,
        ];
        for (index, value) in values.into_iter().enumerate() {
            let Some(value) = present(value) else {
                continue;
            };
            let (name, field) = RESERVED[index];
            if index == AVATAR
                && let Err(reason) = url::check_image_url(value)
            {
                self.faults.add(field, reason);
            }
            self.reserved |= 1 << index;
            self.count += 1;
            json::text(self.json, name, b':');
            if index == CREATED {
                self.date_time(field, name, value);
            } else {
                self.text(field, name, value);
            }
        }
    }

    fn custom(&mut self, json: &'a str) {
        let entries = match Raw::read_with_entries(json) {
            Ok((object, entries)) if object.kind() == "an object" => entries,
            Ok((other, _)) => {
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
        for (key, value) in entries {
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
            if keys.add(key.clone(), CUSTOM).is_err() {
                self.faults.add(
                    &path(CUSTOM, &key),
                    "stands twice in the object: keep one of the two",
                );
                continue;
            }
            match value.string() {
                Some(value) if is_blank(&value) => self.name(CUSTOM, &key),
                Some(value) => {
                    self.key(CUSTOM, &key);
                    self.text(CUSTOM, &key, &value);
                }
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
                    self.key(CUSTOM, &key);
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

    fn dynamic(&mut self, index: usize, field: &DynamicField<'a>) {
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
            PropertyValue::Text(value) => {
                self.key(DYNAMIC, &name.into());
                self.text(DYNAMIC, name, value);
            }
            PropertyValue::DateTime(value) => {
                self.key(DYNAMIC, &name.into());
                self.date_time(DYNAMIC, name, value);
            }
            PropertyValue::Number(number) => {
                if !number.is_finite() {
                    let reason = if number.is_nan() {
                        "is not a number (NaN): Mixpanel takes finite numbers only"
                    } else {
                        "is infinite: Mixpanel takes finite numbers only"
                    };
                    self.faults.add(&path(DYNAMIC, name), reason);
                }
                self.key(DYNAMIC, &name.into());
                json::number(self.json, *number);
                self.json.push(b',');
            }
            PropertyValue::Boolean(boolean) => {
                self.key(DYNAMIC, &name.into());
                let word: &[u8] = if *boolean { b"true," } else { b"false," };
                self.json.extend_from_slice(word);
            }
            // As with blank texts: a list of nothing would block a real one later.
            PropertyValue::TextList(items)
                if items.as_slice().iter().all(|item| is_blank(item)) =>
            {
                self.name(DYNAMIC, name);
            }
            PropertyValue::TextList(items) => self.list(name, items.as_slice()),
        }
    }

    /// Writes a text, whose key is written, and checks it.
    fn text(&mut self, source: &'static str, name: &str, value: &str) {
        if value.len() > MAX_TEXT_BYTES {
            self.faults.add_figure(
                &path(source, name),
                "has # bytes: at most 255 are allowed, and Mixpanel would cut the rest",
                value.len(),
            );
        }
        json::text(self.json, value, b',');
    }

    /// Writes a date, whose key is written, and checks it.
    fn date_time(&mut self, source: &'static str, name: &str, value: &str) {
        match DateTime::parse(value) {
            Ok(date) => {
                self.json.push(b'"');
                self.json.extend_from_slice(&date.property_value());
                self.json.extend_from_slice(b"\",");
            }
            Err(reason) => self.faults.add(&path(source, name), &reason),
        }
    }

    fn list(&mut self, name: &'a str, items: &[Text<'a>]) {
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
            let mut json = Vec::new();
            json::texts(&mut json, items);
            if json.len() > MAX_LIST_BYTES {
                self.faults.add_figure(
                    &path(DYNAMIC, name),
                    "has # bytes as JSON: at most 256000 are allowed in a list",
                    json.len(),
                );
            }
        }
        self.key(DYNAMIC, &name.into());
        json::texts(self.json, items);
        self.json.push(b',');
    }

    /// Writes a property's key, and checks it.
    #[expect(clippy::ptr_arg, reason = "a copy of it is kept, which lasts as long")]
    fn key(&mut self, source: &'static str, name: &Cow<'a, str>) {
        self.name(source, name);
        if let Err(first) = self.add(name, source) {
            let reason = [
                "sets a property that ",
                &path(first, name),
                " sets already: keep one of the two",
            ];
            self.faults.add(&path(source, name), &text(&reason));
        } else {
            self.count += 1;
        }
        json::text(self.json, name, b':');
    }

    /// Adds a name, or tells where the same one comes from.
    #[expect(clippy::ptr_arg, reason = "a copy of it is kept, which lasts as long")]
    fn add(&mut self, name: &Cow<'a, str>, source: &'static str) -> Result<(), &'static str> {
        if name.starts_with('$') {
            for (index, (reserved, field)) in RESERVED.into_iter().enumerate() {
                if self.reserved & (1 << index) != 0 && reserved == *name {
                    return Err(field);
                }
            }
        }
        self.names.add(name.clone(), source)
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
