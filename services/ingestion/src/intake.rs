//! Recording what came in: one append, exactly once, before anybody is told that it is safe.

use std::{collections::HashMap, convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use chrono::TimeDelta;
use sha2::{Digest as _, Sha256};
use steward_domain::{
    conversation::{Conversation, MessageState},
    ids::{self, ConversationId, MessageId},
    inbox::Inbox,
};
use steward_http::{Guard, Problem, Trace};
use steward_log::{
    Append, AtLeast, DecideError, Decided, Expected, Log, Tasks, Versioned,
    places::{Bounds, Place, Places, few},
};
use steward_proto::{AggregateId, Cause, Event, NewEvent, TenantId, v1};
use steward_settings::{Channel, InForce};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    arrival::{Action, Arrival, Command, Said, What},
    commands::Repeats,
    names::Names,
    origin::{Origin, new_event, source_of},
    outside::OutsideId,
    parsing::{LARGE, Parsing, Unread},
    patience::in_time,
    people::{People, bound},
    ways::{Way, way_of},
};

/// Raw bodies up to this many bytes stand in the event itself; larger ones go to the object store.
const RAW_LIMIT: usize = 256 << 10;

/// Half the log's duplicate window: what is older may have been stored before the window, so it is looked up.
const FRESH: TimeDelta = TimeDelta::minutes(5);

/// A clock this far ahead of ours is a wrong one: its times say nothing about age.
const SKEW: TimeDelta = TimeDelta::minutes(1);

/// An arrival waits this long for its place, at most.
const FOR_A_PLACE: Duration = Duration::from_secs(10);

/// The log and the channels, shared by all requests.
#[derive(Clone)]
pub struct Intake {
    pub log: Log,
    pub settings: InForce,
    pub repeats: Repeats,
    names: Names,
    /// Where large bodies are read.
    pub parsing: Parsing,
    /// For arrivals until they are recorded: as many as come, but few of a tenant beside one that has little to record.
    places: Places,
    /// By the channel's id.
    ways: Arc<HashMap<String, Arc<dyn Way>>>,
    /// Who may be told of channels.
    pub guard: Guard,
}

impl Intake {
    pub fn new(log: Log, settings: InForce, guard: Guard, shutdown: CancellationToken, tasks: &Tasks) -> Self {
        let names = Names::watch(log.clone(), shutdown, tasks);
        let now = settings.now();
        let parsing = Parsing::of(&now);
        let ways = now.channels.iter().map(|channel| (channel.id.clone(), way_of(channel))).collect();
        let places = Places::new(Bounds { all: usize::MAX, share: usize::MAX, beside: few() });
        Self { log, settings, repeats: Repeats::default(), names, parsing, places, ways: Arc::new(ways), guard }
    }

    /// The channel's way in. One that came into force since the start has nothing to remember yet.
    pub fn way(&self, channel: &Channel) -> Arc<dyn Way> {
        self.ways.get(&channel.id).cloned().unwrap_or_else(|| way_of(channel))
    }

    /// Records an arrival. When it returns, the arrival is durable and will never make a second event.
    ///
    /// # Errors
    /// 503 or 507 when the log doesn't take it; the channel is to bring it again.
    pub async fn record(&self, channel: &Channel, arrival: Arrival, raw: Bytes, trace: &Trace) -> Result<(), Problem> {
        let began = Instant::now();
        let place = self.place(&TenantId::new(&channel.tenant).expect("the configuration was checked")).await?;
        let recorded = in_time(self.record_one(channel, arrival, raw, trace)).await;
        metrics::histogram!("steward_ingest_seconds").record(began.elapsed().as_secs_f64());
        place.rest().await;
        recorded
    }

    /// A place to record something in. It rests before it is given on, and whoever brings more than can be recorded now is
    /// answered the later for it.
    ///
    /// # Errors
    /// 503 when there is none in time.
    pub async fn place(&self, tenant: &TenantId) -> Result<Place, Problem> {
        timeout(FOR_A_PLACE, self.places.take(tenant)).await.map_err(|_| Unread::Busy.into())
    }

    /// Keeps a body that is genuine and couldn't be read, for a person to look at: it isn't lost, and isn't read again and
    /// again.
    ///
    /// # Errors
    /// 503 when it only has to wait, else as [`record`](Self::record).
    pub async fn keep_unread(&self, channel: &Channel, why: Unread, raw: Bytes, trace: &Trace) -> Result<(), Problem> {
        if why == Unread::Busy {
            return Err(why.into());
        }
        tracing::warn!(
            channel = channel.id,
            bytes = raw.len(),
            "{why}; it is kept as it came, and nothing comes of it"
        );
        let body = raw.clone();
        let digest = async move { hex::encode(Sha256::digest(body)) };
        let digest = self.parsing.read(&channel.tenant, raw.len() > LARGE, digest).await?;
        let what = What::Kept("not_understood".into());
        let arrival = Arrival { key: format!("unread:{digest}").into(), at: None, chat: None, from: None, what };
        self.record(channel, arrival, raw, trace).await
    }

