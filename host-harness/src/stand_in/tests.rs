use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Options, StandIn};
use crate::fault::{Fault, Rule};

mod inspect;
mod tls;

/// Far more than anything here takes: only a failure lasts that long.
const TIMEOUT: Duration = Duration::from_mins(1);

const ACCEPTED: &str = r#"{"error":null,"errors":{},"num_good_events":1,"status":1}"#;

fn start() -> StandIn {
    StandIn::start(Options::default()).expect("a stand-in")
}

fn connect(stand_in: &StandIn) -> TcpStream {
    let socket = TcpStream::connect(stand_in.address()).expect("a connection");
    socket.set_read_timeout(Some(TIMEOUT)).expect("a timeout");
    socket
}

fn update(id: &str) -> String {
    json!([{"$token": "T", "$distinct_id": id, "$ip": "0", "$set_once": {"a": 1}}]).to_string()
}

fn request(method: &str, target: &str, body: &str) -> String {
    format!(
        "{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn engage(id: &str) -> String {
    request("POST", "/engage?ip=0&verbose=1&strict=1", &update(id))
}

/// Reads one answer framed by its `Content-Length`: status, body.
fn answer(socket: &mut impl Read) -> (u16, String) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).expect("the rest of a head");
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).expect("a head in UTF-8");
    let (_, length) = head
        .split_once("Content-Length: ")
        .expect("a Content-Length");
    let length = length.lines().next().and_then(|length| length.parse().ok());
    let mut body = vec![0; length.expect("a number")];
    socket.read_exact(&mut body).expect("the body");
    let status = head
        .get(9..12)
        .and_then(|status| status.parse().ok())
        .expect("a status");
    (status, String::from_utf8(body).expect("a body in UTF-8"))
}

fn call(stand_in: &StandIn, method: &str, target: &str, body: &str) -> (u16, Value) {
    let mut socket = connect(stand_in);
    socket
        .write_all(request(method, target, body).as_bytes())
        .expect("sent");
    let (status, body) = answer(&mut socket);
    (status, serde_json::from_str(&body).expect("JSON"))
}

/// All that comes until the connection's end, which the client asks for.
fn exchange(stand_in: &StandIn, request: &str) -> io::Result<Vec<u8>> {
    let request = request.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    let mut socket = connect(stand_in);
    // Where the connection is closed on accept, this fails: then so does reading, or ends at once.
    let _ = socket.write_all(request.as_bytes());
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer)?;
    Ok(answer)
}

/// The head of a good answer that announces a body of `length`.
fn head(length: usize) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n")
}

#[test]
fn requests_over_one_connection_are_answered_and_recorded_byte_for_byte() {
    let stand_in = start();
    let mut socket = connect(&stand_in);
    for id in ["a", "b"] {
        socket.write_all(engage(id).as_bytes()).expect("sent");
        assert_eq!(answer(&mut socket), (200, ACCEPTED.to_owned()));
    }
    let requests = stand_in.requests();
    let [first, second] = &requests[..] else {
        panic!("{requests:?}")
    };
    assert_eq!(
        [&first.head[..], &first.body[..]].concat(),
        engage("a").as_bytes()
    );
    assert_eq!(
        [&second.head[..], &second.body[..]].concat(),
        engage("b").as_bytes()
    );
    assert_eq!((first.connection, second.connection), (1, 1));
    assert_eq!(first.method(), "POST");
    assert_eq!(first.target(), "/engage?ip=0&verbose=1&strict=1");
    assert_eq!(first.header("HOST").as_deref(), Some("localhost"));
    assert_eq!(
        (stand_in.connections(), stand_in.open_connections()),
        (1, 1)
    );
    assert_eq!(stand_in.profile_count(), 2);
    let profile = stand_in.profile("T", "a").expect("a profile");
    assert_eq!(profile["$properties"], json!({"a": 1}));

    drop(socket);
    assert!(stand_in.wait_for_open_connections(0, TIMEOUT));
    stand_in.clear_requests();
    assert_eq!((stand_in.requests(), stand_in.request_count()), (vec![], 0));
}

