//! The pool of connections to Postgres.

use std::{str::FromStr, time::Duration};

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio_postgres::NoTls;

use crate::error::ProjectionError;

/// How long making a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// A pool of `size` connections at most to the database at `url`. It connects when it is first asked for a connection.
///
/// # Errors
/// `url` isn't an address of Postgres.
pub fn pool(url: &str, size: usize) -> Result<Pool, ProjectionError> {
    let address = |reason: String| {
        // The error doesn't show what stands before the host, which may hold a password.
        let shown = url.rsplit_once('@').map_or(url, |(_, host)| host);
        ProjectionError::Address { url: shown.to_owned(), reason }
    };
    let mut config = tokio_postgres::Config::from_str(url).map_err(|e| address(e.to_string()))?;
    config.connect_timeout(CONNECT);
    config.application_name("steward-projection");
    let manager = Manager::from_config(config, NoTls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
    Pool::builder(manager)
        .max_size(size)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(CONNECT))
        .create_timeout(Some(CONNECT))
        .recycle_timeout(Some(CONNECT))
        .build()
        .map_err(|e| address(e.to_string()))
}
