//! Promises.

pub mod read;
mod row;
mod view;

pub use row::FollowUpRow;
pub use view::FollowUpView;
