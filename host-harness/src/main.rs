//! The command line of the host harness.

// They panic where the stream is closed: see `commands::terminal`.
#![deny(clippy::print_stderr, clippy::print_stdout)]

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod commands;

use commands::{check, run, schema, stamp, stand_in};

/// Runs the Create Profile card, and what stands around it.
#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Run),
    Check(check::Check),
    StandIn(stand_in::Serve),
    /// Print the JSON Schema of the card's form
    Schema,
    Stamp(stamp::Stamp),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run(options) => run::run(options),
        Command::Check(options) => check::run(&options),
        Command::StandIn(options) => stand_in::run(options),
        Command::Schema => schema::run(),
        Command::Stamp(files) => stamp::run(&files),
    };
    done.unwrap_or_else(|error| {
        commands::say(format_args!("error: {error:#}"));
        ExitCode::from(2)
    })
}
