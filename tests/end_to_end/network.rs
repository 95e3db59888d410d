//! Connections: kept, refused, denied, and broken.

use std::net::TcpListener;
use std::time::Duration;

use host_harness::card::{CallError, Card};
use host_harness::clock::{Clock, Skipped};
use host_harness::engine::{Engine, Limits};
use host_harness::fault::{Fault, Rule};
use host_harness::outbound::{Options, Outbound};
use host_harness::records::{Error, Outcome, PropertyValue};

use crate::support::{
    Setup, card, component, connection, created, dynamic, joe, only, transport, user,
};

#[tokio::test]
async fn calls_share_one_connection() {
    let setup = Setup::new();
    for id in ["u1", "u2", "u3"] {
        assert_eq!(setup.call(&joe(id)).await, created());
    }
    assert_eq!(setup.stand_in.connections(), 1);
    assert_eq!(setup.stand_in.profile_count(), 3);
}

#[tokio::test]
async fn a_refused_connection_is_a_transport_failure() {
    // A port that was free a moment ago, and that nobody listens on.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let origin = format!("http://{}", listener.local_addr().expect("its address"));
    drop(listener);
    let card = card(only(&origin)).with_clock(Clock::Skipping(Skipped::default()));
    for retries in [0, 2] {
        let mut connection = connection(&origin);
        connection.max_retries = Some(retries);
        let outcome = card
            .create_profile(&connection, &joe("u1"))
            .await
            .expect("a call");
        let reason = transport(outcome);
        assert!(reason.contains("the connection was refused"), "{reason}");
        assert_eq!(reason.contains("(tried 3 times)"), retries == 2, "{reason}");
    }
}

#[tokio::test]
async fn a_name_without_an_address_is_a_transport_failure() {
    // RFC 6761: names under .invalid never have one, so no server is asked about them in vain.
    let origin = "http://card.invalid";
    let card = card(only(origin)).with_clock(Clock::Skipping(Skipped::default()));
    let mut connection = connection(origin);
    connection.max_retries = Some(0);
    let outcome = card
        .create_profile(&connection, &joe("u1"))
        .await
        .expect("a call");
    let reason = transport(outcome);
    assert!(
        reason.contains("card.invalid: the name look-up failed"),
        "{reason}"
    );
}

#[tokio::test]
async fn an_origin_that_is_not_allowed_is_denied_without_a_connection() {
    let setup = Setup::new();
    let other = Setup::new();
    let outcome = setup
        .card
        .create_profile(&other.connection, &joe("u1"))
        .await
        .expect("a call");
    let Outcome::Err(Error::PermanentDenied(reason)) = outcome else {
        panic!("{outcome:?}")
    };
    let address = other.stand_in.address().to_string();
    assert!(
        reason.contains(&address) && reason.contains("operator"),
        "{reason}"
    );
    assert_eq!(other.stand_in.connections(), 0);
    assert_eq!(setup.stand_in.connections(), 0);
    assert!(
        setup.skipped.waits().is_empty(),
        "a denied request is not tried again"
    );
}

#[tokio::test]
async fn a_large_profile_goes_out_whole() {
    let setup = Setup::new();
    let mut input = user("large");
    input.properties.dynamic_fields = (0..3)
        .map(|i| {
            let list = PropertyValue::TextList(vec!["é".repeat(120); 1_000]);
            dynamic(&format!("list{i}"), list)
        })
        .collect();
    assert_eq!(setup.call(&input).await, created());
    let list = vec!["é".repeat(120); 1_000];
    assert_eq!(
        setup.properties("large").expect("the profile"),
        serde_json::json!({"list0": list, "list1": list, "list2": list})
    );
    assert!(setup.stand_in.requests()[0].body.len() > 700_000);
}

/// A card in an engine of its own, with these limits.
fn limited(setup: &Setup, limits: Limits) -> Card {
    let engine = Engine::new(limits, None).expect("an engine");
    let outbound = Outbound::new(only(&setup.stand_in.origin())).expect("a way out");
    Card::load(&engine, &component(), outbound).expect("the card")
}

#[tokio::test]
async fn a_call_ends_at_its_deadline() {
    let setup = Setup::new();
    let deadline = Duration::from_millis(200);
    let card = limited(
        &setup,
        Limits {
            deadline,
            concurrency: 2,
            ..Limits::default()
        },
    );
    setup
        .stand_in
        .set_rules([Rule::new(Fault::Hang).of("hang")]);
    let hung = card.create_profile(&setup.connection, &joe("hang")).await;
    assert!(
        matches!(hung, Err(CallError::Deadline(limit)) if limit == deadline),
        "{hung:?}"
    );
}

#[tokio::test]
async fn a_call_stays_within_its_memory_and_the_next_one_works() {
    let setup = Setup::new();
    let memory = 8 << 20;
    let card = limited(
        &setup,
        Limits {
            memory,
            concurrency: 1,
            ..Limits::default()
        },
    );
    let mut input = user("big");
    let list = PropertyValue::TextList(vec!["x".repeat(1_000); 10_000]);
    input.properties.dynamic_fields = vec![dynamic("list", list)];
    let big = card.create_profile(&setup.connection, &input).await;
    assert!(
        matches!(big, Err(CallError::Memory(limit)) if limit == memory),
        "{big:?}"
    );
    let next = card.create_profile(&setup.connection, &joe("small")).await;
    assert_eq!(next.expect("a call"), created());
}

#[tokio::test]
async fn an_answer_over_the_hosts_cap_is_cut_off() {
    let mut setup = Setup::with(|options: &mut Options| options.max_response = 10);
    setup.connection.max_retries = Some(0);
    let (code, reason) = crate::support::answer(setup.call(&joe("u1")).await);
    assert_eq!(code, 502);
    assert!(reason.is_some_and(|reason| reason.contains("cut off")));
}
