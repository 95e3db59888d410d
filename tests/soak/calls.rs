//! Many calls at once, of which a tenth fails.
//!
//! Every call must end; every 2xx must have its profile; memory and open files must not grow.
//! `SOAK_CALLS` calls: 100,000 by `make soak`, fewer among the other tests.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::time::Instant;

use host_harness::card::Card;
use host_harness::clock::{Clock, Skipped};
use host_harness::engine::{Engine, Limits};
use host_harness::outbound::{Options, Outbound};
use host_harness::records::{Connection, Error, Input, Outcome, Profile, Properties};

use crate::stand_in::{StandIn, failures};
use crate::{ALONE, TOKEN};

const AT_ONCE: usize = 64;
const FIRST: usize = 1_000;

/// Resident memory in KiB, and open files, of this process.
fn footprint() -> (u64, usize) {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("VmRSS");
    let memory = line
        .split_whitespace()
        .nth(1)
        .and_then(|kib| kib.parse().ok());
    let files = std::fs::read_dir("/proc/self/fd").expect("Linux").count();
    (memory.expect("a number"), files)
}

/// What becomes of each call: its status code, or one of these. Two bytes a call, all there from the
/// start, so that what the test remembers does not grow.
type Results = Vec<AtomicU16>;
const NONE: u16 = 0;
const TRANSPORT: u16 = 1;

/// Makes the calls of `numbers`, each with a clock of its own, which remembers the waits it skips.
async fn call(card: &Card, connection: &Connection, numbers: Range<usize>, results: &Arc<Results>) {
    let next = Arc::new(AtomicUsize::new(numbers.start));
    let workers: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (card, connection) = (card.clone(), connection.clone());
            let (next, results) = (Arc::clone(&next), Arc::clone(results));
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= numbers.end {
                        return;
                    }
                    let input = Input {
                        profile: Profile {
                            profile_id: format!("user {number}"),
                            ..Profile::default()
                        },
                        properties: Properties {
                            name: Some(format!("Name {number}")),
                            ..Properties::default()
                        },
                    };
                    let outcome = card
                        .clone()
                        .with_clock(Clock::Skipping(Skipped::default()))
                        .create_profile(&connection, &input)
                        .await
                        .expect("a result");
                    let result = match outcome {
                        Outcome::Ok(output) => output.status_code,
                        Outcome::Err(Error::Transport(_)) => TRANSPORT,
                        Outcome::Err(other) => panic!("{other:?}"),
                    };
                    let before = results[number].swap(result, Ordering::Relaxed);
                    assert_eq!(before, NONE, "one result");
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.expect("a worker");
    }
}

#[test]
fn every_call_ends_and_nothing_is_lost() {
    let _alone = ALONE.lock();
    let calls = std::env::var("SOAK_CALLS").map_or(5_000, |n| n.parse().expect("a number"));
    let stand_in = StandIn::start();
    stand_in.ask("PUT", "/faults", &failures(97).to_string());

    let options = Options {
        allow: [stand_in.origin.parse().expect("an origin")].into(),
        ..Options::default()
    };
    let engine = Engine::new(Limits::default(), None).expect("an engine");
    let component =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("dist/mixpanel-create-profile.wasm");
    let outbound = Outbound::new(options).expect("a way out");
    let card = Card::load(&engine, &component, outbound).expect("the component");
    let connection = Connection {
        project_token: TOKEN.to_owned(),
        base_url: Some(stand_in.origin.clone()),
        max_retries: Some(3),
        ..Connection::default()
    };

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let results: Arc<Results> = Arc::new((0..calls).map(|_| AtomicU16::new(NONE)).collect());
    let start = Instant::now();
    runtime.block_on(call(&card, &connection, 0..FIRST, &results));
    let after_first = footprint();
    runtime.block_on(call(&card, &connection, FIRST..calls, &results));
    let took = start.elapsed();
    let at_end = footprint();

    let profiles = stand_in.ask("GET", "/profiles", "");
    let ids = profiles["ids"].as_array().expect("ids");
    let stored: HashSet<usize> = ids
        .iter()
        .filter_map(|id| id.as_str()?.strip_prefix("user ")?.parse().ok())
        .collect();
    let mut kinds = BTreeMap::<u16, usize>::new();
    let mut lost = vec![];
    for (number, result) in results.iter().enumerate() {
        let result = result.load(Ordering::Relaxed);
        *kinds.entry(result).or_default() += 1;
        if (200..=299).contains(&result) && !stored.contains(&number) {
            lost.push(number);
        }
    }
    let created = kinds.get(&200).copied().unwrap_or_default();
    println!("calls: {calls}, {AT_ONCE} at once, in {took:.1?}");
    println!("results by status code (1: no answer): {kinds:?}");
    println!("profiles in the stand-in: {}", ids.len());
    println!(
        "after the first {FIRST}: {} KiB, {} files open",
        after_first.0, after_first.1
    );
    println!("at the end: {} KiB, {} files open", at_end.0, at_end.1);

    assert_eq!(kinds.get(&NONE), None, "every call ends with a result");
    assert_eq!(stored.len(), ids.len(), "no profile is there twice");
    assert!(lost.is_empty(), "{lost:?}");
    assert!(created * 1_000 >= calls * 995, "{kinds:?}");
    assert!(
        at_end.0 <= after_first.0 + after_first.0 / 4,
        "memory grew from {} to {} KiB",
        after_first.0,
        at_end.0
    );
    assert!(at_end.1 <= after_first.1 + AT_ONCE, "open files grew");
}
