//! A project token: what is one, and how it is kept out of what people read; pure.

use std::fmt;

use serde::Serialize;

use crate::invalid::Reason;
use crate::strings::{BYTE_ORDER_MARK, is_blank, is_invisible};

/// No project has a longer one.
const MAX_LENGTH: usize = 255;

/// So many characters of a token in a row are not shown.
const SHOWN: usize = 8;

/// What takes the place of a token.
const REPLACEMENT: &str = "[project token]";

/// A Mixpanel project token: letters, digits, `_`, `-` and `.`.
///
/// Mixpanel takes any text for one and answers success, so that every profile is lost where a blank, a
/// quote or a line end has slipped in.
#[derive(Clone, Copy, Serialize)]
#[serde(transparent)]
pub struct Token<'a>(&'a str);

impl fmt::Debug for Token<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(REPLACEMENT)
    }
}

impl<'a> Token<'a> {
    /// Checks a project token.
    ///
    /// # Errors
    ///
    /// What was found that no token has, in words.
    pub fn parse(token: &'a str) -> Result<Self, Reason> {
        const COPY: &str = ": copy the token alone from the project's settings in Mixpanel";
        if is_blank(token) {
            return Err(format!("is blank{COPY}").into());
        }
        if let Some(found) = slip(token) {
            return Err(format!("{found}{COPY}").into());
        }
        if token.len() > MAX_LENGTH {
            let length = token.len();
            return Err(format!("has {length} characters, more than any token{COPY}").into());
        }
        Ok(Token(token))
    }

    /// Replaces each part of `text` that shows [`SHOWN`] characters of the token in a row or more,
    /// whatever their case and whatever white space stands between them.
    pub fn redact(&self, text: &str) -> String {
        let token = self.0.to_ascii_lowercase();
        let visible: Vec<(usize, char)> = text
            .char_indices()
            .filter(|(_, c)| !c.is_whitespace() && !c.is_control() && !is_invisible(*c))
            .collect();
        let mut redacted = String::new();
        let mut shown_to = 0;
        let mut hidden_to = 0;
        for window in visible.windows(SHOWN) {
            let part: String = window.iter().map(|(_, c)| c.to_ascii_lowercase()).collect();
            if !token.contains(&part) {
                continue;
            }
            let (start, (last, c)) = (window[0].0, window[SHOWN - 1]);
            if start >= hidden_to {
                redacted.push_str(&text[shown_to..start]);
                redacted.push_str(REPLACEMENT);
            }
            hidden_to = last + c.len_utf8();
            shown_to = hidden_to;
        }
        redacted.push_str(&text[shown_to..]);
        redacted
    }
}

/// Names what is in `token` that is in no token.
fn slip(token: &str) -> Option<&'static str> {
    let placeholders = ["undefined", "null", "none", "nil", "nan"];
    if placeholders
        .iter()
        .any(|word| token.eq_ignore_ascii_case(word))
    {
        return Some("is a placeholder, not a token");
    }
    if token
        .get(..7)
        .is_some_and(|start| start.eq_ignore_ascii_case("bearer "))
    {
        return Some("starts with the word Bearer");
    }
    let is_fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let c = token.chars().find(|c| !is_fine(*c))?;
    Some(match c {
        '\n' | '\r' => "holds a line end",
        BYTE_ORDER_MARK => "holds a byte order mark",
        c if c.is_whitespace() => "holds white space",
        c if is_invisible(c) => "holds a character that cannot be seen, such as a zero-width space",
        c if c.is_control() => "holds a control character",
        '"' | '\'' | '`' | '‘' | '’' | '“' | '”' => "holds a quotation mark",
        '<' | '>' | '[' | ']' => "holds a bracket: it is a placeholder, not a token",
        '$' | '{' | '}' | '%' => "holds the name of a variable that was not filled in",
        ':' | '=' | ',' | ';' => "holds a punctuation mark, so that more than the token was copied",
        _ => "holds a character other than letters, digits, _, - and .",
    })
}

#[cfg(test)]
mod tests {
    use super::Token;

    const TOKEN: &str = "6f1a2b3c4d5e6f708192a3b4c5d6e7f8";

    #[test]
    fn what_is_a_token() {
        let longest = "a".repeat(255);
        for token in [TOKEN, "T", "test_token-1.2", "0", "nullable", &longest] {
            assert!(Token::parse(token).is_ok(), "{token}");
        }
        let longer = "a".repeat(256);
        for (token, found) in [
            ("", "is blank"),
            (" \u{200b}", "is blank"),
            ("\u{feff}", "is blank"),
            ("6f1a2b3c\n", "a line end"),
            ("\r\n6f1a2b3c", "a line end"),
            (" 6f1a2b3c", "white space"),
            ("6f1a 2b3c", "white space"),
            ("6f1a2b3c\u{a0}", "white space"),
            ("6f1a\t2b3c", "white space"),
            ("\"6f1a2b3c\"", "a quotation mark"),
            ("'6f1a2b3c'", "a quotation mark"),
            ("“6f1a2b3c”", "a quotation mark"),
            ("Bearer 6f1a2b3c", "the word Bearer"),
            ("bearer 6f1a2b3c", "the word Bearer"),
            ("\u{feff}6f1a2b3c", "a byte order mark"),
            ("6f1a2b3c\u{200b}", "cannot be seen"),
            ("6f1a\u{2060}2b3c", "cannot be seen"),
            ("6f1a\u{0}", "a control character"),
            ("<YOUR_TOKEN>", "a placeholder"),
            ("[token]", "a placeholder"),
            ("undefined", "a placeholder"),
            ("NULL", "a placeholder"),
            ("${TOKEN}", "a variable"),
            ("{{token}}", "a variable"),
            ("%TOKEN%", "a variable"),
            ("token=6f1a2b3c", "more than the token"),
            ("6f1a2b3c:", "more than the token"),
            ("6f1a/2b3c", "other than letters"),
            ("6f1é", "other than letters"),
            ("６f1a", "other than letters"),
            (&longer, "256 characters"),
        ] {
            let reason = Token::parse(token).expect_err(token);
            assert!(reason.contains(found), "{token:?}: {reason}");
            assert!(!reason.contains("6f1a"), "{reason}");
        }
    }

    #[test]
    fn no_eight_characters_of_it_are_shown() {
        let token = Token::parse(TOKEN).expect("a token");
        for (text, redacted) in [
            ("nothing of it", "nothing of it"),
            (TOKEN, "[project token]"),
            (
                "no project 6f1a2b3c4d5e6f708192a3b4c5d6e7f8!",
                "no project [project token]!",
            ),
            ("6F1A2B3C4D5E6F708192A3B4C5D6E7F8", "[project token]"),
            ("6f1a2b3c4d5e…", "[project token]…"),
            ("…d6e7f8", "…d6e7f8"),
            ("6f1a2b3 c4d5e", "[project token]"),
            ("6f1a\u{200b}2b3c", "[project token]"),
            (
                "a 6f1a2b3c b 6f708192 c",
                "a [project token] b [project token] c",
            ),
            ("é6f1a2b3cé", "é[project token]é"),
        ] {
            assert_eq!(token.redact(text), redacted);
        }
        let short = Token::parse("1").expect("a token");
        assert_eq!(
            short.redact("1 of 11"),
            "1 of 11",
            "too short to be told from other text"
        );
        assert_eq!(format!("{token:?}"), "[project token]");
    }
}
