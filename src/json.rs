//! JSON text, read where it stands: no tree is built of it, and no numbers are made; pure.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use hifijson::SliceLexer;
use hifijson::num::Lex as _;
use hifijson::str::{Lex as _, LexAlloc as _};
use hifijson::token::{Expect, Lex as _};

use crate::input::Text;

/// Arrays and objects within each other; as many as `serde_json` takes.
const MAX_DEPTH: u8 = 128;

/// One value, as it is written. Nothing but whole and valid JSON becomes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raw<'a>(&'a str);

impl<'a> Raw<'a> {
    /// Takes a text that is one JSON value with nothing but white space around it.
    ///
    /// # Errors
    ///
    /// The offset, in bytes, where it stops being JSON.
    pub fn read(text: &'a str) -> Result<Self, usize> {
        let mut lexer = SliceLexer::new(text.as_bytes());
        let value = value(&mut lexer, text, 0, &mut |_, _| ());
        match (value, lexer.ws_peek()) {
            (Ok(value), None) => Ok(value),
            _ => Err(text.len() - lexer.as_slice().len()),
        }
    }

    /// The text of it.
    pub fn text(self) -> &'a str {
        self.0
    }

    /// What it is, with its article.
    pub fn kind(self) -> &'static str {
        match self.0.as_bytes().first() {
            Some(b'"') => "a string",
            Some(b'{') => "an object",
            Some(b'[') => "an array",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            _ => "a number",
        }
    }

    /// A string's characters; `None` where it is no string, or one that names half a character
    /// (`\ud800` without its second half), which no text can hold.
    pub fn string(self) -> Option<Cow<'a, str>> {
        let characters = self.0.strip_prefix('"')?;
        SliceLexer::new(characters.as_bytes()).str_string().ok()
    }

    /// The entries of an object, with their keys as strings, or of an array, in their order; equal
    /// keys are left as they are. None in any other value.
    pub fn entries(self) -> Vec<(Raw<'a>, Raw<'a>)> {
        let mut entries = Vec::new();
        let mut lexer = SliceLexer::new(self.0.as_bytes());
        // It was read before, so that it cannot fail.
        let _ = value(&mut lexer, self.0, 0, &mut |key, value| {
            entries.push((key, value));
        });
        entries
    }
}

/// The value of the last of an object's entries under `key`.
pub fn find<'a>(entries: &[(Raw<'a>, Raw<'a>)], key: &str) -> Option<Raw<'a>> {
    let mut latest_first = entries.iter().rev();
    let (_, value) =
        latest_first.find(|(name, _)| name.string().is_some_and(|name| name == key))?;
    Some(*value)
}

/// Reads the next value of `text`, which `lexer` is in, and hands its entries to `each`.
fn value<'a>(
    lexer: &mut SliceLexer<'a>,
    text: &'a str,
    depth: u8,
    each: &mut dyn FnMut(Raw<'a>, Raw<'a>),
) -> Result<Raw<'a>, Expect> {
    let next = lexer.ws_peek();
    let start = position(lexer, text);
    match next {
        Some(b'a'..=b'z') => {
            lexer.null_or_bool().ok_or(Expect::Value)?;
        }
        Some(b'"') => string(lexer)?,
        Some(open @ (b'[' | b'{')) if depth < MAX_DEPTH => {
            // Each closing bracket stands two places behind its opening one.
            lexer
                .discarded()
                .seq(open + 2, SliceLexer::ws_peek, |next, lexer| {
                    let mut key = "";
                    if open == b'{' {
                        if next != b'"' {
                            return Err(Expect::String);
                        }
                        let start = position(lexer, text);
                        string(lexer)?;
                        key = text.get(start..position(lexer, text)).unwrap_or_default();
                        lexer
                            .expect(SliceLexer::ws_peek, b':')
                            .ok_or(Expect::Colon)?;
                    }
                    let value = value(lexer, text, depth + 1, &mut |_, _| ())?;
                    each(Raw(key), value);
                    Ok::<_, Expect>(())
                })?;
        }
        _ => {
            lexer.num_ignore().validate().map_err(|_| Expect::Value)?;
        }
    }
    Ok(Raw(text
        .get(start..position(lexer, text))
        .unwrap_or_default()))
}

fn string(lexer: &mut SliceLexer<'_>) -> Result<(), Expect> {
    lexer.discarded().str_ignore().map_err(|_| Expect::String)
}

fn position(lexer: &SliceLexer<'_>, text: &str) -> usize {
    text.len() - lexer.as_slice().len()
}

/// Writes a string behind `json`. `serde_json` would make a text of its own for each.
pub fn text(json: &mut Vec<u8>, text: &str) {
    json.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|&byte| needs_escape(byte)) {
        let (plain, from_there) = rest.split_at(at);
        json.extend_from_slice(plain);
        let Some((&byte, behind)) = from_there.split_first() else {
            break;
        };
        escape(json, byte);
        rest = behind;
    }
    json.extend_from_slice(rest);
    json.push(b'"');
}

