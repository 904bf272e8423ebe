//! What all aggregates share: how a rule says no, and why things are as they are.

mod refusal;
mod why;

pub(crate) use refusal::refusals;
pub use refusal::{Nature, Refusal};
pub use why::Why;
