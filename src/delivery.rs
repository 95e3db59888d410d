//! The requests of one call: each is sent as often as it may be.

use std::time::Duration;

use crate::Outcome;
use crate::bindings::profiles::{Error, Output};
use crate::destination::{Destination, Endpoint};
use crate::http::{self, Cause};
use crate::response;
use crate::retry::{self, Failure};

/// Of one attempt.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(70);

pub struct Delivery<'a> {
    destination: &'a Destination<'a>,
    endpoint: Endpoint,
    /// Of the next request: none after one that failed to its last attempt, until one gets through.
    /// With Mixpanel out of reach, a long list would wait for hours otherwise.
    max_retries: u8,
    /// What becomes of all requests that are left, once the server has asked to wait longer than the
    /// card does: they would only be refused as well.
    stopped: Option<Outcome>,
}

impl<'a> Delivery<'a> {
    pub fn new(destination: &'a Destination<'a>) -> Self {
        Delivery {
            destination,
            endpoint: destination.engage(),
            max_retries: destination.max_retries,
            stopped: None,
        }
    }

    /// Sends a body with so many updates in it.
    ///
    /// # Errors
    ///
    /// Those of the interface: the host forbids the request, or no response came.
    pub fn send(&mut self, body: &[u8], updates: usize) -> Outcome {
        if let Some(outcome) = &self.stopped {
            return outcome.clone();
        }
        let mut attempts = 1;
        loop {
            let (outcome, failure) = self.attempt(body, updates);
            let Some(failure) = failure else {
                self.max_retries = self.destination.max_retries;
                return outcome;
            };
            if let Some(wait) = retry::wait(failure, attempts, self.max_retries, http::now()) {
                http::sleep(wait);
                attempts += 1;
                continue;
            }
            self.max_retries = if failure.is_passing() {
                0
            } else {
                self.destination.max_retries
            };
            if failure.asks_for_long_wait() {
                let not_sent = format!("; not sent{}", retry::history(failure, 1));
                self.stopped = Some(with_reason(outcome.clone(), &not_sent));
            }
            return with_reason(outcome, &retry::history(failure, attempts));
        }
    }

    /// Beside the outcome of one attempt, how it failed in the eyes of [`retry`].
    fn attempt(&self, body: &[u8], updates: usize) -> (Outcome, Option<Failure>) {
        let token = &self.destination.token;
        let max_response = response::max_body_bytes(updates);
        match http::send(&self.endpoint, body, ATTEMPT_LIMIT, max_response) {
            Ok(response) => {
                let output = response::read(&response, token, updates);
                let is_failure = output.reason.is_some();
                let failure =
                    is_failure.then(|| Failure::response(output.status_code, &response.headers));
                (Ok(output), failure)
            }
            Err(error) => match error.downcast_ref() {
                Some(Cause::Denied(reason)) => {
                    (Err(Error::PermanentDenied(token.redact(reason))), None)
                }
                _ => {
                    let reason = token.redact(&format!("{error:#}"));
                    (Err(Error::Transport(reason)), Some(Failure::Transport))
                }
            },
        }
    }
}

/// The outcome with more to say in its reason.
fn with_reason(mut outcome: Outcome, more: &str) -> Outcome {
    match &mut outcome {
        Ok(Output {
            reason: Some(reason),
            ..
        })
        | Err(Error::Transport(reason)) => reason.push_str(more),
        _ => {}
    }
    outcome
}
