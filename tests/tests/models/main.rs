//! Models are asked over HTTP in three wire formats, as the brain asks them: what each way of answering and failing comes to.
#![allow(clippy::unwrap_used, reason = "tests")]

mod caching;
mod checks;
mod faults;
mod loops;
mod says;
mod world;
