//! `steward servers`: runs only the two managed servers.

use clap::Args;
use steward_log::permissions::READER;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::Global;
use crate::{
    config::{Secret, Settings},
    run_file::RunFile,
    servers::{DataDir, ManagedServers, Wanted},
    signals::stop_on_signals,
    streams,
};

/// Run only the managed servers, nats-server and Postgres, until Ctrl-C or SIGTERM
///
/// Their URLs are in run.json in the data directory, and those of each user in credentials.json, where `steward
/// <service>`, `steward events` and other commands find them. A server whose URL the configuration gives is not run.
#[derive(Debug, Args)]
pub struct Servers {}

impl Servers {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let settings = global.settings()?;
        let data = DataDir::open(&global.data_dir)?;
        let _lock = data.lock()?;
        let shutdown = CancellationToken::new();
        stop_on_signals(shutdown.clone())?;
        let wanted = Wanted { nats: settings.nats.url.is_none(), postgres: settings.postgres.url.is_none() };
        anyhow::ensure!(
            wanted.nats || wanted.postgres,
            "nats.url and postgres.url are both given, so there is no server to run: leave out the one that steward shall run"
        );
        let Some(servers) = ManagedServers::start(&data, wanted, &shutdown).await? else { return Ok(()) };
        let result = published(&settings, &data, &servers, &shutdown).await;
        servers.stop().await;
        info!("stopped");
        result
    }
}

/// Makes the streams and publishes where the servers are, until the shutdown.
async fn published(
    settings: &Settings,
    data: &DataDir,
    servers: &ManagedServers,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    let credentials = &servers.credentials;
    if streams::make_managed(servers, shutdown).await?.is_none() {
        return Ok(());
    }
    let url =
        |managed: Option<Secret>, given: &Option<Secret>| managed.or(given.clone()).map(|url| url.expose().to_owned());
    let run = RunFile::of_this_process(
        None,
        url(credentials.nats(READER), &settings.nats.url),
        url(credentials.postgres("reader"), &settings.postgres.url),
    );
    let published = run.publish(credentials, data)?;
    info!("the servers run; their URLs are in {}", data.join("run.json").display());
    shutdown.cancelled().await;
    drop(published);
    Ok(())
}
