//! The interface in `wit/` as Rust types; the only file that calls the generator.

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
    additional_derives: [PartialEq],
});

pub use exports::mixpanel::cards::profiles;

// Native builds exist for the unit tests of the pure files: they have no engine to export to.
#[cfg(target_family = "wasm")]
export!(Card);

/// What the engine calls.
#[cfg(target_family = "wasm")]
struct Card;

#[cfg(target_family = "wasm")]
use alloc::vec::Vec;

#[cfg(target_family = "wasm")]
impl profiles::Guest for Card {
    fn create_profile(
        connection: profiles::Connection,
        input: profiles::Input,
    ) -> Result<profiles::Output, profiles::Error> {
        crate::create_profile(&connection, &input)
    }

    fn create_profiles(
        connection: profiles::Connection,
        inputs: Vec<profiles::Input>,
    ) -> Result<Vec<Result<profiles::Output, profiles::Error>>, profiles::Error> {
        crate::create_profiles(&connection, &inputs)
    }
}
