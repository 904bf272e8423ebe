//! The brain with a model, from a client's message to what they get: at the stand-in, in each wire format.
#![allow(clippy::unwrap_used, reason = "tests")]

mod caching;
mod expert;
mod faults;
mod injection;
mod meetings;
mod memory;
mod providers;
mod replays;
mod streaming;
mod summaries;
mod timeline;
mod traces;
mod truth;
mod turns;
mod world;
