//! Everything that can break on the way, and what the card makes of it.
//!
//! One table is the test and the documentation: `docs/faults.md` is made of it, and must be as the
//! run of the test has it (`UPDATE_DOCS=1` writes it anew). Each row is run twice: with a fault that
//! stays, and with one that befalls the first request only.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use host_harness::clock::{Clock, Skipped};
use host_harness::fault::{Fault, Rule};
use host_harness::outbound::{Options, Timeouts};
use host_harness::records::{Error, Outcome};
use host_harness::stand_in::{self, Authority, StandIn, Validity};

use crate::support::{TOKEN, card, connection, joe, only};

/// No row may take longer; none comes near it.
const PATIENCE: Duration = Duration::from_secs(60);

/// What stays the same with each try.
#[derive(Clone, Copy, PartialEq)]
enum Ends {
    /// The status code, and words of the reason.
    Status(u16, &'static str),
    /// Words of `transport`.
    Transport(&'static str),
    /// The profile is created at once.
    Created,
}

struct Row {
    name: &'static str,
    rule: Rule,
    ends: Ends,
    /// Whether it is worth trying again.
    again: bool,
    /// Whether the profile is stored although the fault stays.
    stored: bool,
}

fn row(name: &'static str, fault: Fault, ends: Ends) -> Row {
    Row {
        name,
        rule: Rule::new(fault),
        ends,
        again: !matches!(ends, Ends::Created),
        stored: matches!(ends, Ends::Created),
    }
}

impl Row {
    fn final_at_once(mut self) -> Self {
        self.again = false;
        self
    }

    /// Mixpanel stores the profile, and it is the answer that breaks.
    fn stored(mut self) -> Self {
        self.stored = true;
        self
    }

    fn storing(mut self) -> Self {
        self.rule = self.rule.storing();
        self.stored()
    }
}

fn answers(status: u16, headers: &[(&str, &str)], body: &str) -> Fault {
    let headers = headers.iter().map(|(n, v)| ((*n).into(), (*v).into()));
    Fault::Answer {
        status,
        headers: headers.collect(),
        body: body.into(),
    }
}

fn table() -> Vec<Row> {
    use Ends::{Created, Status, Transport};
    let status = |status| answers(status, &[], "");
    vec![
        row(
            "429, over the rate",
            status(429),
            Status(429, "Too Many Requests"),
        ),
        row(
            "429 with `Retry-After: 5`",
            answers(429, &[("Retry-After", "5")], ""),
            Status(429, "asks to wait 5 s"),
        ),
        row(
            "429 with `Retry-After: 61`",
            answers(429, &[("Retry-After", "61")], ""),
            Status(429, "asks to wait 61 s"),
        )
        .final_at_once(),
        row(
            "429 with `Retry-After: 4.2`",
            answers(429, &[("Retry-After", "4.2")], ""),
            Status(429, "asks to wait 5 s"),
        ),
        row("408", status(408), Status(408, "Request Timeout")),
        row("425", status(425), Status(425, "Too Early")),
        row("501", status(501), Status(501, "Not Implemented")).final_at_once(),
        row(
            "524, from a proxy",
            status(524),
            Status(524, "HTTP status 524"),
        ),
        row("500", status(500), Status(500, "Internal Server Error")),
        row(
            "502, after the profile was stored",
            status(502),
            Status(502, "Bad Gateway"),
        )
        .storing(),
        row(
            "503, in plain text",
            answers(503, &[], "upstream connect error"),
            Status(503, "upstream connect error"),
        ),
        row("504", status(504), Status(504, "Gateway Timeout")),
        row(
            "400",
            answers(400, &[], r#"{"error":"bad"}"#),
            Status(400, "bad"),
        )
        .final_at_once(),
        row(
            "401",
            answers(401, &[], r#"{"error":"who"}"#),
            Status(401, "who"),
        )
        .final_at_once(),
        row("403", status(403), Status(403, "Forbidden")).final_at_once(),
        row(
            "413, in HTML",
            answers(413, &[], "<h1>Too Large</h1>"),
            Status(413, "Too Large"),
        )
        .final_at_once(),
        row(
            "302, a redirect",
            answers(302, &[("Location", "/")], ""),
            Status(302, "Found"),
        )
        .final_at_once(),
        row(
            "308, to a path with a slash",
            answers(308, &[("Location", "/engage/")], ""),
            Status(308, "Location: /engage/"),
        )
        .final_at_once(),
        row(
            "200, compressed",
            answers(200, &[("Content-Encoding", "gzip")], "\u{1f}\u{8b}"),
            Status(502, "Content-Encoding: gzip"),
        ),
        row(
            "200 that says no",
            answers(200, &[], r#"{"error":"no","status":0}"#),
            Status(400, "no"),
        )
        .final_at_once(),
        row(
            "200 with a page of a proxy",
            answers(200, &[], "<p>Sign in</p>"),
            Status(502, "Sign in"),
        ),
        row(
            "200 with an empty body",
            status(200),
            Status(502, "has no text"),
        ),
        row(
            "200 with 10 MB",
            Fault::LongBody { bytes: 10_000_000 },
            Status(502, "longer than 65536 bytes"),
        ),
        row(
            "200 with 100,000 open brackets",
            Fault::DeepJson { depth: 100_000 },
            Status(502, "longer than 65536 bytes"),
        ),
        row(
            "200 with 10,000 open brackets",
            Fault::DeepJson { depth: 10_000 },
            Status(502, "does not say whether"),
        ),
        row(
            "200 with invalid UTF-8",
            Fault::InvalidUtf8 { status: 200 },
            Status(502, "does not say whether"),
        ),
        row(
            "503 with invalid UTF-8",
            Fault::InvalidUtf8 { status: 503 },
            Status(503, ""),
        ),
        row(
            "response cut off in its body",
            Fault::CutOff,
            Status(502, "was cut off"),
        )
        .stored(),
        row(
            "`Content-Length` too short",
            Fault::ShortLength,
            Status(502, "does not say whether"),
        )
        .stored(),
        row(
            "broken chunk",
            Fault::BrokenChunk,
            Status(502, "was cut off"),
        )
        .stored(),
        row(
            "response stalls in its body",
            Fault::Stall,
            Status(502, "was cut off"),
        )
        .stored(),
        row(
            "a byte an hour",
            Fault::SlowBytes { millis: 3_600_000 },
            Transport("no response within"),
        )
        .stored(),
        row(
            "no first byte",
            Fault::Hang,
            Transport("no response within"),
        ),
        row(
            "no first byte, though stored",
            Fault::Hang,
            Transport("no response within"),
        )
        .storing(),
        row(
            "connection closed on accept",
            Fault::CloseOnAccept,
            Transport("closed early"),
        ),
        row(
            "connection closed after the request",
            Fault::Close,
            Transport("closed early"),
        ),
        row(
            "closed after the request, though stored",
            Fault::Close,
            Transport("closed early"),
        )
        .storing(),
        row(
            "connection reset after the request",
            Fault::Reset,
            Transport("closed early"),
        ),
        row(
            "garbage instead of HTTP",
            Fault::Garbage,
            Transport("not HTTP"),
        ),
        row(
            "headers without end",
            Fault::EndlessHeaders,
            Transport("not HTTP"),
        ),
        row(
            "103, then the response",
            Fault::Interim { status: 103 },
            Created,
        ),
        row(
            "response in small pieces",
            Fault::SlowBytes { millis: 0 },
            Created,
        ),
        row("late response", Fault::Delay { millis: 20 }, Created),
        row(
            "closed after the response, unannounced",
            Fault::CloseAfterAnswer,
            Created,
        ),
    ]
}

struct Ran {
    outcome: Outcome,
    requests: u64,
    waits: Vec<Duration>,
    stored: bool,
}

/// Calls the card once, in the face of this rule.
async fn run(row: &Row, rule: Rule, limit: Duration) -> Ran {
    let stand_in = StandIn::start(stand_in::Options::default()).expect("a stand-in");
    let mut options = only(&stand_in.origin());
    options.timeouts = Timeouts {
        first_byte: limit,
        between_bytes: limit,
        ..Timeouts::default()
    };
    let skipped = Skipped::default();
    let card = card(options).with_clock(Clock::Skipping(skipped.clone()));
    let accepts = matches!(row.rule.fault, Fault::CloseOnAccept);
    stand_in.set_rules([rule]);
    let (connection, input) = (connection(&stand_in.origin()), joe("u1"));
    let call = card.create_profile(&connection, &input);
    let outcome = tokio::time::timeout(PATIENCE, call)
        .await
        .unwrap_or_else(|_| panic!("{}: no end", row.name))
        .unwrap_or_else(|stopped| panic!("{}: {stopped}", row.name));
    Ran {
        outcome,
        // Of a connection that is closed on accept, no request is seen.
        requests: if accepts {
            stand_in.connections()
        } else {
            stand_in.request_count()
        },
        waits: skipped.waits(),
        stored: stand_in.profile(TOKEN, "u1").is_some(),
    }
}

fn check(row: &Row, ran: &Ran, ends: Ends) {
    let fits = match (&ran.outcome, ends) {
        (Outcome::Ok(output), Ends::Created) => output.status_code == 200,
        (Outcome::Ok(output), Ends::Status(status, words)) => {
            let reason = output.reason.as_deref().unwrap_or_default();
            output.status_code == status && reason.contains(words)
        }
        (Outcome::Err(Error::Transport(reason)), Ends::Transport(words)) => reason.contains(words),
        _ => false,
    };
    assert!(fits, "{}: {:?}", row.name, ran.outcome);
    let mut least = 2;
    for wait in &ran.waits {
        let least_wait = Duration::from_secs(least + 1);
        assert!(
            (least_wait..=least_wait + Duration::from_secs(4)).contains(wait),
            "{}",
            row.name
        );
        least = (least * 2).min(60);
    }
    assert_eq!(
        ran.waits.len() as u64 + 1,
        ran.requests,
        "{}: {:?}",
        row.name,
        ran.waits
    );
}

fn said(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Ok(output) => output.status_code.to_string(),
        Outcome::Err(Error::Transport(_)) => "`transport`".to_owned(),
        Outcome::Err(other) => format!("{other:?}"),
    }
}

fn yes(stored: bool) -> &'static str {
    if stored { "stored" } else { "not stored" }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_has_its_result() {
    let rows = table();
    assert!(rows.len() >= 30);
    let mut lines = String::new();
    for row in &rows {
        // A server that never answers is given up soon; one that answers gets all the time.
        let soon = Duration::from_millis(200);
        let patient = Duration::from_secs(3);
        let never = matches!(
            row.rule.fault,
            Fault::Hang | Fault::Stall | Fault::SlowBytes { millis: 1.. }
        );
        let mut rule = row.rule.clone();
        if matches!(rule.fault, Fault::CloseOnAccept) {
            rule = rule.times(4);
        }
        let stays = run(row, rule, if never { soon } else { PATIENCE }).await;
        check(row, &stays, row.ends);
        assert_eq!(
            stays.requests,
            if row.again { 4 } else { 1 },
            "{}",
            row.name
        );
        assert_eq!(stays.stored, row.stored, "{}", row.name);

        let once = run(
            row,
            row.rule.clone().times(1),
            if never { patient } else { PATIENCE },
        )
        .await;
        check(row, &once, if row.again { Ends::Created } else { row.ends });
        assert_eq!(once.requests, if row.again { 2 } else { 1 }, "{}", row.name);
        assert_eq!(once.stored, row.again || row.stored, "{}", row.name);

        writeln!(
            lines,
            "| {} | {} | {} | {} | {} | {} | {} |",
            row.name,
            said(&stays.outcome),
            stays.requests,
            yes(stays.stored),
            said(&once.outcome),
            once.requests,
            yes(once.stored),
        )
        .expect("a line");
    }
    documented(&lines);
}

/// Compares the rows of docs/faults.md with these, or writes them.
fn documented(lines: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/faults.md");
    let text = std::fs::read_to_string(&file).expect("docs/faults.md");
    let (start, end) = (
        "| --- | --- | --- | --- | --- | --- | --- |\n",
        "\n<!-- end of the table -->",
    );
    let (before, rest) = text.split_once(start).expect("the table's head");
    let (rows, after) = rest.split_once(end).expect("the table's end");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let text = format!("{before}{start}{lines}{end}{after}");
        std::fs::write(&file, text).expect("docs/faults.md");
    } else {
        assert_eq!(
            rows, lines,
            "docs/faults.md is not what the test saw: run it with UPDATE_DOCS=1"
        );
    }
}

#[tokio::test]
async fn certificates_that_are_not_valid() {
    let authority = Authority::new().expect("an authority");
    let other = Authority::new().expect("another authority");
    for (case, issuer, name, validity, ends) in [
        ("valid", &authority, "127.0.0.1", Validity::Valid, None),
        (
            "wrong name",
            &authority,
            "example.com",
            Validity::Valid,
            Some("certificate"),
        ),
        (
            "expired",
            &authority,
            "127.0.0.1",
            Validity::Expired,
            Some("certificate"),
        ),
        (
            "not yet valid",
            &authority,
            "127.0.0.1",
            Validity::NotYetValid,
            Some("certificate"),
        ),
        (
            "unknown authority",
            &other,
            "127.0.0.1",
            Validity::Valid,
            Some("certificate"),
        ),
    ] {
        let tls = issuer.server(&[name], validity).expect("a certificate");
        let stand_in = StandIn::start(stand_in::Options {
            tls: Some(tls),
            ..stand_in::Options::default()
        })
        .expect("a stand-in");
        let mut options = only(&stand_in.origin());
        options
            .trust_pem(authority.pem().as_bytes())
            .expect("a certificate");
        let (outcome, waits) = call(options, &stand_in.origin()).await;
        match (outcome, ends) {
            (Outcome::Ok(output), None) => assert_eq!(output.status_code, 200, "{case}"),
            (Outcome::Err(Error::Transport(reason)), Some(words)) => {
                assert!(reason.contains(words), "{case}: {reason}");
                assert_eq!(waits, 3, "{case}");
                assert_eq!(stand_in.request_count(), 0, "{case}");
            }
            (outcome, _) => panic!("{case}: {outcome:?}"),
        }
    }
}

#[tokio::test]
async fn http_and_https_mixed_up() {
    let authority = Authority::new().expect("an authority");
    let tls = authority
        .server(&["127.0.0.1"], Validity::Valid)
        .expect("a certificate");
    let secure = StandIn::start(stand_in::Options {
        tls: Some(tls),
        ..stand_in::Options::default()
    })
    .expect("a stand-in");
    let plain = StandIn::start(stand_in::Options::default()).expect("a stand-in");
    for origin in [
        secure.origin().replace("https:", "http:"),
        plain.origin().replace("http:", "https:"),
    ] {
        let (outcome, _) = call(only(&origin), &origin).await;
        assert!(
            matches!(outcome, Outcome::Err(Error::Transport(_))),
            "{origin}: {outcome:?}"
        );
    }
}

async fn call(options: Options, origin: &str) -> (Outcome, usize) {
    let skipped = Skipped::default();
    let card = card(options).with_clock(Clock::Skipping(skipped.clone()));
    let outcome = card
        .create_profile(&connection(origin), &joe("u1"))
        .await
        .expect("a call within its limits");
    (outcome, skipped.waits().len())
}

/// A connection that the server has closed while it was idle costs neither a failure nor a wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_starts_anew_goes_unnoticed() {
    let mut stand_in = StandIn::start(stand_in::Options::default()).expect("a stand-in");
    let skipped = Skipped::default();
    let card = card(only(&stand_in.origin())).with_clock(Clock::Skipping(skipped.clone()));
    let mut connection = connection(&stand_in.origin());
    connection.max_retries = Some(0);
    for round in 0..5 {
        let outcome = card
            .create_profile(&connection, &joe("u1"))
            .await
            .expect("a call");
        assert!(outcome.is_success(), "round {round}: {outcome:?}");
        let listen = stand_in.address();
        stand_in.stop();
        stand_in = StandIn::start(stand_in::Options {
            listen,
            ..stand_in::Options::default()
        })
        .expect("the same address");
    }
    assert!(skipped.waits().is_empty());
}

/// Half-open: the request goes out on a kept connection, and the other end is silent for good.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_half_open_connection_is_given_up_and_replaced() {
    let stand_in = StandIn::start(stand_in::Options::default()).expect("a stand-in");
    let mut options = only(&stand_in.origin());
    options.timeouts.first_byte = Duration::from_secs(3);
    let card = card(options).with_clock(Clock::Skipping(Skipped::default()));
    let connection = connection(&stand_in.origin());
    let first = card
        .create_profile(&connection, &joe("u1"))
        .await
        .expect("a call");
    assert!(first.is_success());
    stand_in.set_rules([Rule::new(Fault::Hang).times(1)]);
    let second = card
        .create_profile(&connection, &joe("u2"))
        .await
        .expect("a call");
    assert!(second.is_success(), "{second:?}");
    assert_eq!(stand_in.connections(), 2);
}

/// Where the host's own limits never strike, the card's limit on one try does.
#[tokio::test]
async fn the_card_gives_up_by_itself_where_the_host_would_wait_for_ever() {
    let stand_in = StandIn::start(stand_in::Options::default()).expect("a stand-in");
    stand_in.set_rules([Rule::new(Fault::Hang)]);
    let card = card(only(&stand_in.origin())).with_clock(Clock::Racing);
    let mut connection = connection(&stand_in.origin());
    connection.max_retries = Some(0);
    let outcome = card
        .create_profile(&connection, &joe("u1"))
        .await
        .expect("a call");
    let Outcome::Err(Error::Transport(reason)) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(reason.contains("within 70 seconds"), "{reason}");
}

/// Dropping a call's future frees its connection; the next call works.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_call_frees_everything() {
    let stand_in = StandIn::start(stand_in::Options::default()).expect("a stand-in");
    stand_in.set_rules([Rule::new(Fault::Hang).of("hang")]);
    let card = card(only(&stand_in.origin()));
    let connection = connection(&stand_in.origin());
    let hanging = {
        let (card, connection) = (card.clone(), connection.clone());
        tokio::spawn(async move { card.create_profile(&connection, &joe("hang")).await })
    };
    assert!(
        stand_in.wait_for_requests(1, PATIENCE),
        "the request arrived"
    );
    hanging.abort();
    assert!(hanging.await.is_err_and(|error| error.is_cancelled()));
    assert!(
        stand_in.wait_for_open_connections(0, PATIENCE),
        "its connection is closed"
    );
    let next = card
        .create_profile(&connection, &joe("u1"))
        .await
        .expect("a call");
    assert!(next.is_success());
}
