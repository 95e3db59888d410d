use std::num::NonZeroU32;

use bytes::Bytes;
use http::StatusCode;
use serde_json::json;

use super::{Fault, Rule, Rules, Step};
use crate::mixpanel::Answer;

fn body(id: &str) -> Vec<u8> {
    json!([{"$distinct_id": "other"}, {"$distinct_id": id}])
        .to_string()
        .into_bytes()
}

/// Which of the rules, by their delay, each of `requests` gets.
fn taken(rules: Vec<Rule>, requests: &[&str]) -> Vec<Option<u64>> {
    let mut all = Rules::default();
    all.set(rules);
    requests
        .iter()
        .map(|id| match all.for_request(&body(id))?.fault {
            Fault::Delay { millis } => Some(millis),
            _ => None,
        })
        .collect()
}

#[test]
fn the_first_rule_that_applies_is_taken() {
    let rule = |millis| Rule::new(Fault::Delay { millis });
    let second = NonZeroU32::new(2).expect("not nought");
    for (rules, requests, expected) in [
        (vec![], vec!["a"], vec![None]),
        (vec![rule(1)], vec!["a", "b"], vec![Some(1), Some(1)]),
        (
            vec![rule(1).of("a")],
            vec!["a", "b", "a"],
            vec![Some(1), None, Some(1)],
        ),
        (
            vec![rule(1).times(1), rule(2).times(1)],
            vec!["a"; 3],
            vec![Some(1), Some(2), None],
        ),
        (
            vec![rule(1).of("b").times(1), rule(2)],
            vec!["a", "b", "b"],
            vec![Some(2), Some(1), Some(2)],
        ),
        (
            vec![rule(1).every(second), rule(2).every(second)],
            vec!["a"; 4],
            vec![None, Some(1), Some(2), Some(1)],
        ),
        (
            vec![Rule::new(Fault::CloseOnAccept), rule(1)],
            vec!["a"],
            vec![Some(1)],
        ),
    ] {
        assert_eq!(
            taken(rules.clone(), &requests),
            expected,
            "{rules:?} {requests:?}"
        );
    }
}

#[test]
fn a_rule_for_an_id_leaves_a_body_without_any_alone() {
    let mut rules = Rules::default();
    rules.add(Rule::new(Fault::Reset).of("a"));
    for body in [
        "",
        "[",
        "[1]",
        r#"[{"$distinct_id":1}]"#,
        r#"{"$distinct_id":"a"}"#,
    ] {
        assert_eq!(rules.for_request(body.as_bytes()), None, "{body}");
    }
}

#[test]
fn connections_are_closed_as_often_as_the_rule_says() {
    let mut rules = Rules::default();
    rules.set([
        Rule::new(Fault::Reset),
        Rule::new(Fault::CloseOnAccept).times(1),
    ]);
    assert_eq!(
        [rules.close_on_accept(), rules.close_on_accept()],
        [true, false]
    );
}

#[test]
fn rules_as_json() {
    for (text, rule) in [
        (r#"{"fault":"reset"}"#, Some(Rule::new(Fault::Reset))),
        (
            r#"{"profile-id":"a","every":3,"times":2,"store":true,"fault":"close"}"#,
            NonZeroU32::new(3).map(|third| {
                Rule::new(Fault::Close)
                    .of("a")
                    .every(third)
                    .times(2)
                    .storing()
            }),
        ),
        (
            r#"{"fault":{"answer":{"status":503,"headers":[["Retry-After","2"]]}}}"#,
            Some(Rule::new(Fault::Answer {
                status: 503,
                headers: vec![("Retry-After".to_owned(), "2".to_owned())],
                body: String::new(),
            })),
        ),
        (
            r#"{"fault":{"slow-bytes":{"millis":5}}}"#,
            Some(Rule::new(Fault::SlowBytes { millis: 5 })),
        ),
        (r#"{"fault":"explode"}"#, None),
        (r#"{"fault":{"delay":{"seconds":5}}}"#, None),
        (r#"{"fault":"reset","profile_id":"a"}"#, None),
        (r#"{"fault":"reset","every":0}"#, None),
        (r#"{"fault":"reset","times":-1}"#, None),
        ("{}", None),
    ] {
        let read: Option<Rule> = serde_json::from_str(text).ok();
        assert_eq!(read, rule, "{text}");
        if let Some(rule) = rule {
            let written = serde_json::to_string(&rule).expect("JSON");
            assert_eq!(
                serde_json::from_str::<Rule>(&written).expect("a rule"),
                rule
            );
        }
    }
}

#[test]
fn mixpanels_own_answer_is_asked_for_only_where_it_is_delivered() {
    let own = || Answer {
        status: StatusCode::OK,
        body: Bytes::from_static(b"1234"),
    };
    for (fault, delivers) in [
        (
            Fault::Answer {
                status: 200,
                headers: vec![],
                body: String::new(),
            },
            false,
        ),
        (Fault::Hang, false),
        (Fault::Delay { millis: 0 }, true),
        (Fault::SlowBytes { millis: 0 }, true),
        (Fault::Stall, true),
        (Fault::CutOff, true),
        (Fault::ShortLength, true),
        (Fault::BrokenChunk, true),
        (Fault::Interim { status: 103 }, true),
        (Fault::CloseAfterAnswer, true),
        (Fault::Close, false),
        (Fault::Reset, false),
        (Fault::Garbage, false),
        (Fault::EndlessHeaders, false),
        (Fault::LongBody { bytes: 1 }, false),
        (Fault::DeepJson { depth: 1 }, false),
        (Fault::InvalidUtf8 { status: 200 }, false),
    ] {
        let mut asked = false;
        fault.steps(|| {
            asked = true;
            own()
        });
        assert_eq!(asked, delivers, "{fault:?}");
    }
}

#[test]
fn filling_has_exactly_the_length_announced() {
    for length in [0, 1, 65_535, 65_536, 65_537, 10_000_000] {
        let steps = Fault::LongBody { bytes: length }.steps(|| unreachable!());
        let [
            Step::Write(head),
            Step::Repeat(block, times),
            Step::Write(rest),
        ] = &steps[..]
        else {
            panic!("{steps:?}");
        };
        assert!(head.ends_with(format!("Content-Length: {length}\r\n\r\n").as_bytes()));
        assert_eq!(block.len() as u64 * times + rest.len() as u64, length);
    }
}
