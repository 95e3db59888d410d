//! May a request be retried, and after how long; pure.

use std::hash::{DefaultHasher, Hasher as _};
use std::time::Duration;

use crate::response::Headers;

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

/// How an attempt ended that was not a success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Mixpanel's response, as this status code and with this `Retry-After`.
    Status(u16, Option<Duration>),
    /// No response came.
    Transport,
}

impl Failure {
    /// A response that is no success, as this status code.
    pub fn response(status: u16, headers: &Headers) -> Self {
        Failure::Status(
            status,
            retry_after(&headers.retry_after, headers.date.as_deref()),
        )
    }

    /// Whether the same request may well succeed later. Beside the status codes for which Mixpanel
    /// documents it, these are the ones that proxies in front of it answer with for the same causes.
    pub fn is_passing(self) -> bool {
        match self {
            Failure::Transport => true,
            Failure::Status(501 | 505, _) => false,
            Failure::Status(status, _) => matches!(status, 408 | 425 | 429 | 500..=599),
        }
    }

    /// Whether the server asks to wait longer than the card does: whatever else is sent to it would
    /// be refused as well.
    pub fn asks_for_long_wait(self) -> bool {
        self.is_passing() && self.asked() > MAX_WAIT
    }

    /// How long the server asks to wait.
    fn asked(self) -> Duration {
        match self {
            Failure::Status(_, Some(asked)) => asked,
            _ => Duration::ZERO,
        }
    }
}

/// How long to wait before the next attempt; `None` where there must be none.
///
/// `attempts` is how many were made, at least one; `seed` is any number, the source of the jitter.
pub fn wait(failure: Failure, attempts: u8, max_retries: u8, seed: u64) -> Option<Duration> {
    let asked = failure.asked();
    if !failure.is_passing() || attempts > max_retries || asked > MAX_WAIT {
        return None;
    }
    let doublings = u32::from(attempts.saturating_sub(1)).min(5);
    let backoff = (FIRST_WAIT * 2u32.pow(doublings)).min(MAX_WAIT);
    Some((backoff + jitter(seed)).max(asked))
}

/// What to add to the reason of the last failure: how many attempts were made, and how long the server
/// asks to wait before another. Empty where there is nothing of it to say.
pub fn history(failure: Failure, attempts: u8) -> String {
    let asked = failure.asked().as_secs();
    match (attempts, asked) {
        (1, 0) => String::new(),
        (1, _) => format!(" (the server asks to wait {asked} s)"),
        (_, 0) => format!(" (tried {attempts} times)"),
        _ => format!(" (tried {attempts} times; the server asks to wait {asked} s)"),
    }
}

/// 1 to 5 seconds, from a clock's reading whose low digits are as good as random.
fn jitter(seed: u64) -> Duration {
    let mut hasher = DefaultHasher::new();
    hasher.write_u64(seed);
    MIN_JITTER + Duration::from_millis(hasher.finish() % JITTER_SPREAD_MILLISECONDS)
}

/// Reads the `Retry-After` headers of a response, the longest of which counts: [seconds or an HTTP
/// date][RFC 9110], which is counted from the response's own `Date`, since the card has no calendar of
/// its own. Proxies also send a fraction of a second, and several values in one line.
///
/// `None` where none can be understood: then the usual wait serves.
///
/// [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
fn retry_after(headers: &[String], date: Option<&str>) -> Option<Duration> {
    let date = date.and_then(|date| httpdate::parse_http_date(date.trim()).ok());
    let until = |value: &str| {
        let until = httpdate::parse_http_date(value.trim()).ok()?;
        // A moment that is over asks for no wait at all.
        Some(until.duration_since(date?).unwrap_or_default())
    };
    let longest = |header: &String| {
        let values: Vec<&str> = header.split(',').collect();
        // Most dates have a comma after the day of the week.
        let dates = values.windows(2).map(|pair| pair.join(","));
        let dates = dates.filter_map(|date| until(&date));
        let others = values
            .iter()
            .filter_map(|value| seconds(value).or_else(|| until(value)));
        dates.chain(others).max()
    };
    headers.iter().filter_map(longest).max()
}

/// Reads a number of seconds, perhaps with a fraction, which is rounded up.
fn seconds(value: &str) -> Option<Duration> {
    let value = value.trim();
    let (whole, fraction) = value.split_once('.').unwrap_or((value, "0"));
    let are_digits =
        |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !are_digits(whole) || !are_digits(fraction) {
        return None;
    }
    // More digits than fit are as good as for ever.
    let whole: u64 = whole.parse().unwrap_or(u64::MAX);
    let has_more = fraction.bytes().any(|digit| digit != b'0');
    Some(Duration::from_secs(whole.saturating_add(has_more.into())))
}

#[cfg(test)]
mod tests;
