//! The way of a due message to its recorded fate: waits for its turn, claims, sends, records.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use steward_domain::{
    conversation::{Conversation, MessageState, Refused, dispatch::Step},
    ids::{self, ClaimId, MessageId},
    settings::OnUnknown,
};
use steward_log::{AtLeast, DecideError, HandleError, Handled, Log, LogError, Shares, Subscription};
use steward_proto::{AggregateId, Cause, Event, NewEvent, Recorded, from_timestamp};
use steward_settings::{Channel, InForce};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    breaker::Breaker,
    channels::{Sent, Way, http_client, way_of},
    claim::{Claimable, Known},
    health,
    line::{Line, Room, Turn, Wish},
    release::by_breaker,
    results::outcome,
};

/// How many events are handled at the same time. Nearly all of them wait for a turn, a provider or the log.
const AT_ONCE: usize = 2_000;
/// How many events all processes together hold; those that wait here are a part of them.
const IN_HAND: usize = 8_000;
/// How many events are weighed at the same time, until they wait for their turn or have nothing left to do: in all, and
/// of one tenant.
const WEIGHED: usize = 256;
const WEIGHED_OF_TENANT: usize = 128;
/// A message waits here only if at most this many are ready to go behind it in its conversation.
const FEW: usize = 8;
/// An alarm that is about to ring rings within this time; it is also how often to look whether a message that goes
/// before has gone.
const ABOUT_TO_RING: Duration = Duration::from_millis(200);

