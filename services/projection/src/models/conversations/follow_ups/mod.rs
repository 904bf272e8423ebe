//! Promises.

pub mod read;
mod row;

pub use row::FollowUpRow;
