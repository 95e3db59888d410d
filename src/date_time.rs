//! A date and time as a flow gives it, and as Mixpanel wants it; pure.
//!
//! Own code, since the crates at hand bring calendars and formats several times the size of what
//! these three forms need; a property test holds it against the crate `time`.

use alloc::string::String;

use crate::faults::text;

/// 9999-12-31T23:59:59Z, the last second that four digits of a year can write.
const MAX_UNIX_SECONDS: i64 = 253_402_300_799;

const SECONDS_PER_DAY: i64 = 86_400;

const WANTED: &str =
    ": write Unix seconds (1611164108) or RFC 3339 with an offset (2021-01-20T09:35:08-08:00)";

/// A second between 1970 and 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime(i64);

impl DateTime {
    /// Reads Unix seconds or [RFC 3339]; a fraction of a second is cut off.
    ///
    /// # Errors
    ///
    /// The rule that `text` breaks, in words that tell how to mend it. The text itself is not
    /// repeated: it may be anything that a flow was fed.
    ///
    /// [RFC 3339]: https://www.rfc-editor.org/rfc/rfc3339#section-5.6
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.as_bytes();
        // A number has no such sign there: most texts need not be tried as one.
        let is_date = text.get(4) == Some(&b'-');
        let number = if is_date { None } else { unix_seconds(text) };
        number
            .unwrap_or_else(|| match rfc3339(text) {
                Some(seconds) if (0..=MAX_UNIX_SECONDS).contains(&seconds) => Ok(seconds),
                Some(_) => Err("is not within the years 1970 to 9999"),
                None => Err(not_rfc3339(text)),
            })
            .map(DateTime)
            .map_err(|reason| self::text(&[reason, WANTED]))
    }

    /// Reads a date as HTTP headers have it, in the form that [RFC 9110] lets servers send.
    ///
    /// [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7
    pub fn parse_http(text: &str) -> Option<Self> {
        const MONTHS: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
        // Sun, 06 Nov 1994 08:49:37 GMT
        let text: &[u8; 29] = text.as_bytes().try_into().ok()?;
        if &text[3..5] != b", " || &text[25..] != b" GMT" {
            return None;
        }
        let month = MONTHS.chunks(3).position(|month| month == &text[8..11])?;
        let date = seconds_of_date(
            year(text, 12)?,
            u32::try_from(month).ok()? + 1,
            pair(text, 5),
        )?;
        Some(DateTime(date + seconds_of_time(&text[17..25])?))
    }

    /// Seconds since 1970-01-01T00:00:00Z, as Mixpanel's `$time` wants them.
    pub fn unix_seconds(self) -> i64 {
        self.0
    }

    /// `YYYY-MM-DDTHH:MM:SS` in UTC without a zone letter, as Mixpanel's date properties want it.
    pub fn property_value(self) -> [u8; 19] {
        // A DateTime ends with the year 9999.
        let days = u32::try_from(self.0 / SECONDS_PER_DAY).unwrap_or_default();
        let second = u32::try_from(self.0 % SECONDS_PER_DAY).unwrap_or_default();
        let (year, month, day) = date_of_days(days);
        let mut value = *b"0000-00-00T00:00:00";
        for (at, number) in [
            (0, year / 100),
            (2, year % 100),
            (5, month),
            (8, day),
            (11, second / 3_600),
            (14, second / 60 % 60),
            (17, second % 60),
        ] {
            // Two digits are less than a hundred.
            let number = u8::try_from(number).unwrap_or_default();
            value[at] += number / 10;
            value[at + 1] += number % 10;
        }
        value
    }
}

/// `None` where `text` is no plain number at all.
fn unix_seconds(text: &[u8]) -> Option<Result<i64, &'static str>> {
    let unsigned = text.strip_prefix(b"-").unwrap_or(text);
    let mut parts = unsigned.splitn(2, |&b| b == b'.');
    let whole = parts.next().unwrap_or_default();
    if !are_digits(whole) || !are_digits(parts.next().unwrap_or(b"0")) {
        return None;
    }
    if unsigned.len() < text.len() {
        return Some(Err("is before 1970"));
    }
    let seconds = whole.iter().fold(0i64, |seconds, digit| {
        seconds
            .saturating_mul(10)
            .saturating_add(i64::from(digit - b'0'))
    });
    Some(if seconds <= MAX_UNIX_SECONDS {
        Ok(seconds)
    } else {
        // Milliseconds are the usual slip: they are what JavaScript's `Date.now()` gives.
        Err(
            "is after the year 9999 when read as seconds; if these are milliseconds, divide by 1000",
        )
    })
}

