//! Much work against a stand-in, in a process of its own, that fails on request.

#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::sync::Mutex;

mod calls;
mod lists;
mod stand_in;

/// One test at a time: memory and open files are those of the whole process.
static ALONE: Mutex<()> = Mutex::new(());

const TOKEN: &str = "6f1a2b3c4d5e6f708192a3b4c5d6e7f8";
