//! The token is in nothing that is printed.

use host_harness::fault::{Fault, Rule};

use super::{JOE, harness, start, stderr, stdout, with_input};
use crate::support::TOKEN;

/// The token is in nothing that is printed, whatever goes wrong, and in no `Debug` text.
#[test]
fn the_token_is_a_secret() {
    let stand_in = start();
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
