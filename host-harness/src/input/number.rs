//! JSON numbers that a double carries without a change.

/// The double of a JSON number; `None` where reading it and writing it again would alter it.
///
/// A double carries what it holds exactly (`9007199254740994`), and what it is itself written as
/// (`0.1`), which is the shortest decimal that leads back to it.
pub(super) fn exact(json: &str) -> Option<f64> {
    let number: f64 = json.parse().ok()?;
    let given = Decimal::new(json);
    // No double has more decimals than this.
    let is_exact = || given == Decimal::new(&format!("{number:.1074}"));
    let carried = given == Decimal::new(&format!("{number:e}")) || is_exact();
    (number.is_finite() && carried).then_some(number)
}

/// 0.`digits` times ten to the `exponent`; each number has one form alone.
#[derive(PartialEq, Eq)]
struct Decimal {
    is_negative: bool,
    /// Without zeros at either end.
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// Reads a decimal as JSON and Rust write them.
    fn new(text: &str) -> Self {
        let (is_negative, text) = match text.strip_prefix('-') {
            Some(text) => (true, text),
            None => (false, text),
        };
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{integer}{fraction}");
        let significant = digits.trim_start_matches('0');
        if significant.is_empty() {
            return Decimal {
                is_negative: false,
                digits: String::new(),
                exponent: 0,
            };
        }
        let leading_zeros = digits.len() - significant.len();
        // One that does not fit is of no double that is finite, or not nought.
        let exponent: i64 = exponent.parse().unwrap_or(i64::MAX / 2);
        Decimal {
            is_negative,
            digits: significant.trim_end_matches('0').to_owned(),
            exponent: exponent
                .saturating_add(as_i64(integer.len()))
                .saturating_sub(as_i64(leading_zeros)),
        }
    }
}

fn as_i64(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::exact;

    #[test]
    fn what_a_double_carries() {
        for json in [
            "0",
            "-0",
            "0.0",
            "0e5",
            "0e99999999999999999999",
            "1",
            "-1",
            "3",
            "1.5",
            "1.50",
            "0.1",
            "-0.5",
            "15e-1",
            "1E+2",
            "1e300",
            "100",
            "9007199254740992",
            "9007199254740994",
            "1152921504606846976",
            "36893488147419103232",
            "1.7976931348623157e308",
            "5e-324",
            "738529527931269400",
            // One tenth's double, to its last digit.
            "0.1000000000000000055511151231257827021181583404541015625",
        ] {
            assert_eq!(exact(json), Some(json.parse().expect("a number")), "{json}");
        }
    }

    #[test]
    fn what_it_would_alter() {
        for json in [
            "738529527931269425",
            "-738529527931269425",
            "9007199254740993",
            "18446744073709551615",
            "36893488147419103233",
            "12345678901234567.2",
            "0.12345678901234567890123",
            "1e400",
            "-1e400",
            "1e-400",
            "1e99999999999999999999",
            "1e-99999999999999999999",
            "1.0000000000000000001",
        ] {
            assert_eq!(exact(json), None, "{json}");
        }
    }
}
