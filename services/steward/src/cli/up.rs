//! `steward up`: runs everything on this machine.

use clap::Args;

use super::Global;
use crate::up;

/// Run everything: NATS, Postgres, the five services, one HTTP listener (the default command)
///
/// Starts a nats-server and a Postgres of its own unless the configuration gives their URLs, creates streams and
/// tables, and serves until Ctrl-C or SIGTERM. The next start goes on where this one stopped.
#[derive(Debug, Args)]
pub struct Up {}

impl Up {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        up::up(global.settings()?, &global.data_dir).await
    }
}
