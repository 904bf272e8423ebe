//! A real nats-server for tests, a line to it that can be cut, and small events.

#![allow(dead_code, clippy::unwrap_used)]

pub mod events;
pub mod line;
pub mod server;
