//! Create Profile: an action card that creates users' profiles in Mixpanel.
//!
//! The way of the data, one file a step:
//!
//! 1. An engine calls the interface of `wit/` (`exports`) with a connection and an input, or a list of
//!    inputs ([`input`]).
//! 2. [`request`] makes each of them an update as Mixpanel takes it, with the help of `properties`,
//!    `date_time`, `url` and `json`, or names every field that is wrong in its `faults`; then
//!    nothing of that input is sent.
//! 3. [`batch`] puts the updates of a list into as few requests as it can.
//! 4. [`http`] sends a request and brings back an answer, or says why none came.
//! 5. [`response`] reads the answer: a status code, and the reason where it is no success.
//! 6. [`retry`] tells whether to go back to 4, and after how long.

// The standard library would bring an allocator, panics and formatting that the card can do without:
// BENCHMARKS.md has its size before and after. Native builds, which are for the tests, have it anyway.
#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

pub mod batch;
pub mod bindings;
pub mod date_time;
mod error_code;
#[cfg(target_family = "wasm")]
mod exports;
pub mod faults;
pub mod http;
pub mod input;
pub mod json;
pub mod properties;
pub mod request;
pub mod response;
pub mod retry;
mod runtime;
pub mod url;

use alloc::string::String;
use alloc::vec::Vec;

use batch::Batch;
use bindings::profiles::{Error, Output};
use faults::Faults;
use input::{Connection, Input};
use properties::Names;
use request::Destination;

/// What becomes of one input.
pub type Outcome = Result<Output, Error>;

/// Creates one profile.
///
/// # Errors
///
/// Those of the interface: the input breaks rules, the host forbids the request, or no answer came.
pub fn create_profile(connection: &Connection<'_>, input: &Input<'_>) -> Outcome {
    let request = request::build(connection, input).map_err(Error::PermanentInvalidInput)?;
    Delivery::new(&request.destination, connection).send(&request.body, 1)
}

/// Creates many profiles; an outcome for each input, in their order.
///
/// # Errors
///
/// The connection breaks rules, so that nothing can be sent.
pub fn create_profiles(
    connection: &Connection<'_>,
    inputs: &[Input<'_>],
) -> Result<Vec<Outcome>, Error> {
    let mut faults = Faults::default();
    let destination = request::destination(connection, &mut faults);
    faults.into_result().map_err(Error::PermanentInvalidInput)?;

    let mut delivery = Delivery::new(&destination, connection);
    let mut send = |body: &[u8], updates| delivery.send(body, updates);
    let mut batch = Batch::with_room_for(inputs.len());
    let mut outcomes = Vec::with_capacity(inputs.len());
    let mut names = Names::default();
    for (index, input) in inputs.iter().enumerate() {
        outcomes.push(batch::PENDING);
        let write = |json: &mut Vec<u8>| {
            let mut faults = Faults::default();
            request::update(connection, input, &mut names, &mut faults, json);
            faults.into_result()
        };
        if let Err(fields) = batch.add(index, write, &mut send, &mut outcomes) {
            outcomes[index] = Err(Error::PermanentInvalidInput(fields));
        }
    }
    batch.send(&mut send, &mut outcomes);
    Ok(outcomes)
}

/// Sends the requests of one call, each as often as it may be tried.
struct Delivery<'a> {
    destination: &'a Destination,
    token: &'a str,
    /// Of the next request: none after one that failed to its last try, until one gets through. With
    /// Mixpanel out of reach, a long list would wait for hours otherwise.
    max_retries: u8,
}

impl<'a> Delivery<'a> {
    fn new(destination: &'a Destination, connection: &Connection<'a>) -> Self {
        Delivery {
            destination,
            token: connection.project_token.as_str(),
            max_retries: destination.max_retries,
        }
    }

    fn send(&mut self, body: &[u8], updates: usize) -> Outcome {
        let mut tries = 1;
        loop {
            let mut failure = None;
            let outcome = runtime::keeping_outcome(|| {
                let (outcome, failed) = self.try_once(body, updates);
                failure = failed;
                outcome
            });
            let wait = failure.and_then(|f| retry::wait(f, tries, self.max_retries, http::now()));
            if let Some(wait) = wait {
                http::sleep(wait);
                tries += 1;
                continue;
            }
            let is_passing = failure.is_some_and(retry::Failure::is_passing);
            self.max_retries = if is_passing {
                0
            } else {
                self.destination.max_retries
            };
            return match failure {
                Some(failure) => with_history(outcome, &retry::history(failure, tries)),
                None => outcome,
            };
        }
    }

    /// Beside the outcome, how the try failed in the eyes of [`retry`].
    fn try_once(&self, body: &[u8], updates: usize) -> (Outcome, Option<retry::Failure>) {
        match http::send(self.destination, body) {
            Ok(answer) => {
                let output = response::read(&answer, self.token, updates);
                let failure = output.reason.is_some().then(|| {
                    let retry_after = answer
                        .retry_after
                        .as_deref()
                        .and_then(|value| retry::retry_after(value, answer.date.as_deref()));
                    retry::Failure::Status(output.status_code, retry_after)
                });
                (Ok(output), failure)
            }
            Err(http::Failure::Transport(reason)) => (
                Err(Error::Transport(reason)),
                Some(retry::Failure::Transport),
            ),
            Err(http::Failure::Denied(reason)) => (
                Err(Error::PermanentDenied(reason)),
                Some(retry::Failure::Denied),
            ),
        }
    }
}

/// The outcome with what is to be said of the tries behind its reason.
fn with_history(mut outcome: Outcome, history: &str) -> Outcome {
    match &mut outcome {
        Ok(Output {
            reason: Some(reason),
            ..
        })
        | Err(Error::Transport(reason)) => String::push_str(reason, history),
        _ => {}
    }
    outcome
}