    async fn record_one(
        &self,
        channel: &Channel,
        mut arrival: Arrival,
        raw: Bytes,
        trace: &Trace,
    ) -> Result<(), Problem> {
        let tenant = TenantId::new(&channel.tenant).expect("the configuration was checked");
        let way = self.way(channel);
        if let Some(conversation) = way.named_by_anybody(&arrival)
            && !self.is_there(&tenant, conversation).await?
        {
            // It looks like news of a mail of ours, and we never wrote one in such a conversation.
            arrival = Arrival { chat: None, from: None, what: What::Kept("report_of_unknown".into()), ..arrival };
        }
        let mut source = source_of(channel, &arrival);
        self.keep_raw(&mut source, raw).await?;
        let Arrival { key, at, chat, from, what } = arrival;
        let from = from.map(v1::Person::from);
        let who = from.as_ref().map_or("", |f| f.id.as_str());
        let actor = match &what {
            What::Operator(_) | What::HumanWrote { .. } => format!("operator:{who}"),
            _ if who.is_empty() => format!("channel:{}", channel.id),
            _ => format!("client:{who}"),
        };
        let cause = Cause::outside(actor, trace.traceparent.clone());
        let now = self.log.clock().now();
        let fresh = at.is_some_and(|at| at > now - FRESH && at < now + SKEW);

        let Some(chat) = chat else {
            let kind = if let What::Kept(kind) = what { kind.into() } else { "unknown".to_owned() };
            let aggregate = ids::inbox(&tenant, &channel.id, &key);
            if !fresh {
                let inbox = self.log.load::<Inbox>(&aggregate, AtLeast::Latest).await?;
                if inbox.state.inbound.contains(key.as_str()) {
                    return Ok(());
                }
            }
            let kept = v1::UpdateKept { source: Some(source.clone()), kind, from, ..v1::UpdateKept::default() };
            return self.fact(aggregate, &source, vec![new_event(&self.log, &cause, kept)]).await;
        };
        let people = People { intake: self, tenant: &tenant, channel, cause: &cause };
        let reported = match &what {
            What::Reported(report) => report.message_id.map(MessageId::conversation),
            _ => None,
        };
        let conversation = match (&what, reported) {
            // It names the message, and so the conversation, wherever that takes place by now.
            (_, Some(conversation)) => conversation,
            (What::Moved { from, to }, None) => way.moved(&people, &chat, from, to).await?,
            (_, None) => way.conversation(&people, &chat).await?,
        };
        if !fresh && way.had_it_before(&people, &chat, conversation, &key).await? {
            return Ok(());
        }
        let contact = way.contact(&chat, conversation);
        let contact_id = ids::contact(&tenant, &channel.id, &contact);
        let origin = Origin { tenant, conversation, chat, from, source, contact_id, cause };
        match what {
            What::Operator(Command { action, client: None }) if origin.chat.contact != *origin.by() => {
                self.command_in_clients_chat(&origin, &action).await
            }
            What::Operator(command) => self.command_in_own_chat(channel, &origin, command).await,
            What::HumanWrote { said, via, takes_over: Some(reason) } => {
                self.human_took_over(&origin, &said, via, reason).await
            }
            What::Overheard(said) => self.overheard(&origin, &said).await,
            what => self.fact_of_conversation(&origin, what, fresh).await,
        }
    }

