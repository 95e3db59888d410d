//! Which failures are retried, how often, and after how long.

use std::time::Duration;

use super::{Failure, history, retry_after, wait};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn what_is_retried() {
    for status in 100..=599 {
        let again = matches!(status, 408 | 425 | 429 | 500 | 502..=504 | 506..=599);
        assert_eq!(
            wait(Failure::Status(status, None), 1, 3, 0).is_some(),
            again,
            "{status}"
        );
    }
    assert!(wait(Failure::Transport, 1, 3, 0).is_some());
}

#[test]
fn how_often() {
    for (max_retries, tries, again) in [
        (0, 1, false),
        (1, 1, true),
        (1, 2, false),
        (3, 3, true),
        (3, 4, false),
        (10, 10, true),
        (10, 11, false),
        (255, 255, true),
    ] {
        let waits = wait(Failure::Transport, tries, max_retries, 7).is_some();
        assert_eq!(waits, again, "try {tries} of {max_retries} retries");
    }
}

#[test]
fn waits_double_from_two_seconds_to_sixty_with_one_to_five_of_jitter() {
    for (tries, seconds) in [
        (1, 2),
        (2, 4),
        (3, 8),
        (4, 16),
        (5, 32),
        (6, 60),
        (7, 60),
        (10, 60),
        (255, 60),
    ] {
        for seed in (0..1_000).chain([u64::MAX]) {
            let wait = wait(Failure::Transport, tries, 255, seed).expect("a wait");
            let least = seconds * SECOND + SECOND;
            assert!(
                (least..=least + 4 * SECOND).contains(&wait),
                "{tries}: {wait:?}"
            );
        }
    }
}

#[test]
fn neighbouring_seeds_spread_over_the_whole_jitter() {
    let waits: Vec<_> = (0..1_000)
        .map(|seed| wait(Failure::Transport, 1, 3, seed).expect("a wait"))
        .collect();
    for quarter in 0..4 {
        let from = (3 + quarter) * SECOND;
        let share = waits
            .iter()
            .filter(|wait| (from..from + SECOND).contains(*wait))
            .count();
        assert!(
            (150..=350).contains(&share),
            "second {quarter}: {share} of 1000"
        );
    }
}

#[test]
fn retry_after_counts_where_it_is_longer_and_at_most_sixty_seconds() {
    for (asked, min, max) in [
        (0, Some(3), 7),
        (1, Some(3), 7),
        (7, Some(7), 7),
        (30, Some(30), 30),
        (60, Some(60), 60),
        (61, None, 0),
        (u64::MAX, None, 0),
    ] {
        let failure = Failure::Status(429, Some(Duration::from_secs(asked)));
        let wait = wait(failure, 1, 3, 42);
        match (wait, min) {
            (Some(wait), Some(min)) => {
                assert!(
                    (min * SECOND..=max * SECOND).contains(&wait),
                    "{asked}: {wait:?}"
                );
            }
            (wait, min) => assert_eq!(wait.is_some(), min.is_some(), "{asked}"),
        }
    }
}

#[test]
fn the_reason_tells_of_the_tries() {
    let busy = |seconds| Failure::Status(429, Some(Duration::from_secs(seconds)));
    for (failure, tries, said) in [
        (Failure::Transport, 1, ""),
        (Failure::Transport, 4, " (tried 4 times)"),
        (Failure::Status(503, None), 2, " (tried 2 times)"),
        (busy(0), 2, " (tried 2 times)"),
        (busy(90), 1, " (the server asks to wait 90 s)"),
        (busy(5), 3, " (tried 3 times; the server asks to wait 5 s)"),
    ] {
        assert_eq!(history(failure, tries), said);
    }
}

#[test]
fn retry_after_is_read() {
    const DATE: Option<&str> = Some("Tue, 24 Nov 2026 08:00:00 GMT");
    for (headers, date, seconds) in [
        (&["0"][..], None, Some(0)),
        (&[" 120 "], None, Some(120)),
        (&["99999999999999999999999999"], None, Some(u64::MAX)),
        (&["299.997"], None, Some(300)),
        (&["5.0"], None, Some(5)),
        (&["0.001"], None, Some(1)),
        (&["18446744073709551615.5"], None, Some(u64::MAX)),
        (&["120, 120"], None, Some(120)),
        (&["5,120"], None, Some(120)),
        (&["120, soon"], None, Some(120)),
        (&["7", "soon", "9"], None, Some(9)),
        (&["Tue, 24 Nov 2026 08:00:30 GMT"], DATE, Some(30)),
        (&["Tuesday, 24-Nov-26 08:00:30 GMT"], DATE, Some(30)),
        (&["Tue Nov 24 08:00:30 2026"], DATE, Some(30)),
        (&["Tue, 24 Nov 2026 07:00:00 GMT"], DATE, Some(0)),
        (&["Tue, 24 Nov 2026 08:00:30 GMT", "40"], DATE, Some(40)),
        (&["Tue, 24 Nov 2026 08:00:30 GMT, 40"], DATE, Some(40)),
        (&["20, Tue, 24 Nov 2026 08:00:30 GMT"], DATE, Some(30)),
        (
            &["Tue, 24 Nov 2026 08:00:30 GMT, Tuesday, 24-Nov-26 08:00:50 GMT"],
            DATE,
            Some(50),
        ),
        (
            &["Tue Nov 24 08:00:30 2026,Tue Nov 24 08:00:40 2026"],
            DATE,
            Some(40),
        ),
        (&["Tue, 24 Nov 2026 08:00:30 GMT"], None, None),
        (&["Tue, 24 Nov 2026 08:00:30 GMT"], Some("today"), None),
        (&["soon"], DATE, None),
        (&["-1"], DATE, None),
        (&["1e3"], DATE, None),
        (&["1."], DATE, None),
        (&[".5"], DATE, None),
        (&["١"], DATE, None),
        (&[""], DATE, None),
        (&[], DATE, None),
    ] {
        let headers: Vec<_> = headers.iter().map(|header| (*header).to_owned()).collect();
        assert_eq!(
            retry_after(&headers, date),
            seconds.map(Duration::from_secs),
            "{headers:?}"
        );
    }
}
