//! The `steward` binary's library: configuration, managed servers, the command line, and how the services run together.

pub mod cli;
pub mod config;
pub mod disk;
pub mod find;
pub mod front;
pub mod postgres;
pub mod run_file;
pub mod servers;
pub mod services;
pub mod signals;
pub mod streams;
pub mod telemetry;
pub mod up;
