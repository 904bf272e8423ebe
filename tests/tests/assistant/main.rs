//! The brain with a model, from a client's message to what they get: at the stand-in, in each wire format.
#![allow(clippy::unwrap_used, reason = "tests")]

mod caching;
mod faults;
mod providers;
mod truth;
mod turns;
mod world;
