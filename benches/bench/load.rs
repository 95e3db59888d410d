//! Calls, one after another and many at once.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::JoinSet;

/// What makes the calls that are measured.
pub trait Caller: Clone + Send + Sync + 'static {
    /// One call, which succeeds.
    fn call(&self) -> impl Future<Output = Result<()>> + Send;
}

/// `calls` calls by `tasks` tasks, each of which makes one after another; the time they took.
pub async fn run(caller: &impl Caller, tasks: usize, calls: usize) -> Result<Duration> {
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
    Ok(start.elapsed())
}
