//! A list: as many profiles to a request as may be.

use std::time::Instant;

use anyhow::{Result, anyhow, ensure};
use host_harness::card::Card;
use host_harness::engine::{Engine, Limits, Workload};
use host_harness::records::{Connection, Input};

use crate::Options;
use crate::calls;
use crate::card;
use crate::peers;
use crate::server::Server;
use crate::table::Row;

/// Profiles of one round.
const PROFILES: usize = 20_000;

/// As many as one request may hold.
const BATCH: usize = 2_000;

pub fn measure(options: &Options) -> Result<Vec<Row>> {
    let server = Server::start()?;
    let runtime = calls::runtime()?;
    // As `host-harness run` has it for a list.
    let limits = Limits {
        workload: Workload::Lists,
        ..Limits::default()
    };
    let card = card::load(&Engine::new(limits, None)?, &server.origin)?;
    let connection = card::connection(&server.origin);
    let inputs: Vec<_> = card::inputs(PROFILES)?.collect();
    let what = "lists: the card, create-profiles";
    let mut rows = vec![Row::new(what, "profiles/s").with_goal("≥ 10 × mixpanel-python")];
    for round in 0..=options.rounds {
        let seconds = runtime.block_on(seconds(&card, &connection, &inputs))?;
        if round == 0 {
            continue;
        }
        rows[0].push(PROFILES as f64 / seconds);
        if peers::are_installed() {
            let python = peers::python(&server.origin, PROFILES / 4)?;
            rows[0].push_peer("mixpanel-python, BufferedConsumer", 1.0 / python);
        }
        if let Some(before) = &options.beside {
            before.measure("lists", &mut rows)?;
        }
    }
    Ok(rows)
}

/// What all of them take, one call after another.
async fn seconds(card: &Card, connection: &Connection, inputs: &[Input]) -> Result<f64> {
    let start = Instant::now();
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
