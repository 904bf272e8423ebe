//! The worker of one webhook: takes what its consumer brings, and sees each event delivered, put off or given up.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use async_nats::jetstream::{
    AckKind, Message,
    consumer::{AckPolicy, DeliverPolicy, pull},
};
use chrono::{DateTime, TimeDelta, Utc};
use futures::{FutureExt as _, StreamExt as _};
use steward_domain::{
    conversation::Conversation,
    ids,
    webhook::{Webhook, outcome_subject},
};
use steward_log::{AtLeast, Log, LogError, Shares, definitions::EVENTS};
use steward_proto::{Aggregate, AggregateId, Event, Recorded, event_json};
use tokio::sync::{Semaphore, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{
    client::Client,
    outcome::{Attempt, NotRecorded, Verdict},
    post::post,
};

/// Attempts that one webhook has under way in a process.
const AT_ONCE: usize = 16;
/// Attempts that all webhooks have under way, and those of one tenant: one whose receiver is dead leaves room for the others.
const IN_ALL: usize = 256;
const OF_TENANT: usize = 96;
/// Events that wait for their next attempt, at most; more stay in the log until these are through.
const WAITING: i64 = 1_000;
/// A process that dies gives its events back after this time.
const ACK_WAIT: Duration = Duration::from_secs(5);
/// How often an event in hand is renewed meanwhile.
const RENEWED: Duration = Duration::from_millis(1_500);
/// An open request for events ends by itself and is made anew.
const EXPIRES: Duration = Duration::from_secs(10);
/// An attempt under way at the stop has so long to end; after that it is made again by whoever comes next.
const GRACE: Duration = Duration::from_secs(4);
const DOING: &str = "bringing events to a webhook";

/// What all workers share.
pub struct Courier {
    pub log: Log,
    pub client: Client,
    /// Of attempts under way, by tenant and webhook.
    pub room: Shares,
    /// Waits before each further attempt.
    pub retry: Vec<Duration>,
}

impl Courier {
    pub fn new(log: Log, client: Client, retry: Vec<Duration>) -> Self {
        Self { log, client, room: Shares::new(IN_ALL, OF_TENANT), retry }
    }

    /// The wait before the attempt after this one; `None` if it was the last. The server counts every delivery, also
    /// those that a crash or a stop broke off, so a count alone doesn't end it before the schedule's time is over.
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

fn unavailable(error: impl std::fmt::Display) -> LogError {
    LogError::Unavailable { doing: DOING, reason: error.to_string() }
}

fn consumer_name(aggregate: &AggregateId) -> String {
    format!("webhook-{}-{}", aggregate.tenant, aggregate.id())
}

/// Takes away the consumers of webhooks that have ended.
pub async fn clear_away(courier: &Courier, ended: &[AggregateId]) {
    let cleared = async {
        let stream = courier.log.jetstream().get_stream_no_info(EVENTS).await.map_err(unavailable)?;
        let mut names = stream.consumer_names();
        while let Some(name) = names.next().await {
            let name = name.map_err(unavailable)?;
            if ended.iter().any(|id| consumer_name(id) == name) {
                stream.delete_consumer(&name).await.map_err(unavailable)?;
            }
        }
        Ok::<_, LogError>(())
    };
    if let Err(error) = cleared.await {
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

    /// Works until the stop. If that isn't the `shutdown`, the webhook has ended, and its consumer goes with it.
    pub async fn run(self, shutdown: CancellationToken) {
        let worker = Arc::new(self);
        let tracker = TaskTracker::new();
        let mut pause = Duration::from_millis(100);
        while !worker.stop.is_cancelled() {
            match AssertUnwindSafe(worker.follow(&tracker)).catch_unwind().await {
                Ok(Ok(())) => pause = Duration::from_millis(100),
                Ok(Err(error)) => tracing::debug!(%error, "a webhook's events can't be had; trying again"),
                Err(_) => tracing::error!("following a webhook's events panicked; trying again"),
            }
            worker.stop.run_until_cancelled(tokio::time::sleep(pause)).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
        tracker.close();
        tracker.wait().await;
        if !shutdown.is_cancelled() {
            clear_away(&worker.courier, std::slice::from_ref(&worker.aggregate)).await;
        }
    }

    /// The webhook's memory on the server: what it wants and what was asked for again, from its beginning on.
    fn definition(&self) -> pull::Config {
        let webhook = self.webhook.borrow();
        let name = consumer_name(&self.aggregate);
        let mut filter_subjects = webhook.subjects(&self.aggregate.tenant);
        if let Ok(id) = self.aggregate.id().parse() {
            let deliveries = ids::deliveries_aggregate(&self.aggregate.tenant, id);
            filter_subjects.push(outcome_subject(&deliveries, "WebhookDeliveryRetried"));
        }
        pull::Config {
            durable_name: Some(name.clone()),
            name: Some(name),
            filter_subjects,
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: webhook.created_position + 1 },
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_ack_pending: WAITING,
            // The event is read when there is a place to send it.
            headers_only: true,
            ..pull::Config::default()
        }
    }

    /// Takes events until the consumer breaks or the stop. Never more than there is room for: what waits here would
    /// be given to somebody else meanwhile.
    async fn follow(self: &Arc<Self>, tracker: &TaskTracker) -> Result<(), LogError> {
        let stream = self.courier.log.jetstream().get_stream_no_info(EVENTS).await.map_err(unavailable)?;
        let consumer = stream.create_consumer(self.definition()).await.map_err(unavailable)?;
        let permits = Arc::new(Semaphore::new(AT_ONCE));
        let permit = || self.stop.run_until_cancelled(permits.clone().acquire_owned());
        loop {
            let Some(Ok(first)) = permit().await else { return Ok(()) };
            let room = 1 + permits.available_permits();
            let request = consumer.batch().max_messages(room).expires(EXPIRES).messages();
            let mut messages = request.await.map_err(unavailable)?;
            let mut first = Some(first);
            loop {
                let Some(next) = self.stop.run_until_cancelled(messages.next()).await else { return Ok(()) };
                let Some(message) = next else { break };
                let message = message.map_err(unavailable)?;
                let permit = match first.take() {
                    Some(permit) => permit,
                    None => match permit().await {
                        Some(Ok(permit)) => permit,
                        _ => return Ok(()),
                    },
                };
                let worker = Arc::clone(self);
                tracker.spawn(async move {
                    worker.take(message).await;
                    drop(permit);
                });
            }
        }
    }

    /// Holds one event until it is settled. What isn't acknowledged comes again.
    async fn take(&self, message: Message) {
        let handling = self.handle(&message);
        tokio::pin!(handling);
        let handled = loop {
            tokio::select! {
                handled = &mut handling => break handled,
                // In hand for long: the server must not give it to somebody else.
                () = tokio::time::sleep(RENEWED) => acknowledge(&message, AckKind::Progress).await,
            }
        };
        match handled {
            Ok(Verdict::Done) => acknowledge(&message, AckKind::Ack).await,
            Ok(Verdict::Again(delay)) => acknowledge(&message, AckKind::Nak(Some(delay))).await,
            // Again would mean posting it again and again.
            Err(error) if error.is_permanent() => {
                tracing::error!(%error, subject = %message.subject, "what became of an event on its way to a webhook can't be recorded");
                acknowledge(&message, AckKind::Ack).await;
            }
            Err(error) => {
                tracing::warn!(%error, "an event on its way to a webhook couldn't be settled; it comes again");
                acknowledge(&message, AckKind::Nak(Some(Duration::from_secs(1)))).await;
            }
        }
    }

    async fn handle(&self, message: &Message) -> Result<Verdict, NotRecorded> {
        let Ok((position, tries)) = message.info().map(|info| (info.stream_sequence, info.delivered)) else {
            return Ok(Verdict::Done);
        };
        // Before it is read: what waits for a place is but a number.
        let place = self.courier.room.take(self.aggregate.tenant.as_str(), self.aggregate.id(), AT_ONCE);
        let Some(place) = self.stop.run_until_cancelled(place).await else {
            return Ok(Verdict::Again(Duration::ZERO));
        };
        let Some(brought) = self.read(position).await? else { return Ok(Verdict::Done) };
        let queued_at = brought.metadata.at;
        let Some(event) = self.event_of(brought).await? else { return Ok(Verdict::Done) };
        let webhook = self.webhook.borrow().clone();
        let (Ok(webhook_id), true) = (self.aggregate.id().parse::<Uuid>(), self.wanted(&webhook, &event).await?) else {
            return Ok(Verdict::Done);
        };
        if self.stop.is_cancelled() {
            return Ok(Verdict::Again(Duration::ZERO));
        }
        let answered = tokio::select! {
            answered = post(&self.courier.client, &webhook, &event, self.courier.log.clock().now()) => answered,
            () = self.out_of_time() => return Ok(Verdict::Again(Duration::ZERO)),
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

    /// The event to deliver: the one that was brought, or the one that somebody wants again.
    async fn event_of(&self, brought: Recorded) -> Result<Option<Recorded>, LogError> {
        match &brought.event {
            Event::WebhookDeliveryRetried(retried) => match &retried.delivery {
                Some(delivery) => self.read(delivery.event_position).await,
                None => Ok(None),
            },
            _ => Ok(Some(brought)),
        }
    }

    /// `None`: it is erased, or no event.
    async fn read(&self, position: u64) -> Result<Option<Recorded>, LogError> {
        match self.courier.log.read(position).await {
            Err(LogError::Malformed { position, reason }) => {
                tracing::warn!(position, reason, "a message that is no event is skipped");
                Ok(None)
            }
            read => read,
        }
    }

    /// Whether the webhook wants it; only here is the channel known, which subjects don't say.
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

/// A lost acknowledgement only makes the event come again.
async fn acknowledge(message: &Message, kind: AckKind) {
    if let Err(error) = message.ack_with(kind).await {
        tracing::debug!(%error, "an acknowledgement was lost");
    }
}
