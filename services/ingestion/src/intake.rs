//! Recording what came in: one append, exactly once, before anybody is told that it is safe.

use std::sync::Arc;

use bytes::Bytes;
use chrono::TimeDelta;
use sha2::{Digest as _, Sha256};
use steward_domain::{
    address::Address,
    conversation::{Conversation, MessageState},
    ids,
    inbox::Inbox,
    mail::own_message,
    settings::{Channel, ChannelKind, Settings},
};
use steward_http::{Guard, Problem, Trace};
use steward_log::{Append, AtLeast, Expected, Log, Tasks};
use steward_proto::{AggregateId, Cause, Event, NewEvent, TenantId, v1};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    arrival::{Action, Arrival, Chat, Command, Said, What},
    commands::Repeats,
    email::providers::Memory,
    names::Names,
    origin::{Origin, new_event, source_of},
    outside::OutsideId,
    parsing::{LARGE, Parsing, Unread},
    patience::in_time,
    telegram::itself::Bots,
    whatsapp::identity::People,
};

/// Raw bodies up to this many bytes stand in the event itself; larger ones go to the object store.
const RAW_LIMIT: usize = 256 << 10;

/// Half the log's duplicate window: what is older may have been stored before the window, so it is looked up.
const FRESH: TimeDelta = TimeDelta::minutes(5);

/// A clock this far ahead of ours is a wrong one: its times say nothing about age.
const SKEW: TimeDelta = TimeDelta::minutes(1);

/// The log and the channels, shared by all requests.
#[derive(Clone)]
pub struct Intake {
    pub log: Log,
    pub settings: Arc<Settings>,
    pub repeats: Repeats,
    names: Names,
    /// Where large bodies are read.
    pub parsing: Parsing,
    /// Who our Telegram bots are.
    pub bots: Bots,
    /// What the checks of mail providers remember.
    pub providers: Memory,
    /// Who may be told of channels.
    pub guard: Guard,
}

impl Intake {
    pub fn new(log: Log, settings: Arc<Settings>, guard: Guard, shutdown: CancellationToken, tasks: &Tasks) -> Self {
        let names = Names::watch(log.clone(), shutdown, tasks);
        let bots = Bots::of(&settings);
        let parsing = Parsing::of(&settings);
        Self { log, settings, repeats: Repeats::default(), names, parsing, bots, providers: Memory::default(), guard }
    }

    /// Records an arrival. When it returns, the arrival is durable and will never make a second event.
    ///
    /// # Errors
    /// 503 or 507 when the log doesn't take it; the channel is to bring it again.
    pub async fn record(&self, channel: &Channel, arrival: Arrival, raw: Bytes, trace: &Trace) -> Result<(), Problem> {
        let began = Instant::now();
        let recorded = in_time(self.record_one(channel, arrival, raw, trace)).await;
        metrics::histogram!("steward_ingest_seconds").record(began.elapsed().as_secs_f64());
        recorded
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
        if let Some(conversation) = named_by_anybody(channel, &arrival)
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
            What::Reported(report) => ids::conversation_of(&report.message_id),
            _ => None,
        };
        let conversation = match (&what, reported) {
            // It names the message, and so the conversation, wherever that takes place by now.
            (_, Some(conversation)) => conversation,
            (What::Moved { from, to }, None) => match &chat.person {
                Some(person) => people.moved(from, to, person).await?,
                None => self.bind(&tenant, channel, from, to, &cause).await?,
            },
            (_, None) if chat.person.is_some() => people.conversation(&chat).await?,
            (_, None) => self.conversation_at(&tenant, channel, &chat).await?,
        };
        if !fresh && chat.person.is_some() && people.had_it_before(&chat, conversation, &key).await? {
            return Ok(());
        }
        // Whoever may be called by several names is one contact by where they are.
        let contact = chat.person.as_ref().map_or_else(|| chat.contact.to_string(), |_| conversation.to_string());
        let contact_id = ids::contact(&tenant, &channel.id, &contact).to_string();
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
    async fn is_there(&self, tenant: &TenantId, conversation: Uuid) -> Result<bool, Problem> {
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
        self.decide_once(origin, |state| {
            if is_our_own(state, said) {
                return vec![origin.kept("own_echo")];
            }
            let mut events = vec![origin.human_wrote(said, via)];
            // Refused when they are active already, or when this build can't read the state: the fact stays.
            if let Ok(takeover) = origin.placed(state).take_over(origin.by(), reason, "") {
                events.extend(takeover);
            }
            events
        })
        .await
    }

