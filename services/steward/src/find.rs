//! Where the servers are, for what doesn't run them itself: by the configuration, else by a running Steward's `run.json`.

use std::path::Path;

use crate::{
    config::{Secret, Settings},
    run_file::RunFile,
    servers::DataDir,
};

/// Neither the configuration nor a `run.json` says where a server is.
#[derive(Debug, thiserror::Error)]
#[error(
    "where {server} is isn't known: set {key} ({variable}), or start `steward servers` or `steward up`, whose run.json in {data_dir} would say so (see --data-dir)"
)]
pub struct NotFound {
    server: &'static str,
    key: &'static str,
    variable: &'static str,
    data_dir: String,
}

fn running(data_dir: &Path) -> Option<RunFile> {
    RunFile::read(&DataDir::existing(data_dir)?)
}

/// Where NATS is.
pub fn nats(settings: &Settings, data_dir: &Path) -> Result<Secret, NotFound> {
    let found = settings.nats_url.clone().or_else(|| running(data_dir)?.nats.map(Secret::new));
    found.ok_or_else(|| NotFound {
        server: "NATS",
        key: "nats.url",
        variable: "STEWARD__NATS__URL",
        data_dir: data_dir.display().to_string(),
    })
}

/// Where Postgres is.
pub fn postgres(settings: &Settings, data_dir: &Path) -> Result<Secret, NotFound> {
    let found = settings.postgres_url.clone().or_else(|| running(data_dir)?.postgres.map(Secret::new));
    found.ok_or_else(|| NotFound {
        server: "Postgres",
        key: "postgres.url",
        variable: "STEWARD__POSTGRES__URL",
        data_dir: data_dir.display().to_string(),
    })
}
