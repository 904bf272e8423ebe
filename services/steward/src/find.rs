//! Where the servers are, for commands that don't run them.
//!
//! The configuration says so, or else what a running Steward has written into its data directory, with a user for each
//! purpose.

use std::path::Path;

use crate::{
    config::{Secret, Settings},
    postgres::Urls,
    run_file::{Credentials, RunFile},
    servers::DataDir,
};

/// Neither the configuration nor a `run.json` says where a server is.
#[derive(Debug, thiserror::Error)]
#[error(
    "it isn't known where {server} is: set {key} ({variable}), or start `steward servers` or `steward up`, whose run.json in {data_dir} would say so (see --data-dir)"
)]
pub struct NotFound {
    server: &'static str,
    key: &'static str,
    variable: &'static str,
    data_dir: String,
}

fn running(data_dir: &Path) -> Option<(RunFile, Credentials)> {
    let data = DataDir::existing(data_dir)?;
    Some((RunFile::read(&data)?, Credentials::read(&data).unwrap_or_default()))
}

/// The URL of NATS for one of the users of [`steward_log::permissions`].
pub fn nats(settings: &Settings, data_dir: &Path, user: &str) -> Result<Secret, NotFound> {
    let managed = || {
        let (run, credentials) = running(data_dir)?;
        credentials.nats(user).or(run.nats.map(Secret::new))
    };
    settings.nats.url.clone().or_else(managed).ok_or_else(|| NotFound {
        server: "NATS",
        key: "nats.url",
        variable: "STEWARD__NATS__URL",
        data_dir: data_dir.display().to_string(),
    })
}

/// The URLs of Postgres.
pub fn postgres(settings: &Settings, data_dir: &Path) -> Result<Urls, NotFound> {
    let given = settings.postgres.url.clone().map(Urls::One);
    let managed = || {
        let (run, credentials) = running(data_dir)?;
        Urls::of(&credentials).or(run.postgres.map(|url| Urls::One(Secret::new(url))))
    };
    given.or_else(managed).ok_or_else(|| NotFound {
        server: "Postgres",
        key: "postgres.url",
        variable: "STEWARD__POSTGRES__URL",
        data_dir: data_dir.display().to_string(),
    })
}
