//! What can go wrong with the log, one variant per cause.

use std::sync::Arc;
use std::time::Duration;

use crate::codes::{Refusal, ServerError};
use crate::header::TextError;

/// The log can't be read, or isn't there.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogError {
    #[error("`{url}` is no NATS address: {reason}. Expected nats://host:port, several separated by commas")]
    Address { url: String, reason: String },
    #[error(
        "the password for NATS at {host} would cross the network in the clear: use tls://, or add ?insecure=true to the URL if the network between is trusted"
    )]
    InTheClear { host: String },
    #[error(
        "NATS denies {doing} ({what} on {subject}) to the user of nats.url: run `steward prepare` once with the admin's URL, and see `steward permissions`"
    )]
    Denied { doing: &'static str, what: String, subject: String },
    #[error("nats-server {found} is too old: Steward needs {needed} or newer (it uses atomic batches and schedules)")]
    ServerTooOld { found: String, needed: &'static str },
    #[error("NATS can't be reached while {doing}: {reason}. It is tried again by itself; check that nats-server runs")]
    Unavailable { doing: &'static str, reason: String },
    #[error("NATS didn't answer within {after:?} while {doing}")]
    TimedOut { doing: &'static str, after: Duration },
    #[error("NATS refused {doing}: {error}")]
    Refused { doing: &'static str, error: ServerError },
    #[error("the stream {stream} exists with settings that can't be changed to ours: {reason}")]
    IncompatibleStream { stream: &'static str, reason: String },
    #[error("the message at position {position} is no event: {reason}")]
    Malformed { position: u64, reason: String },
    #[error("there is no blob {0}")]
    NoSuchBlob(String),
    #[error("the blob {0} is damaged: its content has another hash")]
    DamagedBlob(String),
    #[error("there is no dead letter of {consumer} at position {position}")]
    NoSuchDeadLetter { consumer: String, position: u64 },
    #[error(transparent)]
    Text(#[from] TextError),
    #[error("{what} has ended by itself: {reason}")]
    Ended { what: &'static str, reason: String },
    #[error("the log is shut down")]
    ShutDown,
}

impl LogError {
    /// The cause passes by itself: trying again later makes sense.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::TimedOut { .. })
    }

    /// Trying again will never succeed. That the log is shut down doesn't count: it isn't the fault of what was asked.
    pub fn is_permanent(&self) -> bool {
        !self.is_transient() && !matches!(self, Self::ShutDown)
    }
}

/// An append didn't happen, or it isn't known whether it did.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    #[error("the aggregate has changed: version {expected} was expected{}", actual.map(|a| format!(", it is {a}")).unwrap_or_default())]
    Conflict { expected: u64, actual: Option<u64> },
    #[error("gave up after {tries} conflicts: others keep changing the aggregate")]
    Contended { tries: u32 },
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("nothing was stored: NATS couldn't be reached for {after:?}; try again later")]
    Unavailable { after: Duration },
    /// The same append may be made again: with its dedupe key, or the version it expects, it can't double.
    #[error("NATS didn't answer for {after:?}; it isn't known whether the events were stored")]
    Unknown { after: Duration },
    #[error("{0} events are too many for one append: at most {max}", max = crate::append::MAX_EVENTS)]
    TooMany(usize),
    #[error(
        "the event {type_name} has {bytes} bytes, more than the server takes ({limit}); large bodies belong in a blob"
    )]
    TooLarge { type_name: String, bytes: usize, limit: usize },
    #[error("events of {bytes} bytes together are too large for one append: at most {max}", max = crate::append::MAX_BYTES)]
    BatchTooLarge { bytes: usize },
    #[error("an append needs at least one event")]
    Empty,
    #[error("an event of a type this build doesn't know, {0}, can't be written")]
    UnknownEvent(String),
    #[error(transparent)]
    Text(#[from] TextError),
    /// The same append may be made again: with its dedupe key, or the version it expects, it can't double.
    #[error("publishing it met a bug of this program, see its log; it isn't known whether the events were stored")]
    Broken,
    #[error(transparent)]
    Log(#[from] LogError),
}

impl AppendError {
    /// The cause passes by itself: the same append may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable { .. } | Self::Unknown { .. } | Self::Contended { .. } => true,
            Self::Log(error) => error.is_transient(),
            _ => false,
        }
    }

    /// The append itself is wrong: it will never be stored, whoever tries and whenever. That the log is full, shut down
    /// or not set up isn't the append's fault.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::TooMany(_)
            | Self::TooLarge { .. }
            | Self::BatchTooLarge { .. }
            | Self::Empty
            | Self::UnknownEvent(_)
            | Self::Text(_) => true,
            Self::Refused(refusal) => matches!(refusal, Refusal::Never(_)),
            Self::Broken => true,
            Self::Log(error) => error.is_permanent(),
            Self::Conflict { .. } | Self::Contended { .. } | Self::Unavailable { .. } | Self::Unknown { .. } => false,
        }
    }
}

/// An aggregate holds an event of a later version, or a value in one that only a later version knows: nothing is
/// decided on it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this {aggregate} holds a {what} that this version can't read; upgrade Steward")]
pub struct SchemaAhead {
    /// The aggregate's kind.
    pub aggregate: &'static str,
    pub what: Arc<str>,
}

/// A decision wasn't recorded.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DecideError<R> {
    /// A rule refused the decision.
    #[error("refused")]
    Refused(R),
    #[error(transparent)]
    SchemaAhead(#[from] SchemaAhead),
    #[error(transparent)]
    Append(AppendError),
    #[error(transparent)]
    Log(LogError),
}

impl<R> From<LogError> for DecideError<R> {
    fn from(error: LogError) -> Self {
        Self::Log(error)
    }
}

impl<R> DecideError<R> {
    /// The same decision will never be recorded, however often it is made again.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Refused(_) | Self::SchemaAhead(_) => true,
            Self::Append(error) => error.is_permanent(),
            Self::Log(error) => error.is_permanent(),
        }
    }

    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused(_) | Self::SchemaAhead(_) => false,
            Self::Append(error) => error.is_transient(),
            Self::Log(error) => error.is_transient(),
        }
    }
}
