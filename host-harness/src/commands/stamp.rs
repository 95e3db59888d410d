//! `stamp`: registry metadata in a component.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;
use host_harness::metadata::{self, Provenance};

/// Write registry metadata into a component: name, version, licence, description, and where it was
/// built from as far as git knows
#[derive(Args)]
#[command(hide = true)]
pub struct Stamp {
    component: PathBuf,
    output: PathBuf,
}

pub fn run(files: &Stamp) -> Result<ExitCode> {
    let component = std::fs::read(&files.component)
        .with_context(|| format!("{} cannot be read", files.component.display()))?;
    let provenance = Provenance::of(Path::new("."));
    let stamped = metadata::stamp(&component, metadata::NAME, &provenance)?;
    std::fs::write(&files.output, stamped)
        .with_context(|| format!("{} cannot be written", files.output.display()))?;
    Ok(ExitCode::SUCCESS)
}
