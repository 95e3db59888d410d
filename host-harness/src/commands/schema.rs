//! `schema`: the JSON Schema of the card's form.

use std::process::ExitCode;

use anyhow::Result;
use host_harness::schema;

use super::terminal::print;

pub fn run() -> Result<ExitCode> {
    let schema = schema::schema(schema::WIT, "create-profile")?;
    print(serde_json::to_string_pretty(&schema)? + "\n")?;
    Ok(ExitCode::SUCCESS)
}
