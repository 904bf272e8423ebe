//! Messages: the rows, queries and views of what came in and of what goes out.

pub mod read;
mod row;
mod view;

pub use row::{MessageRow, NAMED_BY_PROVIDER, OPEN};
pub use view::{MessageView, OutgoingView};
