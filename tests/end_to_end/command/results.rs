//! `--resume`: nothing is lost, nothing is overwritten, and what is not settled is sent again.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Output};

use host_harness::fault::{Fault, Rule};
use serde_json::Value;

use super::{
    PATIENCE, file, folder, harness, piped, read, response, results, resume, run, run_at, run_list,
    signal, start, stderr, stdout, users, with_input,
};
use crate::support::TOKEN;

/// A user, one that is refused, a blank line, a user, and a line that is no input.
const LIST: &str = r#"{"profile":{"profile-id":"u1"},"properties":{"name":"Joe"}}
{"profile":{"profile-id":"null"}}

{"profile":{"profile-id":"u3"}}
nonsense
"#;

fn refuses(output: &Output, words: &str) {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(words), "{words}: {said}");
}

#[test]
fn a_file_that_holds_something_else_is_refused_and_stays_as_it_is() {
    let stand_in = start();
    let folder = folder("something_else");
    let list = file(&folder, "users.jsonl", users(3));
    let others = users(3).replace("m2", "x2");
    let result = |line: u64, id: &str| {
        format!(
            "{{\"line\":{line},\"profile-id\":\"{id}\",\"ok\":{{\"status-code\":200,\"reason\":null}}}}\n"
        )
    };
    for (contents, words) in [
        ("a note without a line end".to_owned(), "line 1 is none"),
        ("a note\n".to_owned(), "line 1 is none"),
        ("{".repeat(20), "line 1 is none"),
        ("{}\n".to_owned(), "line 1 is none"),
        ("\n".to_owned(), "line 1 is none"),
        (users(3), "line 1 is none"),
        (users(1), "line 1 is none"),
        (
            "{\"ok\":{\"status-code\":200,\"reason\":null}}\n".to_owned(),
            "line 1 is none",
        ),
        (result(1, "m0") + "a note", "line 2 is none"),
        (result(0, "m0"), "line 1 is none"),
        (result(1, "x0"), "its line 1 has another profile id"),
        (
            result(1, "m0") + &result(3, "x2"),
            "its line 3 has another profile id",
        ),
        (result(1, "m0") + &result(4, "m3"), "it has fewer lines"),
        (result(1, "m0") + &result(2_000, "m3"), "it has fewer lines"),
        (
            "{\"line\":1,\"ok\":{\"status-code\":200,\"reason\":null}}\n".to_owned(),
            "its line 1 has another profile id",
        ),
    ] {
        let file = file(&folder, "results.jsonl", &contents);
        for base_url in [stand_in.origin(), "nonsense".to_owned()] {
            let mut command = run_at(&base_url);
            command.arg("--input").arg(&list).arg("--resume").arg(&file);
            refuses(&command.output().expect("the command"), words);
            assert_eq!(read(&file), contents);
        }
    }
    assert_eq!(stand_in.request_count(), 0);

    // Those of a list of which a line was changed.
    let file_of_others = folder.join("others.jsonl");
    let list_of_others = file(&folder, "others-list.jsonl", others);
    assert_eq!(
        resume(&stand_in, &list_of_others, &file_of_others, &[])
            .status
            .code(),
        Some(0)
    );
    let before = read(&file_of_others);
    refuses(
        &resume(&stand_in, &list, &file_of_others, &[]),
        "users.jsonl is not the list of these results",
    );
    assert_eq!(read(&file_of_others), before);
}

#[test]
fn the_list_itself_is_refused_under_any_name() {
    let stand_in = start();
    let folder = folder("itself");
    for contents in [users(1), users(3) + "\n", String::new()] {
        let list = file(&folder, "export.jsonl", &contents);
        let (hard, soft) = (folder.join("hard.jsonl"), folder.join("soft.jsonl"));
        let _ = std::fs::remove_file(&hard);
        let _ = std::fs::remove_file(&soft);
        std::fs::hard_link(&list, &hard).expect("a link");
        symlink(&list, &soft).expect("a link");
        for results in [&list, &hard, &soft] {
            refuses(
                &resume(&stand_in, &list, results, &[]),
                "is the list itself",
            );
            assert_eq!(read(&list), contents);
        }
        let input = std::fs::File::open(&list).expect("a list");
        let mut command = run(&stand_in);
        command.args(["--list", "--resume"]).arg(&hard).stdin(input);
        refuses(
            &command.output().expect("the command"),
            "is the list itself",
        );

        let appended = std::fs::OpenOptions::new()
            .append(true)
            .open(&list)
            .expect("a list");
        let mut command = run(&stand_in);
        command.arg("--input").arg(&list).stdout(appended);
        refuses(
            &command.output().expect("the command"),
            "is the list itself",
        );
        assert_eq!(read(&list), contents);
    }
    assert_eq!(stand_in.request_count(), 0);
}

