//! One moment: the forms in which flows give it, and the two in which Mixpanel takes it; pure.

use serde::{Serialize, Serializer};
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

use crate::invalid::Reason;

/// The bare numbers that are read as Unix seconds, 1973-03-03 to 2286-11-20. Almost any other number
/// is something else: milliseconds, a day of a spreadsheet, a year.
const UNIX_SECONDS: std::ops::RangeInclusive<i64> = 100_000_000..=9_999_999_999;

/// 1900-01-01T00:00:00Z, before which nobody alive was born and programs put what they do not know, to
/// 9999-12-31T23:59:59Z.
const MOMENTS: std::ops::RangeInclusive<i64> = -2_208_988_800..=253_402_300_799;

const WANTED: &str =
    ": write RFC 3339 with a UTC offset (2021-01-20T09:35:08-08:00) or Unix seconds (1611164108)";

const OUT_OF_RANGE: &str = "is not within the years 1900 to 9999";

const WANTED_RANGE: &str = ": give a moment within them, as RFC 3339 or Unix seconds";

/// A moment between the years 1900 and 9999, to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime(OffsetDateTime);

impl DateTime {
    /// Reads Unix seconds or [RFC 3339], the latter also in the forms of it that databases and CRMs
    /// write and that can mean nothing else: `+0000`, `+00`, a blank for the `T` or in front of the
    /// offset, no seconds. A fraction of a second is cut off.
    ///
    /// # Errors
    ///
    /// The rule that `string` breaks.
    ///
    /// [RFC 3339]: https://www.rfc-editor.org/rfc/rfc3339#section-5.6
    pub fn parse(string: &str) -> Result<Self, Reason> {
        let seconds = match bare_number(string) {
            Some(whole) => unix_seconds(whole),
            None => unix_seconds_of_rfc3339(string).ok_or_else(|| not_rfc3339(string)),
        };
        seconds
            .and_then(|seconds| {
                let moment = OffsetDateTime::from_unix_timestamp(seconds).ok();
                let moment = moment.filter(|_| MOMENTS.contains(&seconds));
                moment.ok_or(OUT_OF_RANGE)
            })
            .map(DateTime)
            .map_err(|reason| match reason {
                OUT_OF_RANGE => format!("{reason}{WANTED_RANGE}").into(),
                _ => format!("{reason}{WANTED}").into(),
            })
    }

    /// `YYYY-MM-DDTHH:MM:SS` in UTC without a zone letter: a date in a Mixpanel property.
    pub fn to_property(self) -> String {
        let (year, month, day) = self.0.to_calendar_date();
        let (hour, minute, second) = self.0.to_hms();
        // A moment has a year of four digits.
        let century = u8::try_from(year / 100).unwrap_or_default();
        let year = u8::try_from(year % 100).unwrap_or_default();
        // `format!` takes longer, and a list has many dates.
        let mut property = *b"YYYY-MM-DDTHH:MM:SS";
        for (start, number) in [
            (0, century),
            (2, year),
            (5, u8::from(month)),
            (8, day),
            (11, hour),
            (14, minute),
            (17, second),
        ] {
            property[start] = b'0' + number / 10;
            property[start + 1] = b'0' + number % 10;
        }
        String::from_utf8(property.to_vec()).unwrap_or_default()
    }

    /// Seconds since 1970-01-01T00:00:00Z: Mixpanel's `$time`. Negative before.
    pub fn unix_seconds(self) -> i64 {
        self.0.unix_timestamp()
    }
}

/// As a Mixpanel property has it.
impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_property())
    }
}

/// The whole part of a decimal number with its sign; `None` where `string` is none.
fn bare_number(string: &str) -> Option<&str> {
    let digits = string.strip_prefix('-').unwrap_or(string);
    let rest = digits.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_number = digits.len() > rest.len()
        && match rest.strip_prefix('.') {
            Some(fraction) => are_digits(fraction),
            None => rest.is_empty(),
        };
    is_number.then(|| &string[..string.len() - rest.len()])
}

fn unix_seconds(whole: &str) -> Result<i64, &'static str> {
    if whole.starts_with('-') {
        return Err("is a negative number, of seconds before 1970");
    }
    // More digits than fit are as good as the most that do.
    let number = whole.parse().unwrap_or(i64::MAX);
    if UNIX_SECONDS.contains(&number) {
        return Ok(number);
    }
    Err(match whole.len() {
        8 | 12 | 14 if is_compact_date(whole) => "is a date without dashes",
        4 if (1_000..=2_999).contains(&number) => "is a year, and no moment",
        0..=5 => "is a small number, such as the day number of a spreadsheet",
        6..=10 => "is a number that as Unix seconds is a moment between 1970 and 1973",
        // What a clock gives between 1970 and some decades from now.
        11..=14 => {
            "is after the year 2286 as Unix seconds; if these are milliseconds, divide by 1000"
        }
        15..=17 => {
            "is after the year 2286 as Unix seconds; if these are microseconds, divide by 1000000"
        }
        _ => {
            "is after the year 2286 as Unix seconds; if these are nanoseconds, divide by 1000000000"
        }
    })
}

