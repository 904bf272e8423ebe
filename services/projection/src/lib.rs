//! The read side: the projector makes read models of the log; HTTP, live stream and dashboard show them.

mod aside;
mod asyncapi;
mod background;
mod batch;
mod bulk;
mod connect;
mod dashboard;
mod documents;
mod error;
mod figures;
mod filling;
mod live;
mod memory;
mod migrations;
mod models;
mod position;
mod projector;
mod read;
mod rebuild;
mod rows;
mod seen;
mod shares;
mod store;

pub use aside::CONSUMER;
pub use bulk::Bounds;
pub use connect::pool;
pub use error::ProjectionError;
pub use migrations::migrate;
pub use position::Reached;
pub use projector::run;
pub use read::{Around, Channel, Commands, Probe, Probed, Reads, openapi, router};
pub use rebuild::{Rebuilt, rebuild, rebuild_told, rebuild_within};
