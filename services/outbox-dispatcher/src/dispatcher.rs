//! From a due message to its recorded fate: wait for the limiter, claim, send, record.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use steward_domain::{
    contact::Contact,
    conversation::{
        Author, Conversation, MessageState, Refused, Why,
        dispatch::{Claiming, Step},
        templates::Addressee,
    },
    settings::{ChannelKind, OnUnknown, Policy, Settings, Template},
};
use steward_log::{AtLeast, DecideError, HandleError, Handled, Log, LogError, Subscription};
use steward_proto::{AggregateId, Cause, Event, NewEvent, Recorded, v1};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    breaker::Breaker,
    channels::{Outbound, Sent, TemplateCall, Thread, Way, http_client},
    limits::Limits,
    release::by_breaker,
    results::outcome,
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
    let breaker = Breaker::new(settings.policy.breaker);
    let worker = format!("outbox-dispatcher:{}", Uuid::now_v7().simple());
    let dispatcher =
        Arc::new(Dispatcher { log: log.clone(), settings, ways, breaker, worker, shutdown: shutdown.clone() });
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
    .tenants(dispatcher.settings.tenant_ids());
    log.subscribe(subscription, shutdown, move |recorded| {
        let dispatcher = Arc::clone(&dispatcher);
        async move { dispatcher.handle(&recorded).await }
    })
    .await?;
    Ok(())
}

/// One process's dispatcher.
pub(crate) struct Dispatcher {
    pub(crate) log: Log,
    pub(crate) settings: Arc<Settings>,
    ways: HashMap<String, (Way, Limits, OnUnknown)>,
    breaker: Breaker,
    pub(crate) worker: String,
    pub(crate) shutdown: CancellationToken,
}

/// A claim that is in the log.
pub struct Claimed {
    pub claim_id: String,
    pub part: usize,
    pub parts: usize,
    pub attempt: u32,
    pub text: String,
    pub author: &'static str,
    pub follow_up_id: String,
    pub external_id: String,
    pub template: Option<TemplateCall>,
    buttons: Vec<v1::Button>,
    thread: Thread,
    proactive: bool,
    /// A person let it go.
    let_go: bool,
}

impl Claimed {
    fn outbound(&self, message_id: &str) -> Outbound {
        let last = self.part + 1 == self.parts;
        Outbound {
            external_id: self.external_id.clone(),
            message_id: message_id.to_owned(),
            part: self.part,
            parts: self.parts,
            text: self.text.clone(),
            claim_id: self.claim_id.clone(),
            // Below the whole text.
            buttons: if last { self.buttons.clone() } else { Vec::new() },
            template: self.template.clone(),
            thread: self.thread.clone(),
            proactive: self.proactive,
            attempt: self.attempt,
            by_human: self.author == Author::Human.name(),
        }
    }
}

