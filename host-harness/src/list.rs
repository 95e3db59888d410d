//! Lists of users of any length: JSON Lines, sent in calls of a bounded size, several of them at once
//! perhaps, with a result for each line in their order.

use std::cell::RefCell;
use std::collections::HashSet;
use std::io;
use std::time::Duration;

use futures_util::stream::{Stream, StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};

use crate::card::{CallError, Card};
use crate::input::InvalidInput;
use crate::records::{Connection, Error, Input, Outcome};

mod kind;
mod lines;
mod wait;

pub use self::kind::Kind;
pub use self::lines::{Line, Lines, MAX_LINE_BYTES, Part, foreign_encoding, parts};
use self::wait::{Pace, asked};

/// How a list is run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Calls at once. With one, users are sent in their order; with more, two lines with the same
    /// profile id may overtake each other.
    pub concurrency: usize,
    /// The longest that the list waits for the server without any user being settled.
    pub max_wait: Duration,
}

/// The result of one line. As JSON: `{"line":17,"profile-id":"user-17","ok":{…}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LineResult {
    /// In the list, counted from 1, blank lines included.
    pub line: u64,
    /// None where the line has none that can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_id: Option<String>,
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Why a list was not run to its end.
#[derive(Debug)]
pub enum ListError {
    /// The list cannot be read.
    Input(io::Error),
    /// Results cannot be written.
    Results(io::Error),
    /// Nothing can be sent: the connection breaks rules.
    Connection(Error),
    /// The server asks to wait this long, which is longer than the list may.
    Wait(Duration),
}

impl std::fmt::Display for ListError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ListError::Input(error) | ListError::Results(error) => error.fmt(formatter),
            ListError::Connection(Error::PermanentInvalidInput(fields)) => InvalidInput {
                profile_id: None,
                fields: fields.clone(),
            }
            .fmt(formatter),
            ListError::Connection(error) => write!(formatter, "{error:?}"),
            ListError::Wait(asked) => {
                write!(formatter, "the server asks to wait {} s", asked.as_secs())
            }
        }
    }
}

impl std::error::Error for ListError {}

/// Runs the card over all lines, and gives the results of each call to `write`, in the order of the
/// lines, with the reason where the host stopped the call: then some of its profiles may have been
/// created, and its results are `execution-failed`.
///
/// Where the server asks to wait, the list waits, and `waiting` is told each second for how long
/// still, and `None` when the wait is over; then what was not stored is sent again.
///
/// A line whose profile id stands in an earlier line that is not settled is not sent: the earlier one
/// must come first. Dropping the future cancels the calls in flight.
///
/// # Errors
///
/// A [`ListError`]; `write` was given the results of all lines before.
pub async fn run(
    card: &Card,
    connection: &Connection,
    parts: impl Stream<Item = io::Result<Part>>,
    options: Options,
    mut write: impl FnMut(&[LineResult], Option<&CallError>) -> io::Result<()>,
    waiting: &dyn Fn(Option<Duration>),
) -> Result<(), ListError> {
    let list = List {
        card,
        connection,
        pace: Pace::new(options.max_wait, waiting),
        unsettled: RefCell::default(),
    };
    let list = &list;
    let calls = parts
        .map(|part| async move { list.send(part.map_err(ListError::Input)?).await })
        .buffered(options.concurrency.max(1));
    let mut calls = std::pin::pin!(calls);
    while let Some(done) = calls.try_next().await? {
        write(&done.results, done.stopped.as_ref()).map_err(ListError::Results)?;
        if let Some(asked) = done.gave_up {
            return Err(ListError::Wait(asked));
        }
    }
    Ok(())
}

/// What the calls of a list share.
struct List<'a> {
    card: &'a Card,
    connection: &'a Connection,
    pace: Pace<'a>,
    /// The profile ids of the lines that are not settled.
    unsettled: RefCell<HashSet<String>>,
}

/// How the lines of a part ended.
struct Done {
    results: Vec<LineResult>,
    stopped: Option<CallError>,
    /// The wait that was too long.
    gave_up: Option<Duration>,
}

impl List<'_> {
    /// Sends the lines of a part until the server asks for no wait.
    async fn send(&self, part: Part) -> Result<Done, ListError> {
        let mut done = Done {
            results: Vec::with_capacity(part.len()),
            stopped: None,
            gave_up: None,
        };
        // What is to be sent, and the places of its results.
        let (mut inputs, mut places) = (Vec::new(), Vec::new());
        for line in part {
            let outcome = match line.input {
                Err(refused) => refused,
                Ok(input) if self.is_held(&input) => not_sent(),
                Ok(input) => {
                    inputs.push(input);
                    places.push(done.results.len());
                    Outcome::Err(Error::ExecutionFailed)
                }
            };
            done.results.push(LineResult {
                line: line.number,
                profile_id: line.profile_id,
                outcome,
            });
        }
        while !inputs.is_empty() {
            self.pace.turn().await;
            let (outcomes, stopped) = self.call(&inputs).await?;
            done.stopped = stopped.or(done.stopped);
            if outcomes
                .iter()
                .any(|outcome| Kind::of(outcome).is_settled())
            {
                self.pace.settled();
            }
            let wait = outcomes.iter().filter_map(asked).max();
            let sent = std::mem::take(&mut inputs).into_iter();
            let sent = sent.zip(std::mem::take(&mut places)).zip(outcomes);
            for ((input, place), outcome) in sent {
                if asked(&outcome).is_some() {
                    inputs.push(input);
                    places.push(place);
                }
                done.results[place].outcome = outcome;
            }
            if let Some(wait) = wait
                && !self.pace.hold(wait)
            {
                done.gave_up = Some(wait);
                break;
            }
        }
        self.remember(&done.results);
        Ok(done)
    }

    /// The outcome of each input, and why the host stopped a call, if it did.
    async fn call(&self, inputs: &[Input]) -> Result<(Vec<Outcome>, Option<CallError>), ListError> {
        let mut outcomes = Vec::with_capacity(inputs.len());
        let mut last_stopped = None;
        // What waits to be called, the next one last.
        let mut slices = vec![inputs];
        while let Some(inputs) = slices.pop() {
            match self.card.create_profiles(self.connection, inputs).await {
                Ok(Ok(created)) => outcomes.extend(created),
                Ok(Err(error)) => return Err(ListError::Connection(error)),
                // One that is too large must not hold back the others.
                Err(CallError::Memory(_)) if inputs.len() > 1 => {
                    let (first, second) = inputs.split_at(inputs.len() / 2);
                    slices.extend([second, first]);
                }
                Err(stopped) => {
                    let failed = Outcome::Err(Error::ExecutionFailed);
                    outcomes.extend(std::iter::repeat_n(failed, inputs.len()));
                    last_stopped = Some(stopped);
                }
            }
        }
        Ok((outcomes, last_stopped))
    }

    fn is_held(&self, input: &Input) -> bool {
        self.unsettled.borrow().contains(&input.profile.profile_id)
    }

    fn remember(&self, results: &[LineResult]) {
        let mut unsettled = self.unsettled.borrow_mut();
        for result in results {
            let kind = Kind::of(&result.outcome);
            // What stops the card does so each time: others would be held back for ever.
            if !kind.is_settled()
                && kind != Kind::ExecutionFailed
                && let Some(id) = &result.profile_id
            {
                unsettled.insert(id.clone());
            }
        }
    }
}

fn not_sent() -> Outcome {
    let reason = "not sent: an earlier line with this profile id is not settled";
    Outcome::Err(Error::Transport(reason.to_owned()))
}
