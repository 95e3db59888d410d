//! What is sent of a list, and what becomes of each input.

use super::{Batch, MAX_BODY_BYTES, MAX_UPDATES};
use crate::Outcome;
use crate::bindings::profiles::{Error, Output};

#[expect(
    clippy::unnecessary_wraps,
    reason = "the outcome of a request that was answered"
)]
fn status(status_code: u16) -> Outcome {
    Ok(Output {
        status_code,
        reason: (status_code != 200).then(|| "refused".to_owned()),
    })
}

/// Sends the updates `0`, `1`, … up to `count` to a server that responds by `respond`; what it was
/// sent, and the status codes of all.
fn sent(count: usize, mut respond: impl FnMut(&[usize]) -> Outcome) -> (Vec<Vec<usize>>, Vec<u16>) {
    let mut batch = Batch::default();
    for index in 0..count {
        batch.push(index, index.to_string().into_bytes());
    }
    let mut bodies = vec![];
    let mut request = |body: &[u8], updates| {
        let body: Vec<usize> = serde_json::from_slice(body).expect("a JSON array");
        assert_eq!(body.len(), updates);
        let outcome = respond(&body);
        bodies.push(body);
        outcome
    };
    let mut outcomes = vec![status(0); count];
    batch.send(&mut request, &mut outcomes);
    let codes = outcomes.into_iter().map(|outcome| match outcome {
        Ok(output) => output.status_code,
        Err(error) => panic!("{error:?}"),
    });
    (bodies, codes.collect())
}

#[test]
fn what_is_accepted_is_sent_once() {
    for count in [0, 1, 2, 7] {
        let (bodies, codes) = sent(count, |_| status(200));
        let all: Vec<usize> = (0..count).collect();
        assert_eq!(bodies, if count == 0 { vec![] } else { vec![all] });
        assert_eq!(codes, vec![200; count]);
    }
}

#[test]
fn culprits_stand_alone_and_the_rest_is_accepted() {
    for code in [400, 413] {
        for bad in [
            vec![0],
            vec![3],
            vec![6],
            vec![2, 3],
            vec![0, 6],
            (0..7).collect(),
        ] {
            let is_bad = |update: &usize| bad.contains(update);
            let (bodies, codes) = sent(7, |body| {
                status(if body.iter().any(is_bad) { code } else { 200 })
            });
            for (update, given) in codes.iter().enumerate() {
                let expected = if is_bad(&update) { code } else { 200 };
                assert_eq!(*given, expected, "{update} of {bad:?}");
            }
            assert!(bodies.len() <= 13, "{bodies:?}");
            // Each good one is in just one request that was accepted, in the order of the list.
            let accepted = bodies.iter().filter(|body| !body.iter().any(is_bad));
            let stored: Vec<usize> = accepted.flatten().copied().collect();
            let good: Vec<usize> = (0..7).filter(|update| !is_bad(update)).collect();
            assert_eq!(stored, good, "{bad:?}");
        }
    }
}

#[test]
fn other_failures_are_those_of_all_and_are_not_halved() {
    for code in [401, 403, 429, 500, 502, 503] {
        let (bodies, codes) = sent(5, |_| status(code));
        assert_eq!(bodies.len(), 1, "{code}");
        assert_eq!(codes, [code; 5]);
    }
}

#[test]
fn a_half_may_fail_in_another_way() {
    let mut batch = Batch::default();
    for index in 0..3 {
        batch.push(index, b"1".to_vec());
    }
    let no_response = || Err(Error::Transport("no response".to_owned()));
    let mut responses = [status(413), status(200), no_response()].into_iter();
    let mut request = |_: &[u8], _| responses.next().expect("three requests");
    let mut outcomes = vec![status(0); 3];
    batch.send(&mut request, &mut outcomes);
    assert_eq!(outcomes, [status(200), no_response(), no_response()]);
}

#[test]
fn a_request_has_room_up_to_its_limits() {
    let full = MAX_BODY_BYTES - 4;
    for (updates, requests) in [
        (
            vec![1; MAX_UPDATES],
            vec![(2 * MAX_UPDATES + 1, MAX_UPDATES)],
        ),
        (
            vec![1; MAX_UPDATES + 2],
            vec![(2 * MAX_UPDATES + 1, MAX_UPDATES), (5, 2)],
        ),
        // Two brackets and a comma are the rest of the body.
        (vec![full, 1], vec![(MAX_BODY_BYTES, 2)]),
        (vec![full, 2, 3], vec![(full + 2, 1), (8, 2)]),
        (vec![full + 2, 1], vec![(MAX_BODY_BYTES, 1), (3, 1)]),
    ] {
        let mut batch = Batch::default();
        let mut lengths = vec![];
        let mut request = |body: &[u8], updates| {
            let is_separator = |byte: &&u8| **byte == b',';
            assert_eq!(body.iter().filter(is_separator).count() + 1, updates);
            assert_eq!((body[0], body[body.len() - 1]), (b'[', b']'));
            lengths.push((body.len(), updates));
            status(200)
        };
        let mut outcomes = vec![status(0); updates.len()];
        for (index, length) in updates.iter().enumerate() {
            let update = vec![b'1'; *length];
            if !batch.has_room_for(&update) {
                batch.send(&mut request, &mut outcomes);
            }
            batch.push(index, update);
        }
        batch.send(&mut request, &mut outcomes);
        assert_eq!(lengths, requests);
        assert_eq!(outcomes, vec![status(200); updates.len()]);
    }
}