#[test]
fn a_body_in_chunks_and_one_that_waits_to_be_asked_for() {
    let stand_in = start();
    let body = update("a");
    let head = "POST /engage HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n";
    let mut socket = connect(&stand_in);
    let (one, two) = body.split_at(10);
    let chunks = format!("{head}Transfer-Encoding: chunked\r\n\r\na\r\n{one}\r\n");
    socket.write_all(chunks.as_bytes()).expect("sent");
    let chunks = format!("{:x}\r\n{two}\r\n0\r\n\r\n", two.len());
    socket.write_all(chunks.as_bytes()).expect("sent");
    assert_eq!(answer(&mut socket), (200, "1".to_owned()));

    let length = body.len();
    let head = format!("{head}Content-Length: {length}\r\nExpect: 100-continue\r\n\r\n");
    socket.write_all(head.as_bytes()).expect("sent");
    let mut go_on = [0; 25];
    socket.read_exact(&mut go_on).expect("an interim answer");
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    socket.write_all(body.as_bytes()).expect("sent");
    assert_eq!(answer(&mut socket), (200, "1".to_owned()));
    let bodies: Vec<_> = stand_in
        .requests()
        .into_iter()
        .map(|request| request.body)
        .collect();
    assert_eq!(bodies, [body.clone(), body]);
}

#[test]
fn a_request_that_cannot_be_read_is_answered_and_ends_the_connection() {
    let stand_in = start();
    let answer = exchange(&stand_in, "GET / HTTP/1.1\r\n\r\n").expect("an answer");
    assert!(answer.starts_with(b"HTTP/1.1 400 Bad Request\r\n"));
    assert_eq!(stand_in.request_count(), 0);
}

#[test]
fn faults_whose_bytes_come_to_an_end() {
    let own_length = ACCEPTED.len();
    let own = head(own_length) + ACCEPTED;
    let half = &ACCEPTED[..own_length / 2];
    let limit = r#"{"code":429,"error":"Project exceeded rate limits. Please retry the request with exponential backoff.","status":"Too Many Requests"}"#;
    for (fault, expected, stored) in [
        (
            json!({"answer": {"status": 429, "headers": [["Retry-After", "2"]], "body": limit}}),
            format!(
                "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 2\r\nContent-Length: {}\r\n\r\n{limit}",
                limit.len()
            ),
            false,
        ),
        (
            json!({"answer": {"status": 502, "headers": [["content-length", "9"]], "body": "upstream"}}),
            "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 9\r\n\r\nupstream".to_owned(),
            false,
        ),
        (
            json!({"answer": {"status": 799}}),
            "HTTP/1.1 799 \r\nContent-Length: 0\r\n\r\n".to_owned(),
            false,
        ),
        (json!({"delay": {"millis": 1}}), own.clone(), true),
        (json!({"slow-bytes": {"millis": 0}}), own.clone(), true),
        (json!("cut-off"), head(own_length) + half, true),
        (json!("short-length"), head(own_length / 2) + ACCEPTED, true),
        (
            json!("broken-chunk"),
            format!(
                "HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{half}\r\nno size\r\n",
                half.len()
            ),
            true,
        ),
        (
            json!({"interim": {"status": 103}}),
            format!("HTTP/1.1 103 Early Hints\r\n\r\n{own}"),
            true,
        ),
        (json!("close-after-answer"), own.clone(), true),
        (json!("close"), String::new(), false),
        (
            json!({"long-body": {"bytes": 200_000}}),
            format!(
                "HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n{}",
                "x".repeat(200_000)
            ),
            false,
        ),
        (
            json!({"deep-json": {"depth": 70_000}}),
            format!(
                "HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n{}",
                "[".repeat(70_000)
            ),
            false,
        ),
    ] {
        let stand_in = start();
        let rules = json!([{"times": 1, "fault": fault}]);
        let (status, understood) = call(&stand_in, "PUT", "/faults", &rules.to_string());
        assert_eq!(
            (status, &understood[0]["times"]),
            (200, &json!(1)),
            "{fault}"
        );
        let found = exchange(&stand_in, &engage("a")).expect("an answer");
        assert_eq!(String::from_utf8_lossy(&found), expected, "{fault}");
        assert_eq!(stand_in.profile("T", "a").is_some(), stored, "{fault}");
        // The rule is used up.
        let found = exchange(&stand_in, &engage("a")).expect("an answer");
        assert_eq!(String::from_utf8_lossy(&found), own, "{fault}");
        assert_eq!(call(&stand_in, "GET", "/faults", "").1[0]["times"], 0);
    }
}