/// RFC 8259, section 7.
fn needs_escape(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

fn escape(json: &mut Vec<u8>, byte: u8) {
    let letter = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => {
            let digit = |half: u8| {
                if half < 10 {
                    b'0' + half
                } else {
                    b'a' - 10 + half
                }
            };
            json.extend_from_slice(b"\\u00");
            json.push(digit(byte >> 4));
            json.push(digit(byte & 0xf));
            return;
        }
    };
    json.extend_from_slice(&[b'\\', letter]);
}

/// Writes an array of strings behind `json`.
pub fn texts(json: &mut Vec<u8>, texts: &[Text<'_>]) {
    json.push(b'[');
    for (index, item) in texts.iter().enumerate() {
        if index > 0 {
            json.push(b',');
        }
        text(json, item);
    }
    json.push(b']');
}

/// Writes an integer behind `json`.
pub fn integer(json: &mut Vec<u8>, integer: i64) {
    json.extend_from_slice(itoa::Buffer::new().format(integer).as_bytes());
}

/// Writes a finite number behind `json`: within the integers of 64 bits, `3.0` as `3`.
pub fn number(json: &mut Vec<u8>, number: f64) {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::float_cmp,
        reason = "a number that is no integer of 64 bits does not come back the same"
    )]
    if number as i64 as f64 == number && number < 9_223_372_036_854_775_808.0 {
        integer(json, number as i64);
    } else {
        // There is no error to tell of: memory does not fail.
        json.extend_from_slice(&serde_json::to_vec(&number).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_DEPTH, Raw, find};

    #[test]
    fn what_is_json() {
        for (text, kind) in [
            ("null", "null"),
            (" true\n", "a boolean"),
            ("false", "a boolean"),
            ("-0.5e+10", "a number"),
            ("1e999", "a number"),
            (r#""\ud83d\ude00\n""#, "a string"),
            (r#""\ud800""#, "a string"),
            ("[ ]", "an array"),
            ("[1, [2] ,\t{}]", "an array"),
            (r#"{"a" : 1, "a":{"b":[]}}"#, "an object"),
        ] {
            let value = Raw::read(text).expect(text);
            assert_eq!(value.kind(), kind, "{text}");
            assert_eq!(value.text(), text.trim(), "{text}");
        }
    }

    #[test]
    fn what_is_not_json_and_where_it_stops() {
        for (text, offset) in [
            ("", 0),
            (" ", 1),
            ("{", 1),
            ("[1,]", 3),
            ("[1 2]", 3),
            ("{a:1}", 1),
            (r#"{"a" 1}"#, 5),
            (r#"{"a":}"#, 5),
            (r#"{"a":1} x"#, 8),
            ("01", 1),
            ("1.", 2),
            ("-", 1),
            ("\"a", 2),
            ("'a'", 0),
            ("NaN", 0),
        ] {
            assert_eq!(Raw::read(text), Err(offset), "{text}");
        }
        for text in ["tru", "\"\n\"", r#""\x""#, r#""\u12g4""#] {
            assert!(Raw::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        let most = usize::from(MAX_DEPTH);
        assert!(Raw::read(&nested(most)).is_ok());
        assert!(Raw::read(&nested(most + 1)).is_err());
        assert!(Raw::read(&"[".repeat(1_000_000)).is_err());
    }

    #[test]
    fn strings_and_entries() {
        for (text, string) in [
            (r#""""#, Some("")),
            (
                r#""é\u00e9\"\\\/\b\f\n\r\t""#,
                Some("éé\"\\/\u{8}\u{c}\n\r\t"),
            ),
            (r#""\ud83d\ude00""#, Some("😀")),
            (r#""\ud83d""#, None),
            ("1", None),
        ] {
            let value = Raw::read(text).expect(text);
            assert_eq!(value.string().as_deref(), string, "{text}");
        }
        let object = Raw::read(r#"{ "a":1 ,"b":[2,"3"],"\u0061" : null}"#).expect("JSON");
        let entries: Vec<_> = object
            .entries()
            .into_iter()
            .map(|(key, value)| (key.string().expect("a key").into_owned(), value.text()))
            .collect();
        let expected = [("a", "1"), ("b", r#"[2,"3"]"#), ("a", "null")];
        assert_eq!(entries, expected.map(|(key, text)| (key.to_owned(), text)));
        let entries = object.entries();
        assert_eq!(find(&entries, "a").map(Raw::text), Some("null"));
        assert_eq!(find(&entries, "c"), None);
        let items = find(&entries, "b").expect("b").entries();
        assert_eq!(items.len(), 2);
        assert_eq!(items[1].1.text(), r#""3""#);
    }
}
