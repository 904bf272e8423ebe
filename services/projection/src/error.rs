//! What can go wrong with the read models.

use std::time::Duration;

use steward_log::LogError;

#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    #[error("`{url}` is no Postgres address: {reason}. Expected postgres://user:password@host:port/database")]
    Address { url: String, reason: String },
    #[error("Postgres can't be reached: {0}. It is tried again by itself; check that it runs")]
    Pool(#[from] deadpool_postgres::PoolError),
    #[error("Postgres refused or broke off: {}", describe(.0))]
    Postgres(#[from] tokio_postgres::Error),
    #[error("Postgres didn't answer within {0:?}")]
    TimedOut(Duration),
    #[error("the migration {name} failed: {}", describe(.source))]
    Migration {
        name: &'static str,
        #[source]
        source: tokio_postgres::Error,
    },
    #[error("the read models hold something that no projection wrote: {0}; run `steward rebuild`")]
    Damaged(String),
    #[error(
        "the read models have reached position {reached}, the log only {last}: this is another log's database. Use that log, or another database"
    )]
    OtherLog { reached: u64, last: u64 },
    #[error("a rebuild is running already; wait for it to end")]
    RebuildRunning,
    #[error("the log ended before position {0}")]
    LogEnded(u64),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("stopped")]
    Stopped,
}

impl ProjectionError {
    /// A row that was taken for new is there already.
    pub fn is_twice(&self) -> bool {
        use tokio_postgres::error::SqlState;
        matches!(self, Self::Postgres(e) if e.code() == Some(&SqlState::UNIQUE_VIOLATION))
    }
}

/// With the server's own words: tokio-postgres says only "db error".
fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("{} ({})", db.message(), db.code().code()),
        None => {
            let cause = std::error::Error::source(error).map(|e| format!(": {e}")).unwrap_or_default();
            format!("{error}{cause}")
        }
    }
}
