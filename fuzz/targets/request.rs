//! Any input gives either invalid fields or an update that keeps every rule.
#![no_main]

use std::collections::BTreeSet;

use arbitrary::Arbitrary;
use card::bindings::profiles as wit;
use card::destination::Destination;
use card::invalid::InvalidFields;
use card::strings::is_blank;
use card::update::Update;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

#[derive(Arbitrary, Debug)]
struct Connection {
    token: String,
    region: u8,
    base_url: Option<String>,
    max_retries: Option<u8>,
}

#[derive(Arbitrary, Debug)]
enum Property {
    Text(String),
    /// Long ones, which the fuzzer would not reach byte by byte.
    Long(u16),
    Number(f64),
    Boolean(bool),
    DateTime(String),
    Seconds(i64),
    TextList(Vec<String>),
}

#[derive(Arbitrary, Debug)]
struct Input {
    id: String,
    ip: Option<String>,
    address: Option<std::net::IpAddr>,
    time: Option<String>,
    reserved: [Option<String>; 7],
    custom: Option<String>,
    pairs: Vec<(String, String)>,
    fields: Vec<(String, Property)>,
    many: u8,
}

fn connection(c: Connection) -> wit::Connection {
    wit::Connection {
        project_token: c.token,
        region: match c.region % 3 {
            0 => wit::Region::Standard,
            1 => wit::Region::Eu,
            _ => wit::Region::India,
        },
        base_url: c.base_url,
        max_retries: c.max_retries,
    }
}

fn input(i: Input) -> wit::Input {
    let [avatar, name, first_name, last_name, created, email, phone] = i.reserved;
    let pairs: Vec<_> = i
        .pairs
        .iter()
        .map(|(key, value)| {
            format!(
                "{}:{}",
                Value::from(key.as_str()),
                Value::from(value.as_str())
            )
        })
        .collect();
    let custom = i
        .custom
        .or_else(|| (!pairs.is_empty()).then(|| format!("{{{}}}", pairs.join(","))));
    // Now and then, as many as a profile can hold, or a few more.
    let many = u32::from(i.many)
        .checked_sub(245)
        .map_or(0, |over| 1_990 + 2 * over);
    let mut fields: Vec<_> = i
        .fields
        .into_iter()
        .map(|(name, value)| wit::DynamicField {
            name,
            value: match value {
                Property::Text(text) => wit::PropertyValue::Text(text),
                Property::Long(length) => wit::PropertyValue::Text("x".repeat(length.into())),
                Property::Number(number) => wit::PropertyValue::Number(number),
                Property::Boolean(boolean) => wit::PropertyValue::Boolean(boolean),
                Property::DateTime(date) => wit::PropertyValue::DateTime(date),
                Property::Seconds(seconds) => wit::PropertyValue::DateTime(seconds.to_string()),
                Property::TextList(list) => wit::PropertyValue::TextList(list),
            },
        })
        .collect();
    fields.extend((0..many).map(|n| wit::DynamicField {
        name: format!("many {n}"),
        value: wit::PropertyValue::Boolean(true),
    }));
    wit::Input {
        profile: wit::Profile {
            profile_id: i.id,
            ip_address: i.address.map(|address| address.to_string()).or(i.ip),
            time: i.time,
        },
        properties: wit::Properties {
            avatar,
            name,
            first_name,
            last_name,
            created,
            email,
            phone,
            custom_properties: custom,
            dynamic_fields: fields,
        },
    }
}

fuzz_target!(|data: (Connection, Input)| {
    let (connection, input) = (connection(data.0), input(data.1));
    let mut invalid = InvalidFields::default();
    let destination = invalid.join(Destination::new(&connection));
    let update = invalid.join(Update::new(&input));
    let json = match (&destination, &update) {
        (Some(destination), Some(update)) => update.to_json(destination.token),
        _ => {
            let fields: Vec<wit::InvalidField> = invalid.into();
            assert!(!fields.is_empty());
            for field in fields {
                assert!(!field.field.is_empty() && !field.reason.is_empty());
                assert!(field.reason.chars().count() < 800);
            }
            return;
        }
    };
    let (Some(destination), Ok(json)) = (destination, json) else {
        return;
    };
    assert!(destination.max_retries <= 10);
    let endpoint = destination.engage();
    assert!(
        endpoint
            .path_with_query
            .ends_with("/engage?ip=0&verbose=1&strict=1")
    );
    assert!(json.len() <= 1_000_000);
    let update: Value = serde_json::from_slice(&json).expect("JSON");
    assert_eq!(update["$token"], connection.project_token.as_str());
    assert_eq!(update["$distinct_id"], input.profile.profile_id.as_str());
    assert!(input.profile.profile_id.len() <= 255);
    let ip = update["$ip"].as_str().expect("a text");
    assert!(ip == "0" || ip.parse::<std::net::IpAddr>().is_ok());
    if let Some(time) = update.get("$time") {
        assert!((0..=253_402_300_799).contains(&time.as_i64().expect("an integer")));
    }
    let set = update["$set_once"].as_object().expect("an object");
    assert!(set.len() <= 2_000);
    for (name, value) in set {
        assert!(!is_blank(name) && name.chars().count() <= 255 && name != "$ip");
        match value {
            Value::String(text) => assert!(!is_blank(text) && text.len() <= 255),
            Value::Number(_) | Value::Bool(_) => {}
            Value::Array(items) => {
                assert!(serde_json::to_vec(value).expect("JSON").len() <= 256_000);
                assert!(
                    items
                        .iter()
                        .any(|item| !is_blank(item.as_str().expect("a text")))
                );
                for item in items {
                    assert!(item.as_str().expect("a text").chars().count() <= 255);
                }
            }
            other => panic!("{other}"),
        }
    }
    // Nothing else is set, and nothing that was given is left out.
    let given: BTreeSet<&str> = input
        .properties
        .dynamic_fields
        .iter()
        .filter(|field| match &field.value {
            wit::PropertyValue::Text(text) | wit::PropertyValue::DateTime(text) => !is_blank(text),
            wit::PropertyValue::TextList(items) => items.iter().any(|item| !is_blank(item)),
            _ => true,
        })
        .map(|field| field.name.as_str())
        .collect();
    assert!(given.iter().all(|name| set.contains_key(*name)));
});
