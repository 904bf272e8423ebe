//! `steward rebuild`: makes the read models anew from the log.

use std::pin::pin;

use clap::Args;
use steward_projection::Bounds;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Global, progress::Progress, session::Session};
use crate::signals::stop_on_signals;

/// Make the read models anew from the log, while the old ones go on serving
///
/// New tables are filled beside the old ones, and take their place when they have caught up. If a rebuild is cut off,
/// the next one clears away what it left.
#[derive(Debug, Args)]
pub struct Rebuild {}

impl Rebuild {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let session = Session::open(global).await?;
        let pool = session.pool(global).await?;
        let shutdown = CancellationToken::new();
        stop_on_signals(shutdown.clone())?;
        let told = watch::Sender::default();
        let rebuilding = steward_projection::rebuild_told(&session.log, &pool, Bounds::default(), &told);
        let mut bar = Progress::new("reading the log", session.log.last_position().await?);
        let rebuilding = async {
            let (mut rebuilding, mut read) = (pin!(rebuilding), told.subscribe());
            loop {
                tokio::select! {
                    rebuilt = &mut rebuilding => return rebuilt,
                    // The sender lives as long as this.
                    _ = read.changed() => bar.at(*read.borrow_and_update()),
                }
            }
        };
        let rebuilt = shutdown.run_until_cancelled(rebuilding).await;
        bar.clear();
        let Some(rebuilt) = rebuilt.transpose()? else {
            anyhow::bail!("the rebuild was stopped; the old read models stay in use");
        };
        println!(
            "{} events in {:.1} s ({:.0}/s); the read models in use are now {} at position {}",
            rebuilt.events,
            rebuilt.took.as_secs_f64(),
            rebuilt.events as f64 / rebuilt.took.as_secs_f64().max(0.001),
            rebuilt.schema,
            rebuilt.position
        );
        if rebuilt.set_aside > 0 {
            println!(
                "{} events can't be projected and were set aside; what they would have changed is missing: see `steward dead-letters list`",
                rebuilt.set_aside
            );
        }
        Ok(())
    }
}
