//! Many users in one call.

use host_harness::fault::{Fault, Rule};
use host_harness::records::{Connection, Error, Input, Outcome, PropertyValue};
use host_harness::stand_in::Recorded;
use serde_json::Value;

use crate::support::{Setup, TOKEN, answer, created, dynamic, joe, text, transport, user};

impl Setup {
    async fn call_all(&self, inputs: &[Input]) -> Vec<Outcome> {
        self.card
            .create_profiles(&self.connection, inputs)
            .await
            .expect("a call within its limits")
            .expect("a valid connection")
    }
}

/// The ids of a request's updates.
fn ids(request: &Recorded) -> Vec<String> {
    let body: Value = serde_json::from_slice(&request.body).expect("JSON");
    let updates = body.as_array().expect("an array").iter();
    updates
        .map(|update| update["$distinct_id"].as_str().expect("an id").to_owned())
        .collect()
}

fn refuses(status: u16) -> Fault {
    Fault::Answer {
        status,
        headers: vec![],
        body: r#"{"error":"odd","status":0}"#.to_owned(),
    }
}

fn users(count: usize) -> Vec<Input> {
    (0..count).map(|n| joe(&format!("u{n}"))).collect()
}

#[tokio::test]
async fn a_list_is_one_request_and_its_updates_are_those_of_single_calls() {
    let setup = Setup::new();
    let mut inputs = users(3);
    inputs[1].profile.ip_address = text("1.2.3.4");
    inputs[2].properties.dynamic_fields = vec![dynamic("n", PropertyValue::Number(1.5))];
    assert_eq!(setup.call_all(&inputs).await, vec![created(); 3]);

    for input in &inputs {
        assert_eq!(setup.call(input).await, created());
    }
    let requests = setup.stand_in.requests();
    let [list, singles @ ..] = requests.as_slice() else {
        panic!("no request")
    };
    assert_eq!(list.target(), singles[0].target());
    let singles: Vec<_> = singles
        .iter()
        .map(|single| String::from_utf8_lossy(&single.body[1..single.body.len() - 1]).into_owned())
        .collect();
    assert_eq!(
        String::from_utf8_lossy(&list.body),
        format!("[{}]", singles.join(","))
    );
    assert_eq!(setup.call_all(&[]).await, []);
    assert_eq!(setup.stand_in.request_count(), 4);
}

#[tokio::test]
async fn results_stand_in_order_and_faults_do_not_hold_back_the_others() {
    let setup = Setup::new();
    let inputs = [joe("a"), joe(" "), joe("b"), joe("null"), joe("c")];
    let outcomes = setup.call_all(&inputs).await;
    for (index, outcome) in outcomes.iter().enumerate() {
        match (index, outcome) {
            (1 | 3, Outcome::Err(Error::PermanentInvalidInput(fields))) => {
                assert_eq!(fields.len(), 1);
                assert_eq!(fields[0].field, "profile.profile-id");
            }
            (0 | 2 | 4, outcome) => assert_eq!(*outcome, created()),
            (index, outcome) => panic!("{index}: {outcome:?}"),
        }
    }
    assert_eq!(setup.stand_in.request_count(), 1);
    assert_eq!(setup.stand_in.profile_count(), 3);
}

#[tokio::test]
async fn the_same_profile_twice_keeps_its_first_values() {
    let setup = Setup::new();
    let mut inputs = [joe("a"), joe("a")];
    inputs[1].properties.name = text("Jim");
    inputs[1].properties.phone = text("+1");
    assert_eq!(setup.call_all(&inputs).await, vec![created(); 2]);
    let properties = setup.properties("a").expect("a profile");
    assert_eq!(properties["$name"], "Joe");
    assert_eq!(properties["$phone"], "+1");
}

#[tokio::test]
async fn a_request_holds_at_most_2000_updates_and_2_mb() {
    let setup = Setup::new();
    assert_eq!(setup.call_all(&users(4_001)).await, vec![created(); 4_001]);
    let counts: Vec<_> = setup
        .stand_in
        .requests()
        .iter()
        .map(|r| ids(r).len())
        .collect();
    assert_eq!(counts, [2_000, 2_000, 1]);
    assert_eq!(setup.stand_in.profile_count(), 4_001);

    setup.stand_in.clear_requests();
    let long = |n: usize| {
        let mut input = user(&format!("long {n}"));
        let items = vec!["x".repeat(250); 1_000];
        for name in ["a", "b", "c"] {
            let value = PropertyValue::TextList(items.clone());
            input.properties.dynamic_fields.push(dynamic(name, value));
        }
        input
    };
    let inputs: Vec<_> = (0..5).map(long).collect();
    assert_eq!(setup.call_all(&inputs).await, vec![created(); 5]);
    let requests = setup.stand_in.requests();
    assert_eq!(requests.len(), 3);
    for request in requests {
        assert!(request.body.len() <= 2_000_000, "{}", request.body.len());
    }
}

