//! Read models: the projector that makes them from the log, the HTTP that reads them, the live stream, the page at `/`.

mod connect;
mod error;
mod fold;
mod migrations;
mod position;
mod projector;
mod rows;
mod store;

pub use connect::pool;
pub use error::ProjectionError;
pub use migrations::migrate;
pub use position::Reached;
pub use projector::run;
