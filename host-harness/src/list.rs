//! Lists of users of any length: read as JSON Lines, run in calls of a bounded size, several of them
//! at once perhaps, with an outcome for each line in their order.

use std::io::{self, BufRead, Read as _};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::card::{CallError, Card};
use crate::records::{Connection, Error, Input, Outcome};

/// As many users as Mixpanel takes in a request.
const MAX_INPUTS: usize = 2_000;

/// Of a call's lines: two requests full. The card's memory holds them several times over.
const MAX_BYTES: usize = 4_000_000;

/// [`Limits::kept_memory`](crate::engine::Limits::kept_memory) for an engine that runs nothing but
/// lists: most of what such a call touches.
pub const KEPT_MEMORY: usize = 2 << 20;

/// Of a line. An update of over 1 MB is refused anyway; as JSON the same may be six times as long.
const MAX_LINE_BYTES: usize = 8_000_000;

/// Why a list was not run to its end.
#[derive(Debug)]
pub enum ListError {
    /// Its source cannot be read, or its outcomes cannot be written.
    Io(io::Error),
    /// Nothing can be sent: the connection breaks rules.
    Connection(Error),
}

impl std::fmt::Display for ListError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ListError::Io(error) => error.fmt(formatter),
            ListError::Connection(Error::PermanentInvalidInput(fields)) => {
                for (index, invalid) in fields.iter().enumerate() {
                    let separator = if index == 0 { "" } else { "; " };
                    write!(formatter, "{separator}{} {}", invalid.field, invalid.reason)?;
                }
                Ok(())
            }
            ListError::Connection(error) => write!(formatter, "{error:?}"),
        }
    }
}

impl std::error::Error for ListError {}

impl From<io::Error> for ListError {
    fn from(error: io::Error) -> Self {
        ListError::Io(error)
    }
}

/// Some lines that go into one call.
#[derive(Debug, Default)]
pub struct Part {
    /// Each line's outcome where it is no input of the card, else `None`.
    refused: Vec<Option<Outcome>>,
    /// The inputs of the others.
    inputs: Vec<Input>,
}

/// Lines that are inputs of the card, one after another; blank ones are passed over.
pub struct Lines<R> {
    source: R,
    /// Of the line that was read last, counted from 1.
    number: u64,
    ended: bool,
}

impl<R: BufRead> Lines<R> {
    pub fn new(source: R) -> Self {
        Lines {
            source,
            number: 0,
            ended: false,
        }
    }

    /// Passes over so many lines that are not blank; how many there were, if fewer.
    ///
    /// # Errors
    ///
    /// The source cannot be read.
    pub fn skip(&mut self, lines: u64) -> io::Result<u64> {
        let mut line = Vec::new();
        for skipped in 0..lines {
            if !self.next_line(&mut line)? {
                return Ok(skipped);
            }
        }
        Ok(lines)
    }

    /// The lines of the next call; `None` at the end.
    fn part(&mut self) -> io::Result<Option<Part>> {
        let mut part = Part::default();
        let mut bytes = 0;
        let mut line = Vec::new();
        while part.refused.len() < MAX_INPUTS && bytes < MAX_BYTES && self.next_line(&mut line)? {
            bytes += line.len();
            let refused = match serde_json::from_slice(&line) {
                _ if line.len() > MAX_LINE_BYTES => {
                    let reason = format!("is longer than {MAX_LINE_BYTES} bytes");
                    Some(Outcome::invalid(&self.name(), reason))
                }
                Ok(input) => {
                    part.inputs.push(input);
                    None
                }
                Err(error) => {
                    let reason = format!("is not an input of the card: {error}");
                    Some(Outcome::invalid(&self.name(), reason))
                }
            };
            part.refused.push(refused);
        }
        Ok((!part.refused.is_empty()).then_some(part))
    }

    fn name(&self) -> String {
        format!("line {}", self.number)
    }

