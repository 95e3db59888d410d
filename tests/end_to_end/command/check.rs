//! `check`, and the question before a long list.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Output, Stdio};

use host_harness::fault::{Fault, Rule};
use host_harness::stand_in::{self, StandIn};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::{file, folder, harness, run, run_list, signal, stderr, stdout, users};
use crate::support::TOKEN;

const PATH: &str = "/api/app/validate-project-credentials/";
const WRONG: &str = "ffffffffffffffffffffffffffffffff";

/// A stand-in that knows the token of these tests.
fn start() -> StandIn {
    StandIn::start(stand_in::Options {
        tokens: vec![TOKEN.to_owned()],
        ..stand_in::Options::default()
    })
    .expect("a stand-in")
}

fn check(stand_in: &StandIn, token: &str) -> Output {
    harness()
        .args(["check", "--base-url", &stand_in.origin()])
        .env("MIXPANEL_PROJECT_TOKEN", token)
        .output()
        .expect("the command")
}

/// How often a stand-in was asked for a token.
fn asked(stand_in: &StandIn) -> usize {
    let requests = stand_in.requests();
    requests
        .iter()
        .filter(|request| request.target() == PATH)
        .count()
}

#[test]
fn verdicts() {
    let page = Fault::Answer {
        status: 404,
        headers: vec![],
        body: "<h1>Not here</h1>".to_owned(),
    };
    for (token, failure, code, sentence) in [
        (TOKEN, None, 0, "valid: Mixpanel knows the project token\n"),
        (
            WRONG,
            None,
            1,
            "invalid: Mixpanel does not know the project token: Invalid project token\n",
        ),
        (
            TOKEN,
            Some(page),
            3,
            "unknown: Mixpanel did not say whether the project token is right: ",
        ),
        (TOKEN, Some(Fault::Garbage), 3, "unknown: "),
    ] {
        let stand_in = start();
        stand_in.set_rules(failure.map(Rule::new));
        let output = check(&stand_in, token);
        let said = stdout(&output);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{said}{}",
            stderr(&output)
        );
        assert!(
            said.starts_with(sentence) && said.lines().count() == 1,
            "{said}"
        );
        assert!(!(said + &stderr(&output)).contains(token));
        assert_eq!(stand_in.profile_count(), 0);
    }
}

#[test]
fn what_cannot_be_asked() {
    let stand_in = start();
    for (token, base_url, words) in [
        ("", &*stand_in.origin(), "connection.project-token"),
        (TOKEN, "nonsense", "connection.base-url"),
    ] {
        let output = harness()
            .args(["check", "--base-url", base_url])
            .env("MIXPANEL_PROJECT_TOKEN", token)
            .output()
            .expect("the command");
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
    assert_eq!(stand_in.request_count(), 0);
}

/// Runs a command on a terminal of its own, on which `answer` is typed; what was shown there, and the
/// rest of the command's end.
fn on_terminal(command: &mut Command, answer: &str) -> (String, Output) {
    on_terminal_with(command, |terminal, _| {
        terminal.write_all(answer.as_bytes()).expect("a terminal");
    })
}

fn on_terminal_with(
    command: &mut Command,
    person: impl FnOnce(&mut File, &Child),
) -> (String, Output) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&terminal).expect("a terminal");
    unlockpt(&terminal).expect("a terminal");
    let name = ptsname(&terminal, vec![]).expect("a terminal");
    let end = || {
        let name = name.to_str().expect("UTF-8");
        File::options()
            .read(true)
            .write(true)
            .open(name)
            .expect("a terminal")
    };
    let child = command
        .stdin(end())
        .stderr(end())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command");
    // The command keeps its ends to itself, or the terminal would never fall silent.
    command.stdin(Stdio::null()).stderr(Stdio::null());
    let mut terminal = File::from(terminal);
    person(&mut terminal, &child);
    let mut shown = vec![];
    // Once nobody has it open, reading fails.
    let _ = terminal.read_to_end(&mut shown);
    let output = child.wait_with_output().expect("its end");
    (String::from_utf8_lossy(&shown).into_owned(), output)
}

#[test]
fn a_long_list_is_asked_for_on_a_terminal_alone() {
    let folder = folder("asked_for");
    let many = file(&folder, "many.jsonl", users(101));
    let few = file(&folder, "few.jsonl", users(100));
    for (list, token, more, answer, questions, code) in [
        (&many, TOKEN, &[][..], "", 0, 0),
        (&many, WRONG, &[], "y\n", 1, 0),
        (&many, WRONG, &[], "Yes\n", 1, 0),
        (&many, WRONG, &[], "n\n", 1, 2),
        (&many, WRONG, &[], "\n", 1, 2),
        (&many, WRONG, &["--yes"], "", 0, 0),
        (&few, WRONG, &[], "", 0, 0),
    ] {
        let stand_in = start();
        let mut command = harness();
        command
            .args(["run", "--base-url", &stand_in.origin(), "--input"])
            .arg(list)
            .args(more)
            .env("MIXPANEL_PROJECT_TOKEN", token);
        let (shown, output) = on_terminal(&mut command, answer);
        assert_eq!(output.status.code(), Some(code), "{shown}");
        assert_eq!(
            shown.matches("Send them nevertheless?").count(),
            questions,
            "{shown}"
        );
        assert_eq!(asked(&stand_in), usize::from(list == &many), "{shown}");
        let says = shown.contains("invalid: Mixpanel does not know the project token");
        assert_eq!(says, list == &many && token == WRONG, "{shown}");
        let sent = if code == 0 {
            stdout(&output).lines().count()
        } else {
            0
        };
        assert_eq!(stand_in.profile_count(), sent);
        assert_eq!(sent > 0, code == 0);
        assert!(!shown.contains(token));
    }

    let stand_in = start();
    let output = run_list(&stand_in, &many, &[]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(asked(&stand_in), 0);
}

#[test]
fn the_question_can_be_interrupted() {
    let list = file(&folder("interrupted"), "users.jsonl", users(101));
    for name in ["INT", "TERM"] {
        let stand_in = start();
        let mut command = harness();
        command
            .args(["run", "--base-url", &stand_in.origin(), "--input"])
            .arg(&list)
            .env("MIXPANEL_PROJECT_TOKEN", WRONG);
        let (shown, output) = on_terminal_with(&mut command, |terminal, child| {
            let mut shown = vec![];
            while !shown.ends_with(b"[y/N] ") {
                let mut byte = [0];
                terminal.read_exact(&mut byte).expect("the question");
                shown.extend(byte);
            }
            // The bar would share its line.
            let shown = String::from_utf8_lossy(&shown);
            assert!(!shown.contains("left"), "{shown}");
            signal(child, name);
        });
        assert_eq!(output.status.code(), Some(2), "{shown}");
        assert!(shown.contains("interrupted after 0 results"), "{shown}");
        assert_eq!(stand_in.profile_count(), 0);
    }
}

/// That nothing is known keeps nobody from sending.
#[test]
fn a_list_goes_on_where_nothing_is_known() {
    let stand_in = start();
    let page = Fault::Answer {
        status: 404,
        headers: vec![],
        body: String::new(),
    };
    stand_in.set_rules([Rule::new(page).times(1)]);
    let list = file(&folder("unknown"), "users.jsonl", users(101));
    let mut command = run(&stand_in);
    let (shown, output) = on_terminal(command.arg("--input").arg(list), "");
    assert_eq!(output.status.code(), Some(0), "{shown}");
    assert!(shown.contains("unknown: "), "{shown}");
    assert_eq!(stand_in.profile_count(), 101);
}
