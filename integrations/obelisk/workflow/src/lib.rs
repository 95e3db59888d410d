//! Creates a Mixpanel profile for each of a list of users, and reports what became of each.
//!
//! An Obelisk workflow is replayed from its log after a crash, so what it decides may depend on
//! nothing but its parameters and the answers of the calls it makes: it has no clock and no source
//! of random numbers but Obelisk's.

use std::collections::BTreeMap;

use crate::exports::mixpanel::flows::users::{Guest, ImportError, Outcome, Report, UserReport};
use crate::mixpanel::cards::profiles::{Connection, Error, Input, Output};
use crate::mixpanel::cards_obelisk_ext::profiles::{
    create_profile_await_next, create_profile_submit,
};
use crate::obelisk::log::log;
use crate::obelisk::types::time::{Duration, ScheduleAt};
use crate::obelisk::workflow::workflow_support::{
    join_set_close, join_set_create, random_u64_inclusive, sleep,
};

wit_bindgen::generate!({ path: "wit", world: "import-users", generate_all });

/// A workflow's log is replayed whole: with more, a restart would take long.
const MAX_USERS: u32 = 1_000;

/// As the card's own, where the connection names no number.
const DEFAULT_RETRIES: u8 = 3;

/// The card refuses more.
const MAX_RETRIES: u8 = 10;

/// As Mixpanel advises: 2 s, doubling to 60 s, and 1 to 5 s of jitter on top.
const FIRST_WAIT_MILLISECONDS: u64 = 2_000;
const MAX_WAIT_MILLISECONDS: u64 = 60_000;
const MIN_JITTER_MILLISECONDS: u64 = 1_000;
const MAX_JITTER_MILLISECONDS: u64 = 5_000;

struct Flow;

export!(Flow);

impl Guest for Flow {
    fn import_users(connection: Connection, users: Vec<Input>) -> Result<Report, ImportError> {
        if users.len() > MAX_USERS as usize {
            return Err(ImportError::TooManyUsers(MAX_USERS));
        }
        let retries = connection.max_retries.unwrap_or(DEFAULT_RETRIES);
        let connection = Connection {
            // The waiting is done here, where it survives a crash and holds no execution of the
            // card. A number that the card refuses goes to it, so that the author learns of it.
            max_retries: Some(if retries > MAX_RETRIES { retries } else { 0 }),
            ..connection
        };

        let mut reports: Vec<UserReport> = users.iter().map(unanswered).collect();
        let mut open: Vec<usize> = (0..users.len()).collect();
        let mut tries = 0;
        while !open.is_empty() {
            tries += 1;
            for (user, answer) in create_profiles(&connection, &users, &open) {
                reports[user].tries = tries;
                reports[user].outcome = outcome(answer);
            }
            open.retain(|&user| matches!(reports[user].outcome, Outcome::Busy(_)));
            if open.is_empty() || tries > u32::from(retries) {
                break;
            }
            let wait = wait_milliseconds(tries);
            log::info(&format!(
                "Mixpanel is busy: {} of {} users are tried again after {wait} ms",
                open.len(),
                users.len(),
            ));
            // An operator who cancels the wait wants the next try at once.
            let _ = sleep(ScheduleAt::In(Duration::Milliseconds(wait)));
        }
        Ok(counted(reports))
    }
}

/// What stands in the report of a user of whom Obelisk has nothing to tell.
fn unanswered(user: &Input) -> UserReport {
    UserReport {
        profile_id: user.profile.profile_id.clone(),
        tries: 0,
        outcome: Outcome::Failed(Error::ExecutionFailed),
    }
}

/// Runs the card for the `open` ones of `users`, all at the same time; how many really are is for
/// the deployment to say (`exec.instance_limiter`).
fn create_profiles(
    connection: &Connection,
    users: &[Input],
    open: &[usize],
) -> Vec<(usize, Result<Output, Error>)> {
    let calls = join_set_create();
    let callers: BTreeMap<String, usize> = open
        .iter()
        .map(|&user| {
            let execution = create_profile_submit(&calls, connection, &users[user]);
            (execution.id, user)
        })
        .collect();
    let answers = open
        .iter()
        // Nothing else is in the join set, so that there is an answer to each.
        .map_while(|_| create_profile_await_next(&calls).ok())
        .filter_map(|(execution, answer)| Some((*callers.get(&execution.id)?, answer)))
        .collect();
    join_set_close(calls);
    answers
}

/// The branch on the status code.
fn outcome(answer: Result<Output, Error>) -> Outcome {
    match answer {
        Ok(output) => match output.status_code {
            200..=299 => Outcome::Created(output),
            429 | 500..=599 => Outcome::Busy(output),
            _ => Outcome::Refused(output),
        },
        Err(error) => Outcome::Failed(error),
    }
}

/// How long to wait after so many tries.
fn wait_milliseconds(tries: u32) -> u64 {
    let backoff = FIRST_WAIT_MILLISECONDS << (tries - 1).min(5);
    backoff.min(MAX_WAIT_MILLISECONDS)
        + random_u64_inclusive(MIN_JITTER_MILLISECONDS, MAX_JITTER_MILLISECONDS)
}

fn counted(users: Vec<UserReport>) -> Report {
    let count = |is: fn(&Outcome) -> bool| {
        let those = users.iter().filter(|user| is(&user.outcome));
        u32::try_from(those.count()).unwrap_or(u32::MAX)
    };
    Report {
        created: count(|outcome| matches!(outcome, Outcome::Created(_))),
        refused: count(|outcome| matches!(outcome, Outcome::Refused(_))),
        busy: count(|outcome| matches!(outcome, Outcome::Busy(_))),
        failed: count(|outcome| matches!(outcome, Outcome::Failed(_))),
        users,
    }
}