    /// Reads the next line that is not blank, but no more of it than tells that it is too long.
    fn next_line(&mut self, line: &mut Vec<u8>) -> io::Result<bool> {
        while !self.ended {
            line.clear();
            let read = (&mut self.source)
                .take(MAX_LINE_BYTES as u64 + 2)
                .read_until(b'\n', line)?;
            self.ended = read == 0;
            if line.len() > MAX_LINE_BYTES + 1 && !line.ends_with(b"\n") {
                self.source.skip_until(b'\n')?;
            }
            self.number += 1;
            if !line.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Runs the card over all lines, `concurrency` calls at once, and hands the outcomes of each call to
/// `done`, in the order of the lines, with the reason where the host stopped it: then some of its
/// profiles may have been created, and its outcomes are `execution-failed`. Dropping the future
/// cancels the calls in flight.
///
/// With one call at once, users are sent in their order; with more, two lines with the same profile
/// id may overtake each other.
///
/// # Errors
///
/// A [`ListError`]; `done` was called for all lines before.
pub async fn run(
    card: &Card,
    connection: &Connection,
    lines: &mut Lines<impl BufRead>,
    concurrency: usize,
    mut done: impl FnMut(&[Outcome], Option<&CallError>) -> io::Result<()>,
) -> Result<(), ListError> {
    let parts = std::iter::from_fn(|| lines.part().transpose());
    let mut calls = stream::iter(parts)
        .map(|part| async { create(card, connection, part?).await })
        .buffered(concurrency.max(1));
    while let Some((outcomes, stopped)) = calls.try_next().await? {
        done(&outcomes, stopped.as_ref())?;
    }
    Ok(())
}

/// The outcome of each line, and why the host stopped a call, if it did.
async fn create(
    card: &Card,
    connection: &Connection,
    part: Part,
) -> Result<(Vec<Outcome>, Option<CallError>), ListError> {
    let mut created = Vec::with_capacity(part.inputs.len());
    let mut last_stopped = None;
    // What waits to be called, the next one last.
    let mut slices = vec![part.inputs.as_slice()];
    while let Some(inputs) = slices.pop() {
        match card.create_profiles(connection, inputs).await {
            Ok(Ok(outcomes)) => created.extend(outcomes),
            Ok(Err(error)) => return Err(ListError::Connection(error)),
            // One that is too large must not hold back the others.
            Err(CallError::Memory(_)) if inputs.len() > 1 => {
                let (first, second) = inputs.split_at(inputs.len() / 2);
                slices.extend([second, first]);
            }
            Err(stopped) => {
                let failed = Outcome::Err(Error::ExecutionFailed);
                created.extend(std::iter::repeat_n(failed, inputs.len()));
                last_stopped = Some(stopped);
            }
        }
    }
    let mut created = created.into_iter();
    let mut next = || {
        created
            .next()
            .unwrap_or(Outcome::Err(Error::ExecutionFailed))
    };
    let outcomes = part
        .refused
        .into_iter()
        .map(|refused| refused.unwrap_or_else(&mut next))
        .collect();
    Ok((outcomes, last_stopped))
}

#[cfg(test)]
mod tests {
    use super::{Lines, MAX_INPUTS, MAX_LINE_BYTES};
    use crate::records::{Error, Outcome};

    fn parts(text: &str) -> Vec<(Vec<Option<String>>, Vec<String>)> {
        let mut lines = Lines::new(text.as_bytes());
        std::iter::from_fn(|| lines.part().expect("readable"))
            .map(|part| {
                let refused = part.refused.into_iter().map(|refused| match refused {
                    Some(Outcome::Err(Error::PermanentInvalidInput(fields))) => {
                        Some(format!("{} {}", fields[0].field, fields[0].reason))
                    }
                    None => None,
                    other => panic!("{other:?}"),
                });
                let ids = part
                    .inputs
                    .into_iter()
                    .map(|input| input.profile.profile_id);
                (refused.collect(), ids.collect())
            })
            .collect()
    }

    fn line(id: &str) -> String {
        format!("{{\"profile\":{{\"profile-id\":\"{id}\"}}}}\n")
    }

    #[test]
    fn each_line_that_is_not_blank_has_its_place() {
        let text = format!("\n{}  \r\nnonsense\n{}", line("a"), line("b").trim_end());
        let parts = parts(&text);
        let [(refused, ids)] = parts.as_slice() else {
            panic!("{} parts", parts.len())
        };
        assert_eq!(ids, &["a", "b"]);
        assert_eq!(refused.len(), 3);
        assert!(refused[0].is_none() && refused[2].is_none());
        let reason = refused[1].as_deref().expect("a reason");
        assert!(
            reason.starts_with("line 4 is not an input of the card: "),
            "{reason}"
        );
        for nothing in ["", "\n", " \n\t\n"] {
            assert!(
                super::Lines::new(nothing.as_bytes())
                    .part()
                    .expect("readable")
                    .is_none()
            );
        }
    }

    #[test]
    fn parts_are_bounded_by_lines_and_by_bytes() {
        let many: String = (0..=MAX_INPUTS).map(|n| line(&n.to_string())).collect();
        let counts: Vec<_> = parts(&many).iter().map(|(_, ids)| ids.len()).collect();
        assert_eq!(counts, [MAX_INPUTS, 1]);

        let long = line(&"x".repeat(3_000_000));
        let counts: Vec<_> = parts(&long.repeat(3))
            .iter()
            .map(|(_, ids)| ids.len())
            .collect();
        assert_eq!(counts, [2, 1]);
    }

    #[test]
    fn a_line_that_is_too_long_is_not_kept() {
        let text = line(&"x".repeat(MAX_LINE_BYTES)) + &line("b");
        let refused: Vec<_> = parts(&text)
            .into_iter()
            .flat_map(|(refused, _)| refused)
            .collect();
        assert_eq!(
            refused,
            [Some("line 1 is longer than 8000000 bytes".to_owned()), None]
        );
    }

    #[test]
    fn lines_are_skipped_without_the_blank_ones() {
        let text = format!("\n{}\n{}{}", line("a"), line("b"), line("c"));
        for (skip, skipped, next) in [(0, 0, Some("a")), (2, 2, Some("c")), (4, 3, None)] {
            let mut lines = Lines::new(text.as_bytes());
            assert_eq!(lines.skip(skip).expect("readable"), skipped);
            let part = lines.part().expect("readable");
            let id = part.map(|part| part.inputs[0].profile.profile_id.clone());
            assert_eq!(id.as_deref(), next);
        }
    }
}
