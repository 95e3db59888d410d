//! What the tests share: the loaded card, a stand-in, and inputs.

use std::path::PathBuf;
use std::sync::OnceLock;

use host_harness::card::Card;
use host_harness::clock::{Clock, Skipped};
use host_harness::engine::{Engine, Limits};
use host_harness::outbound::{Options, Outbound};
use host_harness::records::{Connection, DynamicField, Input, Outcome, Profile, PropertyValue};
use host_harness::stand_in::{self, StandIn};

pub const TOKEN: &str = "6f1a2b3c4d5e6f708192a3b4c5d6e7f8";

pub fn component() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("dist/mixpanel-create-profile.wasm")
}

pub fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new(Limits::default(), None).expect("an engine"))
}

/// The card with this way out; it is compiled once for all tests.
pub fn card(outbound: Options) -> Card {
    static CARD: OnceLock<Card> = OnceLock::new();
    CARD.get_or_init(|| {
        let outbound = Outbound::new(Options::default()).expect("the default way out");
        Card::load(engine(), &component(), outbound).expect("the component of `make component`")
    })
    .clone()
    .with_outbound(Outbound::new(outbound).expect("a way out"))
}

/// A way out that leads to this origin alone.
pub fn only(origin: &str) -> Options {
    Options {
        allow: [origin.parse().expect("an origin")].into(),
        ..Options::default()
    }
}

/// A stand-in, a card that can reach nothing else, and a clock without waits between tries.
pub struct Setup {
    pub stand_in: StandIn,
    pub card: Card,
    pub connection: Connection,
    pub skipped: Skipped,
}

impl Setup {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// With other settings of the way out.
    pub fn with(change: impl FnOnce(&mut Options)) -> Self {
        let stand_in = StandIn::start(stand_in::Options::default()).expect("a stand-in");
        let mut options = only(&stand_in.origin());
        change(&mut options);
        let skipped = Skipped::default();
        let card = card(options).with_clock(Clock::Skipping(skipped.clone()));
        let connection = connection(&stand_in.origin());
        Setup {
            stand_in,
            card,
            connection,
            skipped,
        }
    }

    pub async fn call(&self, input: &Input) -> Outcome {
        self.card
            .create_profile(&self.connection, input)
            .await
            .expect("a call within its limits")
    }

    /// The profile's properties in the stand-in.
    pub fn properties(&self, id: &str) -> Option<serde_json::Value> {
        Some(self.stand_in.profile(TOKEN, id)?["$properties"].clone())
    }
}

pub fn connection(base_url: &str) -> Connection {
    Connection {
        project_token: TOKEN.to_owned(),
        base_url: Some(base_url.to_owned()),
        ..Connection::default()
    }
}

/// A profile with this id and no property.
pub fn user(id: &str) -> Input {
    Input {
        profile: Profile {
            profile_id: id.to_owned(),
            ..Profile::default()
        },
        ..Input::default()
    }
}

/// A profile with one property.
pub fn joe(id: &str) -> Input {
    let mut input = user(id);
    input.properties.name = Some("Joe".to_owned());
    input
}

pub fn dynamic(name: &str, value: PropertyValue) -> DynamicField {
    DynamicField {
        name: name.to_owned(),
        value,
    }
}

/// A success.
pub fn created() -> Outcome {
    output(200, None)
}

pub fn output(status_code: u16, reason: Option<&str>) -> Outcome {
    Outcome::Ok(host_harness::records::Output {
        status_code,
        reason: reason.map(str::to_owned),
    })
}

/// Status code and reason; a card that brought neither fails the test.
pub fn answer(outcome: Outcome) -> (u16, Option<String>) {
    match outcome {
        Outcome::Ok(output) => (output.status_code, output.reason),
        Outcome::Err(error) => panic!("no answer: {error:?}"),
    }
}

/// The words of `transport`; any other outcome fails the test.
pub fn transport(outcome: Outcome) -> String {
    match outcome {
        Outcome::Err(host_harness::records::Error::Transport(reason)) => reason,
        other => panic!("not a transport failure: {other:?}"),
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "the fields that it is for are optional"
)]
pub fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
}

/// A program of the same build: `host-harness`, or one under `examples/`.
pub fn built(program: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this test's file");
    let folder = test.ancestors().nth(2).expect("the folder of the build");
    folder.join(program)
}
