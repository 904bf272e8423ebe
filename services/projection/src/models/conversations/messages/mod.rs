//! What came in, and what goes out.

pub mod read;
mod row;
mod view;

pub use row::MessageRow;
pub use view::{MessageView, OutgoingView};
