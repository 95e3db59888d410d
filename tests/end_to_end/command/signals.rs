//! Ctrl-C, and SIGTERM, with which containers and supervisors stop a process.

use std::fs::read_to_string;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;

use host_harness::fault::{Fault, Rule};

use super::{PATIENCE, file, folder, harness, piped, run, signal, start, stderr, unread, users};

const SIGNALS: [&str; 2] = ["INT", "TERM"];

#[test]
fn a_call_that_hangs_is_ended() {
    for name in SIGNALS {
        let stand_in = start();
        stand_in.set_rules([Rule::new(Fault::Hang)]);
        let mut command = run(&stand_in);
        command.args(["--input", "examples/new-profile.json"]);
        let child = piped(&mut command);
        assert!(
            stand_in.wait_for_requests(1, PATIENCE),
            "the request arrived"
        );
        signal(&child, name);
        let output = child.wait_with_output().expect("its end");
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains("interrupted"));
        assert!(
            stand_in.wait_for_open_connections(0, PATIENCE),
            "its connection is closed"
        );
    }
}

#[test]
fn a_list_says_what_it_has_done() {
    for name in SIGNALS {
        let stand_in = start();
        let list = file(&folder("signalled"), "users.jsonl", users(5_000));
        stand_in.set_rules([Rule::new(Fault::Hang).of("m4000")]);
        let mut command = run(&stand_in);
        let child = unread(command.arg("--input").arg(list));
        assert!(stand_in.wait_for_requests(3, PATIENCE));
        signal(&child, name);
        let output = child.wait_with_output().expect("its end");
        assert_eq!(output.status.code(), Some(2));
        let said = stderr(&output);
        assert!(said.contains("200: 4000\n"), "{said}");
        assert!(said.contains("interrupted after 4000 results"), "{said}");
        assert!(said.contains("--resume"), "{said}");
    }
}

/// A list that is still being written: what has come of it was sent, and the next line never comes.
#[test]
fn a_silent_standard_input_does_not_keep_the_run() {
    use std::io::Write as _;
    for name in SIGNALS {
        let stand_in = start();
        let mut command = run(&stand_in);
        let mut child = unread(command.arg("--list").stdin(Stdio::piped()));
        let mut input = child.stdin.take().expect("its input");
        input
            .write_all((users(2_000) + "\n{").as_bytes())
            .expect("a list");
        // Not the last of them: a part is sent when it is full.
        input.write_all(users(1).as_bytes()).expect("a list");
        assert!(stand_in.wait_for_requests(1, PATIENCE));
        signal(&child, name);
        let output = child.wait_with_output().expect("its end");
        assert_eq!(output.status.code(), Some(2));
        assert!(
            stderr(&output).contains("interrupted after "),
            "{}",
            stderr(&output)
        );
        drop(input);
    }
}

/// A pipe into which nobody writes: the command waits to open it.
#[test]
fn a_list_that_nobody_writes_does_not_keep_the_run() {
    let pipe = folder("unwritten_pipe").join("users.jsonl");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo").success());
    for name in SIGNALS {
        let stand_in = start();
        let child = piped(run(&stand_in).arg("--input").arg(&pipe));
        while !catches_signals(&child) {
            thread::yield_now();
        }
        signal(&child, name);
        let output = child.wait_with_output().expect("its end");
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(stderr(&output).contains("interrupted"), "{name}");
    }
}

/// Whether a process has handlers for SIGINT and SIGTERM.
fn catches_signals(child: &Child) -> bool {
    let status = read_to_string(format!("/proc/{}/status", child.id())).expect("what Linux knows");
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = u64::from_str_radix(caught.expect("a mask").trim(), 16).expect("a mask");
    let both = 1 << (2 - 1) | 1 << (15 - 1);
    caught & both == both
}

#[test]
fn the_stand_in_ends_in_good_order() {
    for name in SIGNALS {
        let mut child = piped(harness().arg("stand-in"));
        let mut origin = String::new();
        BufReader::new(child.stdout.take().expect("its output"))
            .read_line(&mut origin)
            .expect("its origin");
        assert!(origin.starts_with("http://127.0.0.1:"), "{origin}");
        signal(&child, name);
        let status = child.wait().expect("its end");
        assert_eq!(status.code(), Some(0), "{name}");
    }
}
