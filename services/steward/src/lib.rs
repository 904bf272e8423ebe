//! The library behind the `steward` binary: command line, managed servers, the process that services run in.

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
