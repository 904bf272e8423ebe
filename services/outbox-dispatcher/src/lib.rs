//! The outbox: claims each due message, sends it over its channel, and records what came of it.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod breaker;
pub mod channels;
mod claim;
mod courtesies;
mod dispatcher;
mod health;
mod limits;
mod line;
mod people;
mod recording;
mod release;
mod results;
mod turnstile;

pub use dispatcher::Error;

use steward_log::Log;
use steward_settings::InForce;
use tokio_util::sync::CancellationToken;

/// Runs until `shutdown`.
///
/// # Errors
/// The dispatcher can't go on.
pub async fn run(log: Log, settings: InForce, shutdown: CancellationToken) -> Result<(), Error> {
    tokio::try_join!(
        dispatcher::run(log.clone(), settings.clone(), shutdown.clone()),
        courtesies::run(log, settings, shutdown),
    )?;
    Ok(())
}
