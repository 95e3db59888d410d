//! The card in our host, and what it is called with.

use anyhow::{Result, ensure};
use host_harness::card::Card;
use host_harness::engine::Engine;
use host_harness::outbound::{Options, Outbound};
use host_harness::records::{Connection, Input, Outcome};

use crate::beside::Checkout;

pub const TOKEN: &str = "6f1a2b3c4d5e6f708192a3b4c5d6e7f8";

/// The card, with all the network but this origin shut off.
pub fn load(engine: &Engine, origin: &str) -> Result<Card> {
    let outbound = Outbound::new(Options {
        allow: [origin.parse()?].into(),
        ..Options::default()
    })?;
    Card::load(engine, &Checkout::own()?.component(), outbound)
}

/// What all calls are made with: `examples/new-profile.json`.
pub fn input() -> Result<Input> {
    Ok(serde_json::from_str(include_str!(
        "../../examples/new-profile.json"
    ))?)
}

/// That input under as many ids.
pub fn inputs(count: usize) -> Result<impl Iterator<Item = Input>> {
    let input = input()?;
    Ok((0..count).map(move |number| {
        let mut input = input.clone();
        input.profile.profile_id = format!("user-{number}");
        input
    }))
}

pub fn connection(base_url: &str) -> Connection {
    Connection {
        project_token: TOKEN.to_owned(),
        base_url: Some(base_url.to_owned()),
        max_retries: Some(0),
        ..Connection::default()
    }
}

/// Makes calls for one profile.
#[derive(Clone)]
pub struct Caller {
    card: Card,
    connection: Connection,
    input: Input,
}

impl Caller {
    pub fn new(engine: &Engine, origin: &str) -> Result<Self> {
        Ok(Caller {
            card: load(engine, origin)?,
            connection: connection(origin),
            input: input()?,
        })
    }

    pub fn with_base_url(self, base_url: &str) -> Self {
        Caller {
            connection: connection(base_url),
            ..self
        }
    }

    /// One call, which succeeds.
    pub async fn call(&self) -> Result<()> {
        let called = self.card.create_profile(&self.connection, &self.input);
        succeeded(&called.await?)
    }
}

/// Anything else than a success would be measured in vain.
pub fn succeeded(outcome: &Outcome) -> Result<()> {
    ensure!(outcome.is_success(), "{outcome:?}");
    Ok(())
}
