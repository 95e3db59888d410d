//! Another commit, to compare with.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::table::Row;

/// A folder with this repository in it, built.
pub struct Checkout(PathBuf);

impl Checkout {
    pub fn new(folder: PathBuf) -> Result<Self> {
        let checkout = Checkout(folder);
        for file in [checkout.component(), checkout.harness()] {
            ensure!(
                file.exists(),
                "{} is missing: run `make component` there",
                file.display()
            );
        }
        Ok(checkout)
    }

    /// This commit.
    pub fn own() -> Result<Self> {
        Self::new(PathBuf::from(env!("CARGO_MANIFEST_DIR")))
    }

    pub fn component(&self) -> PathBuf {
        self.0.join("dist/mixpanel-create-profile.wasm")
    }

    pub fn harness(&self) -> PathBuf {
        self.0.join("target/release/host-harness")
    }

    /// Measures a group by this commit's own benchmark, and adds to each row the figure that is called
    /// the same there.
    pub fn measure(&self, group: &str, rows: &mut [Row]) -> Result<()> {
        let table = self.bench(group)?;
        let column = |line: &str, at: usize| {
            let cell = line.split('|').nth(at).unwrap_or_default();
            cell.trim().to_owned()
        };
        let head = table.lines().next().unwrap_or_default();
        let median = head.split('|').position(|cell| cell.trim() == "median");
        let median = median.context("its table has no medians")?;
        for row in rows {
            let line = table.lines().find(|line| column(line, 1) == row.what());
            let line = line.with_context(|| format!("it has no row {}", row.what()))?;
            row.push_before(column(line, median).parse()?);
        }
        Ok(())
    }

    fn bench(&self, group: &str) -> Result<String> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["bench", "--locked", "--workspace", "--bench", "bench"])
            .args(["--", "--rounds", "1", group])
            .current_dir(&self.0)
            // It is built in its own folder.
            .env_remove("CARGO_TARGET_DIR")
            .stderr(Stdio::piped())
            .output()?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}: {errors}", self.0.display());
        Ok(String::from_utf8(output.stdout)?)
    }
}

impl AsRef<Path> for Checkout {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}
