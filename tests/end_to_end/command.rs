//! The command line: results, exit codes, files, signals, and what it says.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use host_harness::fault::Fault;
use host_harness::stand_in::{self, StandIn};
use serde_json::Value;

use crate::support::{TOKEN, built};

mod check;
mod inputs;
mod lists;
mod numbers;
mod options;
mod results;
mod secrets;
mod signals;
mod streams;
mod waits;

/// Far more than anything here takes: only a failure lasts that long.
const PATIENCE: Duration = Duration::from_secs(60);

const JOE: &str = r#"{"profile":{"profile-id":"u1"},"properties":{"name":"Joe"}}"#;

fn harness() -> Command {
    let mut command = Command::new(built("host-harness"));
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("MIXPANEL_PROJECT_TOKEN")
        .env("RUST_BACKTRACE", "1")
        .env("RUST_LOG", "trace")
        .stdin(Stdio::null());
    for proxy in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env_remove(proxy);
    }
    command
}

/// `run` against a stand-in.
fn run(stand_in: &StandIn) -> Command {
    run_at(&stand_in.origin())
}

fn run_at(base_url: &str) -> Command {
    let mut command = harness();
    command.args(["run", "--token", TOKEN, "--base-url", base_url]);
    command
}

fn start() -> StandIn {
    StandIn::start(stand_in::Options::default()).expect("a stand-in")
}

/// Runs the command with this on its standard input.
fn with_input(command: &mut Command, input: impl AsRef<[u8]>) -> Output {
    let mut child = piped(command.stdin(Stdio::piped()));
    let mut stdin = child.stdin.take().expect("its input");
    // One that refuses its arguments does not read on.
    let _ = stdin.write_all(input.as_ref());
    drop(stdin);
    child.wait_with_output().expect("its end")
}

/// Starts the command.
fn piped(command: &mut Command) -> Child {
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command")
}

/// Starts the command, whose results nobody reads: a pipe that is full would stop it.
fn unread(command: &mut Command) -> Child {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Sends a signal to the command.
fn signal(child: &Child, signal: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{signal}"), &child.id().to_string()])
        .status();
    assert!(sent.expect("kill").success());
}

/// An empty folder for one test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// A file of a test's folder.
fn file(folder: &Path, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, contents).expect("a file");
    path
}

/// One user a line, `m0` and so on.
fn users(count: usize) -> String {
    let lines: Vec<_> = (0..count)
        .map(|n| format!(r#"{{"profile":{{"profile-id":"m{n}"}}}}"#))
        .collect();
    lines.join("\n")
}

fn run_list(stand_in: &StandIn, list: &Path, more: &[&str]) -> Output {
    let command = &mut run(stand_in);
    command.arg("--input").arg(list).args(more);
    command.output().expect("the command")
}

/// The same, with results in a file.
fn resume(stand_in: &StandIn, list: &Path, results: &Path, more: &[&str]) -> Output {
    let results = results.to_str().expect("UTF-8");
    run_list(stand_in, list, &[&["--resume", results], more].concat())
}

/// The results of a list: line, profile id, and status code or the error's name.
fn results(text: &str) -> Vec<(u64, Option<String>, String)> {
    let result = |line: &str| {
        let result: Value = serde_json::from_str(line).expect("JSON");
        let outcome = match (&result["ok"]["status-code"], &result["err"]) {
            (Value::Number(code), _) => code.to_string(),
            (_, Value::String(name)) => name.clone(),
            (_, Value::Object(error)) => error.keys().next().expect("a name").clone(),
            _ => panic!("{line}"),
        };
        let id = result["profile-id"].as_str().map(str::to_owned);
        (result["line"].as_u64().expect("a number"), id, outcome)
    };
    text.lines().map(result).collect()
}

fn response(status: u16, headers: &[(&str, &str)]) -> Fault {
    Fault::Answer {
        status,
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body: r#"{"error":"busy","status":0}"#.to_owned(),
    }
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).expect("a file")
}
