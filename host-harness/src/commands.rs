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

pub use terminal::say;
