//! Mixpanel's answers, and what the card makes of them.

use host_harness::fault::{Fault, Rule};

use crate::support::{Setup, answer, created, joe};

fn says(status: u16, body: &str) -> Rule {
    Rule::new(Fault::Answer {
        status,
        headers: vec![],
        body: body.to_owned(),
    })
}

/// Each answer, once without retries: status, body, the output's status code, and a part of its
/// reason where it has one.
#[tokio::test]
async fn each_answer() {
    let strict_error = r#"{"code":400,"error":"some data points in the request failed validation","failed_records":[{"index":0,"field":"$set_once.$email","message":"must be a string"}],"num_records_imported":0,"status":"Bad Request"}"#;
    let over_rate = r#"{"code":429,"error":"Project exceeded rate limits. Please retry the request with exponential backoff.","status":"Too Many Requests"}"#;
    let too_large = r#"{"code":413,"error":"request exceeds max limit of 2097152 bytes","status":"Request Entity Too Large"}"#;
    let html_413 = "<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>\r\n<center><h1>413 Request Entity Too Large</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";
    let upstream = "upstream connect error or disconnect/reset before headers";
    let long = "y".repeat(10_000);
    let cases: &[(u16, &str, u16, Option<&str>)] = &[
        (200, "1", 200, None),
        (200, " 1\n", 200, None),
        (200, "\"1\"", 200, None),
        (200, r#"{"error":null,"status":1}"#, 200, None),
        (200, r#"{"error":"","status":1}"#, 200, None),
        (200, "\n {\"error\":null,\"status\":1} \n", 200, None),
        (
            200,
            r#"{"error":null,"errors":{},"num_good_events":1,"status":1}"#,
            200,
            None,
        ),
        (202, r#"{"status":1}"#, 202, None),
        (200, "0", 400, Some("gave no reason")),
        (200, "\"0\"", 400, Some("gave no reason")),
        (
            200,
            r#"{"error":"$token, missing or empty","status":0}"#,
            400,
            Some("$token, missing or empty"),
        ),
        (
            200,
            r#"{"error":"$distinct_id, missing or empty","status":0}"#,
            400,
            Some("$distinct_id, missing or empty"),
        ),
        (200, r#"{"status":0}"#, 400, Some("gave no reason")),
        (200, r#"{"error":"odd","status":1}"#, 400, Some("odd")),
        (
            200,
            r#"{"error":null,"errors":{"0":"bad"},"num_good_events":0,"status":0}"#,
            400,
            Some("bad"),
        ),
        (
            200,
            r#"{"error":null,"errors":{},"num_good_events":0,"status":1}"#,
            400,
            Some("gave no reason"),
        ),
        (
            200,
            strict_error,
            400,
            Some("$set_once.$email: must be a string"),
        ),
        (
            400,
            strict_error,
            400,
            Some(
                "some data points in the request failed validation; $set_once.$email: must be a string",
            ),
        ),
        (200, "", 502, Some("has no text")),
        (204, "", 502, Some("has no text")),
        (
            200,
            "<html><body>Sign in</body></html>",
            502,
            Some("Sign in"),
        ),
        (
            200,
            "{\"error\":null,\"sta",
            502,
            Some("does not say whether"),
        ),
        (200, "null", 502, Some("does not say whether")),
        (200, "2", 502, Some("does not say whether")),
        (200, "{}", 502, Some("does not say whether")),
        (200, r#"{"status":"OK"}"#, 502, Some("does not say whether")),
        (
            401,
            r#"{"error":"Invalid credentials","status":"error"}"#,
            401,
            Some("Invalid credentials"),
        ),
        (
            403,
            r#"{"error":"Forbidden project","status":"error"}"#,
            403,
            Some("Forbidden project"),
        ),
        (404, "", 404, Some("Not Found")),
        (
            413,
            too_large,
            413,
            Some("request exceeds max limit of 2097152 bytes"),
        ),
        (
            413,
            html_413,
            413,
            Some("413 Request Entity Too Large 413 Request Entity Too Large nginx"),
        ),
        (429, over_rate, 429, Some("Project exceeded rate limits.")),
        (500, "", 500, Some("Internal Server Error")),
        (502, upstream, 502, Some(upstream)),
        (503, upstream, 503, Some(upstream)),
        (504, "", 504, Some("Gateway Timeout")),
        (599, "", 599, Some("HTTP status 599")),
        (418, &long, 418, Some("yyy…")),
    ];
    let mut setup = Setup::new();
    setup.connection.max_retries = Some(0);
    for (status, body, status_code, reason) in cases {
        setup.stand_in.set_rules([says(*status, body)]);
        setup.stand_in.clear_requests();
        let (code, said) = answer(setup.call(&joe("u1")).await);
        assert_eq!(code, *status_code, "{status} {body}: {said:?}");
        match (&said, reason) {
            (None, None) => {}
            (Some(said), Some(reason)) => {
                assert!(said.contains(reason), "{status} {body}: {said}");
                assert!(
                    said.chars().count() <= 1_100 && !said.contains('<'),
                    "{said}"
                );
            }
            _ => panic!("{status} {body}: {said:?}"),
        }
        assert_eq!(setup.stand_in.requests().len(), 1, "{status} {body}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let setup = Setup::new();
    for status in [301, 302, 307, 308] {
        let headers = vec![(
            "Location".to_owned(),
            setup.stand_in.origin() + "/elsewhere",
        )];
        let fault = Fault::Answer {
            status,
            headers,
            body: String::new(),
        };
        setup.stand_in.set_rules([Rule::new(fault)]);
        setup.stand_in.clear_requests();
        let (code, reason) = answer(setup.call(&joe("u1")).await);
        assert_eq!(code, status);
        assert!(reason.is_some());
        assert_eq!(setup.stand_in.requests().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn the_stand_ins_own_refusals_reach_the_output() {
    // The card sends nothing that it knows to be wrong, so the path of a base URL has to do.
    let mut setup = Setup::new();
    setup.connection.base_url = Some(setup.stand_in.origin() + "/nowhere");
    let (code, reason) = answer(setup.call(&joe("u1")).await);
    assert_eq!(code, 404);
    assert!(reason.is_some());
}

#[tokio::test]
async fn of_ten_megabytes_only_the_start_is_read() {
    let mut setup = Setup::new();
    setup.connection.max_retries = Some(0);
    let body = Fault::LongBody { bytes: 10_000_000 };
    setup.stand_in.set_rules([Rule::new(body).times(1)]);
    let (code, reason) = answer(setup.call(&joe("u1")).await);
    assert_eq!(code, 502);
    assert!(reason.is_some_and(|reason| reason.contains("longer than 65536 bytes")));
    assert_eq!(
        setup.call(&joe("u1")).await,
        created(),
        "the next call works"
    );
}

#[tokio::test]
async fn a_token_that_the_server_repeats_stays_out_of_the_reason() {
    use crate::support::TOKEN;
    let mut setup = Setup::new();
    setup.connection.max_retries = Some(0);
    let (start, end) = TOKEN.split_at(12);
    for body in [
        format!(r#"{{"error":"no such project: {TOKEN}","status":0}}"#),
        format!(
            r#"{{"error":"no such project: {}","status":0}}"#,
            TOKEN.to_uppercase()
        ),
        format!(r#"{{"error":"no such project: {start}<b>{end}</b>","status":0}}"#),
        format!(
            r#"{{"error":"no such project: {start}&#x{:x};{}","status":0}}"#,
            end.as_bytes()[0],
            &end[1..]
        ),
        format!(r#"{{"error":"no such project: {start}…","status":0}}"#),
        format!(r#"{{"errors":{{"0":["{TOKEN}"]}},"status":0}}"#),
        format!("<p>token={TOKEN}</p>"),
        format!("<p>token={start}<wbr>{end}</p>"),
        format!("<p>token={start}&#{};{}</p>", end.as_bytes()[0], &end[1..]),
        format!("{}{TOKEN}", "x".repeat(240)),
    ] {
        for status in [200, 401] {
            setup.stand_in.set_rules([says(status, &body)]);
            let (_, reason) = answer(setup.call(&joe("u1")).await);
            let reason = reason.expect("a reason");
            let seen: String = reason.chars().filter(|c| !c.is_whitespace()).collect();
            for start in 0..=TOKEN.len() - 8 {
                let part = &TOKEN[start..start + 8];
                assert!(!seen.to_lowercase().contains(part), "{body}: {reason}");
            }
        }
    }
}
