//! `stamp`: registry metadata in a component.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;
use host_harness::metadata;

/// Write registry metadata into a component: name, version, licence, description
#[derive(Args)]
#[command(hide = true)]
pub struct Stamp {
    component: PathBuf,
    output: PathBuf,
}

pub fn run(files: &Stamp) -> Result<ExitCode> {
    let component = std::fs::read(&files.component)
        .with_context(|| format!("{} cannot be read", files.component.display()))?;
    std::fs::write(&files.output, metadata::stamp(&component)?)
        .with_context(|| format!("{} cannot be written", files.output.display()))?;
    Ok(ExitCode::SUCCESS)
}
