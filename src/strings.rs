//! What a string holds, as far as people see it; pure.

/// Returns an optional string; a blank one counts as left out, since `$set_once` of a blank value
/// would take the place of a later real one.
pub fn present(string: Option<&String>) -> Option<&str> {
    string
        .map(String::as_str)
        .filter(|string| !is_blank(string))
}

/// Nothing in it is visible.
pub fn is_blank(string: &str) -> bool {
    // Most strings start with a letter, which needs no second look.
    string
        .chars()
        .all(|c| !c.is_ascii_graphic() && (c.is_whitespace() || is_invisible(c)))
}

/// What takes no space and shows nothing: Unicode's [`Default_Ignorable_Code_Point`]s.
///
/// [`Default_Ignorable_Code_Point`]: https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt
pub fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// The mark that some programs put in front of a file of UTF-8.
pub const BYTE_ORDER_MARK: char = '\u{feff}';

/// Names what a string holds that no identifier, address or name has: it would be another one than
/// the one that people see.
pub fn unwanted_in_name(string: &str) -> Option<&'static str> {
    // Most are plain, and need no second look.
    if string.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return None;
    }
    string.chars().find_map(|c| match c {
        '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some("a line end"),
        '\t' => Some("a tab"),
        BYTE_ORDER_MARK => Some("a byte order mark"),
        c if c.is_control() => Some("a control character"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::{is_blank, present, unwanted_in_name};

    #[test]
    fn blank_is_what_nobody_sees() {
        for blank in [
            "",
            " ",
            "\t\r\n",
            "\u{a0}",
            "\u{3000}",
            "\u{200b}",
            "\u{feff}",
            "\u{ad}",
            "\u{2060}",
            " \u{200d}\u{200e} ",
            "\u{fe0f}",
            "\u{180e}",
            "\u{3164}",
        ] {
            assert!(is_blank(blank), "{blank:?}");
            assert_eq!(present(Some(&blank.to_owned())), None, "{blank:?}");
        }
        for visible in ["0", ".", "é", "\u{200b}a", "❤️", "\u{0}"] {
            assert!(!is_blank(visible), "{visible:?}");
            assert_eq!(present(Some(&visible.to_owned())), Some(visible));
        }
        assert_eq!(present(None), None);
    }

    #[test]
    fn what_no_name_has() {
        for (string, unwanted) in [
            ("a\nb", "a line end"),
            ("a\r", "a line end"),
            ("a\u{2028}", "a line end"),
            ("\ta", "a tab"),
            ("\u{feff}a", "a byte order mark"),
            ("a\u{0}", "a control character"),
            ("a\u{7f}", "a control character"),
            ("\u{9f}", "a control character"),
        ] {
            assert_eq!(unwanted_in_name(string), Some(unwanted), "{string:?}");
        }
        for string in ["", "a b", "é", "👩\u{200d}🚀", "a\u{200b}b"] {
            assert_eq!(unwanted_in_name(string), None, "{string:?}");
        }
    }
}
