//! `steward ingestion`, `agent-brain`, `scheduler`, `outbox-dispatcher`, `projection`: one service alone.

use clap::Args;

use super::Global;
use crate::{services::Service, up};

#[derive(Debug, Args)]
#[command(after_help = "\
It finds its servers by nats.url and postgres.url, else by run.json of a running `steward servers` or `steward up` in --data-dir.
Its own listener (server.listen, STEWARD__SERVER__LISTEN) has /healthz, /readyz and /metrics.")]
pub struct OneService {}

impl OneService {
    pub(super) async fn run(self, service: Service, global: &Global) -> anyhow::Result<()> {
        up::one_service(service, global.settings()?, &global.data_dir).await
    }
}
