//! The generator's types, which own what they hold, lent as inputs.

use alloc::string::String;
use alloc::vec::Vec;

use super::{
    Connection, DynamicField, Input, List, Maybe, Profile, Properties, PropertyValue, Region, Text,
};
use crate::bindings::profiles as owned;

/// A connection as the card has it.
pub fn connection(connection: &owned::Connection) -> Connection<'_> {
    Connection {
        project_token: text(&connection.project_token),
        region: match connection.region {
            owned::Region::Standard => Region::Standard,
            owned::Region::Eu => Region::Eu,
            owned::Region::India => Region::India,
        },
        base_url: maybe(connection.base_url.as_ref()),
        max_retries: connection.max_retries.into(),
    }
}

/// Calls `work` with an input as the card has it.
pub fn with_input<T>(input: &owned::Input, work: impl FnOnce(&Input<'_>) -> T) -> T {
    let properties = &input.properties;
    let lists: Vec<Vec<Text<'_>>> = properties
        .dynamic_fields
        .iter()
        .map(|field| match &field.value {
            owned::PropertyValue::TextList(items) => items.iter().map(|item| text(item)).collect(),
            _ => Vec::new(),
        })
        .collect();
    let fields: Vec<DynamicField<'_>> = properties
        .dynamic_fields
        .iter()
        .zip(&lists)
        .map(|(field, items)| DynamicField {
            name: text(&field.name),
            value: match &field.value {
                owned::PropertyValue::Text(value) => PropertyValue::Text(text(value)),
                owned::PropertyValue::Number(number) => PropertyValue::Number(*number),
                owned::PropertyValue::Boolean(boolean) => PropertyValue::Boolean(*boolean),
                owned::PropertyValue::DateTime(value) => PropertyValue::DateTime(text(value)),
                owned::PropertyValue::TextList(_) => {
                    PropertyValue::TextList(List::from(items.as_slice()))
                }
            },
        })
        .collect();
    work(&Input {
        profile: Profile {
            profile_id: text(&input.profile.profile_id),
            ip_address: maybe(input.profile.ip_address.as_ref()),
            time: maybe(input.profile.time.as_ref()),
        },
        properties: Properties {
            avatar: maybe(properties.avatar.as_ref()),
            name: maybe(properties.name.as_ref()),
            first_name: maybe(properties.first_name.as_ref()),
            last_name: maybe(properties.last_name.as_ref()),
            created: maybe(properties.created.as_ref()),
            email: maybe(properties.email.as_ref()),
            phone: maybe(properties.phone.as_ref()),
            custom_properties: maybe(properties.custom_properties.as_ref()),
            dynamic_fields: List::from(fields.as_slice()),
        },
    })
}

fn text(text: &str) -> Text<'_> {
    Text::from(text)
}

fn maybe(text: Option<&String>) -> Maybe<Text<'_>> {
    text.map(|text| self::text(text)).into()
}
