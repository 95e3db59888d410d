//! Ten thousand calls that wait for their answers at the same time.

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use host_harness::engine::{Engine, Limits};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::task::JoinSet;

use crate::Options;
use crate::calls;
use crate::card::Caller;
use crate::server::Server;
use crate::table::Row;

const AT_ONCE: u32 = 10_000;

pub fn measure(options: &Options) -> Result<Vec<Row>> {
    let what = "10,000 calls in flight: resident memory";
    let mut rows = vec![Row::new(what, "KiB a call").with_goal("≤ 200")];
    for _ in 0..options.rounds {
        // In a process of its own, so that no round finds the memory of the one before.
        let output = std::process::Command::new(std::env::current_exe()?)
            .arg("in-flight")
            .output()?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{errors}");
        rows[0].push(String::from_utf8(output.stdout)?.trim().parse()?);
        if let Some(before) = &options.beside {
            before.measure("memory", &mut rows)?;
        }
    }
    Ok(rows)
}

/// That process: prints KiB a call, once all calls have succeeded.
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
    let warm = Caller::new(&engine, &server.origin)?;
    let caller = warm.clone().with_base_url(&base_url);
    runtime.block_on(async {
        warm.call().await?;
        let before = of_process("self", "VmRSS:")?;
        let mut calls = JoinSet::new();
        for _ in 0..AT_ONCE {
            let caller = caller.clone();
            calls.spawn(async move { caller.call().await });
        }
        ask(&server.origin, "/held", AT_ONCE.to_string()).await?;
        let grown = of_process("self", "VmRSS:")?.saturating_sub(before);
        ask(&server.origin, "/release", String::new()).await?;
        while let Some(call) = calls.join_next().await {
            call??;
        }
        println!("{}", grown as f64 / f64::from(AT_ONCE));
        Ok(())
    })
}

/// A figure of a process's memory, in KiB.
pub fn of_process(id: &str, name: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .and_then(|n| n.parse().ok())
        .with_context(|| name.to_owned())
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
