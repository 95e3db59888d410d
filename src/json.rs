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
        Self::read_with(text, &mut |_, _| ())
    }

    /// The same, and the entries of the value, if it is an object or an array.
    ///
    /// # Errors
    ///
    /// As [`Raw::read`].
    pub fn read_with_entries(text: &'a str) -> Result<(Self, Entries<'a>), usize> {
        let mut entries = Vec::new();
        let value = Self::read_with(text, &mut |key, value| entries.push((key, value)))?;
        Ok((value, entries))
    }

    fn read_with(text: &'a str, each: &mut dyn FnMut(Raw<'a>, Raw<'a>)) -> Result<Self, usize> {
        let mut lexer = SliceLexer::new(text.as_bytes());
        let value = value(&mut lexer, text, 0, each);
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
        if !characters.bytes().any(|byte| byte == b'\\') {
            // It is written as it is.
            return characters.strip_suffix('"').map(Cow::Borrowed);
        }
        SliceLexer::new(characters.as_bytes()).str_string().ok()
    }

    /// The entries of an object or of an array. None in any other value.
    pub fn entries(self) -> Entries<'a> {
        // It was read before, so that it cannot fail.
        Self::read_with_entries(self.0).map_or(Vec::new(), |(_, entries)| entries)
    }
}

/// The entries of an object, with their keys as strings, or of an array, in their order; equal keys
/// are left as they are.
pub type Entries<'a> = Vec<(Raw<'a>, Raw<'a>)>;

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

/// Writes a string behind `json`, and `after`, the byte that is to follow it.
///
/// Own code, since `serde_json` would make a text of its own for each; and most of what the card
/// computes is this. What needs no escape is looked at, and copied, eight bytes at a time.
#[expect(unsafe_code, reason = "pushing each byte takes several times as long")]
pub fn text(json: &mut Vec<u8>, text: &str, after: u8) {
    let text = text.as_bytes();
    let length = json.len();
    // Two quotes, and what follows.
    json.reserve(text.len() + 3);
    let [quote, spare @ ..] = json.spare_capacity_mut() else {
        // There is room.
        return;
    };
    quote.write(b'"');
    let mut plain = 0;
    while let Some(word) = text.get(plain..plain + 8)
        && let Some(to) = spare.get_mut(plain..plain + 8)
        && are_plain(word)
    {
        to.write_copy_of_slice(word);
        plain += 8;
    }
    while let Some(&byte) = text.get(plain)
        && !needs_escape(byte)
    {
        spare[plain].write(byte);
        plain += 1;
    }
    if plain < text.len() {
        // SAFETY: the quote and the plain bytes were written.
        unsafe { json.set_len(length + 1 + plain) };
        for &byte in &text[plain..] {
            if needs_escape(byte) {
                escape(json, byte);
            } else {
                json.push(byte);
            }
        }
        json.push(b'"');
        json.push(after);
        return;
    }
    spare[plain].write(b'"');
    spare[plain + 1].write(after);
    // SAFETY: so many bytes were written, one after another.
    unsafe { json.set_len(length + plain + 3) };
}

/// Whether none of eight bytes needs an escape. It may be wrong to say no, and never to say yes.
fn are_plain(bytes: &[u8]) -> bool {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    let Ok(word) = <[u8; 8]>::try_from(bytes) else {
        return false;
    };
    let word = u64::from_le_bytes(word);
    // Subtracting borrows from a byte's high bit where the byte is less; the lowest of these bytes is
    // always found, those above it may be taken for one.
    let less = |word: u64, than: u8| word.wrapping_sub(ONES * u64::from(than)) & !word;
    let quotes = less(word ^ (ONES * u64::from(b'"')), 1);
    let backslashes = less(word ^ (ONES * u64::from(b'\\')), 1);
    (less(word, b' ') | quotes | backslashes) & HIGH == 0
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
        0x08 => b'b',
        0x0c => b'f',
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
    for item in texts {
        text(json, item, b',');
    }
    end(json, b']');
}

/// Ends an array or an object whose last entry has a comma behind it.
pub fn end(json: &mut Vec<u8>, bracket: u8) {
    match json.last_mut() {
        Some(comma @ b',') => *comma = bracket,
        _ => json.push(bracket),
    }
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
    fn strings_are_written_as_serde_json_writes_them() {
        let all: String = (0..0x250).filter_map(char::from_u32).collect();
        let mut texts = vec![String::new(), all, "😀".repeat(5)];
        // Each byte that matters, at each place of a word.
        for special in [
            "\"", "\\", "\n", "\u{1f}", " ", "\u{7f}", "\u{80}", "!", "#", "é",
        ] {
            for before in 0..18 {
                for behind in [0, 1, 9] {
                    texts.push("a".repeat(before) + special + &"z".repeat(behind));
                }
            }
        }
        for text in texts {
            let mut json = b"[".to_vec();
            super::text(&mut json, &text, b',');
            let expected = format!("[{},", serde_json::Value::from(text.as_str()));
            assert_eq!(String::from_utf8(json), Ok(expected), "{text}");
        }
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
