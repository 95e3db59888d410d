//! What people read of a text that a server or a host sent: no markup, one line, bounded, and
//! without the project token; pure.

use crate::token::Token;

/// A text is cut before it is worked on, at this many times what is kept of it: white space and markup
/// make less of it.
const MAX_FACTOR: usize = 16;

/// The longest that is decoded: `#x10ffff`, with leading zeros.
const MAX_ENTITY: usize = 32;

/// At most `max` characters of `text` without the token, white space and control characters folded.
pub fn excerpt(text: &str, token: Option<&Token<'_>>, max: usize) -> String {
    let start: String = text.chars().take(max * MAX_FACTOR).collect();
    let redacted = token.map_or_else(|| start.clone(), |token| redact(&start, token));
    let is_gap = |c: char| c.is_whitespace() || c.is_control();
    let words: Vec<&str> = redacted
        .split(is_gap)
        .filter(|word| !word.is_empty())
        .collect();
    let folded = words.join(" ");
    match folded.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", folded[..end].trim_end()),
        None if start.len() < text.len() => format!("{folded}…"),
        None => folded,
    }
}

/// Tags and entities may stand within the token: then they are left out as well.
fn redact(text: &str, token: &Token<'_>) -> String {
    let plain = without_markup(text);
    let redacted = token.redact(&plain);
    if redacted == plain {
        token.redact(text)
    } else {
        redacted
    }
}

/// The text of HTML: no tags, comments, styles or scripts, and its entities decoded. Other text passes
/// as it is.
pub fn without_markup(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        let end = match tag.chars().next() {
            _ if tag.starts_with("!--") => "-->",
            _ if is_tag(tag, "style") => "</style>",
            _ if is_tag(tag, "script") => "</script>",
            Some('/' | '!' | '?' | 'a'..='z' | 'A'..='Z') => ">",
            // A `<` of plain text.
            _ => {
                text.push('<');
                rest = tag;
                continue;
            }
        };
        text.push(' ');
        rest = after(tag, end);
    }
    text.push_str(rest);
    without_entities(&text)
}

fn is_tag(text: &str, tag: &str) -> bool {
    text.get(..tag.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(tag))
}

/// The text that follows `end`; nothing where that is missing.
fn after<'a>(text: &'a str, end: &str) -> &'a str {
    text.as_bytes()
        .windows(end.len())
        .position(|window| window.eq_ignore_ascii_case(end.as_bytes()))
        .and_then(|at| text.get(at + end.len()..))
        .unwrap_or_default()
}

/// The entities that error pages have; a library brings the 2,231 of HTML.
fn without_entities(text: &str) -> String {
    let mut decoded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        decoded.push_str(before);
        // A browser needs no semicolon.
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'#';
        let end = after.bytes().take(MAX_ENTITY).take_while(is_name).count();
        let (c, after) = match entity(&after[..end]) {
            Some(c) => (c, after[end..].strip_prefix(';').unwrap_or(&after[end..])),
            None => ('&', after),
        };
        decoded.push(c);
        rest = after;
    }
    decoded.push_str(rest);
    decoded
}

fn entity(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" | "rsquo" | "lsquo" => '\'',
        "nbsp" => ' ',
        "ndash" | "mdash" => '–',
        "hellip" => '…',
        "copy" => '©',
        // What cannot be seen may stand within the token.
        "shy" => '\u{ad}',
        "zwnj" => '\u{200c}',
        "zwj" => '\u{200d}',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{excerpt, without_markup};
    use crate::token::Token;

    #[test]
    fn excerpts_fold_white_space_and_say_that_they_were_cut() {
        for (text, max, excerpted) in [
            ("", 3, ""),
            (" a \r\n\t b\u{0}c ", 9, "a b c"),
            ("abc", 3, "abc"),
            ("abcd", 3, "abc…"),
            ("ab cd", 3, "ab…"),
            ("éééé", 3, "ééé…"),
            (&" ".repeat(1_000), 3, "…"),
        ] {
            assert_eq!(excerpt(text, None, max), excerpted, "{text:?}");
        }
    }

    #[test]
    fn the_token_is_replaced_before_the_text_is_cut() {
        let token = Token::parse("6f1a2b3c4d5e6f708192a3b4c5d6e7f8").expect("a token");
        for text in [
            "6f1a<b>2b3c</b>4d5e",
            "6f1a&#50;b3c4d5e",
            "&#x36;f1a2b3c",
            "6F1A2B3C4D5E6F70",
            "6f1a<!-- x -->2b3c",
            "a < b: 6f1a2b3c",
            "6f1a&#8203;2b3c4d5e",
            "6f1a&shy;2b&zwj;3c4d5e",
            "&#54&#102&#49a2b3c4d5e",
            "6f1a&#0000000050;b3c4d5e",
        ] {
            let said = excerpt(text, Some(&token), 255);
            assert!(said.contains("[project token]"), "{text}: {said}");
            assert!(!said.to_ascii_lowercase().contains("2b3"), "{text}: {said}");
        }
        for before in 0..300 {
            let text = format!("{}6f1a2b3c4d5e6f708192a3b4c5d6e7f8", "x".repeat(before));
            assert!(
                !excerpt(&text, Some(&token), 255).contains("6f1a2b3c"),
                "{before}"
            );
        }
    }

    #[test]
    fn markup_is_left_out() {
        for (html, text) in [
            ("<p>a</p><p>b</p>", "a b"),
            ("a < b and <3", "a < b and <3"),
            ("<script>alert('</p>')</SCRIPT>Oops", "Oops"),
            ("<style>p{}</style><!-- x > y -->z", "z"),
            ("<unclosed", ""),
            (
                "Can&#39;t &amp; won&apos;t &lt;b&gt; &quot;x&quot;",
                "Can't & won't <b> \"x\"",
            ),
            ("&#x41;&#65;&nbsp;&#8217;", "AA ’"),
            (
                "a & b; &bogus; &#; &#xzz; &#1114112; &#xd800;",
                "a & b; &bogus; &#; &#xzz; &#1114112; &#xd800;",
            ),
            ("AT&T", "AT&T"),
            ("&#65&#x42 &amp x", "AB & x"),
            ("a=1&b=2&é", "a=1&b=2&é"),
            ("&amp;lt;", "&lt;"),
        ] {
            assert_eq!(excerpt(&without_markup(html), None, 255), text, "{html}");
        }
    }
}
