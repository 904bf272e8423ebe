//! What all aggregates share: how a rule says no, why things are as they are, what a fold can't read, what is told.

mod refusal;
pub(crate) mod tell;
mod unread;
mod why;

pub(crate) use refusal::refusals;
pub use refusal::{Nature, Refusal};
pub use tell::{Live, Tell};
pub(crate) use unread::{unread_id, unread_type, unread_value};
pub use why::Why;