/// What is known beside the conversation.
#[derive(Clone, Copy)]
struct Known<'a> {
    /// The tenant's.
    policy: &'a Policy,
    contact: Option<&'a Contact>,
    /// When something proactive went to the same person in their other conversations.
    elsewhere: &'a [DateTime<Utc>],
    breaker_open: bool,
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
        let Some(aggregate) = recorded.subject.aggregate_id() else { return Ok(Handled::Done) };
        let message_id = match &recorded.event {
            Event::MessageQueued(e) => e.message.as_ref().map(|m| m.message_id.clone()),
            Event::FollowUpDue(e) => e.message.as_ref().map(|m| m.message_id.clone()),
            Event::MessageDue(e) => Some(e.message_id.clone()),
            Event::MessageRetried(e) => Some(e.message_id.clone()),
            Event::MessageApproved(e) => Some(e.message_id.clone()),
            Event::MessageEdited(e) => Some(e.message_id.clone()),
            Event::MessageReleased(e) => Some(e.message_id.clone()),
            // It may be the proof of one part, and then the next one's turn.
            Event::DeliveryReported(e) => Some(e.message_id.clone()).filter(|_| e.status != "failed"),
            _ => None,
        };
        let driven = match &recorded.event {
            Event::DeliveryReported(e) if e.reason.as_ref().is_some_and(|r| r.code == "window_closed") => {
                self.retry_outside_window(recorded, &aggregate, &e.message_id).await
            }
            Event::BreakerReset(e) => self.release_all(recorded, &aggregate, e).await,
            Event::MessageHeld(e) if by_breaker(e) => self.release_late(recorded, &aggregate, e).await,
            _ => match message_id.filter(|id| !id.is_empty()) {
                Some(message_id) => self.drive(recorded, &aggregate, &message_id).await,
                None => return Ok(Handled::Done),
            },
        };
        driven.map_err(HandleError::from)
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
            // For policy, or for the words of a template.
            let asked = message.proactive || seen.state.capabilities().templates;
            let (contact, breaker_open) = tokio::try_join!(
                async { if asked { self.contact(aggregate, &place.contact_id).await } else { Ok(None) } },
                async { Ok(message.proactive && self.breaker.is_open(&self.log, &aggregate.tenant).await?) },
            )?;
            let contact = contact.as_deref();
            let proactive = message.proactive && message.part == 0;
            let elsewhere = if proactive { self.sent_elsewhere(aggregate, contact).await? } else { Vec::new() };
            let policy = self.settings.policy(&aggregate.tenant);
            let known = Known { policy, contact, elsewhere: &elsewhere, breaker_open };
            let preview = self.claiming(message_id, "", &seen.state, known, None);
            let step = seen.state.next_step(&preview).map_err(DecideError::Refused)?;
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
            match self.claim(aggregate, message_id, known, limited_until, &cause).await? {
                Claimable::Claimed(claimed) => {
                    let this = (message_id, claimed.attempt);
                    let met = if proactive { self.meets_another(aggregate, contact, this).await } else { None };
                    let sent = match met {
                        Some(deferred) => deferred,
                        None => way.send(&claimed.outbound(message_id)).await,
                    };
                    metrics::counter!("steward_dispatches_total", "outcome" => outcome(&sent)).increment(1);
                    let last = claimed.part + 1 == claimed.parts;
                    let accepted = matches!(sent, Sent::Accepted { .. });
                    let unknown = matches!(sent, Sent::Unknown { .. });
                    let tripped = self.breaker.count(&aggregate.tenant, &sent, claimed.proactive && !claimed.let_go);
                    self.record(aggregate, message_id, *claimed, sent, &cause).await?;
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
                    let wait = (until - Utc::now()).to_std().unwrap_or_default();
                    return Ok(Handled::Later(wait + Duration::from_millis(50)));
                }
                Claimable::Nothing => return Ok(Handled::Done),
            }
        }
    }

    /// The provider took free text, and then said that it takes none now.
    async fn retry_outside_window(
        &self,
        recorded: &Recorded,
        aggregate: &AggregateId,
        message_id: &str,
    ) -> Result<Handled, DecideError<Refused>> {
        let cause = Cause::of(recorded, "service:outbox-dispatcher");
        self.log
            .decide::<Conversation, _, _>(aggregate, AtLeast::Position(recorded.position), |state, _| {
                Ok((self.events(&cause, state.retry_outside_window(message_id)?), ()))
            })
            .await?;
        Ok(Handled::Done)
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
        known: Known<'_>,
        limited_until: Option<DateTime<Utc>>,
        cause: &Cause,
    ) -> Result<Claimable, DecideError<Refused>> {
        let claim_id = Uuid::now_v7().to_string();
        let decided = self
            .log
            .decide::<Conversation, _, _>(aggregate, AtLeast::Cached, |state, _| {
                let claiming = self.claiming(message_id, &claim_id, state, known, limited_until);
                Ok(match state.next_step(&claiming)? {
                    Step::Claim { event, part, text, attempt, template } => {
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
                            template: template.map(|t| TemplateCall {
                                name: t.name,
                                language: t.language,
                                parameters: t.parameters,
                            }),
                            buttons: message.buttons.iter().take(state.capabilities().buttons).cloned().collect(),
                            thread: Thread {
                                subject: state.thread.subject.clone(),
                                references: state.thread.references.clone(),
                            },
                            proactive: message.proactive,
                            let_go: message.let_go,
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
        state: &'a Conversation,
        known: Known<'a>,
        limited_until: Option<DateTime<Utc>>,
    ) -> Claiming<'a> {
        let Known { policy, contact, elsewhere, breaker_open } = known;
        let zone = contact
            .and_then(|c| c.timezone.as_deref())
            .or(Some(state.person.timezone.as_str()))
            .and_then(|z| z.parse().ok())
            .unwrap_or(self.settings.defaults.timezone);
        let channel_id = state.place.as_ref().map_or("", |place| place.channel_id.as_str());
        let way = self.ways.get(channel_id);
        Claiming {
            message_id,
            now: Utc::now(),
            claim_id,
            worker: &self.worker,
            lifetime: way.map_or(Duration::ZERO, |(way, ..)| way.request_timeout()) + TO_RECORD,
            late_limit: self.settings.defaults.late_limit,
            policy,
            approval: self.settings.approval(channel_id),
            zone,
            archived: contact.is_some_and(|c| c.archived),
            limited_until,
            templates: self.templates(state),
            addressee: Addressee {
                languages: [
                    contact.and_then(|c| c.language.as_deref()).unwrap_or(&state.person.language),
                    self.settings.defaults.language.code(),
                ],
                name: contact.and_then(|c| c.name.as_deref()).unwrap_or(&state.person.name),
            },
            breaker_open,
            elsewhere,
        }
    }

    /// The templates of the conversation's channel.
    fn templates(&self, state: &Conversation) -> &[Template] {
        match state.place.as_ref().and_then(|p| self.settings.channel(&p.channel_id)).map(|c| &c.kind) {
            Some(ChannelKind::WhatsApp(whatsapp)) => &whatsapp.templates,
            _ => &[],
        }
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

    pub(crate) fn events(&self, cause: &Cause, events: Vec<Event>) -> Vec<NewEvent> {
        events.into_iter().map(|e| NewEvent::new(Uuid::now_v7(), Utc::now(), cause, e)).collect()
    }
}
