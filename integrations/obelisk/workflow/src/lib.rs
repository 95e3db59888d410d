//! Creates a Mixpanel profile for each of a list of users, and reports what became of each.
//!
//! The data flow: the users that are not settled yet → [`batches`] → one call of the card for each
//! batch, all at once → an outcome for each user → a durable wait where some are retried → again.
//!
//! An Obelisk workflow is replayed from its log after a crash, so what it decides may depend on
//! nothing but its parameters and the results of the calls it makes: it has no clock and no source
//! of random numbers but Obelisk's.

mod batches;

use std::iter;

use crate::exports::mixpanel::flows::users::{Guest, ImportError, Outcome, Report, UserReport};
use crate::mixpanel::cards::profiles::{Connection, Error, Input, Output};
use crate::mixpanel::cards_obelisk_ext::profiles::{
    create_profiles_await_next, create_profiles_get, create_profiles_submit,
};
use crate::obelisk::log::log;
use crate::obelisk::types::time::{Duration, ScheduleAt};
use crate::obelisk::workflow::workflow_support::{
    join_set_close, join_set_create, random_u64_inclusive, sleep,
};

wit_bindgen::generate!({
    path: "wit",
    world: "import-users",
    generate_all,
    // For the size that a batch has in Obelisk's database.
    additional_derives: [serde::Serialize],
});

/// Parameters and report are in memory, and in the database as one value each: some 10 MB.
const MAX_USERS: u32 = 20_000;

/// As the card's own, where the connection names no number.
const DEFAULT_RETRIES: u8 = 3;

/// The card refuses more.
const MAX_RETRIES: u8 = 10;

/// As Mixpanel advises: 2 s, doubling to 60 s, and 1 to 5 s of jitter on top.
const FIRST_WAIT_MILLISECONDS: u64 = 2_000;
const MAX_WAIT_MILLISECONDS: u64 = 60_000;
const MIN_JITTER_MILLISECONDS: u64 = 1_000;
const MAX_JITTER_MILLISECONDS: u64 = 5_000;

/// What one call of the card returns: a result for each of its users, or one for all.
type Results = Result<Vec<Result<Output, Error>>, Error>;

struct Flow;

// Native builds, which are for the unit tests, export nothing.
#[cfg(target_family = "wasm")]
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

        let mut reports: Vec<UserReport> = users.iter().map(not_called).collect();
        let mut open: Vec<usize> = (0..users.len()).collect();
        let mut max_users = batches::MAX_USERS;
        while !open.is_empty() {
            let batches = batches::of(&connection, &users, &open, max_users);
            max_users = batches::MAX_USERS;
            for (batch, result) in create_profiles(&connection, &users, batches) {
                match result {
                    Ok(results) => {
                        // A result that is missing must not leave its user open for ever.
                        let missing = iter::repeat(Err(Error::ExecutionFailed));
                        for (user, result) in
                            batch.into_iter().zip(results.into_iter().chain(missing))
                        {
                            reports[user].record(outcome(result));
                        }
                    }
                    // The card trapped or took too long, perhaps because of one user: half as many
                    // in a call, until that one is alone.
                    Err(Error::ExecutionFailed) if batch.len() > 1 => {
                        max_users = max_users.min(batch.len() / 2);
                    }
                    Err(error) => {
                        for user in batch {
                            reports[user].record(Outcome::Failed(error.clone()));
                        }
                    }
                }
            }
            open.retain(|&user| !reports[user].is_settled(retries));

            let retried = open.iter().map(|&user| reports[user].tries);
            let tries = retried.clone().max().unwrap_or(0);
            if tries > 0 {
                let wait = wait_milliseconds(tries);
                log::info(&format!(
                    "Mixpanel is busy or out of reach: {} of {} users are tried again after {wait} ms",
                    retried.filter(|&tries| tries > 0).count(),
                    users.len(),
                ));
                // An operator who cancels the wait wants the next try at once.
                let _ = sleep(ScheduleAt::In(Duration::Milliseconds(wait)), None);
            }
        }
        Ok(counted(reports))
    }
}

/// The report of a user for whom the card has returned nothing yet.
fn not_called(user: &Input) -> UserReport {
    UserReport {
        profile_id: user.profile.profile_id.clone(),
        tries: 0,
        outcome: Outcome::Failed(Error::ExecutionFailed),
    }
}

impl UserReport {
    fn record(&mut self, outcome: Outcome) {
        self.tries += 1;
        self.outcome = outcome;
    }

    /// Whether there is nothing left to try.
    fn is_settled(&self, retries: u8) -> bool {
        let may_pass = matches!(
            self.outcome,
            Outcome::Busy(_) | Outcome::Failed(Error::Transport(_))
        );
        self.tries > u32::from(retries) || self.tries > 0 && !may_pass
    }
}

/// Calls the card for all batches at the same time.
fn create_profiles(
    connection: &Connection,
    users: &[Input],
    batches: Vec<Vec<usize>>,
) -> Vec<(Vec<usize>, Results)> {
    let calls = join_set_create();
    let submitted: Vec<_> = batches
        .into_iter()
        .map(|batch| {
            let inputs: Vec<Input> = batch.iter().map(|&user| users[user].clone()).collect();
            let execution = create_profiles_submit(&calls, connection, &inputs);
            (execution, batch)
        })
        .collect();
    for _ in &submitted {
        // Whose result it is, and what it is, is asked below.
        let _ = create_profiles_await_next(&calls);
    }
    join_set_close(calls);
    submitted
        .into_iter()
        .map(|(execution, batch)| {
            // There is a result of each. Were one missing, its users must not stay open for ever.
            let missing = Err(Error::ExecutionFailed);
            (batch, create_profiles_get(&execution).unwrap_or(missing))
        })
        .collect()
}

/// The branch on the status code.
fn outcome(result: Result<Output, Error>) -> Outcome {
    match result {
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
