//! Read models: the projector that makes them from the log, the HTTP that reads them, the live stream, the page at `/`.

mod aside;
mod asyncapi;
mod batch;
mod connect;
mod error;
mod filling;
mod live;
mod migrations;
mod models;
mod page;
mod position;
mod projector;
mod read;
mod rebuild;
mod rows;
mod shares;
mod store;

pub use aside::CONSUMER;
pub use connect::pool;
pub use error::ProjectionError;
pub use migrations::migrate;
pub use position::Reached;
pub use projector::run;
pub use read::{Channel, Reads, openapi, router};
pub use rebuild::{Rebuilt, rebuild};
