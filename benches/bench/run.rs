//! `host-harness run` over a file of 300,000 users.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::Options;
use crate::beside::Checkout;
use crate::card;
use crate::memory;
use crate::server::Server;
use crate::start::Folder;
use crate::table::Row;

const USERS: usize = 300_000;

pub fn measure(options: &Options) -> Result<Vec<Row>> {
    let server = Server::start()?;
    let folder = Folder::new("run")?;
    let users = folder.0.join("users.jsonl");
    let mut file = BufWriter::new(File::create(&users)?);
    for input in card::inputs(USERS)? {
        serde_json::to_writer(&mut file, &input)?;
        file.write_all(b"\n")?;
    }
    file.flush()?;
    let mut rows = vec![
        Row::new("run of 300,000 users, two requests at once", "users/s"),
        Row::new("run of 300,000 users: resident memory at most", "MiB").with_goal("≤ 64"),
    ];
    // The first round compiles the card, and counts for nothing.
    for round in 0..=options.rounds {
        let cache = |name| folder.0.join(name);
        let (users_a_second, memory) =
            run(&Checkout::own()?, &server.origin, &users, cache("cache"))?;
        let before = options.beside.as_ref();
        let before = before.map(|before| run(before, &server.origin, &users, cache("before")));
        let before = before.transpose()?;
        if round == 0 {
            continue;
        }
        rows[0].push(users_a_second);
        rows[1].push(memory);
        if let Some((users_a_second, memory)) = before {
            rows[0].push_before(users_a_second);
            rows[1].push_before(memory);
        }
    }
    Ok(rows)
}

/// Users a second, and the most MiB of resident memory.
fn run(checkout: &Checkout, origin: &str, users: &Path, cache: PathBuf) -> Result<(f64, f64)> {
    let start = Instant::now();
    let process = Command::new(checkout.harness())
        .args(["run", "--concurrency", "2", "--token", card::TOKEN])
        .args(["--base-url", origin])
        .arg("--component")
        .arg(checkout.component())
        .arg("--input")
        .arg(users)
        .arg("--cache")
        .arg(cache)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let id = process.id().to_string();
    // It only ever rises, and is gone with the process.
    let most = thread::spawn(move || {
        let mut most = 0;
        while let Ok(memory) = memory::of_process(&id, "VmHWM:") {
            most = memory;
            thread::sleep(Duration::from_millis(10));
        }
        most
    });
    let output = process.wait_with_output()?;
    let seconds = start.elapsed().as_secs_f64();
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{errors}");
    let most = most.join().unwrap_or_default();
    Ok((USERS as f64 / seconds, most as f64 / 1024.0))
}
