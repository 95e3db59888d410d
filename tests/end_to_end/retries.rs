//! What is retried, how often, and after which waits; on a clock that skips them.

use std::ops::RangeInclusive;
use std::time::Duration;

use host_harness::fault::{Fault, Rule};

use crate::support::{Setup, answer, created, joe, transport};

fn answers(status: u16, headers: &[(&str, &str)]) -> Fault {
    let headers = headers.iter().map(|(n, v)| ((*n).into(), (*v).into()));
    Fault::Answer {
        status,
        headers: headers.collect(),
        body: String::new(),
    }
}

/// In seconds: what doubles, and 1 to 5 of jitter on top.
const FIRST: RangeInclusive<u64> = 3..=7;
const SECOND: RangeInclusive<u64> = 5..=9;
const THIRD: RangeInclusive<u64> = 9..=13;

fn check(waits: &[Duration], expected: &[RangeInclusive<u64>], case: &str) {
    assert_eq!(waits.len(), expected.len(), "{case}: {waits:?}");
    for (wait, expected) in waits.iter().zip(expected) {
        let (least, most) = (*expected.start(), *expected.end());
        let expected = Duration::from_secs(least)..=Duration::from_secs(most);
        assert!(expected.contains(wait), "{case}: {waits:?}");
    }
}

#[tokio::test]
async fn how_often() {
    let last: Vec<_> = [2, 4, 8, 16, 32, 60, 60, 60, 60, 60]
        .map(|s| s + 1..=s + 5)
        .to_vec();
    for (retries, waits) in [
        (Some(0), &[][..]),
        (Some(1), &[FIRST]),
        (None, &[FIRST, SECOND, THIRD]),
        (Some(3), &[FIRST, SECOND, THIRD]),
        (Some(10), &last),
    ] {
        for fault in [answers(503, &[]), Fault::Close] {
            let mut setup = Setup::new();
            setup.connection.max_retries = retries;
            setup.stand_in.set_rules([Rule::new(fault.clone())]);
            let outcome = setup.call(&joe("u1")).await;
            let reason = match fault {
                Fault::Close => transport(outcome),
                _ => answer(outcome).1.expect("a reason"),
            };
            let tries = waits.len() + 1;
            assert_eq!(setup.stand_in.requests().len(), tries, "{retries:?}");
            let said = format!("(tried {tries} times)");
            assert_eq!(reason.contains(&said), tries > 1, "{retries:?}: {reason}");
            check(&setup.skipped.waits(), waits, &format!("{retries:?}"));
        }
    }
}

#[tokio::test]
async fn which_answers() {
    for status in [
        201, 204, 301, 400, 401, 403, 404, 408, 413, 418, 425, 429, 500, 501, 502, 503, 504, 505,
        507, 520, 521, 522, 523, 524, 529, 599,
    ] {
        let setup = Setup::new();
        setup.stand_in.set_rules([Rule::new(answers(status, &[]))]);
        let (code, _) = answer(setup.call(&joe("u1")).await);
        // A 2xx that says nothing is a 502 to the card.
        let again = matches!(code, 408 | 425 | 429 | 500..=599) && !matches!(code, 501 | 505);
        assert_eq!(
            setup.stand_in.requests().len(),
            if again { 4 } else { 1 },
            "{status}"
        );
    }
}

#[tokio::test]
async fn a_success_ends_the_tries() {
    for failures in 0..=3 {
        let setup = Setup::new();
        setup
            .stand_in
            .set_rules([Rule::new(answers(503, &[])).times(failures)]);
        assert_eq!(setup.call(&joe("u1")).await, created(), "{failures}");
        let tries = usize::try_from(failures).expect("few") + 1;
        assert_eq!(setup.stand_in.requests().len(), tries);
        assert_eq!(
            setup.stand_in.connections(),
            1,
            "the connection is kept between tries"
        );
        let bodies: std::collections::BTreeSet<_> = setup
            .stand_in
            .requests()
            .into_iter()
            .map(|request| request.body)
            .collect();
        assert_eq!(bodies.len(), 1, "each try sends the same");
    }
}

#[tokio::test]
async fn retry_after() {
    let date = ("Date", "Tue, 24 Nov 2026 08:00:00 GMT");
    for (headers, waits) in [
        (vec![("Retry-After", "0")], Some(FIRST)),
        (vec![("Retry-After", "2")], Some(FIRST)),
        (vec![("Retry-After", "20")], Some(20..=20)),
        (vec![("retry-after", "60")], Some(60..=60)),
        (vec![("Retry-After", "61")], None),
        (vec![("Retry-After", "99999999999999999999")], None),
        (vec![("Retry-After", "19.997")], Some(20..=20)),
        (vec![("Retry-After", "299.997")], None),
        (vec![("Retry-After", "20, 20")], Some(20..=20)),
        (vec![("Retry-After", "20, 61")], None),
        (
            vec![("Retry-After", "20"), ("Retry-After", "30")],
            Some(30..=30),
        ),
        (
            vec![date, ("Retry-After", "Tuesday, 24-Nov-26 08:00:40 GMT")],
            Some(40..=40),
        ),
        (
            vec![date, ("Retry-After", "Tue Nov 24 08:00:40 2026")],
            Some(40..=40),
        ),
        (vec![("Retry-After", "soon")], Some(FIRST)),
        (vec![("Retry-After", "")], Some(FIRST)),
        (
            vec![date, ("Retry-After", "Tue, 24 Nov 2026 08:00:40 GMT")],
            Some(40..=40),
        ),
        (
            vec![date, ("Retry-After", "Tue, 24 Nov 2026 07:00:00 GMT")],
            Some(FIRST),
        ),
        (
            vec![date, ("Retry-After", "Tue, 24 Nov 2026 09:00:00 GMT")],
            None,
        ),
        (
            vec![("Retry-After", "Tue, 24 Nov 2026 08:00:40 GMT")],
            Some(FIRST),
        ),
    ] {
        let setup = Setup::new();
        setup
            .stand_in
            .set_rules([Rule::new(answers(429, &headers)).times(1)]);
        let outcome = setup.call(&joe("u1")).await;
        match waits {
            Some(waits) => {
                assert_eq!(outcome, created(), "{headers:?}");
                check(&setup.skipped.waits(), &[waits], &format!("{headers:?}"));
            }
            None => {
                let (code, reason) = answer(outcome);
                assert_eq!(code, 429, "{headers:?}");
                assert!(reason.is_some_and(|reason| reason.contains("asks to wait")));
                assert!(setup.skipped.waits().is_empty());
            }
        }
    }
}

/// The jitter keeps the calls of many flows apart.
#[tokio::test]
async fn waits_differ_from_call_to_call() {
    let setup = Setup::new();
    for id in 0..20 {
        setup
            .stand_in
            .set_rules([Rule::new(answers(503, &[])).times(1)]);
        assert_eq!(setup.call(&joe(&format!("u{id}"))).await, created());
    }
    let waits: std::collections::BTreeSet<_> = setup.skipped.waits().into_iter().collect();
    assert!(waits.len() > 10, "{waits:?}");
}
