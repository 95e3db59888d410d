//! The interface's records: one definition for the engine and for JSON.
//!
//! The engine checks them against the component when it is loaded, so that they cannot drift from
//! `wit/`. As JSON they bear the interface's names; [`input`](crate::input) reads what people write.

use std::fmt;

use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};

/// Where the project's data lives.
#[derive(
    ComponentType,
    Lower,
    Lift,
    Serialize,
    Deserialize,
    clap::ValueEnum,
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
)]
#[component(enum)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Region {
    /// <https://api.mixpanel.com>
    #[default]
    #[component(name = "standard")]
    Standard,
    /// <https://api-eu.mixpanel.com>
    #[component(name = "eu")]
    Eu,
    /// <https://api-in.mixpanel.com>
    #[component(name = "india")]
    India,
}

/// How the card reaches one Mixpanel project.
#[derive(ComponentType, Lower, Lift, Serialize, Deserialize, Clone, Default, PartialEq, Eq)]
#[component(record)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Connection {
    /// Identifies the project.
    #[component(name = "project-token")]
    pub project_token: String,
    /// Where the project's data lives.
    #[serde(default)]
    pub region: Region,
    /// Used instead of the region's own server.
    #[component(name = "base-url")]
    #[serde(default)]
    pub base_url: Option<String>,
    /// Three when left out.
    #[component(name = "max-retries")]
    #[serde(default)]
    pub max_retries: Option<u8>,
}

/// Without the token: it must not reach a log.
impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Connection")
            .field("region", &self.region)
            .field("base_url", &self.base_url)
            .field("max_retries", &self.max_retries)
            .finish_non_exhaustive()
    }
}

/// A user, as Mixpanel identifies and places them.
#[derive(ComponentType, Lower, Lift, Serialize, Clone, Debug, Default, PartialEq)]
#[component(record)]
#[serde(rename_all = "kebab-case")]
pub struct Profile {
    /// Mixpanel's `distinct_id`.
    #[component(name = "profile-id")]
    pub profile_id: String,
    /// IPv4 or IPv6.
    #[component(name = "ip-address")]
    pub ip_address: Option<String>,
    /// Unix seconds or RFC 3339.
    pub time: Option<String>,
}

/// A property's value.
#[derive(ComponentType, Lower, Lift, Serialize, Clone, Debug, PartialEq)]
#[component(variant)]
#[serde(rename_all = "kebab-case")]
pub enum PropertyValue {
    #[component(name = "text")]
    Text(String),
    #[component(name = "number")]
    Number(f64),
    #[component(name = "boolean")]
    Boolean(bool),
    /// Unix seconds or RFC 3339.
    #[component(name = "date-time")]
    DateTime(String),
    #[component(name = "text-list")]
    TextList(Vec<String>),
}

/// A property that the flow's author added.
#[derive(ComponentType, Lower, Lift, Serialize, Clone, Debug, PartialEq)]
#[component(record)]
pub struct DynamicField {
    pub name: String,
    pub value: PropertyValue,
}

/// The profile's properties.
#[derive(ComponentType, Lower, Lift, Serialize, Clone, Debug, Default, PartialEq)]
#[component(record)]
#[serde(rename_all = "kebab-case")]
pub struct Properties {
    pub avatar: Option<String>,
    pub name: Option<String>,
    #[component(name = "first-name")]
    pub first_name: Option<String>,
    #[component(name = "last-name")]
    pub last_name: Option<String>,
    /// Unix seconds or RFC 3339.
    pub created: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    /// The text of a JSON object whose values are strings.
    #[component(name = "custom-properties")]
    pub custom_properties: Option<String>,
    #[component(name = "dynamic-fields")]
    pub dynamic_fields: Vec<DynamicField>,
}

/// What a flow passes to the card.
#[derive(ComponentType, Lower, Lift, Serialize, Clone, Debug, Default, PartialEq)]
#[component(record)]
pub struct Input {
    pub profile: Profile,
    pub properties: Properties,
}

/// What the card returns.
#[derive(ComponentType, Lower, Lift, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[component(record)]
#[serde(rename_all = "kebab-case")]
pub struct Output {
    /// An HTTP status code; 2xx is success.
    #[component(name = "status-code")]
    pub status_code: u16,
    /// None on success.
    pub reason: Option<String>,
}

/// One input that breaks a rule of the card.
#[derive(ComponentType, Lower, Lift, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[component(record)]
pub struct InvalidField {
    /// The field's path.
    pub field: String,
    /// The rule it breaks.
    pub reason: String,
}

/// Why there is no status code.
#[derive(ComponentType, Lower, Lift, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[component(variant)]
#[serde(rename_all = "kebab-case")]
pub enum Error {
    #[component(name = "permanent-invalid-input")]
    PermanentInvalidInput(Vec<InvalidField>),
    #[component(name = "permanent-denied")]
    PermanentDenied(String),
    #[component(name = "transport")]
    Transport(String),
    #[component(name = "execution-failed")]
    ExecutionFailed,
}

/// How one call of the card ends; as JSON `{"ok":…}` or `{"err":…}`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Ok(Output),
    Err(Error),
}

impl Outcome {
    /// Whether the profile was created, or was there already.
    pub fn is_success(&self) -> bool {
        matches!(self, Outcome::Ok(output) if (200..=299).contains(&output.status_code))
    }

    /// One invalid field, and nothing else.
    pub fn invalid(field: &str, reason: String) -> Self {
        Outcome::Err(Error::PermanentInvalidInput(vec![InvalidField {
            field: field.to_owned(),
            reason,
        }]))
    }
}

impl From<Result<Output, Error>> for Outcome {
    fn from(result: Result<Output, Error>) -> Self {
        match result {
            Ok(output) => Outcome::Ok(output),
            Err(error) => Outcome::Err(error),
        }
    }
}
