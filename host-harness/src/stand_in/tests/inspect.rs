//! Looking into the stand-in over HTTP, and its bounds.

use std::io::Write as _;

use serde_json::json;

use super::{ACCEPTED, TIMEOUT, answer, call, connect, engage, exchange, request, start};
use crate::stand_in::{Options, StandIn};

#[test]
fn looking_in_over_http() {
    let stand_in = start();
    let of = |token: &str, id: &str| {
        let body = json!([{"$token": token, "$distinct_id": id, "$set_once": {}}]).to_string();
        assert_eq!(
            call(&stand_in, "POST", "/engage?ip=0", &body),
            (200, json!(1))
        );
    };
    of("T", "a b/ü");
    of("T", "twice");
    of("U&", "twice");
    for (method, target, status, pointer, expected) in [
        (
            "GET",
            "/profiles",
            200,
            "",
            json!({"count": 3, "ids": ["a b/ü", "twice", "twice"]}),
        ),
        (
            "GET",
            "/profiles/a%20b%2f%C3%BC",
            200,
            "/$distinct_id",
            json!("a b/ü"),
        ),
        (
            "GET",
            "/profiles/a%20b/%C3%BC?token=T",
            200,
            "/updates",
            json!(1),
        ),
        (
            "GET",
            "/profiles/a%20b/%C3%BC?token=U",
            404,
            "/code",
            json!(404),
        ),
        ("GET", "/profiles/%zz%", 404, "/code", json!(404)),
        ("GET", "/profiles/twice", 409, "/code", json!(409)),
        (
            "GET",
            "/profiles/twice?token=U%26",
            200,
            "/updates",
            json!(1),
        ),
        ("DELETE", "/profiles/twice", 405, "/code", json!(405)),
        ("POST", "/faults", 405, "/code", json!(405)),
        ("GET", "/requests", 200, "/2/target", json!("/engage?ip=0")),
        (
            "GET",
            "/requests",
            200,
            "/0/headers/0",
            json!(["Host", "localhost"]),
        ),
        ("DELETE", "/requests", 200, "", json!([])),
        ("GET", "/requests", 200, "", json!([])),
        ("GET", "/elsewhere", 404, "/code", json!(404)),
    ] {
        let (found_status, found) = call(&stand_in, method, target, "");
        assert_eq!(found_status, status, "{method} {target}: {found}");
        assert_eq!(
            found.pointer(pointer),
            Some(&expected),
            "{method} {target}: {found}"
        );
    }
}

