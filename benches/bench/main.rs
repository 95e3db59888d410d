//! What a call of the card costs, beside what it replaces; `make bench` prints the table of
//! `BENCHMARKS.md`.
//!
//! `bench [--rounds N] [calls] [lists] [start] [memory]`: the groups to measure, all by default. All
//! rows of a group are measured in turns, a round each, so that what else the machine does meets all
//! of them alike. `bench processor [card]`: processor time a call, or the card alone for a profiler.

#![allow(
    clippy::cast_precision_loss,
    reason = "figures have three digits, and counts are far below 2^52"
)]

mod calls;
mod card;
mod hyper_client;
mod lists;
mod load;
mod memory;
mod peers;
mod record;
mod server;
mod start;
mod table;

use std::process::ExitCode;

use anyhow::{Context as _, Result};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut arguments: Vec<_> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    match arguments.first().map(String::as_str) {
        Some("serve") => return server::serve(),
        Some("first") => return start::first(&arguments[1..]),
        Some("in-flight") => return memory::in_flight(),
        Some("processor") => return calls::processor_times(arguments.len() > 1),
        _ => {}
    }
    let mut rounds = 5;
    if let Some(at) = arguments.iter().position(|a| a == "--rounds") {
        rounds = arguments
            .get(at + 1)
            .and_then(|n| n.parse().ok())
            .context("--rounds wants a number")?;
        arguments.drain(at..at + 2);
    }
    raise_file_limit()?;
    let wanted = |group: &str| arguments.is_empty() || arguments.iter().any(|a| a == group);
    table::head();
    if wanted("calls") {
        calls::measure(rounds)?;
    }
    if wanted("lists") {
        lists::measure(rounds)?;
    }
    if wanted("start") {
        start::measure(rounds)?;
    }
    if wanted("memory") {
        memory::measure(rounds)?;
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
