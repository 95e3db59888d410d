//! Any answer gives a status code, and a bounded reason unless it is a success.
#![no_main]

use arbitrary::Arbitrary;
use card::response::{self, Answer, End};
use card::retry::{self, Failure};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input {
    status: u16,
    retry_after: Option<String>,
    date: Option<String>,
    end: u8,
    token: [u8; 16],
    /// Where the server repeats the token.
    echo: Option<u16>,
    tries: u8,
    max_retries: u8,
    seed: u64,
    body: Vec<u8>,
}

fuzz_target!(|input: Input| {
    let token: String = input
        .token
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let mut body = input.body;
    if let Some(at) = input.echo {
        let at = usize::from(at).min(body.len());
        body.splice(at..at, token.bytes());
    }
    body.truncate(response::MAX_BODY_BYTES);
    let answer = Answer {
        status: input.status,
        retry_after: input.retry_after,
        date: input.date,
        body,
        end: match input.end % 4 {
            0 => End::TooLong,
            1 => End::CutOff("the connection broke".to_owned()),
            _ => End::Complete,
        },
    };
    let output = response::read(&answer, &token, 1);
    match (answer.status, &output.reason) {
        (200..=299, None) => {
            assert_eq!(output.status_code, answer.status);
            assert_eq!(answer.end, End::Complete);
        }
        (200..=299, Some(_)) => assert!([400, 502].contains(&output.status_code)),
        (status, reason) => {
            assert_eq!(output.status_code, status);
            assert!(reason.is_some());
        }
    }
    if let Some(reason) = output.reason {
        assert!(!reason.is_empty() && reason.chars().count() <= 1_100);
        assert!(!reason.contains(&token));
    }
    let asked = answer
        .retry_after
        .as_deref()
        .and_then(|value| retry::retry_after(value, answer.date.as_deref()));
    let tries = input.tries.max(1);
    let failure = Failure::Status(output.status_code, asked);
    if let Some(wait) = retry::wait(failure, tries, input.max_retries, input.seed) {
        assert!(tries <= input.max_retries);
        assert!((3..=65).contains(&wait.as_secs()));
    }
    let _ = retry::history(failure, tries);
});
