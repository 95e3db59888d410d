//! One moment: the forms in which flows give it, and the two in which Mixpanel takes it; pure.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

use crate::invalid::Reason;

/// The bare numbers that are read as Unix seconds, 1973-03-03 to 2286-11-20. Almost any other number
/// is something else: milliseconds, a day of a spreadsheet, a year.
const UNIX_SECONDS: std::ops::RangeInclusive<i64> = 100_000_000..=9_999_999_999;

/// 1970-01-01T00:00:00Z to 9999-12-31T23:59:59Z.
const MOMENTS: std::ops::RangeInclusive<i64> = 0..=253_402_300_799;

const WANTED: &str =
    ": write RFC 3339 with a UTC offset (2021-01-20T09:35:08-08:00) or Unix seconds (1611164108)";

/// A moment between the years 1970 and 9999, to the second.
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
            Some(whole) => unix_seconds(whole).map_err(Cow::from),
            None => match unix_seconds_of_rfc3339(string) {
                Some(seconds) if MOMENTS.contains(&seconds) => Ok(seconds),
                Some(_) => Err(Cow::from("is not within the years 1970 to 9999")),
                None => Err(Cow::from(not_rfc3339(string))),
            },
        };
        seconds
            .and_then(|seconds| {
                OffsetDateTime::from_unix_timestamp(seconds)
                    .map_err(|_| Cow::from("is not within the years 1970 to 9999"))
            })
            .map(DateTime)
            .map_err(|reason| Cow::from(format!("{reason}{WANTED}")))
    }

    /// `YYYY-MM-DDTHH:MM:SS` in UTC without a zone letter: a date in a Mixpanel property.
    pub fn to_property(self) -> String {
        let (year, month, day) = self.0.to_calendar_date();
        let (hour, minute, second) = self.0.to_hms();
        // A moment has a year of four digits.
        let century = u8::try_from(year / 100).unwrap_or_default();
        let year = u8::try_from(year % 100).unwrap_or_default();
        // `format!` takes ten times as long, and a list has many dates.
        let mut property = String::with_capacity("YYYY-MM-DDTHH:MM:SS".len());
        for (number, separator) in [
            (century, ""),
            (year, "-"),
            (u8::from(month), "-"),
            (day, "T"),
            (hour, ":"),
            (minute, ":"),
            (second, ""),
        ] {
            property.push(char::from(b'0' + number / 10));
            property.push(char::from(b'0' + number % 10));
            property.push_str(separator);
        }
        property
    }

    /// Seconds since 1970-01-01T00:00:00Z: Mixpanel's `$time`.
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
    let (whole, fraction) = string.split_once('.').unwrap_or((string, "0"));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    (are_digits(digits) && are_digits(fraction)).then_some(whole)
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
        8 | 14 if is_compact_date(whole) => "is a date without dashes",
        4 if (1_000..=2_999).contains(&number) => "is a year, and no moment",
        ..=5 => "is a small number, such as the day number of a spreadsheet",
        ..=9 => "is a number that as Unix seconds is a moment between 1970 and 1973",
        // 10 digits are seconds. What follows is what a clock of the last and the next decades gives.
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
    let mut rest = Digits(digits);
    let date = (rest.take(4), rest.take(2), rest.take(2));
    matches!(date, (Some(1_800..=2_199), Some(1..=12), Some(1..=31)))
}

/// The digits, signs and letters of a date and time that are not read yet.
struct Digits<'a>(&'a str);

impl Digits<'_> {
    /// Reads a number of so many digits.
    fn take(&mut self, count: usize) -> Option<u16> {
        let (number, rest) = self.0.split_at_checked(count)?;
        if !are_digits(number) {
            return None;
        }
        self.0 = rest;
        number.parse().ok()
    }

    /// Reads a number that a `u8` holds.
    fn pair(&mut self) -> Option<u8> {
        self.take(2)?.try_into().ok()
    }

    /// Reads one of these characters.
    fn skip(&mut self, characters: &[char]) -> Option<()> {
        self.0 = self.0.strip_prefix(characters)?;
        Some(())
    }
}

