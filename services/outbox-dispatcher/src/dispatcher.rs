//! From a due message to its recorded fate: wait for the limiter, claim, send, record.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest as _, Sha256};
use steward_domain::{
    contact::Contact,
    conversation::{
        Conversation, MessageState, Refused, Why,
        dispatch::{Claiming, MOST_ATTEMPTS, Step},
    },
    ids,
    settings::{OnUnknown, Settings},
};
use steward_log::{Append, AtLeast, DecideError, Expected, HandleError, Handled, Log, LogError, Subscription};
use steward_proto::{AggregateId, Cause, Event, NewEvent, Recorded, to_timestamp, v1};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    channels::{Outbound, Sent, Way, http_client},
    limits::Limits,
};

/// A claim lives as long as the longest request and this, to record the answer.
const TO_RECORD: Duration = Duration::from_secs(2);

/// Conversations sent to at the same time: most of them wait for a limiter or for the provider.
const AT_ONCE: usize = 512;

/// Why the dispatcher can't run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the HTTP client can't be made: {0}")]
    Client(#[from] reqwest::Error),
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Runs until `shutdown`, then finishes the sends in hand.
pub async fn run(log: Log, settings: Arc<Settings>, shutdown: CancellationToken) -> Result<(), Error> {
    let client = http_client()?;
    let ways = settings
        .channels
        .iter()
        .filter_map(|c| Some((c.id.clone(), (Way::of(c, &client)?, Limits::new(c.rate_limit), c.on_unknown))))
        .collect();
    let worker = format!("outbox-dispatcher:{}", Uuid::now_v7().simple());
    let dispatcher = Arc::new(Dispatcher { log: log.clone(), settings, ways, worker, shutdown: shutdown.clone() });
    let subscription = Subscription::new(
        "outbox-dispatcher",
        [
            "ev.*.conversation.*.message_queued",
            "ev.*.conversation.*.follow_up_due",
            "ev.*.conversation.*.message_due",
            "ev.*.conversation.*.message_retried",
        ],
    )
    .concurrency(AT_ONCE);
    log.subscribe(subscription, shutdown, move |recorded| {
        let dispatcher = Arc::clone(&dispatcher);
        async move { dispatcher.handle(&recorded).await }
    })
    .await?;
    Ok(())
}

struct Dispatcher {
    log: Log,
    settings: Arc<Settings>,
    ways: HashMap<String, (Way, Limits, OnUnknown)>,
    worker: String,
    shutdown: CancellationToken,
}

/// A claim that is in the log.
struct Claimed {
    claim_id: String,
    part: usize,
    parts: usize,
    attempt: u32,
    text: String,
    author: &'static str,
    follow_up_id: String,
    external_id: String,
}

impl Claimed {
    fn outbound(&self, message_id: &str) -> Outbound {
        Outbound {
            external_id: self.external_id.clone(),
            message_id: message_id.to_owned(),
            part: self.part,
            parts: self.parts,
            text: self.text.clone(),
            claim_id: self.claim_id.clone(),
            by_human: self.author == "human",
            attempt: self.attempt,
            ..Outbound::default()
        }
    }
}

/// What the claim came to.
enum Claimable {
    Claimed(Box<Claimed>),
    /// Something else was recorded: look again.
    Recorded,
    Busy(DateTime<Utc>),
    Nothing,
}

impl Dispatcher {
    async fn handle(&self, recorded: &Recorded) -> Result<Handled, HandleError> {
        let message_id = match &recorded.event {
            Event::MessageQueued(e) => e.message.as_ref().map(|m| m.message_id.as_str()),
            Event::FollowUpDue(e) => e.message.as_ref().map(|m| m.message_id.as_str()),
            Event::MessageDue(e) => Some(e.message_id.as_str()),
            Event::MessageRetried(e) => Some(e.message_id.as_str()),
            _ => None,
        };
        let (Some(message_id), Some(aggregate)) = (message_id, recorded.subject.aggregate_id()) else {
            return Ok(Handled::Done);
        };
        match self.drive(recorded, &aggregate, message_id).await {
            Ok(handled) => Ok(handled),
            Err(DecideError::Refused(refused)) => Err(HandleError::poison(refused)),
            Err(DecideError::Append(error)) => Err(HandleError::transient(error)),
            Err(DecideError::Log(error)) => Err(HandleError::transient(error)),
        }
    }

    /// Sends the message part by part, as far as it goes now.
    async fn drive(
        &self,
        recorded: &Recorded,
        aggregate: &AggregateId,
        message_id: &str,
    ) -> Result<Handled, DecideError<Refused>> {
        let cause = Cause::of(recorded, "service:outbox-dispatcher");
        let mut at_least = AtLeast::Position(recorded.position);
        loop {
            let seen = self.log.load::<Conversation>(aggregate, at_least).await?;
            let (Some(place), Some(message)) = (&seen.state.place, seen.state.outbox.get(message_id)) else {
                return Ok(Handled::Done);
            };
            if !message.is_open() {
                return Ok(Handled::Done);
            }
            let Some((way, limits, on_unknown)) = self.ways.get(&place.channel_id) else {
                return self.not_configured(aggregate, message_id, &place.channel_id, &cause).await;
            };
            let contact = match message.proactive {
                true => self.contact(aggregate, &place.contact_id).await?,
                false => None,
            };
            let preview = self.claiming(message_id, "", &seen.state, contact.as_deref(), None);
            let step = seen.state.next_step(&preview, fingerprint).map_err(DecideError::Refused)?;
            let mut limited_until = None;
            if let Step::Claim { .. } = step {
                if self.shutdown.is_cancelled() {
                    return Ok(Handled::Later(Duration::ZERO));
                }
                let waited = tokio::select! {
                    waited = limits.wait(&place.external_id) => waited,
                    // Unclaimed, so another dispatcher may have it at once.
                    () = self.shutdown.cancelled() => return Ok(Handled::Later(Duration::ZERO)),
                };
                limited_until = waited.then(Utc::now);
            }
            match self.claim(aggregate, message_id, contact.as_deref(), limited_until, &cause).await? {
                Claimable::Claimed(claimed) => {
                    let sent = way.send(&claimed.outbound(message_id)).await;
                    metrics::counter!("steward_dispatches_total", "outcome" => outcome(&sent)).increment(1);
                    let last = claimed.part + 1 == claimed.parts;
                    let accepted = matches!(sent, Sent::Accepted { .. });
                    let unknown = matches!(sent, Sent::Unknown { .. });
                    self.record(aggregate, message_id, *claimed, sent, &cause).await?;
                    if unknown && *on_unknown == OnUnknown::Resend {
                        self.resend(aggregate, message_id, &cause).await?;
                        return Ok(Handled::Done);
                    }
                    if !accepted || last {
                        return Ok(Handled::Done);
                    }
                    at_least = AtLeast::Latest;
                }
                Claimable::Recorded => {
                    if *on_unknown == OnUnknown::Resend {
                        self.resend(aggregate, message_id, &cause).await?;
                    }
                    return Ok(Handled::Done);
                }
                Claimable::Busy(until) => {
                    let wait = (until - Utc::now()).to_std().unwrap_or_default();
                    return Ok(Handled::Later(wait + Duration::from_millis(50)));
                }
                Claimable::Nothing => return Ok(Handled::Done),
            }
        }
    }

    /// Queues a message of unknown fate again, as the channel's policy says.
    async fn resend(
        &self,
        aggregate: &AggregateId,
        message_id: &str,
        cause: &Cause,
    ) -> Result<(), DecideError<Refused>> {
        self.log
            .decide::<Conversation, _, _>(aggregate, AtLeast::Latest, |state, _| {
                let unknown = |s: &MessageState| matches!(s, MessageState::Unknown(_));
                if !state.outbox.get(message_id).is_some_and(|m| unknown(&m.state)) {
                    return Ok((Vec::new(), ()));
                }
                Ok((self.events(cause, state.retry_message(message_id, "policy:on_unknown")?), ()))
            })
            .await?;
        Ok(())
    }

    /// Decides the claim against the conversation's version.
    async fn claim(
        &self,
        aggregate: &AggregateId,
        message_id: &str,
        contact: Option<&Contact>,
        limited_until: Option<DateTime<Utc>>,
        cause: &Cause,
    ) -> Result<Claimable, DecideError<Refused>> {
        let claim_id = Uuid::now_v7().to_string();
        let decided = self
            .log
            .decide::<Conversation, _, _>(aggregate, AtLeast::Cached, |state, _| {
                let claiming = self.claiming(message_id, &claim_id, state, contact, limited_until);
                Ok(match state.next_step(&claiming, fingerprint)? {
                    Step::Claim { event, part, text, attempt } => {
                        let message = &state.outbox[message_id];
                        let claimed = Claimed {
                            claim_id: claim_id.clone(),
                            part,
                            parts: message.parts.len(),
                            attempt,
                            text,
                            author: message.author.name(),
                            follow_up_id: message.follow_up_id.clone(),
                            external_id: state.place.as_ref().map(|p| p.external_id.clone()).unwrap_or_default(),
                        };
                        (self.events(cause, vec![*event]), Claimable::Claimed(Box::new(claimed)))
                    }
                    Step::Record(events) => (self.events(cause, events), Claimable::Recorded),
                    Step::Busy(until) => (Vec::new(), Claimable::Busy(until)),
                    Step::Waits | Step::Nothing => (Vec::new(), Claimable::Nothing),
                })
            })
            .await?;
        Ok(decided.value)
    }

    fn claiming<'a>(
        &'a self,
        message_id: &'a str,
        claim_id: &'a str,
        state: &Conversation,
        contact: Option<&Contact>,
        limited_until: Option<DateTime<Utc>>,
    ) -> Claiming<'a> {
        let zone = contact
            .and_then(|c| c.timezone.as_deref())
            .or(Some(state.person.timezone.as_str()))
            .and_then(|z| z.parse().ok())
            .unwrap_or(self.settings.defaults.timezone);
        let way = state.place.as_ref().and_then(|place| self.ways.get(&place.channel_id));
        Claiming {
            message_id,
            now: Utc::now(),
            claim_id,
            worker: &self.worker,
            lifetime: way.map_or(Duration::ZERO, |(way, ..)| way.request_timeout()) + TO_RECORD,
            late_limit: self.settings.defaults.late_limit,
            policy: &self.settings.policy,
            zone,
            archived: contact.is_some_and(|c| c.archived),
            limited_until,
        }
    }

    async fn contact(&self, aggregate: &AggregateId, contact_id: &str) -> Result<Option<Arc<Contact>>, LogError> {
        let Ok(contact_id) = contact_id.parse() else { return Ok(None) };
        let aggregate = ids::contact_aggregate(&aggregate.tenant, contact_id);
        Ok(Some(self.log.load::<Contact>(&aggregate, AtLeast::Latest).await?.state))
    }

    async fn not_configured(
        &self,
        aggregate: &AggregateId,
        message_id: &str,
        channel_id: &str,
        cause: &Cause,
    ) -> Result<Handled, DecideError<Refused>> {
        let text = format!("no channel `{channel_id}` is configured");
        self.log
            .decide::<Conversation, _, _>(aggregate, AtLeast::Cached, |state, _| {
                if !state.outbox.get(message_id).is_some_and(|m| m.is_queued()) {
                    return Ok((Vec::new(), ()));
                }
                let reason = Some((&Why::new("channel_not_configured", text.clone(), "")).into());
                let event = v1::MessageCancelled { message_id: message_id.to_owned(), reason, by: String::new() };
                Ok((self.events(cause, vec![event.into()]), ()))
            })
            .await?;
        Ok(Handled::Done)
    }

    /// Records what came of a claim. It happened, so it is a fact: appended whatever the version, until the log has it.
    async fn record(
        &self,
        aggregate: &AggregateId,
        message_id: &str,
        claimed: Claimed,
        sent: Sent,
        cause: &Cause,
    ) -> Result<(), DecideError<Refused>> {
        if let Sent::Moved { external_id } = &sent {
            self.rebind(aggregate, &claimed.external_id, external_id, cause).await?;
        }
        let key = format!("{}/result", claimed.claim_id);
        let event = result_event(message_id, claimed, sent, Utc::now());
        let append = Append {
            aggregate: aggregate.clone(),
            events: self.events(cause, vec![event]),
            expected: Expected::Any,
            dedupe_key: Some(key),
        };
        let mut pause = Duration::from_millis(50);
        loop {
            match self.log.append(append.clone()).await {
                Ok(_) => return Ok(()),
                // If the process must stop, the claim runs out and the send is recorded as unknown.
                Err(error) if self.shutdown.is_cancelled() => return Err(DecideError::Append(error)),
                Err(error) => {
                    tracing::warn!(%error, message_id, "the result of a send can't be recorded yet; trying again");
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = self.shutdown.cancelled() => {}
                    }
                    pause = (pause * 2).min(Duration::from_secs(2));
                }
            }
        }
    }

    /// The chat has a new address: later messages from it must find this conversation, and ours must go there.
    async fn rebind(
        &self,
        aggregate: &AggregateId,
        old: &str,
        new: &str,
        cause: &Cause,
    ) -> Result<(), DecideError<Refused>> {
        let seen = self.log.load::<Conversation>(aggregate, AtLeast::Cached).await?;
        let Some(place) = &seen.state.place else { return Ok(()) };
        let bound = v1::AddressBound {
            channel_id: place.channel_id.clone(),
            external_id: new.to_owned(),
            conversation_id: aggregate.id().to_owned(),
            previous_external_id: old.to_owned(),
            reason: "migrate_to_chat_id".to_owned(),
        };
        let address = ids::address(&aggregate.tenant, &place.channel_id, new);
        self.log
            .decide::<steward_domain::address::Address, _, Refused>(&address, AtLeast::Latest, |state, _| {
                let events = if state.conversation_id.is_some() { vec![] } else { vec![bound.clone().into()] };
                Ok((self.events(cause, events), ()))
            })
            .await?;
        let append = Append {
            aggregate: aggregate.clone(),
            events: self.events(cause, vec![bound.into()]),
            expected: Expected::Any,
            dedupe_key: Some(format!("{}/bound/{new}", aggregate.id())),
        };
        self.log.append(append).await.map_err(DecideError::Append)?;
        Ok(())
    }

    fn events(&self, cause: &Cause, events: Vec<Event>) -> Vec<NewEvent> {
        events.into_iter().map(|e| NewEvent::new(Uuid::now_v7(), Utc::now(), cause, e)).collect()
    }
}

