//! A date and time as a flow gives it, and as Mixpanel wants it; pure.

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// 9999-12-31T23:59:59Z, the last second that four digits of a year can write.
const MAX_UNIX_SECONDS: i64 = 253_402_300_799;

const WANTED: &str =
    "write Unix seconds (1611164108) or RFC 3339 with an offset (2021-01-20T09:35:08-08:00)";

/// A second between 1970 and 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime(OffsetDateTime);

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
        let seconds = match unix_seconds(text) {
            Some(seconds) => seconds?,
            None => OffsetDateTime::parse(text, &Rfc3339)
                .map_err(|_| not_rfc3339(text))?
                .unix_timestamp(),
        };
        if !(0..=MAX_UNIX_SECONDS).contains(&seconds) {
            return Err(format!("is not within the years 1970 to 9999: {WANTED}"));
        }
        OffsetDateTime::from_unix_timestamp(seconds)
            .map(DateTime)
            .map_err(|_| WANTED.to_owned())
    }

    /// Seconds since 1970-01-01T00:00:00Z, as Mixpanel's `$time` wants them.
    pub fn unix_seconds(self) -> i64 {
        self.0.unix_timestamp()
    }

    /// `YYYY-MM-DDTHH:MM:SS` in UTC without a zone letter, as Mixpanel's date properties want it.
    pub fn property_value(self) -> String {
        let utc = self.0.to_offset(UtcOffset::UTC);
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            utc.year(),
            u8::from(utc.month()),
            utc.day(),
            utc.hour(),
            utc.minute(),
            utc.second()
        )
    }
}

/// `None` where `text` is no plain number at all.
fn unix_seconds(text: &str) -> Option<Result<i64, String>> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    if unsigned.len() < text.len() {
        return Some(Err(format!("is before 1970: {WANTED}")));
    }
    match whole.parse() {
        Ok(seconds) if seconds <= MAX_UNIX_SECONDS => Some(Ok(seconds)),
        // Milliseconds are the usual slip: they are what JavaScript's `Date.now()` gives.
        _ => Some(Err(format!(
            "is after the year 9999 when read as seconds; if these are milliseconds, divide by 1000: {WANTED}"
        ))),
    }
}

/// Names the two slips that are seen most: a bare date, and a time without an offset.
fn not_rfc3339(text: &str) -> String {
    let bytes = text.as_bytes();
    let has_date = bytes.len() >= 10
        && (0..10).all(|i| match i {
            4 | 7 => bytes[i] == b'-',
            _ => bytes[i].is_ascii_digit(),
        });
    let time = if has_date { &bytes[10..] } else { &[] };
    if has_date && time.is_empty() {
        format!("is a date without a time: {WANTED}")
    } else if has_date
        && time.contains(&b':')
        && !time.iter().any(|b| matches!(b, b'Z' | b'z' | b'+' | b'-'))
    {
        format!("has no offset from UTC, such as Z or -08:00: {WANTED}")
    } else {
        format!("is not a date and time: {WANTED}")
    }
}

#[cfg(test)]
mod tests {
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
            assert_eq!(date.property_value(), property, "{text}");
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
}
