//! Connections to Postgres: a pool, and waiting for the server at the start.

use std::time::Duration;

use anyhow::Context;
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use steward_projection::{ProjectionError, migrate};
use tokio_postgres::NoTls;
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::config::Secret;

/// Connections of one process. The managed server takes 64.
const POOL_SIZE: usize = 16;
/// Connections of the projector alone: one at work, and some for what it looks up.
pub const PROJECTOR: usize = 4;
/// Longest wait for a connection, a new one or one in use by others.
const LIMIT: Duration = Duration::from_secs(5);
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// A pool over `url`; nothing is connected yet. TLS is used where the server offers it, unless the URL says otherwise
/// (`sslmode=disable`, `sslmode=require`); its certificate must then be one that this machine trusts.
pub fn pool(url: &Secret) -> anyhow::Result<Pool> {
    pool_of(url, POOL_SIZE)
}

/// The same with at most so many connections.
pub fn pool_of(url: &Secret, size: usize) -> anyhow::Result<Pool> {
    let mut config: tokio_postgres::Config =
        url.expose().parse().map_err(|_| anyhow::anyhow!("postgres.url is no URL that Postgres understands"))?;
    config.connect_timeout(LIMIT).keepalives_idle(Duration::from_secs(30));
    if config.get_application_name().is_none() {
        config.application_name("steward");
    }
    if config.get_user().is_none() {
        config.user(
            nix::unistd::User::from_uid(nix::unistd::geteuid())
                .ok()
                .flatten()
                .map_or("postgres".to_owned(), |u| u.name),
        );
    }
    let plain =
        config.get_hosts().iter().all(is_local) && config.get_ssl_mode() != tokio_postgres::config::SslMode::Require;
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = if plain {
        Manager::from_config(config, NoTls, recycling)
    } else {
        let (tls, _) = MakeRustlsConnect::with_native_certs()
            .map_err(|_| anyhow::anyhow!("this machine's trusted certificates can't be read"))?;
        Manager::from_config(config, tls, recycling)
    };
    Pool::builder(manager)
        .max_size(size)
        .runtime(Runtime::Tokio1)
        .timeouts(Timeouts { wait: Some(LIMIT), create: Some(LIMIT), recycle: Some(LIMIT) })
        .build()
        .context("making the pool of Postgres connections")
}

fn is_local(host: &tokio_postgres::config::Host) -> bool {
    match host {
        tokio_postgres::config::Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }
        tokio_postgres::config::Host::Unix(_) => true,
    }
}

/// Waits until Postgres takes connections and its tables are up to date; `None`: the shutdown came first.
///
/// # Errors
/// A migration that fails whenever it is tried.
pub async fn prepare(pool: &Pool, shutdown: &CancellationToken) -> Result<Option<()>, ProjectionError> {
    let mut wait = FIRST_WAIT;
    loop {
        match shutdown.run_until_cancelled(migrate(pool)).await {
            None => return Ok(None),
            Some(Ok(())) => return Ok(Some(())),
            Some(Err(problem @ ProjectionError::Migration { .. })) => return Err(problem),
            Some(Err(problem)) => warn!("{:#}", anyhow::Error::new(problem)),
        }
        if shutdown.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
            return Ok(None);
        }
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}
