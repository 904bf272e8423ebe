//! What commands on a running system share: connections to its log and its Postgres that don't wait for ever.

use std::time::Duration;

use anyhow::Context;
use deadpool_postgres::Pool;
use steward_log::{ConnectOptions, Log, permissions::OPERATOR};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Global;
use crate::{config::Settings, find, postgres};

/// How long to wait for a server that doesn't answer.
const LIMIT: Duration = Duration::from_secs(5);

/// The connections of one command.
pub(super) struct Session {
    pub settings: Settings,
    pub log: Log,
}

impl Session {
    /// Connects to the log that the configuration or `run.json` names.
    pub async fn open(global: &Global) -> anyhow::Result<Self> {
        Self::open_as(global, OPERATOR).await
    }

    /// The same, as another user of a managed server.
    pub async fn open_as(global: &Global, user: &str) -> anyhow::Result<Self> {
        let settings = global.settings()?;
        let url = find::nats(&settings, &global.data_dir, user)?;
        // Nothing cancels it: the connection ends with the command.
        let connect = Log::connect(url.expose(), ConnectOptions::new("steward-cli"), CancellationToken::new());
        let log = timeout(LIMIT, connect)
            .await
            .map_err(|_| anyhow::anyhow!("NATS doesn't answer at {}: check that it runs", bare(url.expose())))??;
        Ok(Self { settings, log })
    }

    /// A pool of connections to the Postgres of the read models, as their owner.
    pub async fn pool(&self, global: &Global) -> anyhow::Result<Pool> {
        let urls = find::postgres(&self.settings, &global.data_dir)?;
        let (url, pool) = (urls.owner(), postgres::pools(&urls)?.owner);
        let client = pool
            .get()
            .await
            .with_context(|| format!("Postgres doesn't answer at {}: check that it runs", bare(url.expose())))?;
        drop(client);
        Ok(pool)
    }
}

/// A URL without its user and password.
pub(super) fn bare(url: &str) -> String {
    let Ok(url) = reqwest::Url::parse(url) else { return "an address that is none".to_owned() };
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}
