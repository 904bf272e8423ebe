//! What all aggregates share: how a rule says no, why things are as they are, what a fold can't read.

mod refusal;
mod unread;
mod why;

pub(crate) use refusal::refusals;
pub use refusal::{Nature, Refusal};
pub(crate) use unread::{unread_type, unread_value};
pub use why::Why;
