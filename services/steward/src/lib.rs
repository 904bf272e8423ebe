//! The `steward` binary's library: configuration, managed servers, the command line, and how the services run together.

pub mod config;
