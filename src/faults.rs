//! What is wrong with an input, collected; and the words for it; pure.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use crate::bindings::profiles::InvalidField;
use crate::input::{Maybe, Text};

/// Every input that breaks a rule, in the order of the input.
#[derive(Default)]
pub struct Faults(Vec<InvalidField>);

impl Faults {
    /// Adds one: the field's path, and the rule as the rest of a sentence that starts with it.
    pub fn add(&mut self, field: &str, reason: &str) {
        self.0.push(InvalidField {
            field: field.to_owned(),
            reason: reason.to_owned(),
        });
    }

    /// Adds one whose reason has a figure in the place of its `#`.
    pub fn add_figure(&mut self, field: &str, reason: &str, figure: usize) {
        self.add(field, &with_figure(reason, figure));
    }

    /// `Ok` where there is none.
    ///
    /// # Errors
    ///
    /// All of them.
    pub fn into_result(self) -> Result<(), Vec<InvalidField>> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(self.0)
        }
    }
}

/// `words` one after another.
pub fn text(words: &[&str]) -> String {
    words.concat()
}

/// `words` with `figure` in the place of the first `#`.
pub fn with_figure(words: &str, figure: usize) -> String {
    let at = words.bytes().position(|byte| byte == b'#');
    let (before, after) = words
        .split_at_checked(at.unwrap_or(words.len()))
        .unwrap_or((words, ""));
    text(&[
        before,
        itoa::Buffer::new().format(figure),
        after.get(1..).unwrap_or_default(),
    ])
}

/// An optional text, where a blank one counts as absent: `$set_once ""` would take the place of a
/// later real value.
pub fn present<'a>(text: &Maybe<Text<'a>>) -> Option<&'a str> {
    match text {
        Maybe::Some(text) if !is_blank(text) => Some(text.as_str()),
        _ => None,
    }
}

/// Nothing but white space.
pub fn is_blank(text: &str) -> bool {
    // Most texts start with a visible ASCII character, which needs no look at Unicode's tables.
    !matches!(text.as_bytes().first(), Some(b'!'..=b'~')) && text.trim_start().is_empty()
}

/// How many characters there are; the standard count is made for long texts, and larger.
pub fn characters(text: &str) -> usize {
    let continues = |byte: &u8| byte & 0b1100_0000 == 0b1000_0000;
    text.bytes().filter(|byte| !continues(byte)).count()
}
