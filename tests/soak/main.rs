//! Much work against a stand-in, in a process of its own, that fails on request.

#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod calls;
mod lists;
mod stand_in;

const TOKEN: &str = "6f1a2b3c4d5e6f708192a3b4c5d6e7f8";
