//! Many updates in as few requests as Mixpanel's limits allow; pure.

use crate::Outcome;

/// Of one request.
const MAX_UPDATES: usize = 2_000;
/// 2 MB, in the smaller of its two readings: the server's own is 2 MiB.
const MAX_BODY_BYTES: usize = 2_000_000;

/// The updates of the next request, as JSON, and the place in the list that each belongs to.
#[derive(Default)]
pub struct Batch {
    updates: Vec<Vec<u8>>,
    indexes: Vec<usize>,
    /// Of all updates, with a comma or a bracket each.
    bytes: usize,
}

impl Batch {
    /// Whether one more update fits into the request.
    pub fn has_room_for(&self, update: &[u8]) -> bool {
        self.updates.len() < MAX_UPDATES && self.bytes + update.len() + 2 <= MAX_BODY_BYTES
    }

    pub fn push(&mut self, index: usize, update: Vec<u8>) {
        self.bytes += update.len() + 1;
        self.updates.push(update);
        self.indexes.push(index);
    }

    /// Sends what there is, by `send`, which is given a body and how many updates are in it. Returns
    /// the outcome of each update with its place in the list.
    ///
    /// A request that is refused as a whole is halved until the culprits stand alone: whatever can
    /// be stored is. That sends some updates twice, which does no harm.
    pub fn send(self, mut send: impl FnMut(&[u8], usize) -> Outcome) -> Vec<(usize, Outcome)> {
        let mut outcomes = Vec::with_capacity(self.updates.len());
        // The parts that are not sent yet, the next one last.
        let mut parts = vec![0..self.updates.len()];
        while let Some(part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            let outcome = send(&body(&self.updates[part.clone()]), part.len());
            if part.len() > 1 && is_refused_as_a_whole(&outcome) {
                let middle = part.start + part.len() / 2;
                parts.extend([middle..part.end, part.start..middle]);
            } else {
                let indexes = self.indexes[part].iter();
                outcomes.extend(indexes.map(|index| (*index, outcome.clone())));
            }
        }
        outcomes
    }
}

/// Returns the request's body: a JSON array of updates.
pub fn body(updates: &[Vec<u8>]) -> Vec<u8> {
    [b"[", updates.join(&b',').as_slice(), b"]"].concat()
}

/// Whether some of a request's updates may have been good.
fn is_refused_as_a_whole(outcome: &Outcome) -> bool {
    matches!(outcome, Ok(output) if matches!(output.status_code, 400 | 413))
}

#[cfg(test)]
mod tests;
