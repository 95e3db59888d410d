//! Many profiles, as many to a request as each of those compared can send.

use anyhow::{Result, anyhow, ensure};
use bytes::Bytes;
use host_harness::card::Card;
use host_harness::engine::{Engine, Limits};
use host_harness::list::KEPT_MEMORY;
use host_harness::records::{Connection, Input};
use serde::Serialize;

use crate::calls;
use crate::card::{self, TOKEN};
use crate::floor;
use crate::hyper_client::Bare;
use crate::load::Caller as _;
use crate::peers;
use crate::server::Server;
use crate::table::{self, Row};

/// Profiles of one round.
const PROFILES: usize = 20_000;

/// As many as one request may hold.
const BATCH: usize = 2_000;

pub fn measure(rounds: usize) -> Result<()> {
    let server = Server::start()?;
    let runtime = calls::runtime()?;
    let inputs = inputs()?;
    let bare = Bare::new(&server.origin, Bytes::new())?;
    let mut native = Row::new("lists: a loop in Rust, serde_json and hyper", "profiles/s");
    // As `host-harness run` has it for a list.
    let limits = Limits {
        kept_memory: KEPT_MEMORY,
        ..Limits::default()
    };
    let engine = Engine::new(limits, None)?;
    let card = Card::load(&engine, &card::component(), card::outbound(&server.origin)?)?;
    // It sends nothing of a list, whatever body is in it.
    let floor = floor::component(&[])?;
    let floor = Card::new(&engine, &floor, card::outbound(&server.origin)?)?;
    let connection = card::connection(&server.origin);
    let mut handed = Row::new("lists: only handed in and out", "profiles/s");
    let mut ours = Row::new("lists: the card, create-profiles", "profiles/s");
    let mut share = Row::new("lists: the card's profiles, of the loop's", "%").with_goal("≥ 50");
    let mut share_of_floor = Row::new("lists: those only handed in and out, of the loop's", "%");
    let mut times =
        Row::new("lists: the card's profiles, of mixpanel-python's", "times").with_goal("≥ 10");
    let mut python = Row::new("lists: mixpanel-python, BufferedConsumer", "profiles/s");
    let installed = peers::are_installed();
    for round in 0..=rounds {
        let per_second = PROFILES as f64 / runtime.block_on(by_loop(&bare, &inputs))?;
        let by_card = PROFILES as f64 / runtime.block_on(in_lists(&card, &connection, &inputs))?;
        let by_floor =
            PROFILES as f64 / runtime.block_on(in_lists(&floor, &connection, &inputs))?;
        if round == 0 {
            continue;
        }
        handed.push(by_floor);
        share_of_floor.push(by_floor / per_second * 100.0);
        native.push(per_second);
        ours.push(by_card);
        share.push(by_card / per_second * 100.0);
        if installed {
            let by_python = 1.0 / peers::python(&server.origin, "buffered", PROFILES / 4)?;
            python.push(by_python);
            times.push(by_card / by_python);
        }
    }
    table::print(&[native, ours, handed, python, share, share_of_floor, times]);
    Ok(())
}

/// `examples/new-profile.json` under as many ids.
fn inputs() -> Result<Vec<Input>> {
    let one = card::input()?;
    let with_id = |number| {
        let mut input = one.clone();
        input.profile.profile_id = format!("user-{number}");
        input
    };
    Ok((0..PROFILES).map(with_id).collect())
}

/// What the card sends for that input; the dates in it are the same for all.
#[derive(Serialize)]
struct Update<'a> {
    #[serde(rename = "$token")]
    token: &'a str,
    #[serde(rename = "$distinct_id")]
    distinct_id: &'a str,
    #[serde(rename = "$ip")]
    ip: Option<&'a str>,
    #[serde(rename = "$time")]
    time: u64,
    #[serde(rename = "$set_once")]
    set_once: Properties<'a>,
}

#[derive(Serialize)]
struct Properties<'a> {
    #[serde(rename = "$first_name")]
    first_name: Option<&'a str>,
    #[serde(rename = "$last_name")]
    last_name: Option<&'a str>,
    #[serde(rename = "$created")]
    created: &'a str,
    #[serde(rename = "$email")]
    email: Option<&'a str>,
    plan: &'a str,
    seats: u32,
    trial: bool,
}

fn update(input: &Input) -> Update<'_> {
    let properties = &input.properties;
    Update {
        token: TOKEN,
        distinct_id: &input.profile.profile_id,
        ip: input.profile.ip_address.as_deref(),
        time: 1_795_510_800,
        set_once: Properties {
            first_name: properties.first_name.as_deref(),
            last_name: properties.last_name.as_deref(),
            created: "2026-11-24T09:00:00",
            email: properties.email.as_deref(),
            plan: "free",
            seats: 3,
            trial: true,
        },
    }
}

/// Builds the bodies and sends them, one after another; seconds.
async fn by_loop(bare: &Bare, inputs: &[Input]) -> Result<f64> {
    let start = std::time::Instant::now();
    for batch in inputs.chunks(BATCH) {
        let updates: Vec<_> = batch.iter().map(update).collect();
        let body = Bytes::from(serde_json::to_vec(&updates)?);
        bare.with_body(body).call().await?;
    }
    Ok(start.elapsed().as_secs_f64())
}

/// The same lists by a card, one call a request; seconds.
async fn in_lists(card: &Card, connection: &Connection, inputs: &[Input]) -> Result<f64> {
    let start = std::time::Instant::now();
    for batch in inputs.chunks(BATCH) {
        let outcomes = card.create_profiles(connection, batch).await?;
        let outcomes = outcomes.map_err(|error| anyhow!("{error:?}"))?;
        ensure!(outcomes.len() == batch.len(), "{} outcomes", outcomes.len());
        for outcome in &outcomes {
            card::succeeded(outcome)?;
        }
    }
    Ok(start.elapsed().as_secs_f64())
}

/// That the loop's body is the card's, to the byte.
pub fn check(body_of_card: &[u8]) -> Result<()> {
    let body = serde_json::to_vec(&[update(&card::input()?)])?;
    ensure!(
        body == body_of_card,
        "{} is not {}",
        String::from_utf8_lossy(&body),
        String::from_utf8_lossy(body_of_card)
    );
    Ok(())
}
