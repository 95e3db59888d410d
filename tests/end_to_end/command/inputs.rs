//! One input after another: results, exit codes and messages.

use host_harness::fault::{Fault, Rule};
use serde_json::Value;

use super::{JOE, file, folder, harness, start, stderr, stdout, with_input};
use crate::support::TOKEN;

#[test]
fn the_examples_run_against_the_stand_in() {
    let output = harness()
        .args(["run", "--stand-in"])
        .args(["--input", "examples/new-profile.json"])
        .args(["--input", "examples/same-profile-again.json"])
        .output()
        .expect("the command");
    let created = r#"{"ok":{"status-code":200,"reason":null}}"#;
    assert_eq!(stdout(&output), format!("{created}\n{created}\n"));
    assert_eq!(output.status.code(), Some(0));
    let shown = stderr(&output);
    for words in [
        "POST /engage?ip=0&verbose=1&strict=1 HTTP/1.1",
        r#""$token":"<project token>""#,
        r#""$email": "ada@example.com""#,
        r#""$phone": "+441234567890""#,
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(
        !shown.contains(r#""$email": "countess@example.com""#),
        "{shown}"
    );
}

/// Arguments, input, exit code, and what stdout or stderr must say.
#[test]
fn exit_codes_and_messages() {
    let stand_in = start();
    stand_in.set_rules([Rule::new(Fault::Answer {
        status: 403,
        headers: vec![],
        body: r#"{"error":"Forbidden"}"#.to_owned(),
    })
    .of("forbidden")]);
    let origin = stand_in.origin();
    let base = ["--base-url", &origin, "--token", TOKEN];
    let forbidden = r#"{"profile":{"profile-id":"forbidden"}}"#;
    let several = format!("{JOE}\n{JOE}\n");
    let cases: &[(&[&str], &str, i32, &str)] = &[
        (&base, JOE, 0, r#"{"ok":{"status-code":200,"reason":null}}"#),
        (
            &base,
            forbidden,
            1,
            r#"{"ok":{"status-code":403,"reason":"Forbidden"}}"#,
        ),
        (
            &base,
            r#"{"profile":{"profile-id":""}}"#,
            1,
            r#"{"err":{"permanent-invalid-input":[{"field":"profile.profile-id""#,
        ),
        (
            &["--base-url", "nonsense", "--token", TOKEN],
            JOE,
            1,
            "connection.base-url",
        ),
        (
            &base,
            r#"{"profile":{"profile-id":"x","ip":"1.2.3.4"}}"#,
            2,
            "profile.ip is not known: use one of profile-id",
        ),
        (
            &base,
            r#"{"profile":{"profile-id":"x"},"property":{}}"#,
            2,
            "property is not known",
        ),
        (
            &base,
            r#"{"profile":{}}"#,
            2,
            "standard input: profile.profile-id is missing",
        ),
        (&base, "{", 2, "standard input is not JSON: it ends"),
        (
            &base,
            r#"[["u1","8.8.8.8"],[null,"Ada"]]"#,
            2,
            "standard input is an array: give one object, or one object a line",
        ),
        (
            &base,
            r#"{"profile":["u1"]}"#,
            2,
            "standard input: profile is an array: give an object",
        ),
        (
            &base,
            r#"{"profile":{"profile-id":4711}}"#,
            2,
            "standard input: profile.profile-id is a number: put it in quotes",
        ),
        (&base, &several, 2, "--list"),
        (&base, "", 2, "standard input is empty"),
        (
            &base,
            "\u{feff}{\"profile\":{\"profile-id\":\"u1\"}}",
            0,
            ":200",
        ),
        (
            &base,
            "{\0\"\0",
            2,
            "standard input is UTF-16: save it as UTF-8",
        ),
        (
            &base,
            r#"{"profile":{"profile-id":"u1"},"properties":null}"#,
            0,
            ":200",
        ),
        (&["--base-url", "", "--token", TOKEN], JOE, 2, "it is empty"),
        (
            &["--base-url", " ", "--token", TOKEN],
            JOE,
            2,
            "it is empty",
        ),
        (
            &["--input", "src", "--token", TOKEN],
            JOE,
            2,
            "src cannot be read: ",
        ),
        (&["--base-url", &origin], JOE, 2, "MIXPANEL_PROJECT_TOKEN"),
        (&["--token", TOKEN, "--region", "mars"], JOE, 2, "standard"),
        (
            &["--token", TOKEN, "--input", "no-such-file"],
            "",
            2,
            "no-such-file cannot be read",
        ),
        (
            &["--token", TOKEN, "--component", "README.md"],
            JOE,
            2,
            "not a WebAssembly component",
        ),
        (
            &["--token", TOKEN, "--component", "no-such-file"],
            JOE,
            2,
            "make component",
        ),
        (
            &["--token", TOKEN, "--ca-cert", "README.md"],
            JOE,
            2,
            "no certificate",
        ),
        (
            &["--token", TOKEN, "--resolve", "h"],
            JOE,
            2,
            "HOST:PORT:ADDRESS",
        ),
        (
            &["--stand-in", "--base-url", "http://h"],
            JOE,
            2,
            "cannot be used with",
        ),
        (&["--no-such-option"], JOE, 2, "--no-such-option"),
    ];
    for (arguments, input, code, words) in cases {
        let output = with_input(harness().arg("run").args(*arguments), input);
        let (out, err) = (stdout(&output), stderr(&output));
        assert_eq!(
            output.status.code(),
            Some(*code),
            "{arguments:?}: {out}{err}"
        );
        let said = if *code == 2 { &err } else { &out };
        assert!(said.contains(words), "{arguments:?}: {said}");
        if *code == 2 {
            assert!(out.is_empty(), "{out}");
        } else {
            assert!(out.ends_with('\n') && out.lines().count() == 1, "{out}");
            serde_json::from_str::<Value>(&out).expect("JSON");
        }
    }
}

#[test]
fn an_input_without_end_is_refused() {
    let output = harness()
        .args(["run", "--token", TOKEN, "--input", "/dev/zero"])
        .output()
        .expect("the command");
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("/dev/zero is longer than"),
        "{}",
        stderr(&output)
    );
}

/// Neither a value, nor a word of Rust or of its libraries.
#[test]
fn no_message_has_a_value() {
    let stand_in = start();
    let folder = folder("no_message_has_a_value");
    for input in [
        r#"{"profile":"ada@example.com"}"#,
        r#"{"profile":{"profile-id":["ada@example.com"]}}"#,
        r#"{"profile":{"profile-id":"u"},"properties":"ada@example.com"}"#,
        r#"{"profile":{"profile-id":"u"},"properties":{"dynamic-fields":[{"name":"a","value":"ada@example.com"}]}}"#,
        "ada@example.com",
        "'ada@example.com'",
    ] {
        let input = file(&folder, "input.json", input);
        let list = file(
            &folder,
            "list.jsonl",
            std::fs::read(&input).expect("a file"),
        );
        for input in [input, list] {
            let output = super::run_list(&stand_in, &input, &[]);
            let said = stdout(&output) + &stderr(&output);
            for word in ["ada@", "expected", "invalid type", "struct", "at line 1"] {
                assert!(!said.contains(word), "{said}");
            }
        }
    }
    assert_eq!(stand_in.request_count(), 0);
}
