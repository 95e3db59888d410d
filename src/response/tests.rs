//! The table of responses and the outputs that they become.

use super::{End, Headers, Response, max_body_bytes};
use crate::bindings::profiles::Output;
use crate::token::Token;

const TOKEN: &str = "6f1a2b3c4d5e6f708192a3b4c5d6e7f8";

fn response(status: u16, body: impl Into<Vec<u8>>) -> Response {
    Response {
        status,
        body: body.into(),
        ..Response::default()
    }
}

fn read(response: &Response) -> Output {
    read_list(response, 1)
}

fn read_list(response: &Response, updates: usize) -> Output {
    super::read(response, &Token::parse(TOKEN).expect("a token"), updates)
}

#[test]
fn a_success_says_so_in_its_body() {
    for body in [
        "1",
        " 1\r\n",
        "\"1\"",
        "1.0",
        r#"{"status":1}"#,
        r#"{"status":"1"}"#,
        r#"{"error":null,"status":1}"#,
        r#"{"error":"","status":1}"#,
        r#"{"error":" ","status":1}"#,
        r#"{"error":null,"errors":{},"num_good_events":1,"status":1}"#,
        r#"{"error":null,"errors":[],"num_good_events":2,"status":1}"#,
        r#"{"failed_records":[],"status":1}"#,
        "\u{feff}1",
        "\u{feff}{\"status\":1}",
        r#"{"num_good_events":null,"status":1}"#,
        r#"{"num_good_events":"1","status":1}"#,
        r#"{"num_good_events":1.0,"status":1}"#,
        r#"{"code":200,"num_records_imported":1,"status":"OK"}"#,
        r#"{"code":"200","status":"ok"}"#,
        r#"{"code":200,"status":1}"#,
        r#"{"error":false,"status":1}"#,
        "\t{\"status\": 1, \"more\": {\"status\": 0}}\n",
    ] {
        for status in [200, 201, 299] {
            let output = read(&response(status, body));
            assert_eq!(
                (output.status_code, output.reason),
                (status, None),
                "{body}"
            );
        }
    }
}

