//! How Mixpanel says what it has accepted.

use bytes::Bytes;
use http::StatusCode;
use serde_json::json;

use super::message::Answer;
use super::update::{Invalid, MISSING};

/// The form of answer that the query asks for.
#[derive(Clone, Copy)]
pub(super) enum Form {
    Plain,
    Verbose,
    Strict,
}

impl Form {
    pub(super) fn accepted(self, good: usize) -> Answer {
        let body = match self {
            Self::Plain => Bytes::from_static(b"1"),
            Self::Verbose => Bytes::from_static(br#"{"error":null,"status":1}"#),
            Self::Strict => {
                format!(r#"{{"error":null,"errors":{{}},"num_good_events":{good},"status":1}}"#)
                    .into()
            }
        };
        Answer {
            status: StatusCode::OK,
            body,
        }
    }

    /// `failures` are (index, why), and empty where the request as a whole was refused.
    pub(super) fn refused(self, error: &str, failures: &[(usize, Invalid)], good: usize) -> Answer {
        let recorded = failures
            .first()
            .is_some_and(|(_, first)| first.message == MISSING);
        match self {
            Self::Plain => Answer {
                status: StatusCode::OK,
                body: Bytes::from_static(b"0"),
            },
            // How a strict answer refuses anything else is not known: this is how Mixpanel's
            // import API does it.
            Self::Strict if !recorded => {
                let records: Vec<_> = failures
                    .iter()
                    .map(|(index, Invalid { field, message })| {
                        json!({"index": index, "field": field, "message": message})
                    })
                    .collect();
                let error = if records.is_empty() {
                    error
                } else {
                    "some data points in the request failed validation"
                };
                Answer::json(
                    StatusCode::BAD_REQUEST,
                    &json!({
                        "code": 400,
                        "error": error,
                        "failed_records": records,
                        "num_records_imported": good,
                        "status": "Bad Request",
                    }),
                )
            }
            Self::Verbose | Self::Strict => {
                Answer::json(StatusCode::OK, &json!({"error": error, "status": 0}))
            }
        }
    }
}
