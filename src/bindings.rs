//! The interface in `wit/` as wit-bindgen generates it: the types that the card works with, and what
//! makes it a component.

#![allow(
    unsafe_code,
    unused_lifetimes,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    reason = "generated"
)]

wit_bindgen::generate!({
    world: "create-profile-card",
    path: "wit",
    // What the world imports is called through the crate `wasi`.
    with: {
        "wasi:clocks/monotonic-clock@0.2.12": wasi::clocks::monotonic_clock,
        "wasi:http/outgoing-handler@0.2.12": wasi::http::outgoing_handler,
        "wasi:http/types@0.2.12": wasi::http::types,
        "wasi:io/error@0.2.12": wasi::io::error,
        "wasi:io/poll@0.2.12": wasi::io::poll,
        "wasi:io/streams@0.2.12": wasi::io::streams,
    },
    additional_derives: [PartialEq],
});

pub use exports::mixpanel::cards::{connections, profiles};

// Native builds, which are for the tests of the pure files, export nothing.
#[cfg(target_family = "wasm")]
export!(Card);
#[cfg(target_family = "wasm")]
use crate::Card;