fn unix_seconds_of_rfc3339(string: &str) -> Option<i64> {
    let mut rest = Digits(string);
    let year = rest.take(4)?;
    rest.skip(&['-'])?;
    let month = Month::try_from(rest.pair()?).ok()?;
    rest.skip(&['-'])?;
    let date = Date::from_calendar_date(year.into(), month, rest.pair()?).ok()?;
    rest.skip(&['T', 't', ' '])?;
    let hour = rest.pair()?;
    rest.skip(&[':'])?;
    let minute = rest.pair()?;
    let mut second = 0;
    if rest.skip(&[':']).is_some() {
        // A leap second is the last second of its minute to a clock that has none.
        second = match rest.pair()? {
            60 => 59,
            second => second,
        };
        if rest.skip(&['.']).is_some() {
            let fraction = rest.0;
            rest.0 = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            if rest.0.len() == fraction.len() {
                return None;
            }
        }
    }
    let time = Time::from_hms(hour, minute, second).ok()?;
    let local = PrimitiveDateTime::new(date, time)
        .assume_utc()
        .unix_timestamp();
    Some(local - offset(rest)?)
}

/// Reads a UTC offset, in seconds: `Z`, `+01:00`, `+0100` or `+01`.
fn offset(mut rest: Digits<'_>) -> Option<i64> {
    // A blank may stand in front of it.
    let _ = rest.skip(&[' ']);
    if matches!(rest.0, "Z" | "z") {
        return Some(0);
    }
    let is_west = rest.0.starts_with('-');
    rest.skip(&['+', '-'])?;
    let hours = rest.pair()?;
    let mut minutes = 0;
    if !rest.0.is_empty() {
        let _ = rest.skip(&[':']);
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
mod tests {
    use proptest::prelude::{Just, Strategy, prop_assert_eq, prop_oneof, proptest};
    use time::OffsetDateTime;
    use time::format_description::well_known::Rfc3339;

    use super::DateTime;

    #[test]
    fn is_read_in_every_accepted_form() {
        for (string, unix, property) in [
            ("100000000", 100_000_000, "1973-03-03T09:46:40"),
            ("1611164108", 1_611_164_108, "2021-01-20T17:35:08"),
            ("1611164108.999", 1_611_164_108, "2021-01-20T17:35:08"),
            ("9999999999", 9_999_999_999, "2286-11-20T17:46:39"),
            (
                "2021-01-20T09:35:08-08:00",
                1_611_164_108,
                "2021-01-20T17:35:08",
            ),
            (
                "2013-01-01T18:04:05-08:00",
                1_357_092_245,
                "2013-01-02T02:04:05",
            ),
            ("2021-01-20T17:35:08Z", 1_611_164_108, "2021-01-20T17:35:08"),
            (
                "2021-01-20T17:35:08.999999999Z",
                1_611_164_108,
                "2021-01-20T17:35:08",
            ),
            (
                "2021-01-20T17:35:08.1234567890123Z",
                1_611_164_108,
                "2021-01-20T17:35:08",
            ),
            ("2021-01-20t17:35:08z", 1_611_164_108, "2021-01-20T17:35:08"),
            ("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00"),
            ("1969-12-31T19:00:00-05:00", 0, "1970-01-01T00:00:00"),
            (
                "9999-12-31T23:59:59Z",
                253_402_300_799,
                "9999-12-31T23:59:59",
            ),
            (
                "2024-02-29T00:00:00+00:00",
                1_709_164_800,
                "2024-02-29T00:00:00",
            ),
            ("2016-12-31T23:59:60Z", 1_483_228_799, "2016-12-31T23:59:59"),
            // Salesforce, PostgreSQL, Luxon, JavaScript and forms.
            (
                "2016-05-06T15:57:34.000+0000",
                1_462_550_254,
                "2016-05-06T15:57:34",
            ),
            (
                "2016-05-06T15:57:34+00",
                1_462_550_254,
                "2016-05-06T15:57:34",
            ),
            (
                "2016-05-06T15:57:34+0530",
                1_462_530_454,
                "2016-05-06T10:27:34",
            ),
            (
                "2016-05-06T15:57:34-07",
                1_462_575_454,
                "2016-05-06T22:57:34",
            ),
            (
                "2026-05-13 22:03:45.4+00:00",
                1_778_709_825,
                "2026-05-13T22:03:45",
            ),
            (
                "2026-05-13 22:03:45 Z",
                1_778_709_825,
                "2026-05-13T22:03:45",
            ),
            (
                "2026-05-13T22:03:45 +02:00",
                1_778_702_625,
                "2026-05-13T20:03:45",
            ),
            ("2024-01-01T00:00Z", 1_704_067_200, "2024-01-01T00:00:00"),
            ("2024-01-01 00:00+01", 1_704_063_600, "2023-12-31T23:00:00"),
        ] {
            let date = DateTime::parse(string).expect(string);
            assert_eq!(date.unix_seconds(), unix, "{string}");
            assert_eq!(date.to_property(), property, "{string}");
        }
    }

    #[test]
    fn is_refused_with_the_form_that_is_wanted() {
        for (string, rule) in [
            ("2021-01-20", "is a date without a time"),
            ("2021-01-20T09:35:08", "has no offset from UTC"),
            ("2021-01-20 09:35", "has no offset from UTC"),
            ("1508255889000", "milliseconds, divide by 1000:"),
            ("157766400000", "milliseconds, divide by 1000:"),
            ("10000000000", "milliseconds, divide by 1000:"),
            ("1508255889000.5", "milliseconds, divide by 1000:"),
            ("1508255889000000", "microseconds, divide by 1000000:"),
            ("1508255889000000000", "nanoseconds, divide by 1000000000:"),
            (
                "99999999999999999999999",
                "nanoseconds, divide by 1000000000:",
            ),
            ("45292", "day number of a spreadsheet"),
            ("45292.75", "day number of a spreadsheet"),
            ("0", "day number of a spreadsheet"),
            ("20240101", "is a date without dashes"),
            ("20240101120000", "is a date without dashes"),
            ("2024", "is a year"),
            ("99999999", "between 1970 and 1973"),
            ("123456", "between 1970 and 1973"),
            ("-1", "before 1970"),
            (
                "1969-12-31T23:59:59Z",
                "is not within the years 1970 to 9999",
            ),
            (
                "9999-12-31T23:59:59-00:01",
                "is not within the years 1970 to 9999",
            ),
            ("2021-02-29T00:00:00Z", "is not a date and time"),
            ("2021-13-01T00:00:00Z", "is not a date and time"),
            ("2021-01-20T25:00:00Z", "is not a date and time"),
            ("2021-01-20T09:35:61Z", "is not a date and time"),
            ("2021-01-20T09:35:08.Z", "is not a date and time"),
            ("2021-01-20T09:35:08+24:00", "is not a date and time"),
            ("2021-01-20T09:35:08+01:", "is not a date and time"),
            ("2021-01-20T09:35:08+1", "is not a date and time"),
            ("2021-01-20T09:35:08  Z", "is not a date and time"),
            ("2021-01-20_09:35:08Z", "is not a date and time"),
            ("2021-01-20T09:35:08Z ", "is not a date and time"),
            ("yesterday", "is not a date and time"),
            ("1e9", "is not a date and time"),
            ("+1", "is not a date and time"),
            (".5", "is not a date and time"),
            ("5.", "is not a date and time"),
            (" 1", "is not a date and time"),
            ("١٦١١", "is not a date and time"),
            ("2021-01-2é", "is not a date and time"),
            ("", "is not a date and time"),
        ] {
            let reason = DateTime::parse(string).expect_err(string);
            assert!(reason.contains(rule), "{string}: {reason}");
            assert!(reason.contains("RFC 3339"), "{string}: {reason}");
        }
    }

    /// Of `YYYY-MM-DDTHH:MM:SS` with a fraction and an offset, each part perhaps out of its range.
    fn almost_rfc3339() -> impl Strategy<Value = String> {
        (
            0..=9_999u32,
            0..=13u32,
            0..=32u32,
            0..=24u32,
            0..=60u32,
            0..=61u32,
            "(\\.[0-9]{1,10})?",
            prop_oneof![
                Just("Z".to_owned()),
                Just("z".to_owned()),
                (0..=24u32, 0..=60u32).prop_map(|(h, m)| format!("+{h:02}:{m:02}")),
                (0..=24u32, 0..=60u32).prop_map(|(h, m)| format!("-{h:02}:{m:02}")),
            ],
        )
            .prop_map(|(year, month, day, hour, minute, second, fraction, offset)| {
                format!(
                    "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{offset}"
                )
            })
    }

    proptest! {
        #[test]
        fn rfc3339_is_read_as_the_crate_time_reads_it(string in almost_rfc3339()) {
            // That crate takes a leap second only where one was.
            let is_leap = string.as_bytes().get(17..19) == Some(b"60");
            if !is_leap {
                let theirs = OffsetDateTime::parse(&string, &Rfc3339).ok();
                let ours = super::unix_seconds_of_rfc3339(&string);
                prop_assert_eq!(ours, theirs.map(OffsetDateTime::unix_timestamp));
            }
        }

        #[test]
        fn every_second_is_written_as_the_crate_time_writes_it(seconds in super::MOMENTS) {
            let theirs = OffsetDateTime::from_unix_timestamp(seconds).expect("a date");
            let property = DateTime(theirs).to_property() + "Z";
            prop_assert_eq!(&property, &theirs.format(&Rfc3339).expect("RFC 3339"));
            prop_assert_eq!(super::unix_seconds_of_rfc3339(&property), Some(seconds));
        }
    }
}
