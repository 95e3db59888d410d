//! Many updates in as few requests as Mixpanel's limits allow; pure.

use std::ops::Range;

use crate::Outcome;

/// Of one request.
const MAX_UPDATES: usize = 2_000;
/// 2 MB, in the smaller of its two readings: the server's own is 2 MiB.
const MAX_BODY_BYTES: usize = 2_000_000;

/// The updates of the next request.
#[derive(Default)]
pub struct Batch {
    /// All of them, with a comma between each two.
    json: Vec<u8>,
    updates: Vec<Update>,
}

struct Update {
    /// Its place in the list of inputs.
    index: usize,
    /// Where its JSON is.
    json: Range<usize>,
}

impl Batch {
    /// Whether one more update fits into the request.
    pub fn has_room_for(&self, update: &[u8]) -> bool {
        // The brackets and the comma are three bytes.
        self.updates.len() < MAX_UPDATES && self.json.len() + update.len() + 3 <= MAX_BODY_BYTES
    }

    pub fn push(&mut self, index: usize, update: &[u8]) {
        if !self.json.is_empty() {
            self.json.push(b',');
        }
        let start = self.json.len();
        self.json.extend_from_slice(update);
        let json = start..self.json.len();
        self.updates.push(Update { index, json });
    }

    /// Sends what there is, by `send`, which is given a body and how many updates are in it. Returns
    /// the outcome of each update with its place in the list.
    ///
    /// A request that is refused as a whole is halved until the culprits stand alone: whatever can
    /// be stored is. That sends some updates twice, which does no harm.
    pub fn send(self, mut send: impl FnMut(&[u8], usize) -> Outcome) -> Vec<(usize, Outcome)> {
        let mut outcomes = Vec::with_capacity(self.updates.len());
        // The parts that are not sent yet, the next one last.
        #[expect(clippy::single_range_in_vec_init, reason = "it is a list of ranges")]
        let mut parts = vec![0..self.updates.len()];
        while let Some(part) = parts.pop() {
            let updates = &self.updates[part.clone()];
            let (Some(first), Some(last)) = (updates.first(), updates.last()) else {
                continue;
            };
            let json = &self.json[first.json.start..last.json.end];
            let outcome = send(&body(json), updates.len());
            if part.len() > 1 && is_refused_as_a_whole(&outcome) {
                let middle = part.start + part.len() / 2;
                parts.extend([middle..part.end, part.start..middle]);
            } else {
                outcomes.extend(updates.iter().map(|update| (update.index, outcome.clone())));
            }
        }
        outcomes
    }
}

/// Returns the request's body: a JSON array of updates, which have a comma between each two.
pub fn body(updates: &[u8]) -> Vec<u8> {
    [b"[", updates, b"]"].concat()
}

/// Whether some of a request's updates may have been good.
fn is_refused_as_a_whole(outcome: &Outcome) -> bool {
    matches!(outcome, Ok(output) if matches!(output.status_code, 400 | 413))
}

#[cfg(test)]
mod tests;