#[test]
fn what_is_no_regular_file_ends_the_run_at_once() {
    let stand_in = start();
    let folder = folder("no_regular_file");
    let list = file(&folder, "users.jsonl", users(3));
    let pipe = folder.join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .expect("mkfifo")
            .success()
    );
    for (path, words) in [
        (Path::new("/dev/full"), "/dev/full is not a regular file"),
        (Path::new("/dev/null"), "/dev/null is not a regular file"),
        (&pipe, "pipe is not a regular file"),
        (&folder, "is a directory"),
        (&list.join("x"), "users.jsonl/x cannot be read"),
        (
            &folder.join("none/results.jsonl"),
            "none/results.jsonl cannot be made: there is no such folder",
        ),
    ] {
        refuses(&resume(&stand_in, &list, path, &[]), words);
    }
}

#[test]
fn the_file_is_made_for_its_owner_when_there_is_a_result() {
    let stand_in = start();
    let folder = folder("made");
    let list = file(&folder, "users.jsonl", users(3));
    let results = folder.join("results.jsonl");
    for base_url in ["nonsense", "http://"] {
        let mut command = run_at(base_url);
        command
            .arg("--input")
            .arg(&list)
            .arg("--resume")
            .arg(&results);
        refuses(
            &command.output().expect("the command"),
            "connection.base-url",
        );
        assert!(!results.exists());
    }
    assert_eq!(
        resume(&stand_in, &list, &results, &[]).status.code(),
        Some(0)
    );
    let mode = std::fs::metadata(&results)
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_list_goes_on_where_it_was_stopped() {
    let stand_in = start();
    let folder = folder("goes_on");
    let list = file(&folder, "users.jsonl", LIST);
    let whole = stdout(&run_list(&stand_in, &list, &[]));
    let first = whole.lines().next().expect("a result").to_owned();
    // Nothing yet, one result, one with a broken one behind it, all but a line end, and all of them.
    let mut befores = vec![
        None,
        Some(String::new()),
        Some(first.clone() + "\n"),
        Some(whole.clone()),
    ];
    for cut in [1, 5, 9, 20, 30, first.len() - 1] {
        befores.push(Some(format!("{first}\n{}", &first[..cut])));
    }
    for before in befores {
        let _ = std::fs::remove_file(folder.join("results.jsonl"));
        let results_file = folder.join("results.jsonl");
        if let Some(before) = &before {
            file(&folder, "results.jsonl", before);
        }
        for run in 0..2 {
            let requests = stand_in.request_count();
            let output = resume(&stand_in, &list, &results_file, &[]);
            assert_eq!(stdout(&output), "");
            assert!(
                stderr(&output).ends_with("200: 2\npermanent-invalid-input: 2\n"),
                "{before:?}: {}",
                stderr(&output)
            );
            assert_eq!(output.status.code(), Some(1));
            let sent = stand_in.request_count() - requests;
            let is_whole = run == 1 || before.as_deref() == Some(&whole);
            assert_eq!(sent, u64::from(!is_whole));
            let after = read(&results_file);
            let before = before.as_deref().unwrap_or_default();
            assert!(after.starts_with(before), "appended to {before}: {after}");
            let is_whole = |line: &&str| serde_json::from_str::<Value>(line).is_ok();
            let lines: Vec<_> = after.lines().filter(is_whole).collect();
            assert_eq!(lines.join("\n") + "\n", whole);
        }
    }
}

/// The last line of a result that has no end may be whole.
#[test]
fn a_result_without_a_line_end_counts() {
    let stand_in = start();
    let folder = folder("without_a_line_end");
    let list = file(&folder, "users.jsonl", users(2));
    let whole = stdout(&run_list(&stand_in, &list, &[]));
    let first = whole.lines().next().expect("a result");
    let results_file = file(&folder, "results.jsonl", first);
    assert_eq!(
        resume(&stand_in, &list, &results_file, &[]).status.code(),
        Some(0)
    );
    assert_eq!(read(&results_file), whole);
}

/// As an editor on Windows may leave it.
#[test]
fn a_byte_order_mark_in_front_of_the_results_is_skipped() {
    let stand_in = start();
    let folder = folder("byte_order_mark");
    let list = file(&folder, "users.jsonl", users(2));
    let marked = format!("\u{feff}{}", stdout(&run_list(&stand_in, &list, &[])));
    let results_file = file(&folder, "results.jsonl", &marked);
    stand_in.clear_requests();
    assert_eq!(
        resume(&stand_in, &list, &results_file, &[]).status.code(),
        Some(0)
    );
    assert_eq!(stand_in.request_count(), 0);
    assert_eq!(read(&results_file), marked);
}

#[test]
fn what_is_not_settled_is_sent_again_and_the_last_result_counts() {
    for (fault, outcome) in [
        (response(429, &[]), "429"),
        (response(408, &[]), "408"),
        (response(425, &[]), "425"),
        (response(500, &[]), "500"),
        (response(502, &[]), "502"),
        (response(503, &[]), "503"),
        (response(522, &[]), "522"),
        (Fault::Reset, "transport"),
        (Fault::Garbage, "transport"),
    ] {
        let stand_in = start();
        let folder = folder("again");
        let list = file(&folder, "users.jsonl", users(3));
        let file = folder.join("results.jsonl");
        stand_in.set_rules([Rule::new(fault)]);
        let no_retries = ["--max-retries", "0"];
        for runs in 1..=2 {
            let output = resume(&stand_in, &list, &file, &no_retries);
            assert_eq!(output.status.code(), Some(1));
            let said = stderr(&output);
            assert!(said.contains(&format!("{outcome}: 3\n")), "{said}");
            assert!(
                said.contains("3 are not settled: the same command sends them again"),
                "{said}"
            );
            assert_eq!(results(&read(&file)).len(), 3 * runs);
        }
        stand_in.set_rules([]);
        let output = resume(&stand_in, &list, &file, &no_retries);
        assert_eq!(
            (stderr(&output).as_str(), output.status.code()),
            ("200: 3\n", Some(0))
        );
        assert_eq!(results(&read(&file)).len(), 9);
        let requests = stand_in.request_count();
        let output = resume(&stand_in, &list, &file, &no_retries);
        assert_eq!(
            (stderr(&output).as_str(), output.status.code()),
            ("200: 3\n", Some(0))
        );
        assert_eq!(stand_in.request_count(), requests);
    }
}

#[test]
fn what_is_refused_is_not_sent_again() {
    for status in [400, 401, 403, 404, 413] {
        let stand_in = start();
        let folder = folder("refused");
        let list = file(&folder, "users.jsonl", users(1));
        let file = folder.join("results.jsonl");
        stand_in.set_rules([Rule::new(response(status, &[]))]);
        for _ in 0..2 {
            let output = resume(&stand_in, &list, &file, &[]);
            assert_eq!(stderr(&output), format!("{status}: 1\n"));
            assert_eq!(output.status.code(), Some(1));
        }
        assert_eq!(stand_in.request_count(), 1);
    }
}

/// `$set_once` keeps the first value: a later line of a profile must not come before an earlier one.
#[test]
fn the_order_within_a_profile_id_stays() {
    let stand_in = start();
    let folder = folder("order");
    let line = |name: &str| {
        format!(
            "{{\"profile\":{{\"profile-id\":\"twice\"}},\"properties\":{{\"name\":\"{name}\"}}}}\n"
        )
    };
    let list = file(
        &folder,
        "users.jsonl",
        line("first") + &users(3_000) + "\n" + &line("second"),
    );
    let file = folder.join("results.jsonl");
    stand_in.set_rules([Rule::new(response(503, &[])).times(1)]);
    let output = resume(&stand_in, &list, &file, &["--max-retries", "0"]);
    assert!(
        stderr(&output).starts_with("200: 1001\n503: 2000\ntransport: 1\n"),
        "{}",
        stderr(&output)
    );
    assert!(read(&file).contains("not sent: an earlier line with this profile id is not settled"));
    assert!(stand_in.profile(TOKEN, "twice").is_none());
    let output = resume(&stand_in, &list, &file, &[]);
    assert_eq!(stderr(&output), "200: 3002\n");
    let profile = stand_in.profile(TOKEN, "twice").expect("a profile");
    assert_eq!(profile["$properties"]["$name"], "first");
    assert_eq!(profile["updates"], 2);
}

#[test]
fn two_runs_do_not_write_to_one_file() {
    let stand_in = start();
    let folder = folder("locked");
    let list = file(&folder, "users.jsonl", users(5_000));
    let file = folder.join("results.jsonl");
    stand_in.set_rules([Rule::new(Fault::Hang).of("m4000")]);
    let mut command = run(&stand_in);
    command.arg("--input").arg(&list).arg("--resume").arg(&file);
    let child = piped(&mut command);
    assert!(stand_in.wait_for_requests(3, PATIENCE));
    let before = read(&file);
    refuses(
        &resume(&stand_in, &list, &file, &[]),
        "another run writes to",
    );
    assert_eq!(read(&file), before);
    assert_eq!(stand_in.request_count(), 3);

    signal(&child, "INT");
    let output = child.wait_with_output().expect("its end");
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(said.contains("200: 4000\n"), "{said}");
    assert!(
        said.contains("interrupted after 4000 results: the same command goes on"),
        "{said}"
    );

    stand_in.set_rules([]);
    let output = resume(&stand_in, &list, &file, &[]);
    assert_eq!(stderr(&output), "200: 5000\n");
    assert_eq!(results(&read(&file)).len(), 5_000);
    assert_eq!(stand_in.profile_count(), 5_000);
}

/// A list that cannot be read twice is compared with the results while it is read.
#[test]
fn a_list_from_standard_input_goes_on_too() {
    let stand_in = start();
    let folder = folder("standard_input");
    let file = folder.join("results.jsonl");
    let resumed = |list: String| {
        let mut command = run(&stand_in);
        command.args(["--list", "--resume"]).arg(&file);
        with_input(&mut command, list)
    };
    assert_eq!(resumed(users(10)).status.code(), Some(0));
    let output = resumed(users(3_000));
    assert_eq!(
        (stderr(&output).as_str(), output.status.code()),
        ("200: 3000\n", Some(0))
    );
    assert_eq!(stand_in.request_count(), 3);
    let before = read(&file);
    refuses(
        &resumed(users(3_000).replace("m5\"", "x5\"")),
        "standard input is not the list of these results: its line 6",
    );
    refuses(&resumed(users(10)), "it has fewer lines");
    assert_eq!(read(&file), before);
    assert_eq!(stand_in.request_count(), 3);
}

#[test]
fn a_full_disk_names_the_file_and_the_next_run_goes_on() {
    let stand_in = start();
    let folder = folder("full");
    let list = file(&folder, "users.jsonl", users(3_000));
    let file = folder.join("results.jsonl");
    // A file may not grow beyond some kilobytes: writing to it fails as on a full disk.
    let script = r#"trap '' XFSZ; ulimit -f 8; exec "$0" run --token "$1" --base-url "$2" --input "$3" --resume "$4""#;
    let mut command = Command::new("bash");
    command
        .args(["-c", script])
        .arg(crate::support::built("host-harness"))
        .args([TOKEN, &stand_in.origin()])
        .args([&list, &file])
        .env("XDG_CACHE_HOME", harness_cache())
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    refuses(
        &command.output().expect("bash"),
        "results.jsonl cannot be written: ",
    );
    let before = read(&file);
    assert!(
        !before.ends_with('\n') && before.lines().count() > 10,
        "{before}"
    );

    let output = resume(&stand_in, &list, &file, &[]);
    assert_eq!(
        (stderr(&output).as_str(), output.status.code()),
        ("200: 3000\n", Some(0))
    );
    assert!(read(&file).starts_with(&before));
    assert_eq!(stand_in.profile_count(), 3_000);
}

/// A cache that is filled: its files are larger than the limit.
fn harness_cache() -> std::path::PathBuf {
    let cache = folder("cache");
    let mut command = harness();
    command
        .args(["run", "--stand-in", "--list"])
        .env("XDG_CACHE_HOME", &cache);
    assert!(with_input(&mut command, super::JOE).status.success());
    cache
}
