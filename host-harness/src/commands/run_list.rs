//! `run` over a list: progress, waits, counts, and going on after an interruption.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, BufReader, ErrorKind};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use futures_util::stream::{self, StreamExt as _};
use host_harness::card::Card;
use host_harness::list::{self, Kind, LineResult, Lines, ListError};
use host_harness::records::{Connection, Error, InvalidField, Outcome};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::check;
use super::results::{Known, Results};
use super::source::Source;
use super::terminal::{Interrupt, say};

/// Of the lines that are refused, so many are named on standard error.
const MAX_NAMED: u64 = 10;

/// How often each outcome was seen last.
#[derive(Default)]
struct Counts {
    by_kind: BTreeMap<Kind, u64>,
    /// Written by this run.
    results: u64,
    /// Lines of this run that are refused.
    named: u64,
}

impl Counts {
    /// With the results of runs before.
    fn new(known: &Known) -> Self {
        let mut counts = Counts::default();
        for kind in known.kinds() {
            *counts.by_kind.entry(kind).or_default() += 1;
        }
        counts
    }

    /// Counts a result in the place of the one that its line had before.
    fn add(&mut self, result: &LineResult, known: &Known) {
        self.results += 1;
        *self.by_kind.entry(Kind::of(&result.outcome)).or_default() += 1;
        if let Some(before) = known.kind(result.line)
            && let Some(count) = self.by_kind.get_mut(&before)
        {
            *count -= 1;
        }
    }

    /// Names a line that is refused, for whoever watches; the results have all of them.
    fn name(&mut self, result: &LineResult) {
        let Outcome::Err(Error::PermanentInvalidInput(fields)) = &result.outcome else {
            return;
        };
        self.named += 1;
        if self.named > MAX_NAMED {
            return;
        }
        for InvalidField { field, reason } in fields {
            match field.strip_prefix("line ") {
                Some(_) => say(format_args!("{field} {reason}")),
                None => say(format_args!("line {}: {field} {reason}", result.line)),
            }
        }
    }

    fn print(&self) {
        for (kind, count) in self.by_kind.iter().filter(|(_, count)| **count > 0) {
            say(format_args!("{kind}: {count}"));
        }
    }

    fn count(&self, is_counted: impl Fn(Kind) -> bool) -> u64 {
        let counted = self.by_kind.iter().filter(|(kind, _)| is_counted(**kind));
        counted.map(|(_, count)| count).sum()
    }
}

/// How a list is run.
pub struct Options<'a> {
    pub resume: Option<&'a Path>,
    pub list: list::Options,
    /// Whether it is sent even where Mixpanel does not know the project token.
    pub yes: bool,
}