/// Unix seconds of a date and time of RFC 3339.
fn rfc3339(text: &[u8]) -> Option<i64> {
    // 2021-01-20T09:35:08, a fraction perhaps, and an offset.
    let (date_and_time, rest) = text.split_at_checked(19)?;
    if date_and_time[4] != b'-'
        || date_and_time[7] != b'-'
        || !date_and_time[10].eq_ignore_ascii_case(&b'T')
    {
        return None;
    }
    let date = seconds_of_date(
        year(date_and_time, 0)?,
        pair(date_and_time, 5),
        pair(date_and_time, 8),
    )?;
    let time = seconds_of_time(&date_and_time[11..])?;
    let offset = match rest.strip_prefix(b".") {
        Some(fraction) => {
            let end = fraction.iter().position(|b| !b.is_ascii_digit())?;
            if end == 0 {
                return None;
            }
            &fraction[end..]
        }
        None => rest,
    };
    let offset = match *offset {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), ref offset @ ..] if offset.len() == 5 && offset[2] == b':' => {
            let (hours, minutes) = (pair(offset, 0), pair(offset, 3));
            if hours > 23 || minutes > 59 {
                return None;
            }
            let seconds = i64::from(hours * 3_600 + minutes * 60);
            if sign == b'-' { -seconds } else { seconds }
        }
        _ => return None,
    };
    Some(date + time - offset)
}

/// Of `HH:MM:SS`. A leap second is the last second of its minute to a clock that has none.
fn seconds_of_time(text: &[u8]) -> Option<i64> {
    let (hour, minute, second) = (pair(text, 0), pair(text, 3), pair(text, 6));
    if text[2] != b':' || text[5] != b':' || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    Some(i64::from(hour * 3_600 + minute * 60 + second.min(59)))
}

/// Days from 0000-03-01 to 1970-01-01.
const DAYS_BEFORE_1970: u32 = 719_468;

/// Of 400 years, after which the calendar starts anew.
const DAYS_OF_ERA: u32 = 146_097;

/// Unix seconds at which a day of the Gregorian calendar starts.
fn seconds_of_date(year: u32, month: u32, day: u32) -> Option<i64> {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days_of_month = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(is_leap),
        _ => return None,
    };
    if day < 1 || day > days_of_month {
        return None;
    }
    // Counted from March on, a leap day is the last of its year; and an era later, so that the year
    // before the first one is no negative number.
    let y = year + 400 - u32::from(month <= 2);
    let m = (month + 9) % 12;
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1;
    Some((i64::from(days) - i64::from(DAYS_OF_ERA + DAYS_BEFORE_1970)) * SECONDS_PER_DAY)
}

/// Year, month and day, so many days after 1970-01-01.
fn date_of_days(days: u32) -> (u32, u32, u32) {
    let days = days + DAYS_BEFORE_1970;
    let era = days / DAYS_OF_ERA;
    let day_of_era = days % DAYS_OF_ERA;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let m = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * m + 2) / 5 + 1;
    let month = if m < 10 { m + 3 } else { m - 9 };
    (era * 400 + year_of_era + u32::from(month <= 2), month, day)
}

