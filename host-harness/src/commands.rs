//! What the command line does, a file a command, and what they share.

pub mod check;
mod connection;
mod results;
pub mod run;
mod run_list;
pub mod schema;
mod source;
pub mod stamp;
pub mod stand_in;
mod terminal;

use std::str::FromStr;

pub use terminal::say;

/// Reads a whole number of an option, of as many digits as its type takes.
fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let reason = if is_number {
            "it is too large"
        } else {
            "it is no whole number"
        };
        reason.to_owned()
    })
}