    /// Whether anything was ever recorded of this conversation.
    pub(crate) async fn is_there(&self, tenant: &TenantId, conversation: ConversationId) -> Result<bool, Problem> {
        let aggregate = ids::conversation_aggregate(tenant, conversation);
        for at_least in [AtLeast::Cached, AtLeast::Latest] {
            if self.log.load::<Conversation>(&aggregate, at_least).await?.version > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Puts the body as it came in into the event, or a large one into the object store, before the event names it.
    pub(crate) async fn keep_raw(&self, source: &mut v1::Source, raw: Bytes) -> Result<(), Problem> {
        if raw.len() > RAW_LIMIT {
            source.raw_blob = self.log.put_blob(raw).await?;
        } else {
            source.raw = raw.into();
        }
        Ok(())
    }

    /// Facts: no condition, no load. The usual way in.
    async fn fact_of_conversation(&self, origin: &Origin, what: What, fresh: bool) -> Result<(), Problem> {
        if !fresh {
            let state = self.log.load::<Conversation>(&origin.aggregate(), AtLeast::Latest).await?.state;
            if state.inbound.contains(&origin.source.key) {
                return Ok(());
            }
        }
        let source = Some(origin.source.clone());
        let clients = matches!(what, What::Said(_));
        let moved = match &what {
            What::Moved { from, to } => Some(bound(&origin.source.channel_id, to, origin.conversation, from)),
            _ => None,
        };
        let fact: Event = match what {
            What::Said(said) => origin.said(said),
            What::HumanWrote { said, via, .. } => origin.human_wrote(&said, via),
            What::Kept(kind) => origin.kept(&kind),
            What::Aside { kind, said, about } => origin.aside(kind, said, about),
            What::Noted { kind, said, about } => origin.noted(kind, said, about),
            What::Revoked { kind, about } => origin.revoked(kind, about),
            What::Overheard(said) => origin.noted("group_message", said, OutsideId::default()),
            What::Reported(report) => origin.reported(report),
            What::Meeting(news) => origin.meeting(news),
            What::Operator(_) => origin.kept("operator_command"),
            What::Blocked => {
                v1::RecipientBlocked { source, text: "the client blocked or removed us".to_owned() }.into()
            }
            What::Unblocked => v1::RecipientUnblocked { source }.into(),
            What::Moved { .. } => origin.kept("migrated"),
        };
        let events =
            std::iter::once(fact).chain(moved).map(|event| new_event(&self.log, &origin.cause, event)).collect();
        self.fact(origin.aggregate(), &origin.source, events).await?;
        if clients && origin.chat.private {
            self.names.learn(origin);
        }
        Ok(())
    }

    async fn fact(&self, aggregate: AggregateId, source: &v1::Source, events: Vec<NewEvent>) -> Result<(), Problem> {
        let dedupe_key = Some(format!("{}/{}", source.channel_id, source.key));
        self.log.append(Append { aggregate, events, expected: Expected::Any, dedupe_key }).await?;
        Ok(())
    }

    /// A human of ours wrote past Steward: their message and the takeover it means, together.
    async fn human_took_over(
        &self,
        origin: &Origin,
        said: &Said,
        via: &'static str,
        reason: &'static str,
    ) -> Result<(), Problem> {
        self.note_once(origin, |seen| {
            let state = &seen.state;
            if is_our_own(state, said) {
                return vec![origin.kept("own_echo")];
            }
            let mut events = vec![origin.human_wrote(said, via)];
            // Refused when they are active already; nor is it decided where this build can't read all. The fact stays.
            if seen.ahead.is_none()
                && let Ok(takeover) = origin.placed(state).take_over(origin.by(), reason, "")
            {
                events.extend(takeover);
            }
            events
        })
        .await
    }

    /// `/human_active` and `/human_release` where the client is.
    async fn command_in_clients_chat(&self, origin: &Origin, action: &Action) -> Result<(), Problem> {
        self.note_once(origin, |seen| {
            let state = origin.placed(&seen.state);
            let decided = match action {
                _ if seen.ahead.is_some() => Ok(Vec::new()),
                Action::TakeOver => state.take_over(origin.by(), "command", ""),
                Action::Release => state.release(origin.by(), "command"),
                Action::Resolve => state.release(origin.by(), "resolve"),
                Action::Write(_) | Action::Incomplete => Ok(Vec::new()),
            };
            let mut events = decided.unwrap_or_default();
            for event in &mut events {
                match event {
                    Event::HumanTakeoverStarted(e) => e.source = Some(origin.source.clone()),
                    Event::HumanTakeoverEnded(e) => e.source = Some(origin.source.clone()),
                    _ => {}
                }
            }
            if events.is_empty() { vec![origin.kept("operator_command")] } else { events }
        })
        .await
    }

    /// Records what an arrival means for the conversation, unless it holds it already. It happened, so it is recorded
    /// wherever this build can't read all; what is decided beside it isn't, there.
    pub(crate) async fn note_once(
        &self,
        origin: &Origin,
        mut note: impl FnMut(&Versioned<Conversation>) -> Vec<Event> + Send,
    ) -> Result<(), Problem> {
        let aggregate = origin.aggregate();
        let noted = self.log.record(&aggregate, AtLeast::Cached, |seen: &Versioned<Conversation>| {
            if seen.state.inbound.contains(&origin.source.key) {
                return (Vec::new(), ());
            }
            (note(seen).into_iter().map(|event| new_event(&self.log, &origin.cause, event)).collect(), ())
        });
        never_refused(noted.await)
    }
}

/// What came of a decision that no rule refuses.
pub(crate) fn never_refused<T>(decided: Result<Decided<T>, DecideError<Infallible>>) -> Result<T, Problem> {
    match decided {
        Ok(decided) => Ok(decided.value),
        Err(DecideError::Refused(never)) => match never {},
        Err(DecideError::SchemaAhead(ahead)) => Err(ahead.into()),
        Err(DecideError::Append(error)) => Err(error.into()),
        Err(DecideError::Log(error)) => Err(error.into()),
    }
}

/// Whether what seems to be a human's is our own send, come back from the provider: it has the id of one, or the words of
/// one that nobody knows the id of yet.
fn is_our_own(state: &Conversation, said: &Said) -> bool {
    let id = said.provider_message_id.as_str();
    state.outbox.values().any(|message| {
        let unsettled = matches!(message.state, MessageState::Claimed(_) | MessageState::Unknown(_));
        let same_words = message.parts.get(message.part).is_some_and(|part| said.text == *part && !part.is_empty());
        (!id.is_empty() && message.provider_ids.iter().any(|known| known == id)) || (unsettled && same_words)
    })
}