fn are_digits(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// The number of the two digits at `at`; where they are none, one that is too large for what two
/// digits stand for in a date.
fn pair(text: &[u8], at: usize) -> u32 {
    let tens = text[at].wrapping_sub(b'0');
    let ones = text[at + 1].wrapping_sub(b'0');
    if tens > 9 || ones > 9 {
        return u32::from(u8::MAX);
    }
    u32::from(tens * 10 + ones)
}

/// The number of the four digits at `at`.
fn year(text: &[u8], at: usize) -> Option<u32> {
    let (centuries, years) = (pair(text, at), pair(text, at + 2));
    (centuries < 100 && years < 100).then_some(centuries * 100 + years)
}

/// Names the two slips that are seen most: a bare date, and a time without an offset.
fn not_rfc3339(text: &[u8]) -> &'static str {
    let has_date = text.len() >= 10
        && (0..10).all(|i| match i {
            4 | 7 => text[i] == b'-',
            _ => text[i].is_ascii_digit(),
        });
    let time = if has_date { &text[10..] } else { &[] };
    if has_date && time.is_empty() {
        "is a date without a time"
    } else if has_date
        && time.contains(&b':')
        && !time.iter().any(|b| matches!(b, b'Z' | b'z' | b'+' | b'-'))
    {
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
        for (text, unix, property) in [
            ("0", 0, "1970-01-01T00:00:00"),
            ("1611164108", 1_611_164_108, "2021-01-20T17:35:08"),
            ("1611164108.999", 1_611_164_108, "2021-01-20T17:35:08"),
            ("253402300799", 253_402_300_799, "9999-12-31T23:59:59"),
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
            ("2021-01-20t17:35:08z", 1_611_164_108, "2021-01-20T17:35:08"),
            (
                "2021-01-20T23:35:08+06:00",
                1_611_164_108,
                "2021-01-20T17:35:08",
            ),
            ("2024-02-29T00:00:00Z", 1_709_164_800, "2024-02-29T00:00:00"),
            ("1969-12-31T23:30:00-00:30", 0, "1970-01-01T00:00:00"),
            // A leap second is the last second of its day to a clock that has none.
            ("2016-12-31T23:59:60Z", 1_483_228_799, "2016-12-31T23:59:59"),
        ] {
            let date = DateTime::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(date.unix_seconds(), unix, "{text}");
            assert_eq!(date.property_value(), property.as_bytes(), "{text}");
        }
    }

    #[test]
    fn is_refused_with_the_form_that_is_wanted() {
        for (text, rule) in [
            ("2021-01-20", "is a date without a time"),
            ("2021-01-20T09:35:08", "has no offset from UTC"),
            ("2021-01-20 09:35:08", "has no offset from UTC"),
            ("1611164108000", "divide by 1000"),
            ("253402300800", "after the year 9999"),
            ("99999999999999999999999", "after the year 9999"),
            ("-1", "is before 1970"),
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
            ("yesterday", "is not a date and time"),
            ("1e9", "is not a date and time"),
            ("+1", "is not a date and time"),
            (".5", "is not a date and time"),
            ("5.", "is not a date and time"),
            (" 1", "is not a date and time"),
            ("١٦١١", "is not a date and time"),
            ("2021-01-2é", "is not a date and time"),
        ] {
            let reason = DateTime::parse(text).expect_err(text);
            assert!(
                reason.starts_with(rule) || reason.contains(rule),
                "{text}: {reason}"
            );
            assert!(reason.contains("RFC 3339"), "{text}: {reason}");
        }
    }

    #[test]
    fn http_dates() {
        for (text, unix) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Thu, 29 Feb 2024 23:59:60 GMT", Some(1_709_251_199)),
            ("Wed, 31 Dec 1969 23:59:59 GMT", Some(-1)),
            ("Sun, 6 Nov 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 08:49:37 UTC", None),
            ("Sun, 31 Nov 1994 08:49:37 GMT", None),
            ("Sun, 06 nov 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 24:00:00 GMT", None),
            ("Sunday, 06-Nov-94 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 08:49:é7 GMT", None),
            ("", None),
        ] {
            let date = DateTime::parse_http(text).map(DateTime::unix_seconds);
            assert_eq!(date, unix, "{text}");
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
            "(\\.[0-9]{0,10})?",
            prop_oneof![
                Just("Z".to_owned()),
                Just("z".to_owned()),
                (0..=24u32, 0..=60u32).prop_map(|(h, m)| format!("+{h:02}:{m:02}")),
                (0..=24u32, 0..=60u32).prop_map(|(h, m)| format!("-{h:02}:{m:02}")),
                ".{0,3}",
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
        fn rfc3339_is_read_as_the_crate_time_reads_it(text in almost_rfc3339()) {
            // That crate takes a leap second only where one was.
            let is_leap = text.as_bytes().get(17..19) == Some(b"60");
            if !is_leap {
                let theirs = OffsetDateTime::parse(&text, &Rfc3339).ok();
                let ours = super::rfc3339(text.as_bytes());
                prop_assert_eq!(ours, theirs.map(OffsetDateTime::unix_timestamp));
            }
        }

        #[test]
        fn every_second_is_written_as_the_crate_time_writes_it(seconds in 0..=super::MAX_UNIX_SECONDS) {
            let theirs = OffsetDateTime::from_unix_timestamp(seconds).expect("a date");
            let value = DateTime(seconds).property_value();
            let value = str::from_utf8(&value).expect("ASCII").to_owned() + "Z";
            prop_assert_eq!(&value, &theirs.format(&Rfc3339).expect("RFC 3339"));
            prop_assert_eq!(super::rfc3339(value.as_bytes()), Some(seconds));
        }
    }
}
