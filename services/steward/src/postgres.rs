//! Connections to Postgres, with a pool for each of its roles.

use std::{net::IpAddr, time::Duration};

use anyhow::Context;
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use steward_log::Backoff;
use steward_projection::{ProjectionError, migrate};
use tokio_postgres::{
    Config, NoTls,
    config::{Host, SslMode},
};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{config::Secret, run_file::Credentials};

/// The roles that `migrations/roles.sql` makes; in the database their names begin with `steward_`.
pub const ROLES: [&str; 3] = ["owner", "projector", "reader"];

/// How many connections one process has for each role. The managed server takes 64.
const OWNERS: usize = 4;
/// One connection that writes, and some for looking rows up.
const PROJECTORS: usize = 4;
const READERS: usize = 16;
/// Longest wait for a connection, be it a new one or one that others use.
const LIMIT: Duration = Duration::from_secs(5);
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// The statements that make the roles. `password` gives the password of each, as it is to be written there.
pub fn roles_sql(password: impl Fn(&str) -> String) -> String {
    let sql = include_str!("../../../migrations/roles.sql").to_owned();
    ROLES.iter().fold(sql, |sql, role| sql.replace(&format!("{{{{{role}}}}}"), &password(role)))
}

/// The URLs at which Postgres is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Urls {
    /// One user for everything: the URL is `postgres.url`.
    One(Secret),
    /// A managed server, which has a user for each purpose.
    Roles { owner: Secret, projector: Secret, reader: Secret },
}

impl Urls {
    /// The URLs of a managed server.
    pub fn of(credentials: &Credentials) -> Option<Self> {
        let [owner, projector, reader] = ROLES.map(|role| credentials.postgres(role));
        Some(Self::Roles { owner: owner?, projector: projector?, reader: reader? })
    }

    /// For making and changing tables.
    pub fn owner(&self) -> &Secret {
        match self {
            Self::One(url) | Self::Roles { owner: url, .. } => url,
        }
    }

    /// For writing rows.
    pub fn projector(&self) -> &Secret {
        match self {
            Self::One(url) | Self::Roles { projector: url, .. } => url,
        }
    }

    /// For reading.
    pub fn reader(&self) -> &Secret {
        match self {
            Self::One(url) | Self::Roles { reader: url, .. } => url,
        }
    }
}

/// The connections of one process. None is made before it is asked for.
#[derive(Debug, Clone)]
pub struct Pools {
    /// For migrations and rebuilds.
    pub owner: Pool,
    /// For writing rows. Nobody else uses these connections, so that readers can't keep the projector from its work.
    pub projector: Pool,
    pub reader: Pool,
}

/// Makes a pool for each purpose.
pub fn pools(urls: &Urls) -> anyhow::Result<Pools> {
    Ok(Pools {
        owner: pool(urls.owner(), OWNERS)?,
        projector: pool(urls.projector(), PROJECTORS)?,
        reader: pool(urls.reader(), READERS)?,
    })
}

/// Why a URL can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    #[error("Postgres doesn't understand this URL")]
    NotUnderstood,
    #[error(
        "with sslmode=prefer a server on another machine may be reached without TLS, and nobody would notice: say sslmode=require (the default there), or sslmode=disable if the network between is trusted"
    )]
    MayBeInTheClear,
}

/// Reads a URL. A server on another machine is reached by TLS, with a certificate for that host that this machine
/// trusts, unless the URL says `sslmode=disable`; a server on this machine is reached without TLS unless it says
/// `sslmode=require`.
///
/// # Errors
/// What is wrong with it.
pub fn read_url(url: &str) -> Result<Config, BadUrl> {
    // In this client `require` checks the chain and the host name anyway.
    let url = url.replace("sslmode=verify-full", "sslmode=require").replace("sslmode=verify-ca", "sslmode=require");
    let mut config: Config = url.parse().map_err(|_| BadUrl::NotUnderstood)?;
    let here = config.get_hosts().iter().all(is_local) && config.get_hostaddrs().iter().all(IpAddr::is_loopback);
    let says = url.contains("sslmode=");
    match config.get_ssl_mode() {
        SslMode::Prefer if here => config.ssl_mode(SslMode::Disable),
        SslMode::Prefer if says => return Err(BadUrl::MayBeInTheClear),
        SslMode::Prefer => config.ssl_mode(SslMode::Require),
        _ => &mut config,
    };
    Ok(config)
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()),
        Host::Unix(_) => true,
    }
}

/// A pool of `size` connections to `url`, see [`read_url`]. Nothing is connected yet.
pub fn pool(url: &Secret, size: usize) -> anyhow::Result<Pool> {
    let mut config = read_url(url.expose()).context("postgres.url")?;
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
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = if config.get_ssl_mode() == SslMode::Disable {
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

/// Waits until Postgres takes connections, and brings its tables up to date; `None` if the shutdown came first.
///
/// # Errors
/// A migration fails whenever it is tried.
pub async fn prepare(owner: &Pool, shutdown: &CancellationToken) -> Result<Option<()>, ProjectionError> {
    let mut backoff = Backoff::new(FIRST_WAIT, LONGEST_WAIT);
    loop {
        match shutdown.run_until_cancelled(migrate(owner)).await.map(|made| made.map_err(ProjectionError::of_rights)) {
            None => return Ok(None),
            Some(Ok(())) => return Ok(Some(())),
            Some(Err(problem @ (ProjectionError::Migration { .. } | ProjectionError::Forbidden(_)))) => {
                return Err(problem);
            }
            Some(Err(problem)) => warn!("{:#}", anyhow::Error::new(problem)),
        }
        if !backoff.pause(shutdown).await {
            return Ok(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_machine_is_spoken_to_by_tls_unless_the_url_says_otherwise_in_so_many_words() {
        for (url, expected) in [
            ("postgres://a:b@127.0.0.1/steward", Ok(SslMode::Disable)),
            ("postgres://a@localhost/steward?sslmode=prefer", Ok(SslMode::Disable)),
            ("postgres://a@localhost/steward?sslmode=require", Ok(SslMode::Require)),
            ("postgres:///steward?host=/run/postgresql", Ok(SslMode::Disable)),
            ("postgres://a:b@db.example.com/steward", Ok(SslMode::Require)),
            ("postgres://a:b@db.example.com/steward?sslmode=verify-full", Ok(SslMode::Require)),
            ("postgres://a:b@10.0.0.5/steward?sslmode=disable", Ok(SslMode::Disable)),
            ("postgres://a:b@localhost,db.example.com/steward", Ok(SslMode::Require)),
            ("postgres://a:b@localhost/steward?hostaddr=10.0.0.5", Ok(SslMode::Require)),
            ("postgres://a:b@db.example.com/steward?sslmode=prefer", Err(BadUrl::MayBeInTheClear)),
            ("postgres://a:b@db.example.com/steward?sslmode=maybe", Err(BadUrl::NotUnderstood)),
        ] {
            assert_eq!(read_url(url).map(|config| config.get_ssl_mode()), expected, "{url}");
        }
    }
}