#[test]
fn what_a_2xx_response_says_otherwise() {
    let none = "Mixpanel did not accept the profile, and gave no reason";
    let empty = "the server's response (HTTP status 200) has no text";
    for (body, status_code, reason) in [
        ("0", 400, none),
        ("\"0\"", 400, none),
        (r#"{"status":0}"#, 400, none),
        (
            r#"{"error":null,"num_good_events":0,"status":1}"#,
            400,
            none,
        ),
        (r#"{"num_good_events":"0","status":1}"#, 400, none),
        (r#"{"num_good_events":"one","status":1}"#, 400, none),
        (r#"{"num_good_events":-1,"status":1}"#, 400, none),
        (
            r#"{"code":200,"num_records_imported":0,"status":"OK"}"#,
            400,
            none,
        ),
        (
            r#"{"code":400,"status":"OK"}"#,
            502,
            r#"the server's response (HTTP status 200) does not say whether the profile was stored: {"code":400,"status":"OK"}"#,
        ),
        (
            "[null,null,null,null,null]",
            502,
            "the server's response (HTTP status 200) does not say whether the profile was stored: [null,null,null,null,null]",
        ),
        (
            r#"{"error":"$token, missing or empty","status":0}"#,
            400,
            "$token, missing or empty",
        ),
        (r#"{"error":"x","status":1}"#, 400, "x"),
        (r#"{"error":{"code":7},"status":0}"#, 400, r#"{"code":7}"#),
        (
            r#"{"errors":{"0":"bad"},"status":0}"#,
            400,
            r#"{"0":"bad"}"#,
        ),
        (
            r#"{"error":"a","errors":["b"],"status":0}"#,
            400,
            r#"a; ["b"]"#,
        ),
        (
            r#"{"code":400,"error":"e","failed_records":[{"index":0,"field":"f","message":"m"},{"message":"n"}],"status":"Bad Request"}"#,
            400,
            "e; f: m; n",
        ),
        (r#"{"failed_records":["odd",{}],"status":1}"#, 400, "odd"),
        (r#"{"status":"error"}"#, 400, none),
        (
            r#"{"code":400,"status":1}"#,
            502,
            r#"the server's response (HTTP status 200) does not say whether the profile was stored: {"code":400,"status":1}"#,
        ),
        ("", 502, empty),
        (" \n", 502, empty),
        (
            "2",
            502,
            "the server's response (HTTP status 200) does not say whether the profile was stored: 2",
        ),
        (
            "true",
            502,
            "the server's response (HTTP status 200) does not say whether the profile was stored: true",
        ),
        (
            "{}",
            502,
            "the server's response (HTTP status 200) does not say whether the profile was stored: {}",
        ),
        (
            r#"{"status":"OK"}"#,
            502,
            r#"the server's response (HTTP status 200) does not say whether the profile was stored: {"status":"OK"}"#,
        ),
        (
            "1 1",
            502,
            "the server's response (HTTP status 200) does not say whether the profile was stored: 1 1",
        ),
        (
            "<html><title>Sign in</title></html>",
            502,
            "the server's response (HTTP status 200) does not say whether the profile was stored: Sign in",
        ),
    ] {
        let output = read(&response(200, body));
        assert_eq!(output.status_code, status_code, "{body}");
        assert_eq!(output.reason.as_deref(), Some(reason), "{body}");
    }
}

#[test]
fn any_other_status_stands_with_the_servers_words() {
    let nginx = "<html>\r\n<head><title>413 Request Entity Too Large</title><style>p{}</style></head>\r\n<body><!-- x > y -->\r\n<center><h1>413 Request Entity Too Large</h1></center>\r\n<hr><center>nginx</center></body></html>";
    for (status, body, reason) in [
        (
            400,
            r#"{"code":400,"error":"e","failed_records":[{"field":"f","message":"m"}]}"#,
            "e; f: m",
        ),
        (
            401,
            r#"{"error":"Invalid credentials","status":"error"}"#,
            "Invalid credentials",
        ),
        (
            413,
            nginx,
            "413 Request Entity Too Large 413 Request Entity Too Large nginx",
        ),
        (
            502,
            "upstream connect error or disconnect/reset before headers\n",
            "upstream connect error or disconnect/reset before headers",
        ),
        (503, "a < b and <3", "a < b and <3"),
        (500, "<script>alert('</p>')</SCRIPT>Oops", "Oops"),
        (500, "<unclosed", "Internal Server Error"),
        (500, "Can&#39;t &amp; won&apos;t", "Can't & won't"),
        (301, "", "Moved Permanently"),
        (404, " ", "Not Found"),
        (429, "{}", "{}"),
        (504, "<html></html>", "Gateway Timeout"),
        (599, "", "HTTP status 599"),
        (1_000, "", "HTTP status 1000"),
        (99, "1", "1"),
    ] {
        let output = read(&response(status, body));
        assert_eq!(output.status_code, status, "{body}");
        assert_eq!(output.reason.as_deref(), Some(reason), "{body}");
    }
}

#[test]
fn a_response_that_did_not_end_is_no_success() {
    for (end, words) in [
        (End::TooLong, "longer than 65536 bytes"),
        (
            End::CutOff("the connection broke".into()),
            "was cut off: the connection broke",
        ),
    ] {
        for body in ["1", r#"{"status":1}"#, ""] {
            let cut = Response {
                end: end.clone(),
                ..response(200, body)
            };
            let output = read(&cut);
            assert_eq!(output.status_code, 502);
            assert!(output.reason.is_some_and(|reason| reason.contains(words)));
        }
        let busy = Response {
            end,
            ..response(429, "slow down")
        };
        assert_eq!(read(&busy).status_code, 429);
    }
}

#[test]
fn odd_bytes_are_bounded_text() {
    for body in [
        vec![0xff; max_body_bytes(2_000)],
        "[".repeat(max_body_bytes(2_000)).into_bytes(),
        "<".repeat(max_body_bytes(2_000)).into_bytes(),
        "<p>é</p>".repeat(8_000).into_bytes(),
        b"{\"error\":\"\xc3\x28\"}".to_vec(),
        format!(r#"{{"error":"{}"}}"#, "é".repeat(30_000)).into_bytes(),
    ] {
        for status in [200, 500] {
            let output = read(&response(status, body.clone()));
            assert_ne!(output.status_code, 200);
            let reason = output.reason.expect("a reason");
            assert!(
                !reason.is_empty() && reason.chars().count() <= 1_100,
                "{}",
                reason.len()
            );
        }
    }
}

#[test]
fn the_token_is_replaced_before_the_text_is_cut() {
    for body in [
        format!(r#"{{"error":"no project {TOKEN}"}}"#),
        format!("<b>{TOKEN}</b>"),
        format!("{}{TOKEN}", "x".repeat(245)),
    ] {
        for status in [200, 403] {
            let reason = read(&response(status, body.as_str()))
                .reason
                .expect("a reason");
            assert!(!reason.contains(&TOKEN[..8]), "{reason}");
        }
    }
}

#[test]
fn what_the_operator_needs_to_know_is_in_the_reason() {
    let headers = |location: &str, encoding: &str| Headers {
        location: Some(location.to_owned()).filter(|value| !value.is_empty()),
        content_encoding: Some(encoding.to_owned()).filter(|value| !value.is_empty()),
        ..Headers::default()
    };
    for (status, body, headers, reason) in [
        (
            301,
            "",
            headers("https://h/engage/", ""),
            "Moved Permanently (Location: https://h/engage/)",
        ),
        (
            307,
            "",
            headers("/engage/", ""),
            "Temporary Redirect (Location: /engage/)",
        ),
        (
            308,
            "<p>Moved</p>",
            headers("/x\r\ny", ""),
            "Moved (Location: /x y)",
        ),
        (404, "", headers("/ignored", ""), "Not Found"),
        (
            503,
            "\u{1f}\u{8b}\u{8}",
            headers("", "gzip"),
            "Service Unavailable (Content-Encoding: gzip)",
        ),
        (503, "busy", headers("", "identity"), "busy"),
        (503, "busy", headers("", "utf-8"), "busy"),
        (503, "busy", headers("", " "), "busy"),
        (
            200,
            "\u{1f}\u{8b}\u{8}",
            headers("", "br"),
            "is compressed, which was not asked for (Content-Encoding: br)",
        ),
    ] {
        let response = Response {
            headers,
            ..response(status, body)
        };
        let said = read(&response).reason.expect("a reason");
        assert!(said.ends_with(reason), "{said}");
    }
    let echo = Response {
        headers: headers(&format!("https://h/?token={TOKEN}"), ""),
        ..response(302, "")
    };
    let said = read(&echo).reason.expect("a reason");
    assert_eq!(said, "Found (Location: https://h/?token=[project token])");
}

#[test]
fn fewer_good_events_than_updates_are_no_success() {
    for (body, updates, status_code) in [
        (r#"{"num_good_events":2,"status":1}"#, 2, 200),
        (r#"{"num_good_events":1,"status":1}"#, 2, 400),
        (
            r#"{"code":200,"num_records_imported":1,"status":"OK"}"#,
            2,
            400,
        ),
        (
            r#"{"num_good_events":2,"num_records_imported":0,"status":1}"#,
            2,
            400,
        ),
    ] {
        assert_eq!(
            read_list(&response(200, body), updates).status_code,
            status_code,
            "{body}"
        );
    }
}
