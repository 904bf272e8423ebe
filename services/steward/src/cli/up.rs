//! `steward up`: everything on this machine.

use clap::Args;

use super::Global;
use crate::up;

/// Run everything: NATS, Postgres, the five services, one HTTP listener (this is the default command)
///
/// Starts a nats-server and a Postgres of its own for those that the configuration gives no URL of, creates streams and
/// tables, and serves until Ctrl-C or SIGTERM. A second start goes on where the first stopped.
#[derive(Debug, Args)]
pub struct Up {}

impl Up {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        up::up(global.settings()?, &global.data_dir).await
    }
}