/// `20240101`, with a time perhaps.
fn is_compact_date(digits: &str) -> bool {
    let mut rest = Rest(digits.as_bytes());
    let date = (rest.number(4), rest.pair(), rest.pair());
    matches!(date, (Some(1_800..=2_199), Some(1..=12), Some(1..=31)))
}

/// The digits, signs and letters of a date and time that are not read yet.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    /// Reads a number of so many digits: at most four.
    fn number(&mut self, digits: usize) -> Option<u16> {
        let (digits, rest) = self.0.split_at_checked(digits)?;
        let number = digits.iter().try_fold(0, |number, digit| {
            let is_digit = digit.is_ascii_digit();
            is_digit.then(|| number * 10 + u16::from(digit - b'0'))
        })?;
        self.0 = rest;
        Some(number)
    }

    /// Reads a number of two digits.
    fn pair(&mut self) -> Option<u8> {
        self.number(2)?.try_into().ok()
    }

    /// Reads one of these characters.
    fn skip(&mut self, characters: &[u8]) -> Option<()> {
        let (first, rest) = self.0.split_first()?;
        characters.contains(first).then(|| self.0 = rest)
    }
}

fn unix_seconds_of_rfc3339(string: &str) -> Option<i64> {
    let mut rest = Rest(string.as_bytes());
    let year = rest.number(4)?;
    rest.skip(b"-")?;
    let month = Month::try_from(rest.pair()?).ok()?;
    rest.skip(b"-")?;
    let date = Date::from_calendar_date(year.into(), month, rest.pair()?).ok()?;
    rest.skip(b"Tt ")?;
    let hour = rest.pair()?;
    rest.skip(b":")?;
    let minute = rest.pair()?;
    let mut second = 0;
    if rest.skip(b":").is_some() {
        second = rest.pair()?;
        if rest.skip(b".").is_some() {
            rest.number(1)?;
            while rest.number(1).is_some() {}
        }
    }
    let is_leap = second == 60;
    let time = Time::from_hms(hour, minute, second - u8::from(is_leap)).ok()?;
    let local = PrimitiveDateTime::new(date, time)
        .assume_utc()
        .unix_timestamp();
    let seconds = local - offset(rest)?;
    (!is_leap || ends_month(seconds)).then_some(seconds)
}

/// Whether a leap second may follow: to a clock that has none, it is the last second of its month.
fn ends_month(seconds: i64) -> bool {
    let next = OffsetDateTime::from_unix_timestamp(seconds + 1);
    next.is_ok_and(|next| next.day() == 1 && next.time() == Time::MIDNIGHT)
}

/// Reads a UTC offset, in seconds: `Z`, `+01:00`, `+0100` or `+01`.
fn offset(mut rest: Rest<'_>) -> Option<i64> {
    // A blank may stand in front of it.
    let _ = rest.skip(b" ");
    if matches!(rest.0, b"Z" | b"z") {
        return Some(0);
    }
    let is_west = rest.0.starts_with(b"-");
    rest.skip(b"+-")?;
    let hours = rest.pair()?;
    let mut minutes = 0;
    if !rest.0.is_empty() {
        let _ = rest.skip(b":");
        minutes = rest.pair()?;
    }
    if !rest.0.is_empty() || hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = i64::from(hours) * 3_600 + i64::from(minutes) * 60;
    Some(if is_west { -seconds } else { seconds })
}

fn are_digits(string: &str) -> bool {
    !string.is_empty() && string.bytes().all(|byte| byte.is_ascii_digit())
}

/// Names the two slips that are seen most: a bare date, and no UTC offset.
fn not_rfc3339(string: &str) -> &'static str {
    let is_date = |c: char| c.is_ascii_digit() || c == '-';
    let Some((date, time)) = string.split_at_checked(10) else {
        return "is not a date and time";
    };
    if !date.chars().all(is_date) || date.matches('-').count() != 2 {
        "is not a date and time"
    } else if time.is_empty() {
        "is a date without a time"
    } else if time.contains(':') && !time.contains(['Z', 'z', '+', '-']) {
        "has no offset from UTC, such as Z or -08:00"
    } else {
        "is not a date and time"
    }
}

#[cfg(test)]
mod tests;
