//! What [`check_connection`](crate::card::Card::check_connection) returns: one definition for the
//! engine and for JSON, as in [`records`](crate::records).

use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};

/// Whether Mixpanel knows the project token.
#[derive(ComponentType, Lower, Lift, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[component(enum)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Verdict {
    /// It does.
    #[component(name = "valid")]
    Valid,
    /// It does not.
    #[component(name = "invalid")]
    Invalid,
    /// Mixpanel gave no response that can be understood.
    #[component(name = "unknown")]
    Unknown,
}

/// What Mixpanel says of a connection.
#[derive(ComponentType, Lower, Lift, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[component(record)]
#[serde(rename_all = "kebab-case")]
pub struct ConnectionCheck {
    pub verdict: Verdict,
    /// The HTTP status code of the response, where one came.
    #[component(name = "status-code")]
    pub status_code: Option<u16>,
    /// Mixpanel's own words, or why nothing is known; `None` where the token is valid.
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::{ConnectionCheck, Verdict};

    #[test]
    fn json_has_the_names_of_the_interface() {
        for (verdict, name) in [
            (Verdict::Valid, "valid"),
            (Verdict::Invalid, "invalid"),
            (Verdict::Unknown, "unknown"),
        ] {
            let check = ConnectionCheck {
                verdict,
                status_code: Some(200),
                reason: None,
            };
            let json = serde_json::json!({"verdict": name, "status-code": 200, "reason": null});
            assert_eq!(serde_json::to_value(&check).expect("JSON"), json);
            let read: ConnectionCheck = serde_json::from_value(json).expect("a check");
            assert_eq!(read, check);
        }
    }
}
