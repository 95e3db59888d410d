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
        ("1969-12-31T23:59:59Z", -1, "1969-12-31T23:59:59"),
        ("1965-03-02T00:00:00Z", -152_582_400, "1965-03-02T00:00:00"),
        (
            "1900-01-01T01:00:00+01:00",
            -2_208_988_800,
            "1900-01-01T00:00:00",
        ),
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
        (
            "2016-12-31T18:59:60-05:00",
            1_483_228_799,
            "2016-12-31T23:59:59",
        ),
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
        ("202401011200", "is a date without dashes"),
        ("2024", "is a year"),
        ("99999999", "between 1970 and 1973"),
        ("123456", "between 1970 and 1973"),
        ("-1", "before 1970"),
        (
            "1899-12-31T23:59:59Z",
            "is not within the years 1900 to 9999",
        ),
        (
            "9999-12-31T23:59:59-00:01",
            "is not within the years 1900 to 9999",
        ),
        ("2021-02-29T00:00:00Z", "is not a date and time"),
        ("2021-13-01T00:00:00Z", "is not a date and time"),
        ("2021-01-20T25:00:00Z", "is not a date and time"),
        ("2021-01-20T09:35:61Z", "is not a date and time"),
        ("2021-01-20T09:35:60Z", "is not a date and time"),
        ("2016-12-30T23:59:60Z", "is not a date and time"),
        ("2016-12-31T23:59:60-05:00", "is not a date and time"),
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
