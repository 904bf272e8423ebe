//! Follow-ups: the rows, queries and views of promises.

pub mod read;
mod row;
mod view;

pub use row::FollowUpRow;
pub use view::FollowUpView;
