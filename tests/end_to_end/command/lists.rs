//! Lists: what is one, a result a line, and counts.

use std::process::{Command, Stdio};

use super::{
    JOE, file, folder, harness, results, run, run_list, start, stderr, stdout, users, with_input,
};
use crate::support::TOKEN;

/// Three users, the second of which is refused, and a line that is no input.
const LIST: &str = r#"{"profile":{"profile-id":"u1"},"properties":{"name":"Joe"}}

{"profile":{"profile-id":"null"}}
{"profile":{"profile-id":"u3"}}
nonsense
"#;

fn expected() -> Vec<(u64, Option<String>, String)> {
    let result =
        |line, id: Option<&str>, outcome: &str| (line, id.map(str::to_owned), outcome.to_owned());
    vec![
        result(1, Some("u1"), "200"),
        result(3, Some("null"), "permanent-invalid-input"),
        result(4, Some("u3"), "200"),
        result(5, None, "permanent-invalid-input"),
    ]
}

#[test]
fn a_list_gives_a_result_a_line_in_order_and_counts_at_the_end() {
    let stand_in = start();
    let folder = folder("list");
    let list = file(&folder, "users.jsonl", LIST);
    for concurrency in ["1", "8"] {
        let output = run_list(&stand_in, &list, &["--concurrency", concurrency]);
        assert_eq!(results(&stdout(&output)), expected(), "{}", stderr(&output));
        let said = stderr(&output);
        assert!(said.contains("line 3: profile.profile-id "), "{said}");
        assert!(said.contains("line 5 is not JSON at column 2"), "{said}");
        assert!(
            said.ends_with("\n200: 2\npermanent-invalid-input: 2\n"),
            "{said}"
        );
        assert_eq!(output.status.code(), Some(1));
    }
    assert_eq!(
        stdout(&run_list(&stand_in, &list, &[])).lines().next(),
        Some(r#"{"line":1,"profile-id":"u1","ok":{"status-code":200,"reason":null}}"#)
    );
    assert_eq!(stand_in.request_count(), 3);
    assert_eq!(stand_in.profile_count(), 2);

    // Many calls at once, and more lines than one of them holds.
    let list = file(&folder, "users.jsonl", users(10_000));
    let output = run_list(&stand_in, &list, &["--concurrency", "3"]);
    let lines: Vec<_> = results(&stdout(&output))
        .into_iter()
        .map(|(line, ..)| line)
        .collect();
    assert_eq!(lines, (1..=10_000).collect::<Vec<_>>());
    assert_eq!(stderr(&output), "200: 10000\n");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stand_in.request_count(), 3 + 5);
    assert_eq!(stand_in.profile_count(), 10_002);
}

#[test]
fn what_is_a_list() {
    let stand_in = start();
    let folder = folder("what_is_a_list");
    for (name, more) in [
        ("users.jsonl", &[][..]),
        ("users.ndjson", &[]),
        ("users.JSONL", &[]),
        ("users.NdJson", &[]),
        ("users.txt", &["--list"]),
        ("users", &["--list"]),
    ] {
        let list = file(&folder, name, LIST);
        let output = run_list(&stand_in, &list, more);
        assert_eq!(
            results(&stdout(&output)),
            expected(),
            "{name}: {}",
            stderr(&output)
        );
    }
    let output = with_input(run(&stand_in).arg("--list"), LIST);
    assert_eq!(results(&stdout(&output)), expected(), "{}", stderr(&output));

    let list = file(&folder, "users.txt", LIST);
    let output = run_list(&stand_in, &list, &[]);
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(
        said.contains("users.txt holds several JSON values") && said.contains("--list"),
        "{said}"
    );
}

/// One object over several lines, as people format it, and several in one line.
#[test]
fn a_line_is_one_object() {
    let stand_in = start();
    let folder = folder("one_object");
    for (list, words) in [
        (
            "{\n  \"profile\": {}\n}",
            "line 1 is not JSON: it ends before its last brace, bracket or quote is closed; a list has one object a line\n",
        ),
        (
            "[{\"profile\":{\"profile-id\":\"u1\"}},\n",
            "a list has one object a line\n",
        ),
        (
            "[{\"profile\":{\"profile-id\":\"u1\"}}]",
            "line 1 is an array: give one object, or one object a line\n",
        ),
        (
            "{} {}",
            "line 1 holds several JSON values: write one a line\n",
        ),
    ] {
        let list = file(&folder, "users.jsonl", list);
        let output = run_list(&stand_in, &list, &[]);
        assert_eq!(output.status.code(), Some(1));
        let said = stderr(&output);
        assert!(said.contains(words), "{said}");
    }
    assert_eq!(stand_in.request_count(), 0);
}

