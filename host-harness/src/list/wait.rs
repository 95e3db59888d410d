//! How long a server asks to wait, and how long a list has waited.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

use super::kind::Kind;
use crate::records::Outcome;

/// The card's words in front of the seconds, at the end of a reason.
const ASKED: &str = "the server asks to wait ";

/// How long the server that gave this outcome asks to wait before the same request again; `None`
/// where that would be of no use.
pub(super) fn asked(outcome: &Outcome) -> Option<Duration> {
    let Outcome::Ok(output) = outcome else {
        return None;
    };
    if Kind::of(outcome).is_settled() {
        return None;
    }
    // The server's own words come first.
    let (_, seconds) = output.reason.as_deref()?.rsplit_once(ASKED)?;
    let (seconds, _) = seconds.split_once(" s")?;
    let is_number = !seconds.is_empty() && seconds.bytes().all(|b| b.is_ascii_digit());
    // More digits than fit are as good as for ever.
    let wait = || Duration::from_secs(seconds.parse().unwrap_or(u64::MAX));
    is_number.then(wait).filter(|wait| !wait.is_zero())
}

/// When the next request may go out, for all calls of a list.
pub(super) struct Pace<'a> {
    next: Cell<Instant>,
    /// In vain: since a user was settled.
    waited: Cell<Duration>,
    max_wait: Duration,
    show: &'a dyn Fn(Option<Duration>),
}

impl<'a> Pace<'a> {
    /// `show` is told each second how long the wait still is, and `None` when it is over.
    pub(super) fn new(max_wait: Duration, show: &'a dyn Fn(Option<Duration>)) -> Self {
        Pace {
            next: Cell::new(Instant::now()),
            waited: Cell::new(Duration::ZERO),
            max_wait,
            show,
        }
    }

    /// Some users were settled: what was waited for them was not in vain.
    pub(super) fn settled(&self) {
        self.waited.set(Duration::ZERO);
    }

    /// No request for so long; `false` where that is longer than may be waited.
    pub(super) fn hold(&self, wait: Duration) -> bool {
        let now = Instant::now();
        let Some(next) = now.checked_add(wait) else {
            return false;
        };
        // Calls that were in flight at once are asked for the same wait.
        let more = next.saturating_duration_since(self.next.get().max(now));
        let waited = self.waited.get().saturating_add(more);
        if waited > self.max_wait {
            return false;
        }
        self.waited.set(waited);
        self.next.set(next.max(self.next.get()));
        true
    }

    /// Waits until the next request may go out.
    pub(super) async fn turn(&self) {
        let mut has_waited = false;
        loop {
            let left = self.next.get().saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            has_waited = true;
            (self.show)(Some(left));
            tokio::time::sleep(left.min(Duration::from_secs(1))).await;
        }
        if has_waited {
            (self.show)(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Pace, asked};
    use crate::records::{Error, Outcome, Output};

    #[test]
    fn how_long_the_server_asks_to_wait() {
        for (reason, seconds) in [
            ("busy", None),
            ("busy (4 attempts)", None),
            ("busy (the server asks to wait 61 s)", Some(61)),
            ("busy (tried 4 times; the server asks to wait 5 s)", Some(5)),
            ("busy (not sent; the server asks to wait 61 s)", Some(61)),
            ("busy (the server asks to wait 61 s; not sent)", Some(61)),
            (
                "the server asks to wait 7 s (the server asks to wait 61 s)",
                Some(61),
            ),
            (
                "(the server asks to wait 99999999999999999999999 s)",
                Some(u64::MAX),
            ),
            ("the server asks to wait a while", None),
            ("the server asks to wait  s", None),
            ("the server asks to wait 0 s", None),
            ("the server asks to wait 5", None),
        ] {
            let outcome = |status_code| {
                Outcome::Ok(Output {
                    status_code,
                    reason: Some(reason.to_owned()),
                })
            };
            let wait = seconds.map(Duration::from_secs);
            assert_eq!(asked(&outcome(429)), wait, "{reason}");
            assert_eq!(asked(&outcome(503)), wait, "{reason}");
            assert_eq!(asked(&outcome(403)), None, "{reason}");
        }
        let transport = "the server asks to wait 61 s".to_owned();
        assert_eq!(asked(&Outcome::Err(Error::Transport(transport))), None);
    }

    #[test]
    fn waits_in_vain_add_up_and_those_that_helped_do_not() {
        let seconds = Duration::from_secs;
        let pace = Pace::new(seconds(100), &|_| {});
        assert!(pace.hold(seconds(60)));
        // The same wait, asked for by a call that was in flight beside the first.
        assert!(pace.hold(seconds(60)));
        assert!(!pace.hold(seconds(101)));
        pace.next.set(tokio::time::Instant::now());
        assert!(!pace.hold(seconds(60)));
        pace.settled();
        assert!(pace.hold(seconds(60)));
        assert!(!pace.hold(Duration::MAX));
    }
}
