//! May a call be tried again, and after how long; pure.

use alloc::string::String;
use core::time::Duration;

use crate::date_time::DateTime;
use crate::faults::with_figure;

/// Retries where the connection names no number.
pub const DEFAULT_RETRIES: u8 = 3;

/// With more, one call could take longer than engines wait for it.
pub const MAX_RETRIES: u8 = 10;

/// The first wait; it doubles with each retry.
const FIRST_WAIT: Duration = Duration::from_secs(2);

/// Where doubling ends, and the longest `Retry-After` that is waited for.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// [Mixpanel's advice] is 1 to 5 seconds of jitter on top of each wait.
///
/// [Mixpanel's advice]: https://docs.mixpanel.com/troubleshooting/errors/429-rate-limit-exceeded
const MIN_JITTER: Duration = Duration::from_secs(1);
const JITTER_SPREAD_MILLISECONDS: u64 = 4_001;

/// How a try ended that was not a success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Mixpanel's answer, as this status code and with this `Retry-After`.
    Status(u16, Option<Duration>),
    /// No answer came.
    Transport,
    /// The host forbids the request.
    Denied,
}

impl Failure {
    /// Whether the same request may well succeed later.
    pub fn is_passing(self) -> bool {
        match self {
            Failure::Status(status, _) => matches!(status, 429 | 500 | 502 | 503 | 504),
            Failure::Transport => true,
            Failure::Denied => false,
        }
    }

    /// How long the server asks to wait.
    fn asked(self) -> Duration {
        match self {
            Failure::Status(_, Some(asked)) => asked,
            _ => Duration::ZERO,
        }
    }
}

/// How long to wait before the next try; `None` where there must be none.
///
/// `tries` is how many were made, at least one; `seed` is any number, the source of the jitter.
pub fn wait(failure: Failure, tries: u8, max_retries: u8, seed: u64) -> Option<Duration> {
    let asked = failure.asked();
    if !failure.is_passing() || tries > max_retries || asked > MAX_WAIT {
        return None;
    }
    let doublings = u32::from(tries.saturating_sub(1)).min(5);
    let backoff = (FIRST_WAIT * 2u32.pow(doublings)).min(MAX_WAIT);
    Some((backoff + jitter(seed)).max(asked))
}

/// What to add to the reason of the last failure: how many tries were made, and how long the server
/// asks to wait before another. Empty where there is nothing of it to say.
pub fn history(failure: Failure, tries: u8) -> String {
    let asked = failure.asked();
    let words = match (tries, asked.is_zero()) {
        (1, true) => "",
        (1, false) => " (the server asks to wait # s)",
        (_, true) => " (tried # times)",
        (_, false) => " (tried # times; the server asks to wait # s)",
    };
    let mut words = String::from(words);
    if tries > 1 {
        words = with_figure(&words, tries.into());
    }
    if !asked.is_zero() {
        words = with_figure(
            &words,
            usize::try_from(asked.as_secs()).unwrap_or(usize::MAX),
        );
    }
    words
}

/// 1 to 5 seconds, from a clock's reading whose low digits are as good as random.
fn jitter(seed: u64) -> Duration {
    // The finaliser of MurmurHash3: neighbouring readings give unlike results.
    let mut hash = (seed ^ (seed >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^= hash >> 33;
    MIN_JITTER + Duration::from_millis(hash % JITTER_SPREAD_MILLISECONDS)
}

/// Reads a `Retry-After` header: seconds, or an HTTP date, which is counted from the answer's own
/// `Date`, since the card has no calendar of its own.
///
/// `None` where it cannot be understood: then the usual wait serves.
pub fn retry_after(value: &str, date: Option<&str>) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than fit are as good as for ever.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let until = DateTime::parse_http(value)?.unix_seconds();
    let now = DateTime::parse_http(date?.trim())?.unix_seconds();
    // A moment that is over asks for no wait at all.
    Some(Duration::from_secs(
        u64::try_from(until - now).unwrap_or_default(),
    ))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Failure, history, retry_after, wait};

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_is_tried_again() {
        for status in 100..=599 {
            let again = matches!(status, 429 | 500 | 502 | 503 | 504);
            assert_eq!(
                wait(Failure::Status(status, None), 1, 3, 0).is_some(),
                again,
                "{status}"
            );
        }
        assert!(wait(Failure::Transport, 1, 3, 0).is_some());
        assert_eq!(wait(Failure::Denied, 1, 3, 0), None);
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
        let date = Some("Tue, 24 Nov 2026 08:00:00 GMT");
        for (value, date, seconds) in [
            ("0", None, Some(0)),
            (" 120 ", None, Some(120)),
            ("99999999999999999999999999", None, Some(u64::MAX)),
            ("Tue, 24 Nov 2026 08:00:30 GMT", date, Some(30)),
            ("Tue, 24 Nov 2026 07:00:00 GMT", date, Some(0)),
            ("Tue, 24 Nov 2026 08:00:30 GMT", None, None),
            ("Tue, 24 Nov 2026 08:00:30 GMT", Some("today"), None),
            ("soon", date, None),
            ("-1", date, None),
            ("1.5", date, None),
            ("", date, None),
        ] {
            assert_eq!(
                retry_after(value, date),
                seconds.map(Duration::from_secs),
                "{value}"
            );
        }
    }
}
