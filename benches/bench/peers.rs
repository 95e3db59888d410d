//! Mixpanel's own libraries for Python and Node, where `make bench-peers` has installed them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench-peers")
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("benches/peers")
        .join(name)
}

pub fn are_installed() -> bool {
    folder().join("node_modules/mixpanel").exists() && folder().join("python").exists()
}

/// Seconds a profile of mixpanel-python's `BufferedConsumer`, which sends 50 a request, its most.
pub fn python(origin: &str, calls: usize) -> Result<f64> {
    seconds(
        Command::new(folder().join("python/bin/python"))
            .arg(script("mixpanel_python.py"))
            .args([origin, &calls.to_string()]),
    )
}

/// Seconds a profile of mixpanel-node, by so many promises at once.
pub fn node(origin: &str, at_once: usize, calls: usize) -> Result<f64> {
    seconds(
        Command::new("node")
            .arg(script("mixpanel_node.js"))
            .args([origin, &at_once.to_string(), &calls.to_string()])
            .env("NODE_PATH", folder().join("node_modules")),
    )
}

fn seconds(command: &mut Command) -> Result<f64> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {errors}");
    let text = String::from_utf8(output.stdout)?;
    text.trim().parse().context("seconds")
}
