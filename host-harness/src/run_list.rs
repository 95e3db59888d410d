//! `run` over a file of JSON Lines: results in their order, progress, counts, and going on after an
//! interruption.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, BufWriter, Seek as _, SeekFrom, Write};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use host_harness::card::Card;
use host_harness::list::{self, Lines};
use host_harness::records::{Connection, Error, Outcome};
use indicatif::{ProgressBar, ProgressStyle};

/// How often each outcome was seen.
#[derive(Default)]
struct Counts {
    by_outcome: BTreeMap<String, u64>,
    all: u64,
    successes: u64,
}

impl Counts {
    fn add(&mut self, outcome: &Outcome) {
        let name = match outcome {
            Outcome::Ok(output) => output.status_code.to_string(),
            Outcome::Err(Error::PermanentInvalidInput(_)) => "permanent-invalid-input".to_owned(),
            Outcome::Err(Error::PermanentDenied(_)) => "permanent-denied".to_owned(),
            Outcome::Err(Error::Transport(_)) => "transport".to_owned(),
            Outcome::Err(Error::ExecutionFailed) => "execution-failed".to_owned(),
        };
        *self.by_outcome.entry(name).or_default() += 1;
        self.all += 1;
        self.successes += u64::from(outcome.is_success());
    }
}

/// Runs the card over all lines of `file`; whether every profile was created or was there already.
///
/// # Errors
///
/// A file cannot be read or written, nothing can be sent, or Ctrl-C came: the results of the lines
/// before are written.
pub async fn run(
    card: &Card,
    connection: &Connection,
    file: &Path,
    resume: Option<&Path>,
    concurrency: usize,
) -> Result<bool> {
    let mut counts = Counts::default();
    let mut results: Box<dyn Write> = match resume {
        Some(results) => Box::new(
            open_results(results, &mut counts).with_context(|| results.display().to_string())?,
        ),
        None => Box::new(std::io::stdout().lock()),
    };

    let source = File::open(file).with_context(|| format!("{} cannot be read", file.display()))?;
    // It draws on a terminal only.
    let bar = ProgressBar::new(source.metadata()?.len()).with_style(ProgressStyle::with_template(
        "{wide_bar} {bytes}/{total_bytes}, {msg}, {eta} left",
    )?);
    let mut lines = Lines::new(BufReader::new(bar.wrap_read(source)));
    if lines.skip(counts.all)? < counts.all {
        bail!(
            "the results to resume are more than {} has lines: they are of another file",
            file.display()
        );
    }

    let mut batch = Vec::new();
    let run = list::run(
        card,
        connection,
        &mut lines,
        concurrency,
        |outcomes, stopped| {
            batch.clear();
            for outcome in outcomes {
                serde_json::to_writer(&mut batch, outcome)?;
                batch.push(b'\n');
                counts.add(outcome);
            }
            bar.set_message(format!("{} users", counts.all));
            bar.suspend(|| {
                if let Some(stopped) = stopped {
                    eprintln!("error: {stopped}");
                }
                results.write_all(&batch)?;
                results.flush()
            })
        },
    );
    let ended = tokio::select! {
        ended = run => Some(ended),
        _ = tokio::signal::ctrl_c() => None,
    };
    bar.finish_and_clear();
    for (outcome, count) in &counts.by_outcome {
        eprintln!("{outcome}: {count}");
    }
    match ended {
        Some(ended) => ended?,
        None => bail!(
            "interrupted after {} results: give --resume the file that holds them to go on",
            counts.all
        ),
    }
    Ok(counts.successes == counts.all)
}

/// Opens a file of results to write on behind the last whole line, and counts what it holds.
fn open_results(file: &Path, counts: &mut Counts) -> Result<BufWriter<File>> {
    let mut results = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(file)?;
    let mut end = 0;
    let mut line = Vec::new();
    let mut reader = BufReader::new(&results);
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line)?;
        // A line that was being written when the process was killed is written again.
        if !line.ends_with(b"\n") {
            break;
        }
        let outcome = serde_json::from_slice(&line)
            .with_context(|| format!("line {} is not a result of a run", counts.all + 1))?;
        counts.add(&outcome);
        end += read as u64;
    }
    results.set_len(end)?;
    results.seek(SeekFrom::Start(end))?;
    Ok(BufWriter::new(results))
}
