//! What the command line does, a file a command, and what they share.

pub mod check;
mod connection;
pub mod run;
mod run_list;
mod results;
pub mod schema;
mod source;
pub mod stamp;
pub mod stand_in;
mod terminal;

pub use terminal::say;
