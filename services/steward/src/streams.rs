//! Making the streams as a user who may: a managed server's admin, or the user that `steward prepare` is given.

use steward_log::{ConnectOptions, Log, LogError, permissions::ADMIN};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{config::Secret, servers::ManagedServers};

/// Makes the streams of a managed server, and takes away what a power loss left cut in them. `None` if the shutdown came
/// first.
///
/// # Errors
/// The same as for [`make`].
pub async fn make_managed(servers: &ManagedServers, shutdown: &CancellationToken) -> Result<Option<()>, LogError> {
    let Some(admin) = servers.credentials.nats(ADMIN) else { return Ok(Some(())) };
    let made = async {
        let log = Log::connect(admin.expose(), ConnectOptions::new("steward-streams"), shutdown.clone()).await?;
        ensure(&log).await?;
        log.remove_cut_units().await?;
        servers.stage_in_memory();
        Ok(())
    };
    until_stopped(made, shutdown).await
}

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
    until_stopped(made, shutdown).await
}

async fn until_stopped(
    made: impl Future<Output = Result<(), LogError>>,
    shutdown: &CancellationToken,
) -> Result<Option<()>, LogError> {
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