/// Why the dispatcher can't run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the HTTP client can't be made: {0}")]
    Client(#[from] reqwest::Error),
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Runs until `shutdown`, then finishes the sends in hand.
pub async fn run(log: Log, settings: InForce, shutdown: CancellationToken) -> Result<(), Error> {
    let client = http_client()?;
    let room = Room::default();
    let route = |c: &Channel| {
        let way = way_of(c, &client)?;
        let line = Arc::new(Line::new(c, way.as_ref(), &room, log.clock().clone()));
        Some((c.id.clone(), Route { way, line, on_unknown: c.on_unknown }))
    };
    let routes: HashMap<_, _> = settings.now().channels.iter().filter_map(route).collect();
    let lines = routes.values().map(|route| Arc::clone(&route.line)).collect();
    let _alive = health::register(&log, room.clone(), lines, shutdown.clone());
    let breaker = Breaker::new(settings.now().policy.breaker);
    let worker = format!("outbox-dispatcher:{}", Uuid::now_v7().simple());
    let weighed = Shares::new(WEIGHED, WEIGHED_OF_TENANT);
    let dispatcher = Arc::new(Dispatcher {
        log: log.clone(),
        settings,
        routes,
        weighed,
        breaker,
        worker,
        shutdown: shutdown.clone(),
    });
    let subscription = Subscription::new(
        "outbox-dispatcher",
        [
            "ev.*.conversation.*.message_queued",
            "ev.*.conversation.*.follow_up_due",
            "ev.*.conversation.*.message_due",
            "ev.*.conversation.*.message_retried",
            "ev.*.conversation.*.message_approved",
            "ev.*.conversation.*.message_edited",
            "ev.*.conversation.*.message_released",
            "ev.*.conversation.*.message_held",
            "ev.*.conversation.*.delivery_reported",
            "ev.*.tenant.*.breaker_reset",
        ],
    )
    .concurrency(AT_ONCE)
    .tenants(dispatcher.settings.now().tenant_ids());
    let subscription = Subscription { max_ack_pending: IN_HAND, ..subscription };
    log.subscribe(subscription, shutdown, move |recorded| {
        let dispatcher = Arc::clone(&dispatcher);
        async move { dispatcher.handle(&recorded).await }
    })
    .await?;
    Ok(())
}

/// The way out of a channel's messages, with its line.
pub(crate) struct Route {
    pub(crate) way: Arc<dyn Way>,
    line: Arc<Line>,
    on_unknown: OnUnknown,
}

/// The dispatcher of one process.
pub(crate) struct Dispatcher {
    pub(crate) log: Log,
    pub(crate) settings: InForce,
    pub(crate) routes: HashMap<String, Route>,
    weighed: Shares,
    breaker: Breaker,
    pub(crate) worker: String,
    pub(crate) shutdown: CancellationToken,
}

impl Dispatcher {
    async fn handle(&self, recorded: &Recorded) -> Result<Handled, HandleError> {
        let Some(aggregate) = recorded.subject.aggregate_id() else { return Ok(Handled::Done) };
        let message_id = match &recorded.event {
            Event::MessageQueued(e) => e.message.as_ref().map(|m| m.message_id.as_str()),
            Event::FollowUpDue(e) => e.message.as_ref().map(|m| m.message_id.as_str()),
            Event::MessageDue(e) => Some(e.message_id.as_str()),
            Event::MessageRetried(e) => Some(e.message_id.as_str()),
            Event::MessageApproved(e) => Some(e.message_id.as_str()),
            Event::MessageEdited(e) => Some(e.message_id.as_str()),
            Event::MessageReleased(e) => Some(e.message_id.as_str()),
            // The report may prove that one part was sent, and then it is the next part's turn.
            Event::DeliveryReported(e) => Some(e.message_id.as_str()).filter(|_| e.status != "failed"),
            _ => None,
        };
        let read = |id: &str| ids::optional(id).map_err(HandleError::poison);
        let driven = match &recorded.event {
            Event::DeliveryReported(e) if e.reason.as_ref().is_some_and(|r| r.code == "window_closed") => {
                match read(&e.message_id)? {
                    Some(message_id) => self.retry_outside_window(recorded, &aggregate, &message_id).await,
                    None => return Ok(Handled::Done),
                }
            }
            Event::BreakerReset(e) => self.release_all(recorded, &aggregate, e).await,
            Event::MessageHeld(e) if by_breaker(e) => self.release_late(recorded, &aggregate, e).await,
            _ => match read(message_id.unwrap_or_default())? {
                Some(message_id) => self.drive(recorded, &aggregate, &message_id).await,
                None => return Ok(Handled::Done),
            },
        };
        driven.map_err(HandleError::from)
    }

    /// Sends the message part by part, as far as it can go now.
    async fn drive(
        &self,
        recorded: &Recorded,
        aggregate: &AggregateId,
        message_id: &MessageId,
    ) -> Result<Handled, DecideError<Refused>> {
        let cause = Cause::of(recorded, "service:outbox-dispatcher");
        let mut at_least = AtLeast::Position(recorded.position);
        let own_turn = match &recorded.event {
            Event::MessageDue(e) => from_timestamp(e.due_at.as_ref()),
            _ => None,
        };
        loop {
            let weighing = self.weighed.take(aggregate.tenant.as_str(), "", WEIGHED).await;
            let seen = self.log.load::<Conversation>(aggregate, at_least).await?;
            let (Some(place), Some(message)) = (&seen.state.place, seen.state.outbox.get(message_id)) else {
                return Ok(Handled::Done);
            };
            if !message.is_open() {
                return Ok(Handled::Done);
            }
            let policy = &self.settings.now().policy(&aggregate.tenant);
            let Some(Route { way, line, on_unknown }) = self.routes.get(&place.channel_id) else {
                // If the message can't go out, nobody else need be asked: the claim's gates say so.
                let known = Known { policy, contact: None, elsewhere: &[], breaker_open: false };
                self.claim(aggregate, message_id, known, None, &cause).await?;
                return Ok(Handled::Done);
            };
            // The contact matters for policy, and for the words of a template.
            let asked = message.proactive || seen.state.capabilities().templates;
            let (contact, breaker_open) = tokio::try_join!(
                async { if asked { self.contact(aggregate, place.contact_id, at_least).await } else { Ok(None) } },
                async { Ok(message.proactive && self.breaker.is_open(&self.log, &aggregate.tenant).await?) },
            )?;
            let contact = contact.as_deref();
            let proactive = message.proactive && message.part == 0;
            let elsewhere = if proactive { self.sent_elsewhere(aggregate, contact).await? } else { Vec::new() };
            let known = Known { policy, contact, elsewhere: &elsewhere, breaker_open };
            // Only looked at: it claims nothing.
            let preview = self.claiming(message_id, ClaimId::new(Uuid::now_v7()), &seen.state, known, None);
            seen.readable()?;
            let step = seen.state.next_step(&preview).map_err(DecideError::Refused)?;
            drop(weighing);
            let mut going = None;
            if let Step::Claim { .. } = step {
                if self.shutdown.is_cancelled() {
                    return Ok(Handled::Later(Duration::ZERO));
                }
                // A message whose first part is out stands behind no other.
                let before = seen.state.line_before(message_id, own_turn, self.now()).filter(|_| message.part == 0);
                let until = match before {
                    Some(turn) if own_turn.is_some() && turn <= self.now() => return Ok(Handled::Later(ABOUT_TO_RING)),
                    Some(turn) => line.put_off().max(line.behind(turn)),
                    None => {
                        let wish = Wish {
                            chat: &place.external_id,
                            proactive: message.proactive,
                            returned: own_turn.is_some(),
                            hurried: seen.state.ready_beside(message_id) > FEW,
                        };
                        let turn = tokio::select! {
                            turn = line.turn(wish) => turn,
                            // The message isn't claimed, so another dispatcher may have it at once.
                            () = self.shutdown.cancelled() => return Ok(Handled::Later(Duration::ZERO)),
                        };
                        match turn {
                            Turn::Now(go) => {
                                going = Some(go);
                                self.now()
                            }
                            Turn::At(until) => until,
                        }
                    }
                };
                if going.is_none() {
                    return self.put_in_line(aggregate, message_id, until, &cause).await;
                }
            }
            let limited_until = going.as_ref().filter(|going| going.waited).map(|_| self.now());
            match self.claim(aggregate, message_id, known, limited_until, &cause).await? {
                Claimable::Claimed(claimed) => {
                    let this = (message_id, claimed.attempt);
                    let met = if proactive { self.meets_another(aggregate, contact, this).await } else { None };
                    let sent = match met {
                        Some(deferred) => deferred,
                        None => way.send(&claimed.outbound(message_id), self.log.clock()).await,
                    };
                    metrics::counter!("steward_dispatches_total", "outcome" => outcome(&sent)).increment(1);
                    let last = claimed.part + 1 == claimed.parts;
                    let accepted = matches!(sent, Sent::Accepted { .. });
                    let unknown = matches!(sent, Sent::Unknown { .. });
                    let tripped =
                        self.breaker.count(self.now(), &aggregate.tenant, &sent, claimed.proactive && !claimed.let_go);
                    self.record(aggregate, message_id, *claimed, sent, &cause).await?;
                    drop(going);
                    if let Some(tripped) = tripped {
                        self.trip(&aggregate.tenant, tripped, &cause).await?;
                    }
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
                    let wait = (until - self.now()).to_std().unwrap_or_default();
                    return Ok(Handled::Later(wait + Duration::from_millis(50)));
                }
                Claimable::Nothing => return Ok(Handled::Done),
            }
        }
    }

    /// There is no room to wait here: the message waits in the log until its turn, and the scheduler brings it back.
    async fn put_in_line(
        &self,
        aggregate: &AggregateId,
        message_id: &MessageId,
        until: DateTime<Utc>,
        cause: &Cause,
    ) -> Result<Handled, DecideError<Refused>> {
        self.log
            .decide::<Conversation, _, _>(aggregate, AtLeast::Cached, |state, _| {
                Ok((self.events(cause, state.put_in_line(message_id, self.now(), until)?), ()))
            })
            .await?;
        Ok(Handled::Done)
    }

    /// The provider seemed to take free text, and then said that it takes none now.
    async fn retry_outside_window(
        &self,
        recorded: &Recorded,
        aggregate: &AggregateId,
        message_id: &MessageId,
    ) -> Result<Handled, DecideError<Refused>> {
        let cause = Cause::of(recorded, "service:outbox-dispatcher");
        self.log
            .decide::<Conversation, _, _>(aggregate, AtLeast::Position(recorded.position), |state, _| {
                Ok((self.events(&cause, state.retry_outside_window(message_id)?), ()))
            })
            .await?;
        Ok(Handled::Done)
    }

    /// Queues a message of unknown fate again, if the channel's policy says so.
    async fn resend(
        &self,
        aggregate: &AggregateId,
        message_id: &MessageId,
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

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.log.clock().now()
    }

    pub(crate) fn events(&self, cause: &Cause, events: Vec<Event>) -> Vec<NewEvent> {
        events.into_iter().map(|e| NewEvent::new(Uuid::now_v7(), self.now(), cause, e)).collect()
    }
}
