//! What the card costs; `make bench` prints the table of `BENCHMARKS.md`.
//!
//! `bench [--rounds N] [--beside FOLDER] [size] [calls] [lists] [start] [memory] [run]`: the groups to
//! measure, all by default. With `--beside`, the same figures of another commit, checked out in that
//! folder and built there with `make component`. Whatever is compared is measured in turns, a round
//! each, so that what else the machine does meets all of it alike.

#![allow(
    clippy::cast_precision_loss,
    reason = "figures have three digits, and counts are far below 2^52"
)]

mod beside;
mod calls;
mod card;
mod lists;
mod memory;
mod peers;
mod run;
mod server;
mod size;
mod start;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use crate::beside::Checkout;
use crate::table::Row;

/// How to measure.
struct Options {
    rounds: usize,
    beside: Option<Checkout>,
}

type Group = fn(&Options) -> Result<Vec<Row>>;

const GROUPS: [(&str, Group); 6] = [
    ("size", size::measure),
    ("lists", lists::measure),
    ("calls", calls::measure),
    ("start", start::measure),
    ("memory", memory::measure),
    ("run", run::measure),
];

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    // The first three are for processes that this program starts.
    let done = match arguments.first().map(String::as_str) {
        Some("serve") => server::serve(),
        Some("first") => start::first(&arguments[1..]),
        Some("in-flight") => memory::in_flight(),
        _ => measure(arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: Vec<String>) -> Result<()> {
    let mut options = Options {
        rounds: 5,
        beside: None,
    };
    let mut wanted = vec![];
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rounds" => {
                let rounds = arguments.next().and_then(|rounds| rounds.parse().ok());
                options.rounds = rounds.context("--rounds wants a number")?;
            }
            "--beside" => {
                let folder = arguments.next().context("--beside wants a folder")?;
                options.beside = Some(Checkout::new(PathBuf::from(folder))?);
            }
            group if GROUPS.iter().any(|(name, _)| *name == group) => wanted.push(argument),
            _ => bail!("{argument} is no group"),
        }
    }
    raise_file_limit()?;
    table::head();
    for (name, measure) in GROUPS {
        if wanted.is_empty() || wanted.iter().any(|group| group == name) {
            for row in measure(&options)? {
                println!("{row}");
            }
        }
    }
    Ok(())
}

/// Ten thousand connections are more files than a process usually may open.
fn raise_file_limit() -> Result<()> {
    let mut limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current = limit.maximum;
    rustix::process::setrlimit(rustix::process::Resource::Nofile, limit)?;
    Ok(())
}
