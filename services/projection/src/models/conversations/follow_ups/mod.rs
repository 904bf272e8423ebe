//! Follow-ups: the rows, queries and views of promises.

pub mod read;
mod row;
mod view;

pub use row::{FollowUpRow, OPEN};
pub use view::FollowUpView;
