//! A list waits for a server that asks for it.

use host_harness::fault::Rule;

use super::{
    PATIENCE, file, folder, read, response, results, resume, run, run_list, signal, start, stderr,
    stdout, unread, users,
};
use crate::support::TOKEN;

const NO_RETRIES: [&str; 2] = ["--max-retries", "0"];

#[test]
fn a_list_waits_as_long_as_the_server_asks_and_sends_the_rest_then() {
    for concurrency in ["1", "3"] {
        let stand_in = start();
        let list = file(&folder("waits"), "users.jsonl", users(5_000));
        let busy = response(429, &[("Retry-After", "1")]);
        stand_in.set_rules([Rule::new(busy).of("m2000").times(2)]);
        let more = [&NO_RETRIES[..], &["--concurrency", concurrency]].concat();
        let output = run_list(&stand_in, &list, &more);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let said = stderr(&output);
        assert_eq!(
            said.matches("waiting 1 s, as the server asks\n").count(),
            2,
            "{said}"
        );
        assert!(said.ends_with("200: 5000\n"), "{said}");
        let lines: Vec<_> = results(&stdout(&output))
            .into_iter()
            .map(|(line, ..)| line)
            .collect();
        assert_eq!(lines, (1..=5_000).collect::<Vec<_>>());
        assert_eq!(stand_in.request_count(), 5);
        assert_eq!(stand_in.profile_count(), 5_000);
    }
}

#[test]
fn a_wait_that_is_too_long_stops_the_list_and_the_same_command_heals_it() {
    let stand_in = start();
    let folder = folder("too_long");
    let list = file(&folder, "users.jsonl", users(40_000));
    let file = folder.join("results.jsonl");
    let busy = response(429, &[("Retry-After", "61")]);
    stand_in.set_rules([Rule::new(busy).of("m2000")]);
    let more = [&NO_RETRIES[..], &["--max-wait", "60"]].concat();
    for runs in 1..=2 {
        let output = resume(&stand_in, &list, &file, &more);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("200: 2000\n429: 2000\n"), "{said}");
        assert!(
            said.contains("the server asks to wait 61 s, which is over --max-wait"),
            "{said}"
        );
        assert!(said.contains("the same command goes on"), "{said}");
        assert_eq!(stand_in.request_count(), 1 + runs);
        assert_eq!(
            results(&read(&file)).len(),
            2_000 + usize::try_from(2_000 * runs).expect("few")
        );
    }
    stand_in.set_rules([]);
    let output = resume(&stand_in, &list, &file, &more);
    assert_eq!(
        (stderr(&output).as_str(), output.status.code()),
        ("200: 40000\n", Some(0))
    );
    assert_eq!(stand_in.request_count(), 3 + 19);
    assert_eq!(stand_in.profile_count(), 40_000);
}

/// Without an end to the waits in vain, the longest wait would be none.
#[test]
fn waits_in_vain_add_up() {
    let stand_in = start();
    let list = file(&folder("in_vain"), "users.jsonl", users(3));
    stand_in.set_rules([Rule::new(response(503, &[("Retry-After", "1")]))]);
    let more = [&NO_RETRIES[..], &["--max-wait", "2"]].concat();
    let output = run_list(&stand_in, &list, &more);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert_eq!(stand_in.request_count(), 3);
    let outcomes: Vec<_> = results(&stdout(&output))
        .into_iter()
        .map(|(.., outcome)| outcome)
        .collect();
    assert_eq!(outcomes, ["503"; 3]);
}

#[test]
fn the_first_value_of_a_profile_stays_over_a_wait() {
    let stand_in = start();
    let line = |name: &str| {
        format!(
            "{{\"profile\":{{\"profile-id\":\"twice\"}},\"properties\":{{\"name\":\"{name}\"}}}}\n"
        )
    };
    let contents = line("first") + &users(3_000) + "\n" + &line("second");
    let list = file(&folder("wait_order"), "users.jsonl", contents);
    let busy = response(429, &[("Retry-After", "1")]);
    stand_in.set_rules([Rule::new(busy).times(1)]);
    let output = run_list(&stand_in, &list, &NO_RETRIES);
    assert!(
        stderr(&output).ends_with("200: 3002\n"),
        "{}",
        stderr(&output)
    );
    let profile = stand_in.profile(TOKEN, "twice").expect("a profile");
    assert_eq!(profile["$properties"]["$name"], "first");
}

#[test]
fn a_wait_can_be_interrupted() {
    for name in ["INT", "TERM"] {
        let stand_in = start();
        let folder = folder("wait_interrupted");
        let list = file(&folder, "users.jsonl", users(3_000));
        let busy = response(429, &[("Retry-After", "600")]);
        stand_in.set_rules([Rule::new(busy).of("m2000")]);
        let mut command = run(&stand_in);
        command.arg("--input").arg(&list).args(NO_RETRIES);
        let child = unread(&mut command);
        assert!(stand_in.wait_for_requests(2, PATIENCE));
        // The response is on its way, or the wait has begun: either way it ends.
        signal(&child, name);
        let output = child.wait_with_output().expect("its end");
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(
            stderr(&output).contains("200: 2000\n"),
            "{}",
            stderr(&output)
        );
        assert!(
            stderr(&output).contains("interrupted after 2000 results"),
            "{}",
            stderr(&output)
        );
    }
}
