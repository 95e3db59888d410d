//! From the component's file to its first answer, each time in a new process.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use host_harness::cache::Cache;
use host_harness::engine::{Engine, Limits, Workload};

use crate::Options;
use crate::card::Caller;
use crate::server::Server;
use crate::table::Row;

pub fn measure(options: &Options) -> Result<Vec<Row>> {
    let server = Server::start()?;
    let folder = Folder::new("start")?;
    let mut rows = vec![
        Row::new("start to first answer: compiled code in the cache", "ms").with_goal("≤ 5"),
        Row::new("start to first answer: without", "ms").with_goal("≤ 250"),
    ];
    first_answer(&server.origin, Some(&folder.0))?;
    for _ in 0..options.rounds {
        rows[0].push(first_answer(&server.origin, Some(&folder.0))?);
        rows[1].push(first_answer(&server.origin, None)?);
        if let Some(before) = &options.beside {
            before.measure("start", &mut rows)?;
        }
    }
    Ok(rows)
}

/// Milliseconds, as a new process counts them.
fn first_answer(origin: &str, cache: Option<&Path>) -> Result<f64> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["first", origin]);
    if let Some(cache) = cache {
        command.arg(cache);
    }
    let output = command.output()?;
    ensure!(
        output.status.success(),
        "the process for the first call failed"
    );
    let text = String::from_utf8(output.stdout)?;
    text.trim().parse().context("milliseconds")
}

/// That process: loads the card, makes one call, and prints the time both took.
pub fn first(arguments: &[String]) -> Result<()> {
    let start = Instant::now();
    let origin = arguments.first().context("an origin")?;
    // As `host-harness run` has it.
    let limits = Limits {
        concurrency: 1,
        workload: Workload::Lists,
        ..Limits::default()
    };
    let cache = arguments.get(1).map(Path::new);
    let engine = Engine::new(limits, cache.map(Cache::open).transpose()?)?;
    let card = Caller::new(&engine, origin)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(card.call())?;
    println!("{}", start.elapsed().as_secs_f64() * 1e3);
    Ok(())
}

/// A folder for a group's files, which goes with the benchmark.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(group: &str) -> Result<Self> {
        let name = format!("card-bench-{group}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(Folder(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
