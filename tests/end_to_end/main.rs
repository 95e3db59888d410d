//! The built component, end to end: through the host harness, over real sockets.
//!
//! Made by `make component` beforehand. Nothing here knows the guest's code.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "tests fail by panicking, and a table is as long as its rows"
)]

mod answers;
mod any_input;
mod command;
mod connections;
mod faults;
mod frozen;
mod interface;
mod invalid_input;
mod lists;
mod network;
mod readme;
mod request;
mod retries;
mod support;
