//! Durable subscriptions: each event to a handler, at least once, in order per aggregate.

mod attempt;
mod feed;
mod lanes;
mod pulse;
mod run;

use std::time::Duration;

use steward_proto::{Recorded, TenantId};
use tokio_util::sync::CancellationToken;

use crate::{AppendError, DecideError, Log, LogError};

/// What a service wants to see. Its durable name is its memory on the server: processes that share it share the work.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// One token of a subject: `a-z A-Z 0-9 _ -`.
    pub durable: &'static str,
    /// Wildcards on subjects that don't overlap: `ev.*.conversation.*.client_responded`. None: all events.
    pub filters: Vec<&'static str>,
    /// Whose events it handles. Each tenant has a durable consumer of its own, `{durable}--{tenant}`, which begins where
    /// the one that all shared had got to, so nobody waits for another's events; those of a tenant not named here stay in
    /// the log until it is. None: one consumer for all, in which a flood of one tenant's keeps the others waiting.
    pub tenants: Vec<TenantId>,
    /// Handlers that run at the same time, each on another aggregate. Where there are several tenants, one alone takes
    /// half of them at most.
    pub concurrency: usize,
    /// A process that dies gives its events back after this time. Longer handlers are reported as alive meanwhile.
    pub ack_wait: Duration,
    /// Events that all processes together may hold unacknowledged; of each tenant, where these are named.
    pub max_ack_pending: usize,
}

impl Subscription {
    /// With 32 handlers at a time, 4 s and 2,000 in hand.
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

    /// A consumer of its own for each of these tenants.
    pub fn tenants(self, tenants: impl IntoIterator<Item = TenantId>) -> Self {
        Self { tenants: tenants.into_iter().collect(), ..self }
    }
}

/// A handler is through with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handled {
    Done,
    /// Again after this time; later events of the same aggregate go first meanwhile.
    Later(Duration),
}

/// A handler failed.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    /// Something it needs isn't there: tried again for as long as it takes; the aggregate's later events wait. After a few
    /// seconds it gives up its slot and is handed back with a delay, half a minute at most, and with it the aggregate's
    /// other events. Within a process they wait until it has been handled; another process may have them before.
    #[error("for now: {0}")]
    Transient(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// This event can't be handled: five tries, then it becomes a dead letter and the next one follows.
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

/// A refusal that the handler doesn't expect is poison: the rule won't change its mind. So is what only an upgrade can read.
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
    /// Hands events to `handler` until `shutdown`; then finishes what is running, within a few seconds, and returns.
    ///
    /// Every event is delivered at least once and acknowledged when the handler is done, so handlers must be
    /// idempotent. Events of one aggregate go one at a time, in order; different aggregates side by side. The durable
    /// consumer is made if it doesn't exist, and made again if it vanishes. How it is stands in [`Log::health`] under its
    /// durable's name. Fails only on a wrong definition, or a bug of its own.
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
