//! Many updates in as few requests as Mixpanel's limits allow, and an outcome for each; pure.

use alloc::vec::Vec;
use core::ops::Range;

use crate::Outcome;
use crate::bindings::profiles::Error;

/// Of one request.
const MAX_UPDATES: usize = 2_000;
/// 2 MB, in the smaller of its two readings: the server's own is 2 MiB.
const MAX_BODY_BYTES: usize = 2_000_000;

/// Of a profile with a dozen properties.
const USUAL_UPDATE_BYTES: usize = 500;

/// What sends one body with so many updates in it.
pub type Send<'a> = dyn FnMut(&[u8], usize) -> Outcome + 'a;

/// The updates of the next request.
pub struct Batch {
    /// `[update,update,…,update,`: one byte in front of each, and one behind the last, which become
    /// the brackets of what is sent.
    bytes: Vec<u8>,
    updates: Vec<Update>,
}

struct Update {
    /// Of the input.
    index: usize,
    /// Where the byte behind it stands.
    end: usize,
}

impl Default for Batch {
    fn default() -> Self {
        Batch {
            bytes: [b'['].to_vec(),
            updates: Vec::new(),
        }
    }
}

impl Batch {
    /// With room for the usual updates of so many inputs: where it grows, all is copied.
    pub fn with_room_for(inputs: usize) -> Self {
        let mut batch = Batch::default();
        let room = inputs.saturating_mul(USUAL_UPDATE_BYTES);
        batch.bytes.reserve(room.min(MAX_BODY_BYTES));
        batch.updates.reserve(inputs.min(MAX_UPDATES));
        batch
    }

    /// Adds the update of the input at `index`, which `write` writes behind what is given to it.
    /// Where that fails, nothing is added. Where it is one too many for a request, those before it
    /// are sent first.
    ///
    /// # Errors
    ///
    /// That of `write`.
    pub fn add<E>(
        &mut self,
        index: usize,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
        send: &mut Send<'_>,
        outcomes: &mut [Outcome],
    ) -> Result<(), E> {
        let start = self.bytes.len();
        if let Err(error) = write(&mut self.bytes) {
            self.bytes.truncate(start);
            return Err(error);
        }
        if self.updates.len() == MAX_UPDATES || self.bytes.len() >= MAX_BODY_BYTES {
            self.send(send, outcomes);
        }
        self.updates.push(Update {
            index,
            end: self.bytes.len(),
        });
        self.bytes.push(b',');
        Ok(())
    }

    /// Sends the updates that there are, puts the outcome of each at its index, and starts anew.
    ///
    /// A request that is refused as a whole is halved until the culprits stand alone: whatever can
    /// be stored is. That sends some updates twice, which does no harm.
    pub fn send(&mut self, send: &mut Send<'_>, outcomes: &mut [Outcome]) {
        // The halves that wait, the next one last: at most one for each halving.
        let mut ranges = Vec::new();
        ranges.push(0..self.updates.len());
        while let Some(range) = ranges.pop() {
            if range.is_empty() {
                continue;
            }
            let outcome = send(self.body(&range), range.len());
            if range.len() > 1 && is_refused_as_a_whole(&outcome) {
                let middle = range.start + range.len() / 2;
                ranges.push(middle..range.end);
                ranges.push(range.start..middle);
                continue;
            }
            for update in &self.updates[range] {
                outcomes[update.index].clone_from(&outcome);
            }
        }
        // What is written of the next update stays.
        let sent = self.updates.last().map_or(0, |last| last.end);
        self.bytes.drain(..sent);
        self.updates.clear();
    }

    /// The array of some of the updates. A separator that has become a bracket stays one: from then
    /// on, it is the edge of every range that is sent.
    fn body(&mut self, range: &Range<usize>) -> &[u8] {
        let start = match range.start {
            0 => 0,
            first => self.updates[first - 1].end,
        };
        let end = self.updates[range.end - 1].end;
        self.bytes[start] = b'[';
        self.bytes[end] = b']';
        &self.bytes[start..=end]
    }
}

/// Whether some of a request's updates may have been good.
fn is_refused_as_a_whole(outcome: &Outcome) -> bool {
    matches!(outcome, Ok(output) if matches!(output.status_code, 400 | 413))
}

/// What stands at an index before its outcome is known.
pub const PENDING: Outcome = Err(Error::ExecutionFailed);

#[cfg(test)]
mod tests;
