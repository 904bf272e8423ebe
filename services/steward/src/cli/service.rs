//! `steward ingestion`, `agent-brain`, `scheduler`, `outbox-dispatcher`, `projection`: one service alone.

use clap::Args;

use super::Global;
use crate::{services::Service, up};

const AFTER: &str = "\
It finds its servers by nats.url and postgres.url, else by run.json of a running `steward servers` or `steward up` in --data-dir.
Its own listener (server.listen, STEWARD__SERVER__LISTEN) has /healthz, /readyz and /metrics.";

macro_rules! services {
    ($($(#[$about:meta])* $name:ident,)*) => {$(
        $(#[$about])*
        #[derive(Debug, Args)]
        #[command(after_help = AFTER)]
        pub struct $name {}

        impl $name {
            pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
                up::one_service(Service::$name, global.settings()?, &global.data_dir).await
            }
        }
    )*};
}

services! {
    /// Run only the service that takes webhooks and commands
    Ingestion,
    /// Run only the service that decides turns
    AgentBrain,
    /// Run only the service that turns due times into decisions
    Scheduler,
    /// Run only the service that sends
    OutboxDispatcher,
    /// Run only the service that keeps read models and answers reads
    Projection,
}