#[test]
fn only_a_loopback_host_can_look_in() {
    let stand_in = start();
    let mut socket = connect(&stand_in);
    socket.write_all(engage("a").as_bytes()).expect("sent");
    assert_eq!(answer(&mut socket).0, 200);
    for (host, status) in [
        ("localhost", 200),
        ("LOCALHOST:80", 200),
        ("127.0.0.1", 200),
        ("127.0.0.1:8080", 200),
        ("127.9.9.9", 200),
        ("[::1]", 200),
        ("[::1]:8080", 200),
        ("mixpanel", 403),
        ("evil.example", 403),
        ("evil.example:8080", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("127.1", 403),
        ("10.0.0.1", 403),
        ("[::2]", 403),
        ("localhost@evil.example", 403),
        ("", 403),
        ("local host", 403),
    ] {
        for (method, path) in [
            ("GET", "/requests"),
            ("GET", "/profiles"),
            ("GET", "/profiles/a"),
            ("GET", "/faults"),
            ("DELETE", "/faults"),
        ] {
            let request = request(method, path, "").replace("localhost", host);
            socket.write_all(request.as_bytes()).expect("sent");
            let (got, body) = answer(&mut socket);
            assert_eq!(got, status, "{host} {path}: {body}");
            assert!(status == 200 || !body.contains("\"T\""), "{body}");
        }
    }
    // Mixpanel's own paths are for any host.
    let request = engage("b").replace("localhost", "api.mixpanel.com");
    socket.write_all(request.as_bytes()).expect("sent");
    assert_eq!(answer(&mut socket).0, 200);
}

#[test]
fn unfinished_requests_are_held_up_to_a_bound() {
    let stand_in = start();
    let body = vec![b'x'; 8_000_000];
    let head = "POST /engage HTTP/1.1\r\nHost: h\r\nContent-Length: 8000001\r\n\r\n";
    let mut sockets = vec![];
    for _ in 0..20 {
        let mut socket = connect(&stand_in);
        // One that is refused may be closed before all is sent.
        let _ = socket
            .write_all(head.as_bytes())
            .and_then(|()| socket.write_all(&body));
        sockets.push(socket);
    }
    // As many as fit into 64 MiB.
    assert!(stand_in.wait_for_open_connections(8, TIMEOUT));
    // Those that are given up make room.
    drop(sockets);
    assert!(stand_in.wait_for_open_connections(0, TIMEOUT));
    let mut socket = connect(&stand_in);
    socket.write_all(engage("a").as_bytes()).expect("sent");
    assert_eq!(answer(&mut socket), (200, ACCEPTED.to_owned()));
}

#[test]
fn tokens_that_it_was_told_are_right() {
    let stand_in = StandIn::start(Options {
        tokens: vec!["T".to_owned(), "U".to_owned()],
        ..Options::default()
    })
    .expect("a stand-in");
    let path = "/api/app/validate-project-credentials/";
    for (method, body, status, answered) in [
        (
            "POST",
            r#"{"project_token":"T"}"#,
            200,
            json!({"status": "ok"}),
        ),
        (
            "POST",
            r#"{"project_token":"U"}"#,
            200,
            json!({"status": "ok"}),
        ),
        (
            "POST",
            r#"{"project_token":"V"}"#,
            401,
            json!({"error": "Invalid project token", "status": "error"}),
        ),
        (
            "POST",
            "{}",
            400,
            json!({"error": "project_token is missing", "status": "error"}),
        ),
        (
            "GET",
            "",
            405,
            json!({"code": 405, "error": "credentials are checked by POST alone", "status": "Method Not Allowed"}),
        ),
    ] {
        assert_eq!(call(&stand_in, method, path, body), (status, answered));
    }
    assert_eq!(stand_in.profile_count(), 0);
    assert_eq!(stand_in.request_count(), 5);
}

#[test]
fn faults_that_are_not_understood_are_refused_and_change_nothing() {
    let stand_in = start();
    let kept = r#"[{"store":false,"fault":"close"}]"#;
    assert_eq!(call(&stand_in, "PUT", "/faults", kept).0, 200);
    for (rules, message) in [
        ("", "array of rules"),
        (r#"[{"fault":"explode"}]"#, "unknown variant `explode`"),
        (r#"[{"fault":"close","id":"a"}]"#, "unknown field `id`"),
        (r#"[{"fault":"close-on-accept"}]"#, "needs times"),
        (
            r#"[{"fault":"close-on-accept","times":1,"profile-id":"a"}]"#,
            "no profile-id",
        ),
    ] {
        let (status, found) = call(&stand_in, "PUT", "/faults", rules);
        assert_eq!(status, 400, "{rules}: {found}");
        assert!(
            found["error"].as_str().is_some_and(|e| e.contains(message)),
            "{found}"
        );
    }
    assert_eq!(call(&stand_in, "GET", "/faults", "").1.to_string(), kept);
    assert_eq!(call(&stand_in, "DELETE", "/faults", ""), (200, json!([])));
}

#[test]
fn nothing_is_recorded_where_that_was_not_asked_for() {
    let options = Options {
        record: false,
        ..Options::default()
    };
    let stand_in = StandIn::start(options).expect("a stand-in");
    assert!(exchange(&stand_in, &engage("a")).is_ok_and(|found| !found.is_empty()));
    assert_eq!((stand_in.requests(), stand_in.request_count()), (vec![], 1));
}
