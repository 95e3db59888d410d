//! JSON Lines: one input a line, cut into parts of one request each.

use std::io::{self, BufRead, Read as _};
use std::iter::Peekable;

use tokio::sync::mpsc;

use crate::input::ENDS_EARLY;
use crate::records::{Error, Input, InvalidField, Outcome};

/// As many updates as Mixpanel takes in a request.
const MAX_INPUTS: usize = 2_000;

/// Of the lines of a part: with what the card adds to each, they make one request of 2 MB.
const MAX_BYTES: usize = 1_600_000;

/// Of a line. An update of over 1 MB is refused anyway; as JSON the same may be six times as long.
pub const MAX_LINE_BYTES: usize = 8_000_000;

/// A line that is not blank.
#[derive(Debug)]
pub struct Line {
    /// Counted from 1, blank lines included.
    pub number: u64,
    /// In the list.
    pub bytes: usize,
    /// As far as it could be read.
    pub profile_id: Option<String>,
    /// Or how the line ends without a call of the card.
    pub input: Result<Input, Outcome>,
}

/// The lines that go into one call.
pub type Part = Vec<Line>;

/// Reads lines one after another; blank ones are passed over.
pub struct Lines<R> {
    source: R,
    /// Of the line that was read last.
    number: u64,
    buffer: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    pub fn new(source: R) -> Self {
        Lines {
            source,
            number: 0,
            buffer: Vec::new(),
        }
    }

    /// Reads the next line that is not blank, but no more of it than tells that it is too long.
    fn next_line(&mut self) -> io::Result<Option<Line>> {
        loop {
            self.buffer.clear();
            let read = (&mut self.source)
                .take(MAX_LINE_BYTES as u64 + 2)
                .read_until(b'\n', &mut self.buffer)?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            if self.number == 1
                && let Some(encoding) = foreign_encoding(&self.buffer)
            {
                return Err(io::Error::new(io::ErrorKind::InvalidData, encoding));
            }
            if self.buffer.len() > MAX_LINE_BYTES + 1 && !self.buffer.ends_with(b"\n") {
                self.source.skip_until(b'\n')?;
            }
            let line = self.buffer.trim_ascii();
            if !line.is_empty() && line != "\u{feff}".as_bytes() {
                return Ok(Some(read_line(self.number, line)));
            }
        }
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_line().transpose()
    }
}

fn read_line(number: u64, line: &[u8]) -> Line {
    let name = format!("line {number}");
    let refused = |reason: &str| Line {
        number,
        bytes: line.len(),
        profile_id: None,
        input: Err(Outcome::invalid(&name, reason.to_owned())),
    };
    if line.len() > MAX_LINE_BYTES {
        return refused(&format!("is longer than {MAX_LINE_BYTES} bytes"));
    }
    let Ok(text) = str::from_utf8(line) else {
        return refused("is not UTF-8: save the file as UTF-8");
    };
    match Input::from_json(text) {
        Ok(input) => Line {
            number,
            bytes: line.len(),
            profile_id: Some(input.profile.profile_id.clone()),
            input: Ok(input),
        },
        Err(invalid) => {
            let named = |mut invalid: InvalidField| {
                // What is wrong with the line as a whole has no field.
                if invalid.field.is_empty() {
                    invalid.field.clone_from(&name);
                }
                if invalid.reason == ENDS_EARLY {
                    invalid.reason += "; a list has one object a line";
                }
                invalid
            };
            let fields = invalid.fields.into_iter().map(named).collect();
            Line {
                number,
                bytes: line.len(),
                profile_id: invalid.profile_id,
                input: Err(Outcome::Err(Error::PermanentInvalidInput(fields))),
            }
        }
    }
}

/// What the beginning of a file is where it cannot be JSON in UTF-8, and what to do.
pub fn foreign_encoding(start: &[u8]) -> Option<&'static str> {
    match start {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, ..] | [_, 0, ..] => {
            Some("is UTF-16: save it as UTF-8")
        }
        [0x1f, 0x8b, ..] => Some("is compressed by gzip: pass it unpacked, as zcat prints it"),
        _ => None,
    }
}

/// Reads lines on a thread of its own, a part ahead of the calls: a source may keep silent for long,
/// and a signal must be heard meanwhile.
///
/// # Errors
///
/// No thread can be started.
pub fn parts(
    lines: impl Iterator<Item = io::Result<Line>> + Send + 'static,
) -> io::Result<mpsc::Receiver<io::Result<Part>>> {
    let (sender, receiver) = mpsc::channel(1);
    let read = move || {
        let mut lines = lines.peekable();
        while let Some(part) = next_part(&mut lines) {
            let is_last = part.is_err();
            // Without a receiver the run is over.
            if sender.blocking_send(part).is_err() || is_last {
                return;
            }
        }
    };
    std::thread::Builder::new()
        .name("lines".to_owned())
        .spawn(read)?;
    Ok(receiver)
}

fn next_part(
    lines: &mut Peekable<impl Iterator<Item = io::Result<Line>>>,
) -> Option<io::Result<Part>> {
    let mut part = match lines.next()? {
        Ok(first) => vec![first],
        Err(error) => return Some(Err(error)),
    };
    let mut bytes = part[0].bytes;
    while part.len() < MAX_INPUTS {
        let fits = |line: &io::Result<Line>| {
            line.as_ref()
                .is_ok_and(|line| bytes + line.bytes <= MAX_BYTES)
        };
        let Some(Ok(line)) = lines.next_if(fits) else {
            break;
        };
        bytes += line.bytes;
        part.push(line);
    }
    Some(Ok(part))
}

#[cfg(test)]
mod tests;