/// SHA-256 (hex) of recipient and text: evidence of what was asked of the provider.
fn fingerprint(external_id: &str, text: &str) -> String {
    hex::encode(Sha256::new().chain_update(external_id).chain_update([0]).chain_update(text).finalize())
}

fn outcome(sent: &Sent) -> &'static str {
    match sent {
        Sent::Accepted { .. } => "sent",
        Sent::Deferred { .. } | Sent::Moved { .. } => "deferred",
        Sent::Refused { .. } => "failed",
        Sent::Unknown { .. } => "unknown",
    }
}

/// The pause before the next attempt, by the number of the one that was deferred: 1, 2, 4 … 60 s.
fn backoff(attempt: u32) -> TimeDelta {
    TimeDelta::seconds(1_i64.checked_shl(attempt.saturating_sub(1)).unwrap_or(60).clamp(1, 60))
}

fn result_event(message_id: &str, c: Claimed, sent: Sent, now: DateTime<Utc>) -> Event {
    let message_id = message_id.to_owned();
    let part = c.part as u32;
    let reason = |code: &str, text: String| Some((&Why::new(code, text, "")).into());
    match sent {
        Sent::Accepted { provider_message_id, answer } => v1::DispatchSucceeded {
            message_id,
            part,
            parts: c.parts as u32,
            claim_id: c.claim_id,
            provider_message_id,
            sent_at: Some(to_timestamp(now)),
            follow_up_id: c.follow_up_id,
            text: c.text,
            author: c.author.to_owned(),
            answer,
        }
        .into(),
        Sent::Deferred { code, text, .. } if c.attempt >= MOST_ATTEMPTS => v1::DispatchFailed {
            message_id,
            part,
            claim_id: c.claim_id,
            reason: reason(code, format!("given up after {MOST_ATTEMPTS} attempts: {text}")),
            permanent: false,
            provider_code: String::new(),
            follow_up_id: c.follow_up_id,
        }
        .into(),
        Sent::Deferred { code, text, retry_at } => v1::DispatchDeferred {
            message_id,
            part,
            claim_id: c.claim_id,
            reason: reason(code, text),
            until: Some(to_timestamp(retry_at.unwrap_or(now + backoff(c.attempt)))),
            follow_up_id: c.follow_up_id,
        }
        .into(),
        Sent::Moved { external_id } => v1::DispatchDeferred {
            message_id,
            part,
            claim_id: c.claim_id,
            reason: reason("moved", format!("the chat is now {external_id}")),
            until: Some(to_timestamp(now)),
            follow_up_id: c.follow_up_id,
        }
        .into(),
        Sent::Refused { code, text, provider_code } => v1::DispatchFailed {
            message_id,
            part,
            claim_id: c.claim_id,
            reason: reason(code, text),
            permanent: true,
            provider_code,
            follow_up_id: c.follow_up_id,
        }
        .into(),
        Sent::Unknown { text } => v1::DispatchUnknown {
            message_id,
            part,
            claim_id: c.claim_id,
            reason: reason("no_answer", text),
            follow_up_id: c.follow_up_id,
        }
        .into(),
    }
}
