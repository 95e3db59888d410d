//! What is wrong with an input, collected; pure.

use std::borrow::Cow;

use crate::bindings::profiles::InvalidField;

/// The rule that a value breaks, as the rest of a sentence that starts with the field's path. It says
/// how to fix it, and never repeats the value, which may be anything that a flow was given.
pub type Reason = Cow<'static, str>;

/// The invalid fields of one input, in the order of the interface.
#[derive(Debug, Default)]
pub struct InvalidFields(Vec<InvalidField>);

impl InvalidFields {
    /// Adds one.
    pub fn add(&mut self, field: impl Into<String>, reason: impl Into<Reason>) {
        self.0.push(InvalidField {
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
        part.map_err(|invalid| self.0.extend(invalid.0)).ok()
    }

    /// Returns the value where no field is invalid.
    ///
    /// # Errors
    ///
    /// Those that are.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }
}

impl From<InvalidFields> for Vec<InvalidField> {
    fn from(invalid: InvalidFields) -> Self {
        invalid.0
    }
}