/// `<(…)` of a shell is the name of a pipe.
#[test]
fn a_list_may_be_a_pipe() {
    let stand_in = start();
    let folder = folder("pipe");
    let list = file(&folder, "users.jsonl", users(5_000));
    let script = format!(
        r#"exec "$0" run --token "$1" --base-url "$2" --list --input <(cat '{}')"#,
        list.display()
    );
    let output = Command::new("bash")
        .args(["-c", &script])
        .arg(crate::support::built("host-harness"))
        .args([TOKEN, &stand_in.origin()])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .output()
        .expect("bash");
    assert_eq!(
        stdout(&output).lines().count(),
        5_000,
        "{}",
        stderr(&output)
    );
    assert_eq!(stand_in.profile_count(), 5_000);
}

#[test]
fn byte_order_marks_are_skipped_and_other_encodings_named_once() {
    let stand_in = start();
    let folder = folder("encodings");
    let marked = LIST.replace("{\"profile\"", "\u{feff}{\"profile\"");
    let list = file(&folder, "marked.jsonl", marked);
    let output = run_list(&stand_in, &list, &[]);
    assert_eq!(results(&stdout(&output)), expected(), "{}", stderr(&output));

    let utf16: Vec<u8> = format!("\u{feff}{LIST}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let list = file(&folder, "utf16.jsonl", utf16);
    let output = run_list(&stand_in, &list, &[]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stdout(&output), "");
    let said = stderr(&output);
    assert!(
        said.contains("utf16.jsonl is UTF-16: save it as UTF-8"),
        "{said}"
    );
    assert_eq!(said.matches("UTF-16").count(), 1, "{said}");

    let list = file(&folder, "users.jsonl", b"\x1f\x8b\x08\0\0\0\0\0");
    let said = stderr(&run_list(&stand_in, &list, &[]));
    assert!(said.contains("users.jsonl is compressed by gzip"), "{said}");
}

#[test]
fn an_empty_list_says_so() {
    let stand_in = start();
    let folder = folder("empty");
    for contents in ["", "\n", " \n\n", "\u{feff}"] {
        let list = file(&folder, "users.jsonl", contents);
        let output = run_list(&stand_in, &list, &[]);
        assert_eq!(output.status.code(), Some(0), "{contents:?}");
        assert!(
            stderr(&output).contains("users.jsonl holds no user"),
            "{}",
            stderr(&output)
        );
    }
}

#[test]
fn only_the_first_lines_that_are_refused_are_named() {
    let stand_in = start();
    let list = file(
        &folder("refused"),
        "users.jsonl",
        "nonsense\n".repeat(1_000),
    );
    let said = stderr(&run_list(&stand_in, &list, &[]));
    assert_eq!(said.matches("is not JSON").count(), 10, "{said}");
    assert!(said.contains("990 more lines are refused"), "{said}");
}

#[test]
fn a_user_too_large_for_the_card_does_not_hold_back_the_others() {
    let stand_in = start();
    // As a list of texts, two million of them take more memory than a call may have.
    let items = vec![r#""a""#; 1_900_000].join(",");
    let large = format!(
        r#"{{"profile":{{"profile-id":"large"}},"properties":{{"dynamic-fields":[{{"name":"l","value":{{"text-list":[{items}]}}}}]}}}}"#
    );
    let lines = users(5).replacen('\n', &format!("\n{large}\n"), 2);
    let list = file(&folder("large"), "users.jsonl", lines);
    let output = run_list(&stand_in, &list, &[]);
    let failed: Vec<_> = stdout(&output)
        .lines()
        .map(|line| line.contains("execution-failed"))
        .collect();
    assert_eq!(failed, [false, true, false, true, false, false, false]);
    let said = stderr(&output);
    assert!(said.contains("memory"), "{said}");
    assert!(said.contains("200: 5\nexecution-failed: 2\n"), "{said}");
    assert_eq!(stand_in.profile_count(), 5);
}

#[test]
fn a_list_says_what_is_wrong_with_how_it_is_run() {
    let stand_in = start();
    let list = file(&folder("options"), "users.jsonl", LIST);
    for (more, words) in [
        (vec!["--input", "other.json"], "must be the only --input"),
        (vec!["--concurrency", "0"], "--concurrency"),
        (vec!["--max-retries", "11"], "connection.max-retries is 11"),
        (vec!["--max-wait", "soon"], "--max-wait"),
    ] {
        let output = run_list(&stand_in, &list, &more);
        assert_eq!(output.status.code(), Some(2), "{more:?}");
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
        assert_eq!(stdout(&output), "");
    }
    let output = with_input(
        harness().args(["run", "--stand-in", "--resume", "results"]),
        JOE,
    );
    assert!(stderr(&output).contains("--resume is for lists"));
    assert_eq!(stand_in.request_count(), 0);
}
