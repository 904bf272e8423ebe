//! What came of an attempt, as events.
//!
//! They are recorded before the delivered event is acknowledged, so that a crash loses nothing.

use std::time::Duration;

use futures::StreamExt as _;
use steward_domain::{
    ids::{self, DeliveryId, WebhookId},
    kernel::Why,
    webhook::{GIVE_UP_AFTER, Refused, Webhook, outcome_subject},
};
use steward_log::{Append, AppendError, AtLeast, Backoff, DecideError, Expected, Log, LogError, Settled};
use steward_proto::{AggregateId, Cause, Event, NewEvent, Recorded, TenantId, to_timestamp, v1};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::post::Answered;

/// Longest wait for reading what the log has.
const LIMIT: Duration = Duration::from_secs(5);

/// An outcome can't be recorded now.
#[derive(Debug, thiserror::Error)]
pub enum NotRecorded {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Decide(#[from] DecideError<Refused>),
}

impl NotRecorded {
    /// It can't be recorded later either. That something can't be read now doesn't count: an operator may act.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Log(_) | Self::Decide(DecideError::Log(_)) => false,
            Self::Append(error) => error.is_permanent(),
            Self::Decide(error) => error.is_permanent(),
        }
    }
}

/// An attempt that has ended.
pub struct Attempt<'a> {
    pub tenant: &'a TenantId,
    pub webhook_id: WebhookId,
    pub event: &'a Recorded,
    /// Which attempt it is, counted from 1.
    pub number: u32,
    /// How long to wait before the next attempt; `None` if there is to be none.
    pub next_after: Option<Duration>,
}

impl Attempt<'_> {
    /// Records what came of the attempt, and disables the webhook if its receiver is gone or has failed too often.
    pub async fn conclude(
        &self,
        log: &Log,
        answered: Answered,
        stop: &CancellationToken,
    ) -> Result<Settled, NotRecorded> {
        let delivery = Some(v1::Delivery {
            delivery_id: DeliveryId { webhook: self.webhook_id, event_position: self.event.position }.to_string(),
            webhook_id: self.webhook_id.to_string(),
            event_id: self.event.metadata.event_id.to_string(),
            event_type: self.event.metadata.type_name.clone(),
            event_position: self.event.position,
            attempt: self.number,
            status: answered.status.into(),
            took_ms: u32::try_from(answered.took.as_millis()).unwrap_or(u32::MAX),
        });
        let Answered { answer, failure, .. } = answered;
        let Some((code, text)) = failure else {
            self.record(log, v1::WebhookDelivered { delivery }.into(), stop).await?;
            return Ok(Settled::Done);
        };
        let reason = Some(v1::Reason { code: code.to_owned(), text, event_id: String::new() });
        match self.next_after.filter(|_| code != "gone") {
            Some(delay) => {
                let next_at = Some(to_timestamp(log.clock().now() + delay));
                let failed = v1::WebhookAttemptFailed { delivery, reason, answer, next_at };
                self.record(log, failed.into(), stop).await?;
                Ok(Settled::Again(delay))
            }
            None => {
                let failed =
                    self.record(log, v1::WebhookDeliveryFailed { delivery, reason, answer }.into(), stop).await?;
                self.give_up(log, code, failed).await?;
                Ok(Settled::Done)
            }
        }
    }

    fn deliveries(&self) -> AggregateId {
        ids::deliveries_aggregate(self.tenant, self.webhook_id)
    }

    fn cause(&self) -> Cause {
        Cause::of(self.event, "service:outbox-dispatcher")
    }

    /// Records a fact: it is appended whatever the version, until the log has it. Returns the event's id.
    async fn record(&self, log: &Log, event: Event, stop: &CancellationToken) -> Result<Uuid, NotRecorded> {
        let id = Uuid::now_v7();
        let append = Append {
            aggregate: self.deliveries(),
            events: vec![NewEvent::new(id, log.clock().now(), &self.cause(), event)],
            expected: Expected::Any,
            dedupe_key: None,
        };
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));
        loop {
            match log.append(append.clone()).await {
                Ok(_) => return Ok(id),
                // If the process must stop, the event comes again, and the receiver sees it twice. Otherwise the record
                // waits here, also for room in a full log: giving the event back would mean posting it again and again.
                // What the log will never take isn't waited for.
                Err(error) if stop.is_cancelled() || error.is_permanent() => return Err(error.into()),
                Err(error) => tracing::warn!(%error, "a webhook's outcome can't be recorded yet; trying again"),
            }
            // After the stop one more attempt is made, which is the last.
            backoff.pause(stop).await;
        }
    }

    /// Disables the webhook if its receiver wants nothing any more, or has taken nothing for long.
    async fn give_up(&self, log: &Log, code: &str, failed: Uuid) -> Result<(), NotRecorded> {
        let why = if code == "gone" {
            Why::new("gone", "the receiver answered 410: it wants nothing any more", failed)
        } else {
            let in_a_row = self.failures_in_a_row(log).await?;
            if in_a_row < GIVE_UP_AFTER {
                return Ok(());
            }
            let text = format!("{in_a_row} events in a row couldn't be delivered, each tried over the whole schedule");
            Why::new("failing", text, failed)
        };
        let aggregate = ids::webhook_aggregate(self.tenant, self.webhook_id);
        let cause = self.cause();
        let decided = log.decide::<Webhook, _, Refused>(&aggregate, AtLeast::Latest, |state, _| {
            let events = state.disable(&why).into_iter();
            Ok((events.map(|e| NewEvent::new(Uuid::now_v7(), log.clock().now(), &cause, e)).collect(), ()))
        });
        if decided.await?.appended.is_some() {
            tracing::warn!(webhook = %self.webhook_id, code = why.code, "a webhook was disabled");
        }
        Ok(())
    }

    /// How many deliveries were given up since the last one that succeeded. They are counted in the log, so that a
    /// restart forgets nothing.
    async fn failures_in_a_row(&self, log: &Log) -> Result<usize, LogError> {
        let doing = "reading a webhook's outcomes";
        let count = async {
            let delivered = outcome_subject(&self.deliveries(), "WebhookDelivered");
            let last = log.last_position_on(&delivered).await?;
            let failed = outcome_subject(&self.deliveries(), "WebhookDeliveryFailed");
            Ok(log.past(last + 1, vec![failed]).await?.take(GIVE_UP_AFTER).count().await)
        };
        tokio::time::timeout(LIMIT, count).await.map_err(|_| LogError::TimedOut { doing, after: LIMIT })?
    }
}
