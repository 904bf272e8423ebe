//! Making the streams as a user who may: a managed server's admin, or the user that `steward prepare` is given.

use steward_log::{ConnectOptions, Log, LogError};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::config::Secret;

/// Connects, makes the streams or brings them to our settings, and disconnects. Waits for a server that is down. `None`
/// if the shutdown came first.
///
/// # Errors
/// What doesn't pass by itself: settings that can't be changed to ours, or missing rights.
pub async fn make(url: &Secret, shutdown: &CancellationToken) -> Result<Option<()>, LogError> {
    let made = async {
        let options = ConnectOptions::new("steward-streams");
        let log = Log::connect(url.expose(), options, shutdown.clone()).await?;
        ensure(&log).await
    };
    match shutdown.run_until_cancelled(made).await {
        None | Some(Err(LogError::ShutDown)) => Ok(None),
        Some(made) => made.map(Some),
    }
}

/// Makes the streams, or is content with those that exist. Waits for a server that is down.
///
/// # Errors
/// The same as for [`make`].
pub async fn ensure(log: &Log) -> Result<(), LogError> {
    // `ensure_streams` has already waited for half a minute: for a cluster that elects, or a store that is being read.
    while let Err(problem) = log.ensure_streams().await {
        if !problem.is_transient() {
            return Err(problem);
        }
        warn!("{problem}; trying again");
    }
    Ok(())
}
