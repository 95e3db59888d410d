//! Calls one after another, and 64 at once, each for one profile in a fresh instance.

use std::time::Instant;

use anyhow::Result;
use host_harness::engine::{Engine, Limits};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::Options;
use crate::card::Caller;
use crate::peers;
use crate::server::Server;
use crate::table::Row;

const AT_ONCE: usize = 64;

pub fn measure(options: &Options) -> Result<Vec<Row>> {
    let server = Server::start()?;
    let runtime = runtime()?;
    let engine = Engine::new(Limits::default(), None)?;
    let caller = Caller::new(&engine, &server.origin)?;
    let mut rows = vec![
        Row::new("64 at once: the card", "calls/s").with_goal("≥ 1.5 × mixpanel-node"),
        Row::new("one after another: the card", "µs a call"),
    ];
    // The first round warms up, and counts for nothing.
    for round in 0..=options.rounds {
        let alone = seconds(&runtime, &caller, 1, 3_000)?;
        let at_once = seconds(&runtime, &caller, AT_ONCE, 32_000)?;
        if round == 0 {
            continue;
        }
        rows[0].push(1.0 / at_once);
        rows[1].push(alone * 1e6);
        if peers::are_installed() {
            let node = peers::node(&server.origin, AT_ONCE, 4_000)?;
            rows[0].push_peer("mixpanel-node", 1.0 / node);
        }
        if let Some(before) = &options.beside {
            before.measure("calls", &mut rows)?;
        }
    }
    Ok(rows)
}

pub fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?)
}

/// Seconds a call, with `calls` made by `tasks` tasks, each of which makes one after another.
fn seconds(runtime: &Runtime, caller: &Caller, tasks: usize, calls: usize) -> Result<f64> {
    runtime.block_on(async {
        let mut set = JoinSet::new();
        let start = Instant::now();
        for _ in 0..tasks {
            let caller = caller.clone();
            set.spawn(async move {
                for _ in 0..calls / tasks {
                    caller.call().await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(done) = set.join_next().await {
            done??;
        }
        Ok(start.elapsed().as_secs_f64() / calls as f64)
    })
}
