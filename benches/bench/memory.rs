//! Ten thousand calls that wait for their answers at the same time.

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use host_harness::engine::{Engine, Limits};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::task::JoinSet;

use crate::calls;
use crate::card::Ours;
use crate::load::Caller as _;
use crate::server::Server;
use crate::table::{self, Row};

const AT_ONCE: u32 = 10_000;

pub fn measure(rounds: usize) -> Result<()> {
    let mut rows = [
        Row::new("10,000 calls in flight: resident memory", "KiB a call").with_goal("≤ 200"),
        Row::new("10,000 calls in flight: answered with success", "calls").with_goal("10,000"),
    ];
    for _ in 0..rounds {
        // In a process of its own, so that no round finds the memory of the one before.
        let output = std::process::Command::new(std::env::current_exe()?)
            .arg("in-flight")
            .output()?;
        ensure!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8(output.stdout)?;
        for (row, number) in rows.iter_mut().zip(text.split_whitespace()) {
            row.push(number.parse()?);
        }
    }
    table::print(&rows);
    Ok(())
}

/// That process: prints KiB a call, and how many calls succeeded.
pub fn in_flight() -> Result<()> {
    super::raise_file_limit()?;
    let server = Server::start()?;
    let limits = Limits {
        concurrency: AT_ONCE,
        ..Limits::default()
    };
    let engine = Engine::new(limits, None)?;
    let runtime = calls::runtime()?;
    let base_url = format!("{}/hold", server.origin);
    // What is there once, and not for each call: threads, buffers, the code.
    let warm = Ours::new(&engine, &server.origin, &server.origin)?;
    let card = warm.clone().with_base_url(&base_url);
    runtime.block_on(async {
        warm.call().await?;
        let before = resident()?;
        let mut calls = JoinSet::new();
        for _ in 0..AT_ONCE {
            let card = card.clone();
            calls.spawn(async move { card.call().await });
        }
        ask(&server.origin, "/held", AT_ONCE.to_string()).await?;
        let grown = resident()?.saturating_sub(before);
        ask(&server.origin, "/release", String::new()).await?;
        let (mut succeeded, mut failure) = (0, None);
        while let Some(call) = calls.join_next().await {
            match call? {
                Ok(()) => succeeded += 1,
                Err(error) => failure = Some(error),
            }
        }
        println!("{} {succeeded}", grown as f64 / f64::from(AT_ONCE));
        if let Some(failure) = failure {
            eprintln!("one of the failures: {failure:#}");
        }
        Ok(())
    })
}

/// Resident memory of this process, in KiB.
fn resident() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|n| n.parse().ok()).context("VmRSS")
}

async fn ask(origin: &str, path: &str, body: String) -> Result<()> {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let mut request = http::Request::new(Full::new(Bytes::from(body)));
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = format!("{origin}{path}").parse()?;
    let response = client.request(request).await?;
    ensure!(response.status().is_success(), "{}", response.status());
    response.into_body().collect().await?;
    Ok(())
}
