//! Many updates in as few requests as Mixpanel's limits allow; pure.

use crate::Outcome;

/// Of one request.
const MAX_UPDATES: usize = 2_000;
/// 2 MB, in the smaller of its two readings: the server's own is 2 MiB.
const MAX_BODY_BYTES: usize = 2_000_000;

/// The updates of the next request, each with its place in the list of inputs.
#[derive(Default)]
pub struct Batch {
    updates: Vec<(usize, Vec<u8>)>,
    /// Of the updates, with a comma for each.
    bytes: usize,
}

impl Batch {
    /// Whether one more update fits into the request.
    pub fn has_room_for(&self, update: &[u8]) -> bool {
        // The brackets are two bytes.
        self.updates.len() < MAX_UPDATES && self.bytes + update.len() + 2 <= MAX_BODY_BYTES
    }

    pub fn push(&mut self, index: usize, update: Vec<u8>) {
        self.bytes += update.len() + 1;
        self.updates.push((index, update));
    }

    /// Sends what there is, by `request`, which is given a body and how many updates are in it. Sets the
    /// outcome of each update, and is empty then.
    ///
    /// A request that is refused as a whole is halved until the culprits stand alone: whatever can
    /// be stored is. That sends some updates twice, which does no harm.
    pub fn send(
        &mut self,
        request: &mut impl FnMut(&[u8], usize) -> Outcome,
        outcomes: &mut [Outcome],
    ) {
        send(&std::mem::take(self).updates, request, outcomes);
    }
}

fn send(
    updates: &[(usize, Vec<u8>)],
    request: &mut impl FnMut(&[u8], usize) -> Outcome,
    outcomes: &mut [Outcome],
) {
    if updates.is_empty() {
        return;
    }
    let outcome = request(&body(updates), updates.len());
    if updates.len() > 1 && is_refused_as_a_whole(&outcome) {
        let (first, second) = updates.split_at(updates.len() / 2);
        send(first, request, outcomes);
        send(second, request, outcomes);
    } else {
        for (index, _) in updates {
            outcomes[*index].clone_from(&outcome);
        }
    }
}

/// Returns the request's body: a JSON array of updates.
pub fn body(updates: &[(usize, Vec<u8>)]) -> Vec<u8> {
    let bytes: usize = updates.iter().map(|(_, update)| update.len() + 1).sum();
    let mut body = Vec::with_capacity(bytes + 1);
    for (_, update) in updates {
        body.push(if body.is_empty() { b'[' } else { b',' });
        body.extend_from_slice(update);
    }
    body.push(b']');
    body
}

/// Whether some of a request's updates may have been good.
fn is_refused_as_a_whole(outcome: &Outcome) -> bool {
    matches!(outcome, Ok(output) if matches!(output.status_code, 400 | 413))
}

#[cfg(test)]
mod tests;
