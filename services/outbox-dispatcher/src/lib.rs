//! The outbox: claims each due message, sends it over its channel, and records what came of it.

pub mod channels;
mod dispatcher;
mod limits;

pub use dispatcher::run;
