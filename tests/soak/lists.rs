//! A list of which a third of the responses fails, killed ten times and resumed with the same command.
//!
//! Every user must be settled once in the end, every 2xx stored, and nothing stored wrongly.
//! `SOAK_USERS` users: 200,000 by `make soak`, fewer among the other tests.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::stand_in::{StandIn, failures, harness};
use crate::{ALONE, TOKEN};

const KILLS: usize = 10;

/// Far more than it takes: a third of what is left stays open in each run.
const MAX_RUNS: usize = 200;

/// How far apart the two lines of a user that is there twice are.
const APART: usize = 3_000;

/// The line of a number, counted from 1. Each hundredth is refused, each tenth is about the user of an
/// earlier line, with another name and a phone that the earlier one has not.
fn line(number: usize) -> String {
    if number.is_multiple_of(100) {
        return format!("{{\"profile\":{{\"profile-id\":{number}}}}}");
    }
    if number > APART && number.is_multiple_of(10) {
        let user = number - APART + 1;
        return format!(
            r#"{{"profile":{{"profile-id":"user {user}"}},"properties":{{"name":"Another","phone":"+{number}"}}}}"#
        );
    }
    format!(
        r#"{{"profile":{{"profile-id":"user {number}"}},"properties":{{"name":"Name {number}"}}}}"#
    )
}

fn command(origin: &str, list: &Path, results: &Path) -> Command {
    let mut command = Command::new(harness());
    command
        .args(["run", "--token", TOKEN, "--base-url", origin])
        .args(["--max-retries", "0", "--input"])
        .arg(list)
        .arg("--resume")
        .arg(results)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Kills the command, in the middle of whatever it does, once its results are so long; `false` where
/// it ended before.
fn kill_at(mut child: Child, results: &Path, bytes: u64) -> bool {
    let deadline = Instant::now() + Duration::from_secs(120);
    while fs::metadata(results).map_or(0, |file| file.len()) < bytes {
        if child.try_wait().expect("a process").is_some() {
            return false;
        }
        assert!(Instant::now() < deadline, "no results");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().expect("a process");
    child.wait().expect("its end");
    true
}

#[test]
fn every_user_is_settled_once_over_failures_and_kills() {
    let _alone = ALONE.lock();
    let count = std::env::var("SOAK_USERS").map_or(40_000, |n| n.parse().expect("a number"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("soak_lists");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    let (list, results) = (folder.join("users.jsonl"), folder.join("results.jsonl"));
    let mut lines = String::new();
    for number in 1..=count {
        writeln!(lines, "{}", line(number)).expect("memory");
    }
    fs::write(&list, lines).expect("a list");

    let stand_in = StandIn::start();
    // A third in all. The counts begin before the list does, which would have none for long.
    stand_in.ask("PUT", "/faults", &failures(25).to_string());
    for _ in 0..20 {
        assert_eq!(stand_in.ask("POST", "/engage", "[]"), 0);
    }
    let start = Instant::now();
    let mut kills = 0;
    for _ in 0..KILLS {
        let before = fs::metadata(&results).map_or(0, |file| file.len());
        let child = command(&stand_in.origin, &list, &results)
            .spawn()
            .expect("the command");
        // A twentieth of all results, or the first of this run.
        let more = count as u64 * 80 / 20;
        kills += usize::from(kill_at(child, &results, before + more));
    }
    // A short list may be through before.
    assert!(kills == KILLS || (kills > 0 && count < 200_000), "{kills}");
    let mut runs = 0;
    loop {
        runs += 1;
        assert!(runs <= MAX_RUNS, "it is never settled");
        let status = command(&stand_in.origin, &list, &results)
            .status()
            .expect("the command");
        // 1 at the end, too, for the lines that are refused.
        assert_eq!(status.code(), Some(1));
        let (open, _) = outcomes(&results);
        if open == 0 && last_line(&results) == count {
            break;
        }
    }
    let took = start.elapsed();

    let (_, settled) = outcomes(&results);
    let mut kinds = BTreeMap::<&str, usize>::new();
    for number in 1..=count {
        let outcomes = settled.get(&number).map(Vec::as_slice);
        let wanted = if number.is_multiple_of(100) {
            "permanent-invalid-input"
        } else {
            "200"
        };
        assert_eq!(outcomes, Some(&[wanted.to_owned()][..]), "line {number}");
        *kinds.entry(wanted).or_default() += 1;
    }
    assert_eq!(settled.len(), count);

    let mut connection = stand_in.connect();
    let mut profiles = 0;
    for number in (1..=count).filter(|number| !number.is_multiple_of(100)) {
        if number > APART && number.is_multiple_of(10) {
            continue;
        }
        profiles += 1;
        let profile = connection.ask("GET", &format!("/profiles/user%20{number}"), "");
        let properties = &profile["$properties"];
        assert_eq!(properties["$name"], format!("Name {number}"));
        let later = number + APART - 1;
        let is_twice = later <= count && later.is_multiple_of(10) && !later.is_multiple_of(100);
        let phone = is_twice.then(|| Value::from(format!("+{later}")));
        assert_eq!(properties.get("$phone"), phone.as_ref(), "{number}");
    }
    let stored = stand_in.ask("GET", "/profiles", "");
    assert_eq!(stored["count"], profiles);
    let written = fs::read_to_string(&results)
        .expect("results")
        .lines()
        .count();
    assert!(written > count, "some responses failed");
    println!("lines: {count}, killed {kills} times, then {runs} runs to the end, in {took:.1?}");
    println!("last results: {kinds:?}; results written: {written}; profiles: {profiles}");
}

/// How many lines have a last result that does not settle them, and those results of each line that do.
fn outcomes(results: &Path) -> (usize, BTreeMap<usize, Vec<String>>) {
    let mut open = BTreeSet::new();
    let mut settled = BTreeMap::<usize, Vec<String>>::new();
    for line in fs::read_to_string(results).expect("results").lines() {
        // Cut off by a kill.
        let Ok(result) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        let number = usize::try_from(result["line"].as_u64().expect("a number")).expect("a line");
        let code = result["ok"]["status-code"].as_u64();
        if code == Some(200) {
            settled.entry(number).or_default().push("200".to_owned());
        } else if let Some(error) = result["err"]
            .as_object()
            .filter(|e| e.contains_key("permanent-invalid-input"))
        {
            let name = error.keys().next().expect("a name").clone();
            settled.entry(number).or_default().push(name);
        } else {
            open.insert(number);
            continue;
        }
        open.remove(&number);
    }
    (open.len(), settled)
}

/// The number of the last line that has a result.
fn last_line(results: &Path) -> usize {
    let (_, settled) = outcomes(results);
    settled.keys().next_back().copied().unwrap_or_default()
}
