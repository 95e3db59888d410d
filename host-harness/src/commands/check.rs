//! `check`: whether Mixpanel knows the project token.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use host_harness::card::Card;
use host_harness::connection_check::{ConnectionCheck, Verdict};
use host_harness::input::InvalidInput;
use host_harness::records::{Connection, Error};

use super::connection::{Host, Project, warn_of_proxy};
use super::terminal::{block_on, confirm, has_person, print, say};

/// A list of more users than this is worth a question before.
const MANY_USERS: usize = 100;

/// Ask Mixpanel whether the project token is right
///
/// Mixpanel accepts users under any token: those under a wrong one are lost. The exit status is 0
/// where it knows the token, 1 where it does not, 3 where it gave no answer that can be understood,
/// and 2 where it could not be asked.
#[derive(Args)]
pub struct Check {
    #[command(flatten)]
    project: Project,
    #[command(flatten)]
    host: Host,
}

pub fn run(options: &Check) -> Result<ExitCode> {
    let connection = options.project.connection(None)?;
    block_on(async |interrupt| {
        warn_of_proxy();
        let card = options.host.card(1, &connection)?;
        let check = tokio::select! {
            check = ask(&card, &connection) => check?,
            () = interrupt.received() => bail!("interrupted"),
        };
        print(sentence(&check) + "\n")?;
        Ok(ExitCode::from(match check.verdict {
            Verdict::Valid => 0,
            Verdict::Invalid => 1,
            Verdict::Unknown => 3,
        }))
    })
}

/// Asks Mixpanel once before a long list, where there is a person who can be asked in turn.
///
/// # Errors
///
/// Mixpanel does not know the token, and the person does not want to go on.
pub async fn before_list(
    card: &Card,
    connection: &Connection,
    users: usize,
    goes_on: bool,
) -> Result<()> {
    if users <= MANY_USERS || !has_person() {
        return Ok(());
    }
    match ask(card, connection).await {
        Ok(check) if check.verdict == Verdict::Valid => {}
        Ok(check) => {
            say(sentence(&check));
            let asks = check.verdict == Verdict::Invalid && !goes_on;
            if asks && !confirm("All users would be lost. Send them nevertheless?").await {
                bail!("nothing was sent");
            }
        }
        // The list will meet the same, or is not touched by it.
        Err(error) => say(format_args!(
            "The project token could not be checked: {error:#}"
        )),
    }
    Ok(())
}

/// What Mixpanel says; that no response came says as little as one that is not understood.
async fn ask(card: &Card, connection: &Connection) -> Result<ConnectionCheck> {
    match card.check_connection(connection).await? {
        Ok(check) => Ok(check),
        Err(Error::Transport(reason)) => Ok(ConnectionCheck {
            verdict: Verdict::Unknown,
            status_code: None,
            reason: Some(reason),
        }),
        Err(Error::PermanentInvalidInput(fields)) => Err(InvalidInput {
            profile_id: None,
            fields,
        }
        .into()),
        Err(Error::PermanentDenied(reason)) => bail!("{reason}"),
        Err(Error::ExecutionFailed) => bail!("the card failed"),
    }
}

fn sentence(check: &ConnectionCheck) -> String {
    let mut sentence = match check.verdict {
        Verdict::Valid => "valid: Mixpanel knows the project token",
        Verdict::Invalid => "invalid: Mixpanel does not know the project token",
        Verdict::Unknown => "unknown: Mixpanel did not say whether the project token is right",
    }
    .to_owned();
    if let Some(reason) = &check.reason {
        sentence.push_str(": ");
        sentence.push_str(reason);
    }
    sentence
}
