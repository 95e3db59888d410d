//! A small wasmtime host for the Create Profile card, and a stand-in for Mixpanel.
//!
//! The way of a call: [`card`] asks [`engine`] for a fresh instance and hands it the [`records`];
//! the instance's request passes [`outbound`], the only way out. [`stand_in`] may be at the other
//! end: [`mixpanel`] is what it knows of Mixpanel, [`fault`] how it breaks.
//!
//! [`input`] reads one user from JSON, [`list`] runs the card over JSON Lines of any length.
//!
//! [`schema`] and [`metadata`] make what stands beside the component, [`compact`] makes it smaller.

mod cache;
pub mod card;
pub mod clock;
pub mod compact;
mod connector;
pub mod engine;
mod exchange;
pub mod connection_check;
pub mod fault;
pub mod input;
pub mod list;
pub mod metadata;
pub mod mixpanel;
pub mod outbound;
pub mod records;
pub mod schema;
pub mod stand_in;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
