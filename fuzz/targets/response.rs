//! Any response gives a status code, and a bounded reason unless it is a success.
#![no_main]

use arbitrary::Arbitrary;
use card::credentials;
use card::response::{self, End, Headers, Response};
use card::retry::{self, Failure};
use card::token::Token;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input {
    status: u16,
    retry_after: Vec<String>,
    location: Option<String>,
    content_encoding: Option<String>,
    date: Option<String>,
    end: u8,
    token: [u8; 16],
    /// Where the server repeats the token.
    echo: Option<u16>,
    attempts: u8,
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
    body.truncate(response::max_body_bytes(1));
    let response = Response {
        status: input.status,
        headers: Headers {
            retry_after: input.retry_after,
            date: input.date,
            location: input.location,
            content_encoding: input.content_encoding,
        },
        body,
        end: match input.end % 4 {
            0 => End::TooLong,
            1 => End::CutOff("the connection broke".to_owned()),
            _ => End::Complete,
        },
    };
    let parsed = Token::parse(&token).expect("a token");
    let output = response::read(&response, &parsed, 1);
    match (response.status, &output.reason) {
        (200..=299, None) => {
            assert_eq!(output.status_code, response.status);
            assert_eq!(response.end, End::Complete);
        }
        (200..=299, Some(_)) => assert!([400, 502].contains(&output.status_code)),
        (status, reason) => {
            assert_eq!(output.status_code, status);
            assert!(reason.is_some());
        }
    }
    if let Some(reason) = output.reason {
        assert!(!reason.is_empty() && reason.chars().count() <= 1_100);
        assert_hidden(&reason, &token);
    }
    let attempts = input.attempts.max(1);
    let failure = Failure::response(output.status_code, &response.headers);
    if let Some(wait) = retry::wait(failure, attempts, input.max_retries, input.seed) {
        assert!(attempts <= input.max_retries);
        assert!((3..=65).contains(&wait.as_secs()));
    }
    let _ = retry::history(failure, attempts);
    let check = credentials::read(&response, &parsed);
    if let Some(reason) = check.reason {
        assert!(!reason.is_empty() && reason.chars().count() <= 400);
        assert_hidden(&reason, &token);
    }
});

/// No eight characters of the token in a row are shown.
fn assert_hidden(reason: &str, token: &str) {
    let reason: String = reason.chars().filter(|c| !c.is_whitespace()).collect();
    let reason = reason.to_ascii_lowercase();
    for start in 0..=token.len() - 8 {
        assert!(!reason.contains(&token[start..start + 8]));
    }
}
