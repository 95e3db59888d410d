//! What Mixpanel says of a project token, and the verdict that comes of it.

use std::time::Duration;

use host_harness::connection_check::{ConnectionCheck, Verdict};
use host_harness::fault::{Fault, Rule};
use host_harness::records::{Connection, Error};

use crate::support::{Setup, TOKEN, created, joe};

impl Setup {
    async fn check(&self) -> Result<ConnectionCheck, Error> {
        self.card
            .check_connection(&self.connection)
            .await
            .expect("a call within its limits")
    }
}

fn responds(status: u16, body: &str) -> Fault {
    Fault::Answer {
        status,
        headers: vec![],
        body: body.to_owned(),
    }
}

/// Each response, the verdict, and how many requests it takes.
#[tokio::test]
async fn each_response_has_its_verdict() {
    use Verdict::{Invalid, Unknown, Valid};
    let echo = format!(r#"{{"error":"no project has the token {TOKEN}"}}"#);
    for (response, verdict, status_code, requests) in [
        (responds(200, r#"{"status":"ok"}"#), Valid, Some(200), 1),
        (
            responds(200, "\u{feff} {\"status\":\"ok\"}\n"),
            Valid,
            Some(200),
            1,
        ),
        (
            responds(200, r#"{"error":"Invalid project token"}"#),
            Invalid,
            Some(200),
            1,
        ),
        (
            responds(400, r#"{"error":"token, missing or empty"}"#),
            Invalid,
            Some(400),
            1,
        ),
        (
            responds(401, r#"{"error":"Unknown project","status":"error"}"#),
            Invalid,
            Some(401),
            1,
        ),
        (responds(403, &echo), Invalid, Some(403), 1),
        (responds(200, r#"{"status":1}"#), Unknown, Some(200), 1),
        (
            responds(200, r#"{"error":"try later"}"#),
            Unknown,
            Some(200),
            1,
        ),
        (responds(200, "<html>Sign in</html>"), Unknown, Some(200), 1),
        (responds(200, ""), Unknown, Some(200), 1),
        (
            responds(404, r#"{"error":"no such project"}"#),
            Unknown,
            Some(404),
            1,
        ),
        (responds(302, ""), Unknown, Some(302), 1),
        (
            responds(429, r#"{"error":"Project exceeded rate limits"}"#),
            Unknown,
            Some(429),
            2,
        ),
        (
            responds(503, "upstream connect error"),
            Unknown,
            Some(503),
            2,
        ),
        (Fault::Close, Unknown, None, 2),
        (Fault::Garbage, Unknown, None, 2),
    ] {
        let setup = Setup::new();
        setup.stand_in.set_rules([Rule::new(response.clone())]);
        let check = setup.check().await.expect("a verdict");
        assert_eq!(check.verdict, verdict, "{response:?}: {check:?}");
        assert_eq!(check.status_code, status_code, "{response:?}");
        assert_eq!(check.reason.is_none(), verdict == Valid, "{check:?}");
        assert!(!check.reason.unwrap_or_default().contains(&TOKEN[..8]));
        assert_eq!(setup.stand_in.requests().len(), requests, "{response:?}");
        assert_eq!(setup.stand_in.profile_count(), 0);
    }
}

#[tokio::test]
async fn the_token_is_in_the_body_and_nowhere_else() {
    let setup = Setup::new();
    let check = setup.check().await.expect("a verdict");
    assert_eq!(
        check.verdict,
        Verdict::Invalid,
        "the stand-in was told of no token: {check:?}"
    );
    let requests = setup.stand_in.requests();
    assert_eq!(requests[0].method(), "POST");
    assert_eq!(
        requests[0].target(),
        "/api/app/validate-project-credentials/"
    );
    assert_eq!(
        String::from_utf8_lossy(&requests[0].body),
        format!(r#"{{"project_token":"{TOKEN}"}}"#)
    );
    for (name, value) in requests[0].headers() {
        assert!(!value.contains(TOKEN), "{name}");
    }
}

/// One retry at most, and none where the connection wants none.
#[tokio::test]
async fn a_busy_server_is_asked_once_more() {
    for (max_retries, requests) in [(None, 2), (Some(10), 2), (Some(1), 2), (Some(0), 1)] {
        let mut setup = Setup::new();
        setup.connection.max_retries = max_retries;
        setup.stand_in.set_rules([Rule::new(responds(503, ""))]);
        let check = setup.check().await.expect("a verdict");
        assert_eq!(check.verdict, Verdict::Unknown);
        assert_eq!(setup.stand_in.requests().len(), requests, "{max_retries:?}");
        for wait in setup.skipped.waits() {
            assert!(wait < Duration::from_secs(10), "{wait:?}");
        }
    }
    // A person waits: a server that asks for more than there is gets no second question.
    let setup = Setup::new();
    let slow = Fault::Answer {
        status: 429,
        headers: vec![("Retry-After".to_owned(), "11".to_owned())],
        body: String::new(),
    };
    setup.stand_in.set_rules([Rule::new(slow)]);
    assert_eq!(
        setup.check().await.expect("a verdict").verdict,
        Verdict::Unknown
    );
    assert_eq!(setup.stand_in.requests().len(), 1);
}

#[tokio::test]
async fn an_invalid_connection_is_named_and_nothing_is_asked() {
    let setup = Setup::new();
    let connection = Connection {
        project_token: "<YOUR_TOKEN>".to_owned(),
        ..setup.connection.clone()
    };
    let checked = setup.card.check_connection(&connection).await;
    match checked.expect("a call within its limits") {
        Err(Error::PermanentInvalidInput(fields)) => {
            assert_eq!(fields.len(), 1);
            assert_eq!(fields[0].field, "connection.project-token");
        }
        other => panic!("{other:?}"),
    }
    assert!(setup.stand_in.requests().is_empty());
}

/// The allow-list from before there was this question: it names what to add, and profiles are created.
#[tokio::test]
async fn a_host_that_allows_profiles_alone_still_creates_them() {
    let setup = Setup::new();
    let checked = setup
        .card
        .check_connection(&Connection {
            project_token: TOKEN.to_owned(),
            ..Connection::default()
        })
        .await
        .expect("a call within its limits");
    let Err(Error::PermanentDenied(reason)) = checked else {
        panic!("{checked:?}")
    };
    assert!(
        reason.contains("mixpanel.com") && reason.contains("operator"),
        "{reason}"
    );
    assert!(
        reason.contains("creating profiles does not need it"),
        "{reason}"
    );
    assert_eq!(setup.call(&joe("u1")).await, created());
}
