//! The worker of one webhook: takes the events that its consumer brings, and delivers each, puts it off or gives it up.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use steward_domain::{
    conversation::Conversation,
    ids::{self, WebhookId},
    webhook::{Webhook, outcome_subject},
};
use steward_log::{AtLeast, Deliveries, Log, LogError, Settled, Shares};
use steward_proto::{Aggregate, AggregateId, Event, Recorded, event_json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    client::Client,
    outcome::{Attempt, NotRecorded},
    post::post,
};

/// How many attempts one webhook may have under way in a process.
const AT_ONCE: usize = 16;
/// How many attempts all webhooks may have under way, and how many those of one tenant: a dead receiver leaves room for
/// the others.
const IN_ALL: usize = 256;
const OF_TENANT: usize = 96;
/// How many events may wait for their next attempt; more stay in the log until these are through.
const WAITING: usize = 1_000;
/// How long an attempt under way at the stop may take to end. If it doesn't end, it is made again by the next process.
const GRACE: Duration = Duration::from_secs(4);

/// What all workers share.
pub struct Courier {
    pub log: Log,
    pub client: Client,
    /// Places for attempts under way, shared by tenants and their webhooks.
    pub room: Shares,
    /// How long to wait before the second attempt, the third, and so on.
    pub retry: Vec<Duration>,
}

impl Courier {
    pub fn new(log: Log, client: Client, retry: Vec<Duration>) -> Self {
        Self { log, client, room: Shares::new(IN_ALL, OF_TENANT), retry }
    }

    /// How long to wait after this attempt; `None` if it was the last. The server also counts deliveries that a crash
    /// or a stop broke off, so the count alone doesn't end them before the schedule's time is over.
    fn next_after(&self, number: u32, queued_at: DateTime<Utc>) -> Option<Duration> {
        let whole: Duration = self.retry.iter().sum();
        let early = TimeDelta::from_std(whole).is_ok_and(|whole| self.log.clock().now() < queued_at + whole);
        let planned = self.retry.get(number as usize - 1);
        planned.or_else(|| self.retry.last().filter(|_| early)).copied()
    }
}

pub struct Worker {
    courier: Arc<Courier>,
    aggregate: AggregateId,
    webhook: watch::Receiver<Arc<Webhook>>,
    stop: CancellationToken,
}

fn consumer_name(aggregate: &AggregateId) -> String {
    format!("webhook-{}-{}", aggregate.tenant, aggregate.id())
}

/// Deletes the consumers of webhooks that have ended.
pub async fn clear_away(courier: &Courier, ended: &[AggregateId]) {
    let names: Vec<_> = ended.iter().map(consumer_name).collect();
    if let Err(error) = courier.log.end_deliveries(&names).await {
        tracing::debug!(%error, "consumers of former webhooks are left; the next start takes them away");
    }
}

impl Worker {
    pub fn new(
        courier: Arc<Courier>,
        aggregate: AggregateId,
        webhook: watch::Receiver<Arc<Webhook>>,
        stop: CancellationToken,
    ) -> Self {
        Self { courier, aggregate, webhook, stop }
    }

    /// Works until the stop. If the stop isn't the `shutdown`, the webhook has ended, and its consumer is deleted.
    pub async fn run(self, shutdown: CancellationToken) {
        let worker = Arc::new(self);
        let taking = Arc::clone(&worker);
        let take = move |position, tries| {
            let worker = Arc::clone(&taking);
            async move { worker.take(position, tries).await }
        };
        worker.courier.log.deliver(worker.wanted_events(), &worker.stop, take).await;
        if !shutdown.is_cancelled() {
            clear_away(&worker.courier, std::slice::from_ref(&worker.aggregate)).await;
        }
    }

    /// The webhook's consumer: it brings, from the webhook's beginning on, the events that it wants and those that were
    /// asked for again.
    fn wanted_events(&self) -> Deliveries {
        let webhook = self.webhook.borrow();
        let mut filters = webhook.subjects(&self.aggregate.tenant);
        if let Ok(id) = self.aggregate.id().parse() {
            let deliveries = ids::deliveries_aggregate(&self.aggregate.tenant, id);
            filters.push(outcome_subject(&deliveries, "WebhookDeliveryRetried"));
        }
        Deliveries {
            durable: consumer_name(&self.aggregate),
            filters,
            from: webhook.created_position + 1,
            at_once: AT_ONCE,
            waiting: WAITING,
        }
    }

