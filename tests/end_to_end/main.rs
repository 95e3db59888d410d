//! The built component, end to end: through the host harness, over real sockets.
//!
//! Made by `make component` beforehand. Nothing here knows the guest's code.

mod answers;
mod interface;
mod invalid_input;
mod network;
mod request;
mod support;
