//! What came in, and what goes out.

pub mod read;
mod row;

pub use row::MessageRow;