/// Runs the card over all lines of `source`. It succeeds where every profile was created or was there
/// already.
///
/// # Errors
///
/// A file cannot be read or written, nothing can be sent, the server asks for too long a wait, or the
/// run was interrupted: the results of the lines before are written.
pub async fn run(
    card: &Card,
    connection: &Connection,
    source: Source,
    options: &Options<'_>,
    interrupt: &mut Interrupt,
) -> Result<ExitCode> {
    let (mut results, known) = match options.resume {
        Some(file) => Results::file(file, &source)?,
        None => (Results::stdout(&source)?, Known::default()),
    };
    let name = source.name.clone();
    let length = source.length();
    if length.is_some() {
        known
            .check(&source)
            .map_err(|error| unreadable(&name, &error))?;
    }
    let bar = progress_bar(length)?;
    let lines = Lines::new(BufReader::new(bar.wrap_read(source.into_file())));
    let mut parts = list::parts(known.clone().open_lines(lines))?;
    let mut counts = Counts::new(&known);

    let users = Cell::new(0);
    let waiting = Cell::new(false);
    let show_wait = |left: Option<Duration>| {
        let users = users.get();
        match left {
            Some(left) => {
                let left = left.as_secs_f64().ceil();
                bar.set_message(format!("{users} users, the server asks to wait {left} s"));
                if !waiting.replace(true) && bar.is_hidden() {
                    say(format_args!("waiting {left} s, as the server asks"));
                }
            }
            None => {
                waiting.set(false);
                bar.set_message(format!("{users} users"));
            }
        }
    };
    let ended = {
        let run = async {
            let first = parts.recv().await;
            if let Some(Ok(part)) = &first {
                let inputs = part.iter().filter(|line| line.input.is_ok()).count();
                check::before_list(card, connection, inputs, options.yes).await?;
            }
            bar.set_draw_target(ProgressDrawTarget::stderr());
            let others = stream::poll_fn(|context| parts.poll_recv(context));
            let parts = stream::iter(first).chain(others);
            let write = |lines: &[LineResult], stopped: Option<&_>| {
                let mut batch = Vec::new();
                for line in lines {
                    serde_json::to_writer(&mut batch, line)?;
                    batch.push(b'\n');
                }
                bar.suspend(|| {
                    if let Some(stopped) = stopped {
                        say(format_args!("error: {stopped}"));
                    }
                    results.append(&batch)?;
                    for line in lines {
                        counts.name(line);
                    }
                    io::Result::Ok(())
                })?;
                for line in lines {
                    counts.add(line, &known);
                }
                users.set(counts.results);
                bar.set_message(format!("{} users", counts.results));
                Ok(())
            };
            let run = list::run(card, connection, parts, options.list, write, &show_wait);
            run.await.map_err(anyhow::Error::from)
        };
        tokio::select! {
            ended = run => Some(ended),
            () = interrupt.received() => None,
        }
    };
    bar.finish_and_clear();
    finish(&name, &results, &counts, options, ended)
}

/// Says what has come of the list, and what to do.
fn finish(
    input: &str,
    results: &Results,
    counts: &Counts,
    options: &Options<'_>,
    ended: Option<Result<()>>,
) -> Result<ExitCode> {
    if counts.named > MAX_NAMED {
        let more = counts.named - MAX_NAMED;
        say(format_args!(
            "{more} more lines are refused: see the results"
        ));
    }
    counts.print();
    let how = match options.resume {
        Some(_) => "the same command goes on",
        None => "with --resume RESULTS, the same command can go on where it stopped",
    };
    let written = counts.results;
    match ended {
        None => bail!("interrupted after {written} results: {how}"),
        Some(Ok(())) => {}
        Some(Err(error)) => match error.downcast::<ListError>()? {
            ListError::Input(error) => return Err(unreadable(input, &error)),
            ListError::Results(error) => {
                bail!("{} cannot be written: {error}", results.name)
            }
            error @ ListError::Wait(_) => {
                bail!("{error}, which is over --max-wait: stopped after {written} results, {how}")
            }
            error @ ListError::Connection(_) => return Err(error.into()),
        },
    }
    let all = counts.count(|_| true);
    if all == 0 {
        say(format_args!("{input} holds no user"));
    }
    let unsettled = counts.count(|kind| !kind.is_settled());
    if unsettled > 0 {
        let how = match options.resume {
            Some(_) => "the same command sends them again",
            None => "with --resume RESULTS, the same command can send them again",
        };
        say(format_args!("{unsettled} are not settled: {how}"));
    }
    let successes = counts.count(Kind::is_success);
    Ok(ExitCode::from(u8::from(successes < all)))
}

fn unreadable(name: &str, error: &io::Error) -> anyhow::Error {
    match error.kind() {
        // What is wrong with its contents.
        ErrorKind::InvalidData => anyhow!("{name} {error}"),
        _ => anyhow!("{name} cannot be read: {error}"),
    }
}

/// It draws once it is shown, and on a terminal alone.
fn progress_bar(length: Option<u64>) -> Result<ProgressBar> {
    let (bar, template) = match length {
        Some(length) => (
            ProgressBar::new(length),
            "{wide_bar} {bytes}/{total_bytes}, {msg}, {eta} left",
        ),
        None => (ProgressBar::no_length(), "{spinner} {bytes}, {msg}"),
    };
    bar.set_draw_target(ProgressDrawTarget::hidden());
    Ok(bar
        .with_style(ProgressStyle::with_template(template)?)
        .with_message("0 users"))
}
