//! What a cache folder that cannot be used means for a run.

#![allow(clippy::expect_used, reason = "tests fail by panicking")]

use std::process::{Command, Output};

const INPUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/new-profile.json");

/// A run of a component that is not there: it tells how far a run comes.
fn run(change: impl FnOnce(&mut Command) -> &mut Command) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_host-harness"));
    command
        .args(["run", "--stand-in", "--component", "missing.wasm"])
        .args(["--input", INPUT])
        .env_remove("XDG_CACHE_HOME")
        .env_remove("HOME");
    let Output { status, stderr, .. } = change(&mut command).output().expect("the command");
    (status.code(), String::from_utf8_lossy(&stderr).into_owned())
}

#[test]
fn a_folder_that_was_asked_for_is_an_error() {
    let (code, said) = run(|command| command.args(["--cache", "/proc/none"]));
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("error: the cache folder /proc/none cannot be used"),
        "{said}"
    );
    assert!(!said.contains("missing.wasm"), "{said}");
}

#[test]
fn the_users_own_folder_is_a_warning_and_the_run_goes_on() {
    for (name, folder) in [
        ("HOME", "/proc/none/.cache/mixpanel-create-profile/compiled"),
        (
            "XDG_CACHE_HOME",
            "/proc/none/mixpanel-create-profile/compiled",
        ),
    ] {
        let (_, said) = run(|command| command.env(name, "/proc/none"));
        let warning = format!("warning: the cache folder {folder} cannot be used");
        assert!(said.contains(&warning), "{said}");
        assert!(said.contains("missing.wasm cannot be read"), "{said}");
    }
}

#[test]
fn no_folder_is_no_warning() {
    for home in ["", "relative"] {
        let (_, said) = run(|command| command.env("HOME", home));
        assert!(!said.contains("warning"), "{said}");
        assert!(said.contains("missing.wasm cannot be read"), "{said}");
    }
    let (_, said) = run(|command| command);
    assert!(!said.contains("warning"), "{said}");
}