#[test]
fn bytes_that_are_no_text() {
    let stand_in = start();
    for (fault, start) in [
        (Fault::Garbage, &b"SSH-"[..]),
        (
            Fault::InvalidUtf8 { status: 503 },
            b"HTTP/1.1 503 Service Unavailable\r\n",
        ),
    ] {
        stand_in.set_rules([Rule::new(fault)]);
        let found = exchange(&stand_in, &engage("a")).expect("an answer");
        assert!(found.starts_with(start), "{found:?}");
        assert!(str::from_utf8(&found).is_err(), "{found:?}");
    }
}

#[test]
fn a_reset_and_an_answer_that_is_lost_after_storing() {
    let stand_in = start();
    for (fault, store, expected) in [
        (Fault::Reset, false, Err(ErrorKind::ConnectionReset)),
        (Fault::Reset, true, Err(ErrorKind::ConnectionReset)),
        (Fault::Close, true, Ok(vec![])),
    ] {
        let id = format!("{fault:?} {store}");
        stand_in.set_rules([Rule {
            store,
            ..Rule::new(fault)
        }
        .of(&*id)]);
        let found = exchange(&stand_in, &engage(&id)).map_err(|error| error.kind());
        assert_eq!(found, expected, "{id}");
        assert_eq!(stand_in.profile("T", &id).is_some(), store, "{id}");
    }
}

#[test]
fn a_connection_that_is_closed_on_accept() {
    let stand_in = start();
    stand_in.add_rule(Rule::new(Fault::CloseOnAccept).times(1));
    // Whether the client sees an end or a reset depends on whether it had sent anything by then.
    let found = exchange(&stand_in, &engage("a")).unwrap_or_default();
    assert_eq!((found, stand_in.request_count()), (vec![], 0));
    assert!(exchange(&stand_in, &engage("a")).is_ok_and(|found| !found.is_empty()));
}

#[test]
fn faults_without_end_last_until_the_client_goes() {
    let stand_in = start();
    for (fault, sent) in [
        (Fault::Hang, 0),
        (
            Fault::Stall,
            head(ACCEPTED.len()).len() + ACCEPTED.len() / 2,
        ),
        (Fault::EndlessHeaders, 1_000_000),
        (Fault::Delay { millis: u64::MAX }, 0),
        (Fault::SlowBytes { millis: u64::MAX }, 1),
    ] {
        stand_in.clear_requests();
        stand_in.set_rules([Rule::new(fault.clone())]);
        let mut socket = connect(&stand_in);
        socket.write_all(engage("a").as_bytes()).expect("sent");
        assert!(stand_in.wait_for_requests(1, TIMEOUT), "{fault:?}");
        socket
            .read_exact(&mut vec![0; sent])
            .expect("as much as comes");
        assert_eq!(stand_in.open_connections(), 1, "{fault:?}");
        drop(socket);
        assert!(stand_in.wait_for_open_connections(0, TIMEOUT), "{fault:?}");
    }
}

#[test]
fn stopping_ends_every_connection_and_frees_the_address() {
    let mut stand_in = start();
    stand_in.add_rule(Rule::new(Fault::Hang));
    let mut hanging = connect(&stand_in);
    hanging.write_all(engage("a").as_bytes()).expect("sent");
    assert!(stand_in.wait_for_requests(1, TIMEOUT));
    stand_in.stop();
    assert_eq!(stand_in.open_connections(), 0);
    assert!(matches!(hanging.read(&mut [0]), Ok(0) | Err(_)));
    let refused = TcpStream::connect(stand_in.address()).map_err(|error| error.kind());
    assert_eq!(refused.err(), Some(ErrorKind::ConnectionRefused));

    let options = Options {
        listen: stand_in.address(),
        ..Options::default()
    };
    let again = StandIn::start(options).expect("the same address");
    assert!(exchange(&again, &engage("a")).is_ok_and(|found| !found.is_empty()));
}

#[test]
fn a_wait_that_is_not_fulfilled_ends() {
    let stand_in = start();
    assert!(!stand_in.wait_for_requests(1, Duration::from_millis(1)));
    assert!(!stand_in.wait_for_open_connections(1, Duration::from_millis(1)));
}
