//! Calls one after another, and 64 at once.

use anyhow::{Result, ensure};
use bytes::Bytes;
use host_harness::engine::{Engine, Limits};
use tokio::runtime::Runtime;

use crate::card::{Ours, Stock};
use crate::floor;
use crate::hyper_client::Bare;
use crate::lists;
use crate::load::{self, Caller};
use crate::peers;
use crate::record::Recorder;
use crate::server::Server;
use crate::table::{self, Row};

const AT_ONCE: usize = 64;

pub fn measure(rounds: usize) -> Result<()> {
    let server = Server::start()?;
    let runtime = runtime()?;
    let engine = Engine::new(Limits::default(), None)?;
    let ours = Ours::new(&engine, &server.origin, &server.origin)?;
    let stock = Stock::new(&server.origin)?;
    let (bare, floor) = beside(&runtime, &engine, &server.origin)?;

    let installed = peers::are_installed();
    let mut alone = rows("one after another", "µs a call");
    let mut more = Row::new(
        "one after another: the card's time over hyper's",
        "µs a call",
    )
    .with_goal("≤ 40");
    let mut more_of_floor = Row::new(
        "one after another: the same host calls' time over hyper's",
        "µs a call",
    );
    let mut at_once = rows("64 at once", "calls/s");
    let mut share = Row::new("64 at once: the card's calls, of hyper's", "%").with_goal("≥ 50");
    let mut share_of_floor = Row::new("64 at once: the same host calls, of hyper's", "%");
    let origin = &server.origin;
    // The first round warms up, and counts for nothing.
    for round in 0..=rounds {
        let mut seconds = vec![
            time(&runtime, &bare, 1, 3_000)?,
            time(&runtime, &ours, 1, 3_000)?,
            time(&runtime, &floor, 1, 3_000)?,
            time(&runtime, &stock, 1, 500)?,
        ];
        let mut seconds_at_once = vec![
            time(&runtime, &bare, AT_ONCE, 64_000)?,
            time(&runtime, &ours, AT_ONCE, 32_000)?,
            time(&runtime, &floor, AT_ONCE, 32_000)?,
            time(&runtime, &stock, AT_ONCE, 1_280)?,
        ];
        if round == 0 {
            continue;
        }
        if installed {
            seconds.push(peers::node(origin, 1, 2_000)?);
            seconds.push(peers::python(origin, "one", 1_000)?);
            seconds_at_once.push(peers::node(origin, AT_ONCE, 4_000)?);
        }
        more.push((seconds[1] - seconds[0]) * 1e6);
        more_of_floor.push((seconds[2] - seconds[0]) * 1e6);
        share.push(seconds_at_once[0] / seconds_at_once[1] * 100.0);
        share_of_floor.push(seconds_at_once[0] / seconds_at_once[2] * 100.0);
        for (row, seconds) in alone.iter_mut().zip(seconds) {
            row.push(seconds * 1e6);
        }
        for (row, seconds) in at_once.iter_mut().zip(seconds_at_once) {
            row.push(1.0 / seconds);
        }
    }
    table::print(&alone);
    table::print(&[more, more_of_floor]);
    table::print(&at_once);
    table::print(&[share, share_of_floor]);
    Ok(())
}

/// Those that are compared.
fn rows(how: &str, unit: &'static str) -> [Row; 6] {
    [
        "hyper alone",
        "the card",
        "the same host calls, computing nothing",
        "the card, wasmtime's transport",
        "mixpanel-node",
        "mixpanel-python",
    ]
    .map(|who| Row::new(format!("{how}: {who}"), unit))
}

/// Processor time of this process for a call, beside hyper's: it tells of a change even while the
/// machine is busy with something else. With `card`, the card alone and for longer, for a profiler.
pub fn processor_times(only_card: bool) -> Result<()> {
    let server = Server::start()?;
    let runtime = runtime()?;
    let engine = Engine::new(Limits::default(), None)?;
    let ours = Ours::new(&engine, &server.origin, &server.origin)?;
    if only_card {
        time(&runtime, &ours, AT_ONCE, 100_000)?;
        return Ok(());
    }
    let (bare, floor) = beside(&runtime, &engine, &server.origin)?;
    println!(
        "| at once | hyper alone, µs of processor time | the card | the same host calls, computing nothing |"
    );
    println!("| ---: | ---: | ---: | ---: |");
    for (tasks, calls) in [(1, 20_000), (AT_ONCE, 64_000)] {
        let hyper = processor_time_of(&runtime, &bare, tasks, calls)?;
        let card = processor_time_of(&runtime, &ours, tasks, calls)?;
        let floor = processor_time_of(&runtime, &floor, tasks, calls)?;
        println!("| {tasks} | {hyper:.1} | {card:.1} | {floor:.1} |");
    }
    Ok(())
}

/// Microseconds a call.
fn processor_time_of(
    runtime: &Runtime,
    caller: &impl Caller,
    tasks: usize,
    calls: usize,
) -> Result<f64> {
    time(runtime, caller, tasks, calls / 10)?;
    let start = processor_time();
    time(runtime, caller, tasks, calls)?;
    Ok((processor_time() - start) / calls as f64 * 1e6)
}

/// Seconds that this process has used so far.
fn processor_time() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

pub fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?)
}

/// Seconds a call.
fn time(runtime: &Runtime, caller: &impl Caller, tasks: usize, calls: usize) -> Result<f64> {
    let took = runtime.block_on(load::run(caller, tasks, calls))?;
    Ok(took.as_secs_f64() / calls as f64)
}

/// What the card is measured beside: hyper alone, and the same host calls.
fn beside(runtime: &Runtime, engine: &Engine, origin: &str) -> Result<(Bare, Ours)> {
    let body = same_bytes(runtime, engine)?;
    let floor = Ours::of(engine, &floor::component(&body)?, origin, origin)?;
    Ok((Bare::new(origin, body)?, floor))
}

/// The body that the card sends, once it is certain that all that are compared send the same request.
fn same_bytes(runtime: &Runtime, engine: &Engine) -> Result<Bytes> {
    let recorder = Recorder::start()?;
    let ours = Ours::new(engine, &recorder.origin, &recorder.origin)?;
    runtime.block_on(ours.call())?;
    let by_card = recorder.sent()?;
    let body = Bytes::from(by_card.body.clone());
    lists::check(&body)?;

    let recorder = Recorder::start()?;
    let bare = Bare::new(&recorder.origin, body.clone())?;
    runtime.block_on(bare.call())?;
    let by_hyper = recorder.sent()?;
    ensure!(by_card == by_hyper, "{by_card:?} is not {by_hyper:?}");

    let recorder = Recorder::start()?;
    let component = floor::component(&body)?;
    let floor = Ours::of(engine, &component, &recorder.origin, &recorder.origin)?;
    runtime.block_on(floor.call())?;
    let by_floor = recorder.sent()?;
    ensure!(by_card == by_floor, "{by_card:?} is not {by_floor:?}");
    Ok(body)
}
