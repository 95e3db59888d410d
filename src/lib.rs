//! Create Profile: an action card that creates a user's profile in Mixpanel.
//!
//! The way of the data, one file a step:
//!
//! 1. An engine calls the interface of `wit/` (`bindings`) with a connection and an input.
//! 2. [`request`] makes them Mixpanel's request, with the help of `properties`, `date_time` and
//!    `url`, or names every field that is wrong; then nothing is sent.
//! 3. [`http`] sends it and brings back an answer, or says why none came.
//! 4. [`response`] reads the answer: a status code, and the reason where it is no success.
//! 5. [`retry`] tells whether to go back to 3, and after how long.

pub mod bindings;
pub mod date_time;
pub mod http;
pub mod properties;
pub mod request;
pub mod response;
pub mod retry;
pub mod url;

use bindings::profiles::{Connection, Error, Input, Output};

/// What one try came to.
type Outcome = Result<Output, http::Failure>;

/// Creates one profile; what the card's only function does.
///
/// # Errors
///
/// Those of the interface: the input breaks rules, the host forbids the request, or no answer came.
pub fn create_profile(connection: &Connection, input: &Input) -> Result<Output, Error> {
    let request = request::build(connection, input).map_err(Error::PermanentInvalidInput)?;
    let mut tries = 1;
    loop {
        let (outcome, failure) = try_once(&request, &connection.project_token);
        let Some(failure) = failure else {
            return conclude(outcome, "");
        };
        match retry::wait(failure, tries, request.max_retries, http::now()) {
            Some(wait) => http::sleep(wait),
            None => return conclude(outcome, &retry::history(failure, tries)),
        }
        tries += 1;
    }
}

/// Sends the request once; beside the outcome, how it failed in the eyes of [`retry`].
fn try_once(request: &request::Request, token: &str) -> (Outcome, Option<retry::Failure>) {
    match http::send(request) {
        Ok(answer) => {
            let output = response::read(&answer, token);
            let failure = output.reason.is_some().then(|| {
                let retry_after = answer
                    .retry_after
                    .as_deref()
                    .and_then(|value| retry::retry_after(value, answer.date.as_deref()));
                retry::Failure::Status(output.status_code, retry_after)
            });
            (Ok(output), failure)
        }
        Err(failure @ http::Failure::Transport(_)) => {
            (Err(failure), Some(retry::Failure::Transport))
        }
        Err(failure @ http::Failure::Denied(_)) => (Err(failure), Some(retry::Failure::Denied)),
    }
}

/// The last outcome, with what is to be said of the tries behind its reason.
fn conclude(outcome: Outcome, history: &str) -> Result<Output, Error> {
    match outcome {
        Ok(output) => Ok(Output {
            reason: output.reason.map(|reason| reason + history),
            ..output
        }),
        Err(http::Failure::Transport(reason)) => Err(Error::Transport(reason + history)),
        Err(http::Failure::Denied(reason)) => Err(Error::PermanentDenied(reason)),
    }
}
