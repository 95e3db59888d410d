//! Writes the interface in `wit/` as a WIT package in its binary form, which registries keep: with
//! labels and help texts, which a component does not have. `scripts/packages.sh` runs it.

use std::path::Path;

use anyhow::Context as _;
use host_harness::metadata::{self, Provenance};
use wit_parser::Resolve;

fn main() -> anyhow::Result<()> {
    let file = std::env::args_os()
        .nth(1)
        .context("usage: wit_package FILE")?;
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir("wit")?;
    let bytes = wit_component::encode(&resolve, package)?;
    let provenance = Provenance::of(Path::new("."));
    std::fs::write(
        file,
        metadata::stamp(&bytes, "mixpanel:cards", &provenance)?,
    )?;
    Ok(())
}