    /// Holds one event until it is settled. An event that isn't acknowledged comes again.
    async fn take(&self, position: u64, tries: u64) -> Settled {
        match self.handle(position, tries).await {
            Ok(settled) => settled,
            // Trying again would mean posting the event again and again.
            Err(error) if error.is_permanent() => {
                tracing::error!(%error, position, "the outcome of a webhook's delivery can't be recorded");
                Settled::GivenUp
            }
            Err(error) => {
                tracing::warn!(%error, "a webhook's delivery couldn't be settled; the event comes again");
                Settled::Again(Duration::from_secs(1))
            }
        }
    }

    async fn handle(&self, position: u64, tries: u64) -> Result<Settled, NotRecorded> {
        // The place is taken before the event is read, so that an event that waits is only a number in memory.
        let place = self.courier.room.take(self.aggregate.tenant.as_str(), self.aggregate.id(), AT_ONCE);
        let Some(place) = self.stop.run_until_cancelled(place).await else {
            return Ok(Settled::Again(Duration::ZERO));
        };
        let Some(brought) = self.read(position).await? else { return Ok(Settled::Done) };
        let queued_at = brought.metadata.at;
        let Some(event) = self.event_of(brought).await? else { return Ok(Settled::Done) };
        let webhook = self.webhook.borrow().clone();
        let (Ok(webhook_id), true) = (self.aggregate.id().parse::<WebhookId>(), self.wanted(&webhook, &event).await?)
        else {
            return Ok(Settled::Done);
        };
        if self.stop.is_cancelled() {
            return Ok(Settled::Again(Duration::ZERO));
        }
        let answered = tokio::select! {
            answered = post(&self.courier.client, &webhook, &event, self.courier.log.clock().now()) => answered,
            () = self.out_of_time() => return Ok(Settled::Again(Duration::ZERO)),
        };
        drop(place);
        let outcome = if answered.failure.is_none() { "delivered" } else { "failed" };
        metrics::counter!("steward_webhook_attempts_total", "outcome" => outcome).increment(1);
        let number = u32::try_from(tries).unwrap_or(1).max(1);
        let attempt = Attempt {
            tenant: &self.aggregate.tenant,
            webhook_id,
            event: &event,
            number,
            next_after: self.courier.next_after(number, queued_at),
        };
        attempt.conclude(&self.courier.log, answered, &self.stop).await
    }

    async fn out_of_time(&self) {
        self.stop.cancelled().await;
        tokio::time::sleep(GRACE).await;
    }

    /// The event to deliver: the one that was brought, or the one that somebody wants to have delivered again.
    async fn event_of(&self, brought: Recorded) -> Result<Option<Recorded>, LogError> {
        match &brought.event {
            Event::WebhookDeliveryRetried(retried) => match &retried.delivery {
                Some(delivery) => self.read(delivery.event_position).await,
                None => Ok(None),
            },
            _ => Ok(Some(brought)),
        }
    }

    /// Reads an event; `None` if it was erased, or is no event.
    async fn read(&self, position: u64) -> Result<Option<Recorded>, LogError> {
        match self.courier.log.read(position).await {
            Err(LogError::Malformed { position, reason }) => {
                tracing::warn!(position, reason, "a message that is no event is skipped");
                Ok(None)
            }
            read => read,
        }
    }

    /// Whether the webhook wants the event. The channel is checked here, because subjects don't say it.
    async fn wanted(&self, webhook: &Webhook, event: &Recorded) -> Result<bool, LogError> {
        if !webhook.is_active() || !webhook.wants(event) {
            return Ok(false);
        }
        let Some(wanted) = &webhook.filter.channel_id else { return Ok(true) };
        let id = event.subject.aggregate_id();
        if let Some(id) = id.filter(|id| id.aggregate == Aggregate::Conversation) {
            let at_least = AtLeast::Position(event.position);
            let conversation = self.courier.log.load::<Conversation>(&id, at_least).await?;
            return Ok(conversation.state.place.as_ref().is_some_and(|place| place.channel_id == *wanted));
        }
        let data = event_json(&event.metadata.type_name, &event.payload);
        let named = [data.pointer("/source/channel_id"), data.get("channel_id")];
        Ok(named.into_iter().flatten().any(|channel| channel == wanted.as_str()))
    }
}