#[tokio::test]
async fn what_is_refused_as_a_whole_is_halved_until_the_culprits_stand_alone() {
    for status in [200, 400, 413] {
        let setup = Setup::new();
        setup.stand_in.set_rules([
            Rule::new(refuses(status)).of("u3"),
            Rule::new(refuses(status)).of("u40"),
        ]);
        let outcomes = setup.call_all(&users(64)).await;
        for (index, outcome) in outcomes.into_iter().enumerate() {
            let (code, reason) = answer(outcome);
            if [3, 40].contains(&index) {
                assert_eq!(code, if status == 200 { 400 } else { status });
                assert_eq!(reason.as_deref(), Some("odd"));
            } else {
                assert_eq!((code, reason), (200, None), "{index}");
            }
        }
        assert_eq!(setup.stand_in.profile_count(), 62);
        // One in all, then two for each of six halvings, the first of which both share.
        assert_eq!(setup.stand_in.request_count(), 1 + 2 * (6 + 5));
        let bodies = setup.stand_in.requests();
        assert_eq!(ids(&bodies[1]).len(), 32);
    }
}

#[tokio::test]
async fn fewer_good_events_than_updates_are_no_success() {
    let setup = Setup::new();
    let fewer = Fault::Answer {
        status: 200,
        headers: vec![],
        body: r#"{"error":null,"num_good_events":1,"status":1}"#.to_owned(),
    };
    setup
        .stand_in
        .set_rules([Rule::new(fewer).storing().times(1)]);
    assert_eq!(setup.call_all(&users(2)).await, vec![created(); 2]);
    assert_eq!(setup.stand_in.request_count(), 3);
}

#[tokio::test]
async fn a_busy_server_is_tried_again_and_a_dead_one_is_not_asked_for_ever() {
    let setup = Setup::new();
    setup.stand_in.set_rules([Rule::new(refuses(503)).times(2)]);
    assert_eq!(setup.call_all(&users(10)).await, vec![created(); 10]);
    assert_eq!(setup.stand_in.request_count(), 3);

    // Four tries of the first request, one of each of the others.
    setup.stand_in.set_rules([Rule::new(refuses(503))]);
    let outcomes = setup.call_all(&users(6_000)).await;
    assert_eq!(outcomes.len(), 6_000);
    for (index, outcome) in outcomes.into_iter().enumerate() {
        let reason = if index < 2_000 {
            "odd (tried 4 times)"
        } else {
            "odd"
        };
        assert_eq!(answer(outcome), (503, text(reason)));
    }
    assert_eq!(setup.stand_in.request_count(), 3 + 4 + 2);

    // Once a request gets through, the next is tried again as usual.
    let busy = |id| Rule::new(refuses(503)).of(id);
    setup
        .stand_in
        .set_rules([busy("u0"), busy("u4000").times(1)]);
    let outcomes = setup.call_all(&users(6_000)).await;
    let successes = outcomes.iter().filter(|outcome| outcome.is_success());
    assert_eq!(successes.count(), 4_000);
    assert_eq!(setup.stand_in.request_count(), 9 + 4 + 1 + 2);
}

#[tokio::test]
async fn no_answer_is_that_of_all() {
    let setup = Setup::new();
    setup.stand_in.set_rules([Rule::new(Fault::Close)]);
    for outcome in setup.call_all(&users(3)).await {
        let reason = transport(outcome);
        assert!(reason.ends_with("(tried 4 times)"), "{reason}");
    }
    assert_eq!(setup.stand_in.request_count(), 4);
}

#[tokio::test]
async fn a_connection_with_faults_sends_nothing() {
    let setup = Setup::new();
    let connection = Connection {
        project_token: " ".to_owned(),
        max_retries: Some(11),
        ..setup.connection.clone()
    };
    let called = setup.card.create_profiles(&connection, &users(2)).await;
    match called.expect("a call within its limits") {
        Err(Error::PermanentInvalidInput(fields)) => {
            let fields: Vec<_> = fields.iter().map(|field| field.field.as_str()).collect();
            assert_eq!(
                fields,
                ["connection.project-token", "connection.max-retries"]
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(setup.stand_in.request_count(), 0);
}

#[tokio::test]
async fn a_denied_origin_denies_each_of_them() {
    let setup = Setup::with(|options| options.allow.clear());
    for outcome in setup.call_all(&users(2)).await {
        assert!(
            matches!(outcome, Outcome::Err(Error::PermanentDenied(_))),
            "{outcome:?}"
        );
    }
    assert!(setup.stand_in.profile(TOKEN, "u0").is_none());
}

/// Whatever else it is sent, it would refuse as well.
#[tokio::test]
async fn a_server_that_asks_for_a_long_wait_is_sent_nothing_more() {
    let setup = Setup::new();
    let busy = Fault::Answer {
        status: 429,
        headers: vec![("Retry-After".to_owned(), "61".to_owned())],
        body: r#"{"error":"slow down"}"#.to_owned(),
    };
    setup.stand_in.set_rules([Rule::new(busy).of("u2000")]);
    let mut inputs = users(10_000);
    inputs[9_999].profile.profile_id = String::new();
    let outcomes = setup.call_all(&inputs).await;
    assert_eq!(setup.stand_in.request_count(), 2);
    for (index, outcome) in outcomes.into_iter().enumerate() {
        let reason = match index {
            0..2_000 => {
                assert_eq!(outcome, created(), "{index}");
                continue;
            }
            9_999 => {
                assert!(matches!(
                    outcome,
                    Outcome::Err(Error::PermanentInvalidInput(_))
                ));
                continue;
            }
            2_000..4_000 => "slow down (the server asks to wait 61 s)",
            _ => "slow down; not sent (the server asks to wait 61 s)",
        };
        assert_eq!(answer(outcome), (429, text(reason)), "{index}");
    }
    assert!(setup.skipped.waits().is_empty());
}
