//! Durable subscriptions: bring each event to a handler, at least once, in order per aggregate.

mod attempt;
mod feed;
mod lanes;
mod pulse;
mod run;

use std::time::Duration;

use steward_proto::{Recorded, TenantId};
use tokio_util::sync::CancellationToken;

use crate::{AppendError, DecideError, Log, LogError};

/// Which events a service wants. The durable name is its memory on the server: processes that share the name share the
/// work.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// The durable name, one token of a subject: `a-z A-Z 0-9 _ -`.
    pub durable: &'static str,
    /// Wildcards on subjects, which don't overlap: `ev.*.conversation.*.client_responded`. Empty: all events.
    pub filters: Vec<&'static str>,
    /// Whose events it handles. Each of these tenants has a durable consumer of its own, `{durable}--{tenant}`, which
    /// begins where the shared one stood, so that nobody waits for another's events. Events of a tenant that isn't
    /// named here stay in the log until it is. Empty: one consumer for all tenants, in which a flood of one tenant's
    /// events keeps the others waiting.
    pub tenants: Vec<TenantId>,
    /// How many handlers run at the same time, each on another aggregate; the events in hand are of no more aggregates
    /// than that. Where there are several tenants, one alone takes half of the handlers at most.
    pub concurrency: usize,
    /// How long after its death a process's events are given to another. Handlers that take longer are reported as
    /// alive meanwhile.
    pub ack_wait: Duration,
    /// How many events may be unacknowledged in all processes together; for each tenant, if tenants are named.
    pub max_ack_pending: usize,
}

impl Subscription {
    /// A subscription with 32 handlers, 4 s and 2,000 unacknowledged events.
    pub fn new(durable: &'static str, filters: impl Into<Vec<&'static str>>) -> Self {
        Self {
            durable,
            filters: filters.into(),
            tenants: Vec::new(),
            concurrency: 32,
            ack_wait: Duration::from_secs(4),
            max_ack_pending: 2_000,
        }
    }

    pub fn concurrency(self, concurrency: usize) -> Self {
        Self { concurrency, ..self }
    }

    /// Gives each of these tenants a consumer of its own.
    pub fn tenants(self, tenants: impl IntoIterator<Item = TenantId>) -> Self {
        Self { tenants: tenants.into_iter().collect(), ..self }
    }
}

/// The handler is through with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handled {
    Done,
    /// The event is to come again after this time; later events of its aggregate go first meanwhile.
    Later(Duration),
}

/// The handler failed.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    /// Something that the handler needs isn't there: the event is tried again for as long as it takes, and the
    /// aggregate's later events wait. After a few seconds the event gives up its slot: it is handed back with a delay
    /// of half a minute at most, and the aggregate's other events with it. Within a process these wait until it has
    /// been handled; another process may have them earlier.
    #[error("for now: {0}")]
    Transient(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The event can't be handled: after five tries it becomes a dead letter, and the next event follows.
    #[error("{0}")]
    Poison(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl HandleError {
    pub fn transient(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Transient(error.into())
    }

    pub fn poison(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Poison(error.into())
    }
}

impl From<LogError> for HandleError {
    fn from(error: LogError) -> Self {
        if error.is_permanent() { Self::poison(error) } else { Self::transient(error) }
    }
}

impl From<AppendError> for HandleError {
    fn from(error: AppendError) -> Self {
        if error.is_permanent() { Self::poison(error) } else { Self::transient(error) }
    }
}

/// A refusal that the handler doesn't expect is poison, since the rule won't change its mind; so is an event that only
/// an upgrade can read.
impl<R: std::error::Error + Send + Sync + 'static> From<DecideError<R>> for HandleError {
    fn from(error: DecideError<R>) -> Self {
        match error {
            DecideError::Refused(refused) => Self::poison(refused),
            DecideError::SchemaAhead(ahead) => Self::poison(ahead),
            DecideError::Append(error) => error.into(),
            DecideError::Log(error) => error.into(),
        }
    }
}

impl Log {
    /// Hands events to `handler` until `shutdown`; then finishes what is running within a few seconds, and returns.
    ///
    /// Every event is delivered at least once, and acknowledged when the handler is done, so handlers must be
    /// idempotent. Events of one aggregate go one at a time, in order; different aggregates go side by side. The
    /// durable consumer is made if it doesn't exist, and again if it vanishes. [`Log::health`] has the subscription's
    /// condition under its durable name. Fails only if the definition is wrong, or by a bug of its own.
    pub async fn subscribe<H, Fut>(
        &self,
        subscription: Subscription,
        shutdown: CancellationToken,
        handler: H,
    ) -> Result<(), LogError>
    where
        H: Fn(Recorded) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Handled, HandleError>> + Send + 'static,
    {
        run::run(self.clone(), subscription, shutdown, handler).await
    }
}
