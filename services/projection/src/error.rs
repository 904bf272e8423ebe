//! What can go wrong with the read models.

use std::time::Duration;

use steward_log::LogError;
use tokio_postgres::error::{Severity, SqlState};

#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    #[error("`{url}` is no Postgres address: {reason}. Expected postgres://user:password@host:port/database")]
    Address { url: String, reason: String },
    #[error("Postgres can't be reached: {0}. It is tried again by itself; check that it runs")]
    Pool(#[from] deadpool_postgres::PoolError),
    #[error("Postgres refused or broke off: {}", describe(.0))]
    Postgres(#[from] tokio_postgres::Error),
    #[error(
        "the user of postgres.url may not make the read models' tables: {}. Name the database's owner there; `steward permissions --postgres` prints the roles",
        describe(.0)
    )]
    Forbidden(#[source] tokio_postgres::Error),
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
    #[error("a row can't be read as this build wrote it: {}", describe(.0))]
    Unreadable(#[source] tokio_postgres::Error),
    #[error("folding an event panicked: {0}")]
    Panicked(&'static str),
    #[error("{0} bytes of memory don't hold a single partition of the rows")]
    Memory(usize),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("stopped")]
    Stopped,
}

impl ProjectionError {
    /// The error as [`Self::Forbidden`] if rights are missing, since waiting won't bring them.
    pub fn of_rights(self) -> Self {
        match self {
            Self::Postgres(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Self::Forbidden(error),
            other => other,
        }
    }

    /// Whether a row that was taken for new exists already.
    pub fn is_twice(&self) -> bool {
        matches!(self, Self::Postgres(e) if e.code() == Some(&SqlState::UNIQUE_VIOLATION))
    }
}

/// Classes of SQLSTATE with which Postgres says that it will never take these values: data exception, integrity
/// constraint violation, program limit exceeded (a value too long for an index).
const REFUSED: [&str; 3] = ["22", "23", "54"];

/// A message breaks the protocol, but the connection goes on: a value was put into the message wrongly.
const MALFORMED: &str = "08P01";

impl ProjectionError {
    /// Whether the written data is to blame, so that trying again can't help: Postgres refused a value, or a row can't
    /// be folded. Everything else (no connection, no space, a lock, a shutdown, a missing table) passes, or is for an
    /// operator to mend.
    pub fn is_of_the_data(&self) -> bool {
        match self {
            Self::Panicked(_) | Self::Unreadable(_) | Self::Damaged(_) => true,
            Self::Postgres(error) | Self::Migration { source: error, .. } => error.as_db_error().is_some_and(|db| {
                let code = db.code().code();
                let refused = REFUSED.iter().any(|class| code.starts_with(class)) || code == MALFORMED;
                // FATAL ends the connection, so it isn't about a value.
                refused && db.parsed_severity() == Some(Severity::Error)
            }),
            _ => false,
        }
    }

    /// What happened, without a word from outside, for logs and dead letters.
    pub fn in_our_words(&self) -> String {
        let Self::Postgres(error) = self else {
            return match self {
                Self::Panicked(_) => self.to_string(),
                Self::Unreadable(_) | Self::Damaged(_) => "a row of its aggregate can't be read".to_owned(),
                _ => "it can't be projected".to_owned(),
            };
        };
        let Some(db) = error.as_db_error() else { return "Postgres can't take it".to_owned() };
        let named = [("table", db.table()), ("column", db.column()), ("constraint", db.constraint())];
        let named: Vec<String> =
            named.iter().filter_map(|(kind, name)| name.map(|name| format!(", {kind} {name}"))).collect();
        format!("Postgres refuses it: SQLSTATE {}{}", db.code().code(), named.concat())
    }
}

/// The error in the server's own words; tokio-postgres by itself says only "db error".
fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("{} ({})", db.message(), db.code().code()),
        None => {
            let cause = std::error::Error::source(error).map(|e| format!(": {e}")).unwrap_or_default();
            format!("{error}{cause}")
        }
    }
}
