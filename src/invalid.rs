//! What is wrong with an input, collected; pure.

use std::borrow::Cow;

use crate::bindings::profiles::InvalidField;

/// The rule that a value breaks, as the rest of a sentence that starts with the field's path. It says
/// how to fix it, and never repeats the value, which may be anything that a flow was given.
pub type Reason = Cow<'static, str>;

/// So many are named: more help nobody, and an input may have any number.
const MAX_NAMED: usize = 100;

/// The invalid fields of one input, in the order of the interface.
#[derive(Debug, Default)]
pub struct InvalidFields {
    named: Vec<InvalidField>,
    /// How many there are beside those.
    more: usize,
}

impl InvalidFields {
    /// The only one of an input.
    pub fn one(field: &str, reason: impl Into<Reason>) -> Self {
        let mut invalid = Self::default();
        invalid.add(field, reason);
        invalid
    }

    /// Adds one.
    pub fn add(&mut self, field: impl Into<String>, reason: impl Into<Reason>) {
        if self.named.len() == MAX_NAMED {
            self.more += 1;
            return;
        }
        self.named.push(InvalidField {
            field: field.into(),
            reason: reason.into().into_owned(),
        });
    }

    /// Returns the value, or adds why there is none.
    pub fn check<T>(&mut self, field: &str, value: Result<T, impl Into<Reason>>) -> Option<T> {
        value.map_err(|reason| self.add(field, reason)).ok()
    }

    /// Adds those of another part of the input, or returns its value.
    pub fn join<T>(&mut self, part: Result<T, Self>) -> Option<T> {
        part.map_err(|invalid| {
            self.named.extend(invalid.named);
            self.more += invalid.more;
        })
        .ok()
    }

    /// Returns the value where no field is invalid.
    ///
    /// # Errors
    ///
    /// Those that are.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.named.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }
}

impl From<InvalidFields> for Vec<InvalidField> {
    fn from(invalid: InvalidFields) -> Self {
        let InvalidFields { mut named, more } = invalid;
        if more > 0 {
            named.push(InvalidField {
                // Nothing else can have so many.
                field: "properties".to_owned(),
                reason: format!("have {more} more invalid fields: fix these first"),
            });
        }
        named
    }
}
