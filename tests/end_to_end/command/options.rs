//! Certificates, names, tokens, proxies and the schema.

use host_harness::outbound::MIXPANEL;
use host_harness::stand_in::{self, Authority, StandIn, Validity};
use serde_json::{Value, json};

use super::{JOE, file, folder, harness, run, start, stderr, stdout, with_input};
use crate::support::TOKEN;

/// The untouched `https://api.mixpanel.com`, as curl would be led to another server.
#[test]
fn a_certificate_to_trust_and_a_name_that_leads_elsewhere() {
    let authority = Authority::new().expect("an authority");
    let names: Vec<_> = MIXPANEL
        .iter()
        .map(|origin| origin.trim_start_matches("https://"))
        .collect();
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
    assert_eq!(hosts, names[..3]);
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

#[test]
fn help_names_every_command_and_the_file_of_the_token_first() {
    let help = stdout(&harness().arg("--help").output().expect("the command"));
    for line in [
        "run       Run the card, and print one JSON object for each input",
        "check     Ask Mixpanel whether the project token is right",
        "stand-in  Serve a stand-in for Mixpanel, and print its origin",
        "schema    Print the JSON Schema of the card's form",
    ] {
        assert!(help.contains(line), "{help}");
    }
    for command in ["run", "check"] {
        let help = stdout(
            &harness()
                .args([command, "--help"])
                .output()
                .expect("the command"),
        );
        let (_, options) = help.split_once("Options:").expect("options");
        let first = options.trim_start().lines().next().expect("an option");
        assert!(first.contains("--token-file <FILE>"), "{help}");
    }
}

#[test]
fn the_token_may_be_in_a_file() {
    let stand_in = start();
    let folder = folder("token-file");
    for contents in [
        TOKEN.to_owned(),
        format!("{TOKEN}\n"),
        format!("{TOKEN}\r\n"),
        format!("\u{feff}{TOKEN}\r\n"),
    ] {
        stand_in.clear_requests();
        let token = file(&folder, "token", contents);
        let mut command = harness();
        command
            .args(["run", "--base-url", &stand_in.origin(), "--token-file"])
            .arg(token)
            .env("MIXPANEL_PROJECT_TOKEN", "another");
        let output = with_input(&mut command, JOE);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let body = &stand_in.requests()[0].body;
        let sent: Value = serde_json::from_slice(body).expect("JSON");
        assert_eq!(sent[0]["$token"], TOKEN);
    }
    file(&folder, "utf-16", b"\xff\xfe6\0f\0");
    file(&folder, "latin-1", b"caf\xe9");
    file(&folder, "long", "6".repeat(5_000));
    for (name, words) in [
        ("none", "none cannot be read"),
        (".", "cannot be read"),
        ("utf-16", "utf-16 is UTF-16: save it as UTF-8"),
        ("latin-1", "latin-1 is not UTF-8: save it as UTF-8"),
        ("long", "long holds more than a token"),
        ("/dev/zero", "/dev/zero holds more than a token"),
    ] {
        for subcommand in ["run", "check"] {
            let mut command = harness();
            command
                .args([subcommand, "--token-file"])
                .arg(folder.join(name));
            let output = with_input(&mut command, JOE);
            let said = stderr(&output);
            assert_eq!(output.status.code(), Some(2), "{said}");
            assert!(said.contains(words), "{said}");
            assert!(!said.contains("6666"), "{said}");
        }
    }
}

#[test]
fn what_an_option_wants_is_said_in_words() {
    let port_in_use = start();
    let listening = port_in_use.address().to_string();
    let not_wasm = file(&folder("not-wasm"), "file", "text");
    let not_wasm = not_wasm.to_str().expect("UTF-8");
    for (arguments, words) in [
        (&["run", "--max-wait", "1e3"][..], "it is no whole number"),
        (&["run", "--max-wait", ""], "it is no whole number"),
        (
            &["run", "--max-wait", "99999999999999999999"],
            "it is too large",
        ),
        (&["run", "--max-retries", "1.5"], "it is no whole number"),
        (&["run", "--max-retries", "256"], "it is too large"),
        (&["run", "--concurrency", "x"], "it is no whole number"),
        (&["run", "--concurrency", "0"], "it must be from 1 to 256"),
        (&["run", "--concurrency", "257"], "it must be from 1 to 256"),
        (
            &["stand-in", "--listen", "127.0.0.1:99999"],
            "write an IP address and a port",
        ),
        (&["stand-in", "--listen", &listening], "cannot listen on"),
        (
            &["run", "--stand-in", "--component", not_wasm],
            "this is not a WebAssembly component\n",
        ),
        (
            &["run", "--stand-in", "--ca-cert", "/dev/zero"],
            "/dev/zero is longer than 1048576 bytes",
        ),
        (&["check"], "no project token: give --token-file"),
    ] {
        let output = with_input(harness().args(arguments), JOE);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    }
}

#[test]
fn a_proxy_that_is_not_used_is_said_once() {
    let stand_in = start();
    for (name, value, times) in [
        ("HTTPS_PROXY", "http://user:secret@proxy.example:3128", 1),
        ("https_proxy", "http://user:secret@proxy.example:3128", 1),
        ("ALL_PROXY", "socks5://user:secret@proxy.example", 1),
        ("HTTPS_PROXY", "", 0),
        ("NO_PROXY", "example.com", 0),
    ] {
        let output = with_input(run(&stand_in).env(name, value), JOE);
        assert_eq!(output.status.code(), Some(0));
        let said = stderr(&output);
        let warning = format!("{name} is set, but not used");
        assert_eq!(said.matches(&warning).count(), times, "{said}");
        assert!(!said.contains("secret"), "{said}");
    }
}

/// With and without the card's path, or a slash, behind it.
#[test]
fn the_path_of_profiles_is_not_doubled() {
    let stand_in = start();
    for end in ["", "/", "/engage", "/engage/"] {
        let base_url = stand_in.origin() + end;
        let arguments = ["run", "--token", TOKEN, "--base-url", &base_url];
        let output = with_input(harness().args(arguments), JOE);
        assert_eq!(output.status.code(), Some(0), "{end}: {}", stdout(&output));
    }
}
