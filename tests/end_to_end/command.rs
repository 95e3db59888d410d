//! The command line: one JSON object a result, exit codes, and no token in anything it prints.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use host_harness::fault::{Fault, Rule};
use host_harness::outbound::MIXPANEL;
use host_harness::stand_in::{self, Authority, StandIn, Validity};
use serde_json::{Value, json};

use crate::support::{TOKEN, built};

fn harness() -> Command {
    let mut command = Command::new(built("host-harness"));
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("MIXPANEL_PROJECT_TOKEN")
        .env("RUST_BACKTRACE", "1")
        .env("RUST_LOG", "trace")
        .stdin(Stdio::null());
    command
}

/// Runs the command with this on its standard input.
fn with_input(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command");
    let mut stdin = child.stdin.take().expect("its input");
    // One that refuses its arguments does not read on.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("its end")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const JOE: &str = r#"{"profile":{"profile-id":"u1"},"properties":{"name":"Joe"}}"#;

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
    let stand_in = StandIn::start(stand_in::Options::default()).expect("a stand-in");
    stand_in.set_rules([Rule::new(Fault::Answer {
        status: 403,
        headers: vec![],
        body: r#"{"error":"Forbidden"}"#.to_owned(),
    })
    .of("forbidden")]);
    let origin = stand_in.origin();
    let base = ["--base-url", &origin, "--token", TOKEN];
    let forbidden = r#"{"profile":{"profile-id":"forbidden"}}"#;
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
            "unknown field `ip`",
        ),
        (
            &base,
            r#"{"profile":{"profile-id":"x"},"property":{}}"#,
            2,
            "unknown field `property`",
        ),
        (&base, r#"{"profile":{}}"#, 2, "missing field `profile-id`"),
        (&base, "{", 2, "standard input is not an input of the card"),
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

/// The untouched `https://api.mixpanel.com`, as curl would be led to another server.
#[test]
fn a_certificate_to_trust_and_a_name_that_leads_elsewhere() {
    let authority = Authority::new().expect("an authority");
    let names = MIXPANEL.map(|origin| origin.trim_start_matches("https://"));
    let stand_in = StandIn::start(stand_in::Options {
        tls: Some(
            authority
                .server(&names, Validity::Valid)
                .expect("a certificate"),
        ),
        ..stand_in::Options::default()
    })
    .expect("a stand-in");
    let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let pem = folder.join(format!("ca-{}.pem", std::process::id()));
    std::fs::write(&pem, authority.pem()).expect("a file");
    for (region, host) in [
        ("standard", names[0]),
        ("eu", names[1]),
        ("india", names[2]),
    ] {
        let resolve = format!("{host}:443:{}", stand_in.address());
        let mut command = harness();
        command
            .args(["run", "--region", region, "--resolve", &resolve])
            .env("MIXPANEL_PROJECT_TOKEN", TOKEN)
            .arg("--ca-cert")
            .arg(&pem);
        let output = with_input(&mut command, JOE);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    std::fs::remove_file(pem).expect("the file is removed");
    let requests = stand_in.requests();
    let hosts: Vec<_> = requests
        .iter()
        .filter_map(|request| request.header("host"))
        .collect();
    assert_eq!(hosts, names);
}

#[test]
fn the_schema_is_json() {
    let output = harness().arg("schema").output().expect("the command");
    let schema: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    assert_eq!(schema["title"], "Create Profile");
    assert_eq!(
        schema["$defs"]["region"]["enum"],
        json!(["standard", "eu", "india"])
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_call_that_hangs() {
    let stand_in = StandIn::start(stand_in::Options::default()).expect("a stand-in");
    stand_in.set_rules([Rule::new(Fault::Hang)]);
    let child = harness()
        .args([
            "run",
            "--token",
            TOKEN,
            "--input",
            "examples/new-profile.json",
        ])
        .args(["--base-url", &stand_in.origin()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command");
    let patience = Duration::from_secs(60);
    assert!(
        stand_in.wait_for_requests(1, patience),
        "the request arrived"
    );
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(killed.expect("kill").success());
    let output = child.wait_with_output().expect("its end");
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("interrupted"));
    assert!(
        stand_in.wait_for_open_connections(0, patience),
        "its connection is closed"
    );
}

/// The token is in nothing that is printed, whatever goes wrong, and in no `Debug` text.
#[test]
fn the_token_is_a_secret() {
    let stand_in = StandIn::start(stand_in::Options::default()).expect("a stand-in");
    let repeats = |status| Fault::Answer {
        status,
        headers: vec![("X-Token".to_owned(), TOKEN.to_owned())],
        body: format!("<b>no project {TOKEN}</b>"),
    };
    stand_in.set_rules([
        Rule::new(repeats(200)).of("page"),
        Rule::new(repeats(401)).of("401"),
        Rule::new(Fault::Reset).of("reset"),
        Rule::new(Fault::Garbage).of("garbage"),
        Rule::new(Fault::CutOff).of("cut-off"),
    ]);
    let origin = stand_in.origin();
    let mut runs = vec![];
    for id in [
        "u1", "page", "401", "reset", "garbage", "cut-off", "null", "",
    ] {
        let input = format!(r#"{{"profile":{{"profile-id":"{id}"}}}}"#);
        let arguments = ["run", "--token", TOKEN, "--max-retries", "0", "--base-url"];
        runs.push(with_input(harness().args(arguments).arg(&origin), &input));
        let mut from_environment = harness();
        from_environment.env("MIXPANEL_PROJECT_TOKEN", TOKEN);
        runs.push(with_input(
            from_environment.args(["run", "--stand-in"]),
            &input,
        ));
    }
    for arguments in [
        &["run", "--help"][..],
        &["run", "--base-url", "x"],
        &["run", "--no-such-option"],
        &["run", "--input", "no-such-file"],
        &[
            "run",
            "--component",
            "README.md",
            "--input",
            "examples/new-profile.json",
        ],
    ] {
        let mut command = harness();
        command.env("MIXPANEL_PROJECT_TOKEN", TOKEN).args(arguments);
        runs.push(with_input(&mut command, JOE));
    }
    for output in runs {
        let said = stdout(&output) + &stderr(&output);
        assert!(!said.is_empty() && !said.contains(TOKEN), "{said}");
    }
    let connection = crate::support::connection(&origin);
    assert!(!format!("{connection:?} {connection:#?}").contains(TOKEN));
}

/// Three users a line, the second of which is refused, and a line that is no input.
const LIST: &str = r#"{"profile":{"profile-id":"u1"},"properties":{"name":"Joe"}}

{"profile":{"profile-id":"null"}}
{"profile":{"profile-id":"u3"}}
nonsense
"#;

/// A list of so many users.
fn users(count: usize) -> String {
    let lines: Vec<_> = (0..count)
        .map(|n| format!(r#"{{"profile":{{"profile-id":"m{n}"}}}}"#))
        .collect();
    lines.join("\n")
}

fn folder(name: &str) -> std::path::PathBuf {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn run_list(stand_in: &StandIn, list: &std::path::Path, more: &[&str]) -> Output {
    harness()
        .args(["run", "--token", TOKEN, "--base-url", &stand_in.origin()])
        .arg("--input")
        .arg(list)
        .args(more)
        .output()
        .expect("the command")
}

/// What became of each line of [`LIST`], in short.
fn results(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| {
            let result: Value = serde_json::from_str(line).expect("JSON");
            match &result["ok"]["status-code"] {
                Value::Null => result["err"]["permanent-invalid-input"][0]["field"].to_string(),
                code => code.to_string(),
            }
        })
        .collect()
}

const RESULTS: [&str; 4] = ["200", r#""profile.profile-id""#, "200", r#""line 5""#];

#[test]
fn a_list_gives_a_result_a_line_in_order_and_counts_at_the_end() {
    let stand_in = StandIn::start(stand_in::Options::default()).expect("a stand-in");
    let list = folder("list").join("users.jsonl");
    std::fs::write(&list, LIST).expect("a list");
    for concurrency in ["1", "8"] {
        let output = run_list(&stand_in, &list, &["--concurrency", concurrency]);
        assert_eq!(results(&stdout(&output)), RESULTS, "{}", stderr(&output));
        assert_eq!(stderr(&output), "200: 2\npermanent-invalid-input: 2\n");
        assert_eq!(output.status.code(), Some(1));
    }
    assert_eq!(stand_in.request_count(), 2);
    assert_eq!(stand_in.profile_count(), 2);

    // Many calls at once, and more lines than one of them holds.
    let many = users(10_000);
    std::fs::write(&list, many).expect("a list");
    let output = run_list(&stand_in, &list, &["--concurrency", "3"]);
    assert_eq!(stdout(&output).lines().count(), 10_000);
    assert_eq!(stderr(&output), "200: 10000\n");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stand_in.request_count(), 2 + 5);
    assert_eq!(stand_in.profile_count(), 10_002);
}

#[test]
fn a_user_too_large_for_the_card_does_not_hold_back_the_others() {
    let stand_in = StandIn::start(stand_in::Options::default()).expect("a stand-in");
    let list = folder("large").join("users.jsonl");
    // As a list of texts, two million of them take more memory than a call may have.
    let items = vec![r#""a""#; 1_900_000].join(",");
    let large = format!(
        r#"{{"profile":{{"profile-id":"large"}},"properties":{{"dynamic-fields":[{{"name":"l","value":{{"text-list":[{items}]}}}}]}}}}"#
    );
    let lines = users(5).replacen('\n', &format!("\n{large}\n"), 2);
    std::fs::write(&list, lines).expect("a list");
    let output = run_list(&stand_in, &list, &[]);
    let failed: Vec<_> = stdout(&output)
        .lines()
        .map(|line| line.contains("execution-failed"))
        .collect();
    assert_eq!(failed, [false, true, false, true, false, false, false]);
    let said = stderr(&output);
    assert!(said.contains("memory"), "{said}");
    assert!(said.ends_with("200: 5\nexecution-failed: 2\n"), "{said}");
    assert_eq!(stand_in.profile_count(), 5);
}

#[test]
fn a_list_goes_on_where_it_was_interrupted() {
    let stand_in = StandIn::start(stand_in::Options::default()).expect("a stand-in");
    let folder = folder("resume");
    let (list, file) = (folder.join("users.jsonl"), folder.join("results.jsonl"));
    std::fs::write(&list, LIST).expect("a list");
    let whole = stdout(&run_list(&stand_in, &list, &[]));
    let resume = file.to_str().expect("UTF-8");
    let first = whole.lines().next().expect("a result").to_owned() + "\n";
    // Nothing yet, one result, one and a broken half, and all of them.
    for before in [
        None,
        Some(first.clone()),
        Some(first + "{\"ok\":{\"st"),
        Some(whole.clone()),
    ] {
        let _ = std::fs::remove_file(&file);
        if let Some(before) = &before {
            std::fs::write(&file, before).expect("results");
        }
        let requests = stand_in.request_count();
        let output = run_list(&stand_in, &list, &["--resume", resume]);
        assert_eq!(stdout(&output), "");
        assert_eq!(std::fs::read_to_string(&file).expect("results"), whole);
        assert_eq!(stderr(&output), "200: 2\npermanent-invalid-input: 2\n");
        assert_eq!(output.status.code(), Some(1));
        let sent = stand_in.request_count() - requests;
        assert_eq!(sent, u64::from(before.as_deref() != Some(&whole)));
    }
    for (text, words) in [
        (whole.clone() + &whole, "they are of another file"),
        ("nonsense\n".to_owned(), "line 1 is not a result of a run"),
    ] {
        std::fs::write(&file, &text).expect("results");
        let output = run_list(&stand_in, &list, &["--resume", resume]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
        assert_eq!(std::fs::read_to_string(&file).expect("results"), text);
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_list_keeps_its_results() {
    let stand_in = StandIn::start(stand_in::Options::default()).expect("a stand-in");
    let folder = folder("interrupt");
    let (list, file) = (folder.join("users.jsonl"), folder.join("results.jsonl"));
    let users = users(5_000);
    std::fs::write(&list, users).expect("a list");
    stand_in.set_rules([Rule::new(Fault::Hang).of("m4000")]);
    let child = harness()
        .args(["run", "--token", TOKEN, "--base-url", &stand_in.origin()])
        .arg("--input")
        .arg(&list)
        .arg("--resume")
        .arg(&file)
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command");
    assert!(stand_in.wait_for_requests(3, Duration::from_secs(60)));
    let interrupted = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .expect("kill");
    assert!(interrupted.success());
    let output = child.wait_with_output().expect("its end");
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(said.contains("200: 4000\n"), "{said}");
    assert!(said.contains("interrupted after 4000 results"), "{said}");

    stand_in.set_rules([]);
    let output = run_list(
        &stand_in,
        &list,
        &["--resume", file.to_str().expect("UTF-8")],
    );
    assert_eq!(stderr(&output), "200: 5000\n");
    let results = std::fs::read_to_string(&file).expect("results");
    assert_eq!(results.lines().count(), 5_000);
    assert_eq!(stand_in.profile_count(), 5_000);
}

#[test]
fn a_list_says_what_is_wrong_with_how_it_is_run() {
    let stand_in = StandIn::start(stand_in::Options::default()).expect("a stand-in");
    let list = folder("refused").join("users.jsonl");
    std::fs::write(&list, LIST).expect("a list");
    for (more, words) in [
        (vec!["--input", "other.json"], "must be the only --input"),
        (vec!["--concurrency", "0"], "--concurrency"),
        (vec!["--max-retries", "11"], "connection.max-retries is 11"),
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
    assert!(stderr(&output).contains("--resume is for"));
    assert_eq!(stand_in.request_count(), 0);
}
