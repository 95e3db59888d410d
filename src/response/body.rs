//! What Mixpanel's JSON says; pure.

use serde::Deserialize;
use serde_json::value::RawValue;

/// What Mixpanel's JSON holds, each value as it is written.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Body<'a> {
    #[serde(borrow)]
    pub status: Option<&'a RawValue>,
    code: Option<&'a RawValue>,
    num_good_events: Option<&'a RawValue>,
    num_records_imported: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
    errors: Option<&'a RawValue>,
    failed_records: Option<&'a RawValue>,
}

/// An update that the import API refuses.
#[derive(Default, Deserialize)]
#[serde(default)]
struct FailedRecord<'a> {
    #[serde(borrow)]
    field: Option<&'a RawValue>,
    message: Option<&'a RawValue>,
}

impl<'a> Body<'a> {
    /// `None` where the JSON is no object.
    pub fn read(json: &'a str) -> Option<Self> {
        // A struct would be read from an array as well, by position.
        if !json.trim_start().starts_with('{') {
            return None;
        }
        serde_json::from_str(json).ok()
    }

    /// Whether fewer updates were good than were sent.
    /// A whole number, as Mixpanel writes it.
    pub fn counts_fewer(&self, updates: usize) -> bool {
        let counts = [self.num_good_events, self.num_records_imported];
        let mut counts = counts.into_iter().flatten();
        counts.any(|good| number(good).is_none_or(|good| good < updates))
    }

    /// Whether the status is a success; `None` where it is neither that nor a refusal.
    pub fn says(&self) -> Option<bool> {
        let code = self.code.map(number);
        match (text(self.status?)?.to_ascii_lowercase().as_str(), code) {
            // The import API has a code beside its status.
            ("1" | "1.0", None) | ("1" | "1.0" | "ok", Some(Some(200))) => Some(true),
            ("0" | "0.0" | "error", _) => Some(false),
            _ => None,
        }
    }

    /// What the body calls its error; `None` where it has none.
    pub fn error(&self) -> Option<String> {
        self.error.and_then(text)
    }

    /// What the body names as wrong, in Mixpanel's own words; `None` where it names nothing.
    pub fn words(&self) -> Option<String> {
        let errors = self.errors.and_then(text);
        let mut words: Vec<String> = self.error().into_iter().chain(errors).collect();
        if let Some(records) = self.failed_records {
            match serde_json::from_str::<Vec<&RawValue>>(records.get()) {
                Ok(records) => words.extend(records.into_iter().filter_map(failed_record)),
                Err(_) => words.extend(text(records)),
            }
        }
        (!words.is_empty()).then(|| words.join("; "))
    }
}

/// `field: message`
fn failed_record(json: &RawValue) -> Option<String> {
    let record = json.get().starts_with('{').then_some(json.get());
    let record: Option<FailedRecord> = record.and_then(|json| serde_json::from_str(json).ok());
    let record = record.unwrap_or_default();
    match (record.field.and_then(text), record.message.and_then(text)) {
        (Some(field), Some(message)) => Some(format!("{field}: {message}")),
        (Some(words), None) | (None, Some(words)) => Some(words),
        (None, None) => text(json),
    }
}

/// A string, or any other value as it is written; `None` where it is blank or empty.
fn text(json: &RawValue) -> Option<String> {
    let written = json.get();
    let is_empty = |open, close| {
        let inner = written
            .strip_prefix(open)
            .and_then(|rest: &str| rest.strip_suffix(close));
        inner.is_some_and(|inner: &str| inner.trim().is_empty())
    };
    if matches!(written, "null" | "false") || is_empty('{', '}') || is_empty('[', ']') {
        return None;
    }
    let text: String = serde_json::from_str(written).unwrap_or_else(|_| written.to_owned());
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A whole number, in quotes or not.
fn number(json: &RawValue) -> Option<usize> {
    count(&text(json)?)
}

/// A whole number, as Mixpanel writes it.
pub fn count(number: &str) -> Option<usize> {
    number.strip_suffix(".0").unwrap_or(number).parse().ok()
}
