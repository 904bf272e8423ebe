//! What tests of the log need: a real nats-server, a line to it that can be cut, small events.

#![allow(dead_code, clippy::unwrap_used)]

pub mod events;
pub mod line;
pub mod server;
