//! `steward servers`: just the two managed servers.

use clap::Args;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::Global;
use crate::{
    run_file::RunFile,
    servers::{DataDir, ManagedServers, Wanted},
    signals::stop_on_signals,
};

/// Run just the managed servers, nats-server and Postgres, until Ctrl-C or SIGTERM
///
/// Their URLs are in run.json in the data directory, where `steward <service>`, `steward events` and the like find them.
/// A server that the configuration gives by URL is not run.
#[derive(Debug, Args)]
pub struct Servers {}

impl Servers {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let settings = global.settings()?;
        let data = DataDir::open(&global.data_dir)?;
        let _lock = data.lock()?;
        let shutdown = CancellationToken::new();
        stop_on_signals(shutdown.clone())?;
        let wanted = Wanted { nats: settings.nats_url.is_none(), postgres: settings.postgres_url.is_none() };
        anyhow::ensure!(
            wanted.nats || wanted.postgres,
            "nats.url and postgres.url are both given, so there is no server to run: leave out the one that steward shall run"
        );
        let Some(servers) = ManagedServers::start(&data, wanted, &shutdown).await? else { return Ok(()) };
        let url = |managed: &Option<crate::config::Secret>, given: &Option<crate::config::Secret>| {
            managed.as_ref().or(given.as_ref()).map(|url| url.expose().to_owned())
        };
        let run = RunFile::of_this_process(
            None,
            url(&servers.nats_url, &settings.nats_url),
            url(&servers.postgres_url, &settings.postgres_url),
        );
        let published = run.publish(&data)?;
        info!("the servers run; their URLs are in {}", data.join("run.json").display());
        shutdown.cancelled().await;
        drop(published);
        servers.stop().await;
        info!("stopped");
        Ok(())
    }
}
