//! Asks Mixpanel whether a project token is right, which no write can tell.
//!
//! Mixpanel does not document this request; a large vendor's official integration makes it. So what is
//! not understood is no verdict, and no reason to stop a flow.

use std::time::Duration;

use serde::Serialize;

use crate::bindings::connections::{ConnectionCheck, Verdict};
use crate::bindings::profiles::Error;
use crate::destination::{CREDENTIALS_HOST, Destination, Endpoint};
use crate::excerpt::excerpt;
use crate::http::{self, Cause};
use crate::response::{Body, MAX_TEXT_CHARACTERS, Response, max_body_bytes};
use crate::retry::{self, Failure};
use crate::token::Token;

/// Of the whole check: a person waits for it.
const LIMIT: Duration = Duration::from_secs(10);

const MAX_RETRIES: u8 = 1;

/// An attempt with less time than this is not worth its wait.
const SHORTEST_ATTEMPT: Duration = Duration::from_secs(2);

#[derive(Serialize)]
struct Question<'a> {
    project_token: Token<'a>,
}

/// Asks, and once more where Mixpanel is busy or out of reach and there is time left.
///
/// # Errors
///
/// The host forbids the request.
pub fn check(destination: &Destination<'_>) -> Result<ConnectionCheck, Error> {
    let question = Question {
        project_token: destination.token,
    };
    let question = match serde_json::to_vec(&question) {
        Ok(question) => question,
        Err(error) => return Ok(unknown(None, error.to_string())),
    };
    let endpoint = destination.credentials();
    let start = http::now();
    let max_retries = destination.max_retries.min(MAX_RETRIES);
    let attempt = || ask(&endpoint, &question, left(start), &destination.token);
    let (first, failure) = attempt()?;
    match retry::wait(failure, 1, max_retries, http::now()) {
        Some(wait) if wait + SHORTEST_ATTEMPT < left(start) => http::sleep(wait),
        _ => return Ok(first),
    }
    let (second, _) = attempt()?;
    // A response says more than none.
    Ok(if second.status_code.is_some() {
        second
    } else {
        first
    })
}

/// What is left of the time since `start`.
fn left(start: u64) -> Duration {
    LIMIT.saturating_sub(Duration::from_nanos(http::now().saturating_sub(start)))
}

/// Beside the answer, how the attempt failed in the eyes of [`retry`]: a verdict has nothing to retry.
fn ask(
    endpoint: &Endpoint,
    question: &[u8],
    limit: Duration,
    token: &Token<'_>,
) -> Result<(ConnectionCheck, Failure), Error> {
    match http::send(endpoint, question, limit, max_body_bytes(1)) {
        Ok(response) => {
            let failure = Failure::response(response.status, &response.headers);
            Ok((read(&response, token), failure))
        }
        Err(error) => match error.downcast_ref() {
            Some(Cause::Denied(reason)) if endpoint.authority == CREDENTIALS_HOST => Err(
                Error::PermanentDenied(format!("{reason}; creating profiles does not need it")),
            ),
            Some(Cause::Denied(reason)) => Err(Error::PermanentDenied(token.redact(reason))),
            _ => {
                let reason = token.redact(&format!("{error:#}"));
                Ok((unknown(None, reason), Failure::Transport))
            }
        },
    }
}

/// Reads Mixpanel's verdict.
pub fn read(response: &Response, token: &Token<'_>) -> ConnectionCheck {
    let body = response.json().and_then(Body::read);
    let words = body.as_ref().and_then(Body::error);
    let is_ok = body.is_some_and(|body| body.status.is_some_and(|status| status.get() == "\"ok\""));
    let reason = |words: &str| excerpt(words, Some(token), MAX_TEXT_CHARACTERS);
    match (response.status, words) {
        (200, None) if is_ok => ConnectionCheck {
            verdict: Verdict::Valid,
            status_code: Some(200),
            reason: None,
        },
        (status @ (200 | 400 | 401 | 403), Some(words)) if is_of_token(&words) => ConnectionCheck {
            verdict: Verdict::Invalid,
            status_code: Some(status),
            reason: Some(reason(&words)),
        },
        (status, _) => {
            let words = reason(&response.reason());
            unknown(
                Some(status),
                format!("Mixpanel's response says nothing of the token: {words}"),
            )
        }
    }
}

fn is_of_token(words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    words.contains("token") || words.contains("project")
}

fn unknown(status_code: Option<u16>, reason: String) -> ConnectionCheck {
    ConnectionCheck {
        verdict: Verdict::Unknown,
        status_code,
        reason: Some(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::{Verdict, read};
    use crate::response::{End, Response};
    use crate::token::Token;

    const TOKEN: &str = "6f1a2b3c4d5e6f708192a3b4c5d6e7f8";

    #[test]
    fn what_each_response_says_of_the_token() {
        use Verdict::{Invalid, Unknown, Valid};
        for (status, body, verdict) in [
            (200, r#"{"status":"ok"}"#, Valid),
            (200, " {\"status\": \"ok\", \"error\": null}\n", Valid),
            (200, "\u{feff}{\"status\":\"ok\"}", Valid),
            (200, r#"{"error":"Invalid project token"}"#, Invalid),
            (
                400,
                r#"{"error":"token, missing or empty","status":"error"}"#,
                Invalid,
            ),
            (401, r#"{"error":"Unknown project"}"#, Invalid),
            (403, r#"{"error":{"message":"no such PROJECT"}}"#, Invalid),
            (200, r#"{"status":"ok","error":"invalid token"}"#, Invalid),
            (200, r#"{"status":"OK"}"#, Unknown),
            (400, r#"{"errors":["invalid token"]}"#, Unknown),
            (400, r#"{"failed_records":["project"]}"#, Unknown),
            (200, r#"{"status":1}"#, Unknown),
            (201, r#"{"status":"ok"}"#, Unknown),
            (200, r#"{"error":"internal"}"#, Unknown),
            (200, r#"["ok"]"#, Unknown),
            (200, "ok", Unknown),
            (200, "", Unknown),
            (200, "<p>Sign in with your token</p>", Unknown),
            (401, "<p>token</p>", Unknown),
            (404, r#"{"error":"no such project"}"#, Unknown),
            (429, r#"{"error":"Project exceeded rate limits"}"#, Unknown),
            (500, r#"{"error":"token service down"}"#, Unknown),
            (302, "", Unknown),
        ] {
            let response = Response {
                status,
                body: body.into(),
                ..Response::default()
            };
            let check = read(&response, &Token::parse(TOKEN).expect("a token"));
            assert_eq!(check.verdict, verdict, "{status} {body}");
            assert_eq!(check.status_code, Some(status), "{body}");
            assert_eq!(check.reason.is_none(), verdict == Valid, "{status} {body}");
        }
        let cut_off = Response {
            status: 200,
            body: br#"{"status":"ok"}"#.to_vec(),
            end: End::TooLong,
            ..Response::default()
        };
        let token = Token::parse(TOKEN).expect("a token");
        assert_eq!(read(&cut_off, &token).verdict, Unknown);
        let echo = Response {
            status: 400,
            body: format!(r#"{{"error":"no project has the token {TOKEN}"}}"#).into(),
            ..Response::default()
        };
        let reason = read(&echo, &token).reason;
        assert_eq!(
            reason.as_deref(),
            Some("no project has the token [project token]")
        );
    }
}