    /// `/human_active` and `/human_release` where the client is.
    async fn command_in_clients_chat(&self, origin: &Origin, action: &Action) -> Result<(), Problem> {
        self.decide_once(origin, |state| {
            let state = origin.placed(state);
            let decided = match action {
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

    /// Decides on the conversation, unless it holds this arrival already.
    pub(crate) async fn decide_once(
        &self,
        origin: &Origin,
        mut decide: impl FnMut(&Conversation) -> Vec<Event> + Send,
    ) -> Result<(), Problem> {
        let aggregate = origin.aggregate();
        let decided = self.log.decide(&aggregate, AtLeast::Cached, |state: &Conversation, _| {
            if state.inbound.contains(&origin.source.key) {
                return Ok::<_, std::convert::Infallible>((Vec::new(), ()));
            }
            Ok((decide(state).into_iter().map(|event| new_event(&self.log, &origin.cause, event)).collect(), ()))
        });
        match decided.await {
            Ok(_) => Ok(()),
            Err(steward_log::DecideError::Refused(never)) => match never {},
            Err(steward_log::DecideError::Append(error)) => Err(error.into()),
            Err(steward_log::DecideError::Log(error)) => Err(error.into()),
        }
    }

    /// The conversation at an address, which may have moved there from another.
    pub(crate) async fn conversation_at(
        &self,
        tenant: &TenantId,
        channel: &Channel,
        chat: &Chat,
    ) -> Result<Uuid, Problem> {
        if chat.may_be_bound {
            let address = ids::address(tenant, &channel.id, &chat.external_id);
            if let Some(bound) = self.log.load::<Address>(&address, AtLeast::Cached).await?.state.conversation_id {
                return Ok(bound);
            }
        }
        Ok(ids::conversation(tenant, &channel.id, &chat.external_id))
    }

    /// Binds a new address to the conversation at the old one, once; returns that conversation.
    async fn bind(
        &self,
        tenant: &TenantId,
        channel: &Channel,
        from: &str,
        to: &str,
        cause: &Cause,
    ) -> Result<Uuid, Problem> {
        let old = Chat { external_id: from.into(), may_be_bound: true, ..Chat::default() };
        let conversation = self.conversation_at(tenant, channel, &old).await?;
        let address = ids::address(tenant, &channel.id, to);
        let decided = self.log.decide(&address, AtLeast::Cached, |state: &Address, _| {
            let event = || new_event(&self.log, cause, bound(&channel.id, to, conversation, from));
            let events = if state.conversation_id.is_none() { vec![event()] } else { Vec::new() };
            Ok::<_, steward_domain::conversation::Refused>((events, state.conversation_id.unwrap_or(conversation)))
        });
        Ok(decided.await?.value)
    }
}

/// The conversation that a bounce claims to be about. Anybody can write one, with an id that only looks like ours.
fn named_by_anybody(channel: &Channel, arrival: &Arrival) -> Option<Uuid> {
    let ChannelKind::Email(email) = &channel.kind else { return None };
    match &arrival.what {
        What::Reported(report) => ids::conversation_of(&report.message_id),
        What::Aside { kind: "bounce", about, .. } => {
            ids::conversation_of(own_message(about.trim_matches(['<', '>']), &email.address)?.0)
        }
        _ => None,
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

fn bound(channel_id: &str, to: &str, conversation: Uuid, from: &str) -> Event {
    v1::AddressBound {
        channel_id: channel_id.to_owned(),
        external_id: to.to_owned(),
        conversation_id: conversation.to_string(),
        previous_external_id: from.to_owned(),
        reason: "migrated".to_owned(),
    }
    .into()
}
