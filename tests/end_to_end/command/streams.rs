//! Streams that are closed or full: nothing panics, and the exit status is right.

use std::fs::File;
use std::process::{Command, Stdio};

use super::{JOE, file, folder, harness, run, start, users, with_input};

/// Standard error and standard output that cannot be written, as `2>/dev/full` and `| head -1` leave
/// them.
fn broken() -> [Stdio; 2] {
    let full = File::options()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    [full.into(), writer.into()]
}

/// A command, its exit status, and the lines that it prints.
type Case = (Box<dyn Fn() -> Command>, i32, usize);

#[test]
fn nothing_depends_on_standard_error() {
    let stand_in = start();
    let folder = folder("no_stderr");
    let list = file(&folder, "users.jsonl", users(10) + "\nnonsense\n");
    let input = file(&folder, "joe.json", JOE);
    let mut commands: Vec<Case> = vec![];
    let mut add = |arguments: Vec<String>, code, lines| {
        let origin = stand_in.origin();
        commands.push((
            Box::new(move || {
                let mut command = harness();
                command
                    .args([
                        "run",
                        "--token",
                        crate::support::TOKEN,
                        "--base-url",
                        &origin,
                    ])
                    .env("HTTPS_PROXY", "http://proxy.example")
                    .args(&arguments);
                command
            }),
            code,
            lines,
        ));
    };
    let path = |path: &std::path::Path| path.to_str().expect("UTF-8").to_owned();
    add(vec!["--input".into(), path(&list)], 1, 11);
    add(vec!["--input".into(), path(&input)], 0, 1);
    add(vec!["--input".into(), "no-such-file".into()], 2, 0);
    add(vec!["--no-such-option".into()], 2, 0);
    add(
        vec![
            "--input".into(),
            path(&list),
            "--max-retries".into(),
            "11".into(),
        ],
        2,
        0,
    );
    for (command, code, lines) in commands {
        for stderr in broken() {
            let output = command().stderr(stderr).output().expect("the command");
            assert_eq!(output.status.code(), Some(code));
            let printed = String::from_utf8_lossy(&output.stdout);
            assert_eq!(printed.lines().count(), lines, "{printed}");
        }
    }
    for stderr in broken() {
        let mut command = harness();
        command
            .args(["run", "--stand-in"])
            .args(["--input", "examples/new-profile.json"]);
        let output = command.stderr(stderr).output().expect("the command");
        assert_eq!(output.status.code(), Some(0));
    }
}

#[test]
fn a_standard_output_that_cannot_be_written_is_said() {
    let stand_in = start();
    let list = file(&folder("no_stdout"), "users.jsonl", users(10));
    let list = list.to_str().expect("UTF-8");
    let words = "standard output cannot be written";
    for arguments in [
        &["run", "--stand-in", "--input", "examples/new-profile.json"][..],
        &["schema"],
        &["stand-in"],
        &["stand-in", "--tls"],
    ] {
        for stdout in broken() {
            let output = harness()
                .args(arguments)
                .stdout(stdout)
                .stderr(Stdio::piped())
                .spawn();
            let output = output
                .expect("the command")
                .wait_with_output()
                .expect("its end");
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
            assert!(said.contains(words), "{said}");
        }
    }
    for stdout in broken() {
        let mut command = run(&stand_in);
        let output = command
            .args(["--input", list])
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn();
        let output = output
            .expect("the command")
            .wait_with_output()
            .expect("its end");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(words), "{said}");
    }
    // Nobody is left to be told of help: all that counts is that it is no panic.
    for arguments in [&["--help"][..], &["run", "--help"], &["--version"]] {
        for stdout in broken() {
            let status = harness()
                .args(arguments)
                .stdout(stdout)
                .status()
                .expect("the command");
            assert_ne!(status.code(), Some(101), "{arguments:?}");
        }
    }
    let [_, closed] = broken();
    let [full, _] = broken();
    let status = run(&stand_in)
        .args(["--input", list])
        .stdout(closed)
        .stderr(full)
        .status();
    assert_eq!(status.expect("the command").code(), Some(2));
    let output = with_input(&mut run(&stand_in), JOE);
    assert_eq!(output.status.code(), Some(0));
}
