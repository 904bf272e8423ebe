//! The `steward` binary's library: configuration, managed servers, the command line, and how the services run together.

pub mod cli;
pub mod config;
mod descriptors;
pub mod disk;
pub mod find;
pub mod front;
pub mod openapi;
pub mod postgres;
mod readiness;
pub mod run_file;
pub mod servers;
pub mod services;
pub mod signals;
mod stall;
pub mod streams;
pub mod telemetry;
pub mod up;
