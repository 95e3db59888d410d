//! `run`: the card over one input after another, or over a list.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use host_harness::card::{CallError, Card};
use host_harness::list;
use host_harness::records::{Connection, Error, Input, Outcome};
use host_harness::stand_in::{self, StandIn};

use super::connection::{Host, Project, warn_of_proxy};
use super::number;
use super::run_list;
use super::source::Source;
use super::terminal::{Interrupt, block_on, print, say, without_blocking};

/// The project token where the stand-in is all that sees it.
const STAND_IN_TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Run the card, and print one JSON object for each input
///
/// The exit status is 0 where every profile was created or was there already, 1 for any other
/// outcome, and 2 where nothing could be run or the run was stopped.
#[derive(Args)]
pub struct Run {
    #[command(flatten)]
    project: Project,
    /// How often to retry when Mixpanel is busy or out of reach [default: 3]
    #[arg(long, value_name = "NUMBER", value_parser = number::<u8>)]
    max_retries: Option<u8>,
    /// A file with {"profile":{…},"properties":{…}}, or - for standard input; several are run in
    /// their order. A file named *.jsonl or *.ndjson is a list: it has one such object a line, and is
    /// sent in as few requests as Mixpanel takes
    #[arg(long, value_name = "FILE", default_value = "-")]
    input: Vec<PathBuf>,
    /// The input is a list, whatever its name
    #[arg(long)]
    list: bool,
    /// Write the results of a list to this file instead of standard output; where it has results of
    /// the list already, send what they do not settle, and append the new results
    #[arg(long, value_name = "RESULTS")]
    resume: Option<PathBuf>,
    /// The longest that a list waits for a server that asks for it, without any user being settled
    #[arg(long, value_name = "SECONDS", default_value = "900", value_parser = number::<u64>)]
    max_wait: u64,
    /// How many requests of a list are in flight at once; with more than one, two lines with the same
    /// profile id may overtake each other
    #[arg(long, value_name = "NUMBER", default_value = "1", value_parser = concurrency)]
    concurrency: u16,
    /// Send a list even where Mixpanel does not know the project token, without a question
    #[arg(long)]
    yes: bool,
    /// Start a stand-in for Mixpanel and send to it; what was sent, and the profile afterwards, are
    /// shown on standard error
    #[arg(long, conflicts_with = "base_url")]
    stand_in: bool,
    #[command(flatten)]
    host: Host,
}

pub fn run(options: Run) -> Result<ExitCode> {
    let list = options.list()?;
    // Before signals are listened to: the token's file may be a pipe that waits.
    let connection = options.connection()?;
    block_on(async |interrupt| match list {
        Some(file) => options.run_list(file, connection, interrupt).await,
        None => {
            let done = options.run_inputs(connection);
            tokio::select! {
                done = done => done,
                () = interrupt.received() => bail!("interrupted"),
            }
        }
    })
}

impl Run {
    /// The list among the inputs.
    fn list(&self) -> Result<Option<&Path>> {
        let is_list = |file: &&PathBuf| self.list || has_ending_of_list(file);
        match self.input.iter().find(is_list) {
            Some(_) if self.input.len() > 1 => bail!("a list must be the only --input"),
            None if self.resume.is_some() => {
                bail!("--resume is for lists: name the --input *.jsonl or *.ndjson, or give --list")
            }
            file => Ok(file.map(PathBuf::as_path)),
        }
    }

    fn connection(&self) -> Result<Connection> {
        let default = self.stand_in.then_some(STAND_IN_TOKEN);
        Ok(Connection {
            max_retries: self.max_retries,
            ..self.project.connection(default)?
        })
    }

    /// Starts the stand-in that was asked for, and turns the connection to it.
    fn stand_in(&self, connection: &mut Connection) -> Result<Option<StandIn>> {
        if !self.stand_in {
            warn_of_proxy();
            return Ok(None);
        }
        let stand_in = StandIn::start(stand_in::Options {
            tokens: vec![STAND_IN_TOKEN.to_owned()],
            ..stand_in::Options::default()
        })?;
        connection.base_url = Some(stand_in.origin());
        Ok(Some(stand_in))
    }

    fn card(&self, connection: &Connection) -> Result<Card> {
        self.host.card(self.concurrency.into(), connection)
    }

    async fn run_list(
        &self,
        file: &Path,
        mut connection: Connection,
        interrupt: &mut Interrupt,
    ) -> Result<ExitCode> {
        let path = file.to_owned();
        let source = tokio::select! {
            source = without_blocking(move || Source::open(&path)) => source?,
            () = interrupt.received() => bail!("interrupted"),
        };
        let _stand_in = self.stand_in(&mut connection)?;
        let card = self.card(&connection)?;
        let options = run_list::Options {
            resume: self.resume.as_deref(),
            list: list::Options {
                concurrency: self.concurrency.into(),
                max_wait: Duration::from_secs(self.max_wait),
            },
            yes: self.yes,
        };
        run_list::run(&card, &connection, source, &options, interrupt).await
    }

    async fn run_inputs(&self, mut connection: Connection) -> Result<ExitCode> {
        let files = self.input.clone();
        let read = move || {
            let read = |file: &PathBuf| Source::open(file)?.input();
            files.iter().map(read).collect::<Result<Vec<Input>>>()
        };
        let inputs = without_blocking(read).await?;
        let stand_in = self.stand_in(&mut connection)?;
        let card = self.card(&connection)?;
        let mut all_succeeded = true;
        for input in &inputs {
            let outcome = outcome(card.create_profile(&connection, input).await);
            if let Some(stand_in) = &stand_in {
                show(stand_in, &connection, input)?;
            }
            print(serde_json::to_string(&outcome)? + "\n")?;
            all_succeeded &= outcome.is_success();
        }
        Ok(ExitCode::from(u8::from(!all_succeeded)))
    }
}

/// How many requests may be in flight at once.
fn concurrency(text: &str) -> Result<u16, String> {
    match number(text)? {
        count @ 1..=256 => Ok(count),
        _ => Err("it must be from 1 to 256".to_owned()),
    }
}

fn has_ending_of_list(file: &Path) -> bool {
    let ending = file.extension().unwrap_or_default();
    ["jsonl", "ndjson"]
        .into_iter()
        .any(|list| ending.eq_ignore_ascii_case(list))
}

/// An engine that stops the card reports it as the interface says; why is for whoever watches.
fn outcome(called: Result<Outcome, CallError>) -> Outcome {
    called.unwrap_or_else(|stopped| {
        say(format_args!("error: {stopped}"));
        Outcome::Err(Error::ExecutionFailed)
    })
}

/// What went over the wire, and what has come of it.
fn show(stand_in: &StandIn, connection: &Connection, input: &Input) -> Result<()> {
    for request in stand_in.requests() {
        let head = String::from_utf8_lossy(&request.head);
        let body = String::from_utf8_lossy(&request.body);
        let sent = format!("{}\n\n{}", head.trim_end().replace("\r\n", "\n"), body);
        let sent = sent.replace(&connection.project_token, "<project token>");
        say(format_args!("--- request\n{sent}"));
    }
    stand_in.clear_requests();
    match stand_in.profile(&connection.project_token, &input.profile.profile_id) {
        Some(profile) => {
            let profile = serde_json::to_string_pretty(&profile)?;
            say(format_args!("--- profile in the stand-in\n{profile}"));
        }
        None => say("--- no such profile in the stand-in"),
    }
    say("--- output");
    Ok(())
}
