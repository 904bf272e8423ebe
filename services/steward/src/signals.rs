//! Ctrl-C and SIGTERM: the first asks for a stop in order, the second ends the process at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

/// Cancels `shutdown` on the first signal.
///
/// # Errors
/// The signals can't be listened to.
pub fn stop_on_signals(shutdown: CancellationToken) -> std::io::Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::spawn(async move {
        for again in [false, true] {
            let name = tokio::select! {
                _ = interrupt.recv() => "SIGINT",
                _ = terminate.recv() => "SIGTERM",
            };
            if again {
                info!("{name} again: ending at once");
                std::process::exit(130);
            }
            info!("{name}: stopping");
            shutdown.cancel();
        }
    });
    Ok(())
}
