//! The interface in `wit/` as the generator has it: what makes the module a component, the types of
//! the results, and, for tests, those of the inputs. The card's own types of them are in `input`.

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
