//! A small wasmtime host for the Create Profile card, and a stand-in for Mixpanel.
//!
//! The data flow of a call: [`card`] asks [`engine`] for a fresh instance and passes it the
//! [`records`]; the instance's requests go through [`outbound`], which is all the network it has.
//! [`stand_in`] may be at the other end: [`mixpanel`] is what it knows of Mixpanel, [`fault`] how it
//! fails.
//!
//! [`input`] reads one user from JSON, [`list`] runs the card over JSON Lines of any length.
//!
//! [`schema`] and [`metadata`] make what is published with the component.

pub mod cache;
pub mod card;
pub mod clock;
pub mod connection_check;
mod connector;
pub mod engine;
pub mod fault;
pub mod input;
pub mod list;
pub mod metadata;
pub mod mixpanel;
pub mod outbound;
pub mod records;
pub mod schema;
pub mod stand_in;
