//! What is sent of a list, and what becomes of each input.

use super::{Batch, MAX_BODY_BYTES, MAX_UPDATES, PENDING};
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

/// Sends the updates `0`, `1`, … up to `count` to a server that answers by `answer`; what it was
/// sent, and the status codes of all.
fn sent(count: usize, mut answer: impl FnMut(&[usize]) -> Outcome) -> (Vec<Vec<usize>>, Vec<u16>) {
    let mut batch = Batch::default();
    let mut outcomes: Vec<_> = (0..count).map(|_| PENDING).collect();
    for index in 0..count {
        let update = index.to_string();
        assert!(batch.has_room_for(update.as_bytes()));
        batch.add(index, update.as_bytes());
    }
    let mut bodies = vec![];
    batch.send(
        &mut |body, updates| {
            let body: Vec<usize> = serde_json::from_slice(body).expect("a JSON array");
            assert_eq!(body.len(), updates);
            let outcome = answer(&body);
            bodies.push(body);
            outcome
        },
        &mut outcomes,
    );
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
    let mut outcomes = vec![PENDING, PENDING, PENDING];
    let mut batch = Batch::default();
    for index in 0..3 {
        batch.add(index, b"1");
    }
    let answers = [
        status(413),
        status(200),
        Err(Error::Transport("no answer".to_owned())),
    ];
    let mut answers = answers.into_iter();
    batch.send(
        &mut |_, _| answers.next().expect("three requests"),
        &mut outcomes,
    );
    assert_eq!(outcomes[0], status(200));
    for outcome in &outcomes[1..] {
        assert_eq!(*outcome, Err(Error::Transport("no answer".to_owned())));
    }
}

#[test]
fn a_request_has_room_up_to_its_limits() {
    let mut batch = Batch::default();
    for index in 0..MAX_UPDATES {
        assert!(batch.has_room_for(b"1"), "{index}");
        batch.add(index, b"1");
    }
    assert!(!batch.has_room_for(b"1"));

    let mut batch = Batch::default();
    let mut outcomes = vec![PENDING; 3];
    let half = vec![b'1'; MAX_BODY_BYTES / 2 - 2];
    batch.add(0, &half);
    assert!(batch.has_room_for(&[b'1'; 2]));
    let mut last = half.clone();
    // Two brackets and a comma are the rest of the body.
    last.push(b'1');
    assert!(batch.has_room_for(&last));
    last.push(b'1');
    assert!(!batch.has_room_for(&last));
    last.pop();
    batch.add(2, &last);
    let mut lengths = vec![];
    batch.send(
        &mut |body, updates| {
            lengths.push((body.len(), updates));
            status(200)
        },
        &mut outcomes,
    );
    assert_eq!(lengths, [(MAX_BODY_BYTES, 2)]);
    assert_eq!(outcomes, [status(200), PENDING, status(200)]);

    // It is empty then, and goes on.
    assert!(batch.has_room_for(&half));
    batch.add(1, b"7");
    batch.send(
        &mut |body, updates| {
            assert_eq!((body, updates), (b"[7]".as_slice(), 1));
            status(200)
        },
        &mut outcomes,
    );
    assert_eq!(outcomes, vec![status(200); 3]);
}
