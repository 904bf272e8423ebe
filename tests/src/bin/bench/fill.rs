//! Filling the log directly with the events that the services would have recorded.

use std::time::Duration;

use anyhow::{Result, ensure};
use chrono::{DateTime, Utc};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use steward_domain::ids::{self, ConversationId};
use steward_log::{Append, ConnectOptions, Expected, Log, definitions::TIMERS};
use steward_proto::{AggregateId, Cause, Event, NewEvent, TenantId, new_traceparent, to_timestamp, v1};
use tokio::time::{Instant, sleep};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use crate::place::CHANNEL;

/// How many appends are on their way at once.
const AT_ONCE: usize = 1_500;
/// Longest wait until the scheduler has set all alarms.
const ARMING_LIMIT: Duration = Duration::from_secs(1_800);

/// The bench's own connection to Steward's log.
pub struct Filler {
    pub log: Log,
    tenant: TenantId,
    _stop: DropGuard,
}

impl Filler {
    pub async fn connect(nats: &str) -> Result<Self> {
        let shutdown = CancellationToken::new();
        let log = Log::connect(nats, ConnectOptions::new("bench"), shutdown.clone()).await?;
        log.ensure_streams().await?;
        Ok(Self { log, tenant: TenantId::new("default")?, _stop: shutdown.drop_guard() })
    }

    /// Appends one pending follow-up for each chat, in a conversation of its own, due at its time.
    pub async fn promise(&self, due: impl Iterator<Item = (i64, DateTime<Utc>)>) -> Result<()> {
        self.append(due.map(|(chat, due_at)| {
            let conversation = ids::conversation(&self.tenant, CHANNEL, &chat.to_string());
            let id = ids::follow_up(conversation, Uuid::now_v7());
            let events = vec![self.met(chat).into(), scheduled(id.to_string(), due_at).into()];
            (conversation, Expected::Version(0), events)
        }))
        .await
    }

    /// Appends decisions on conversations, many at a time.
    async fn append(&self, units: impl Iterator<Item = (ConversationId, Expected, Vec<Event>)>) -> Result<()> {
        let appends = units.map(|(conversation, expected, events)| {
            let aggregate = ids::conversation_aggregate(&self.tenant, conversation);
            self.one(aggregate, expected, events)
        });
        stream::iter(appends).buffer_unordered(AT_ONCE).try_for_each(async |_| Ok(())).await
    }

    async fn one(&self, aggregate: AggregateId, expected: Expected, events: Vec<Event>) -> Result<u64> {
        let cause = Cause::outside("service:bench", new_traceparent([7; 24]));
        let new = |event| NewEvent::new(Uuid::now_v7(), Utc::now(), &cause, event);
        let events = events.into_iter().map(new).collect();
        Ok(self.log.append(Append { aggregate, events, expected, dedupe_key: None }).await?.position)
    }

    /// Appends a client's message in a new conversation; returns its position.
    pub async fn message(&self, chat: i64) -> Result<u64> {
        let conversation = ids::conversation(&self.tenant, CHANNEL, &chat.to_string());
        let said = self.responded(conversation, chat, 1, "Добрый день, пришлите, пожалуйста, счёт");
        self.one(ids::conversation_aggregate(&self.tenant, conversation), Expected::Any, vec![said.into()]).await
    }

    /// Appends one client's message in each of `count` new conversations.
    pub async fn meet(&self, first_chat: i64, count: usize) -> Result<()> {
        self.append((first_chat..).take(count).map(|chat| {
            let conversation = ids::conversation(&self.tenant, CHANNEL, &chat.to_string());
            let said = self.responded(conversation, chat, 1, "Добрый день, пришлите, пожалуйста, счёт");
            (conversation, Expected::Any, vec![said.into()])
        }))
        .await
    }

    /// An event that makes a conversation known and starts no turn.
    fn met(&self, chat: i64) -> v1::UpdateKept {
        v1::UpdateKept {
            source: Some(source(chat, "my_chat_member:1")),
            kind: "my_chat_member".to_owned(),
            from: Some(person(chat)),
            contact_id: ids::contact(&self.tenant, CHANNEL, &chat.to_string()).to_string(),
            ..Default::default()
        }
    }

    /// Appends about `count` events of whole conversations, ten in each, four hundred conversations at a time side by
    /// side.
    pub async fn history(&self, first_chat: i64, count: usize) -> Result<usize> {
        let chats: Vec<i64> = (first_chat..).take(count / STORY).collect();
        for beside in chats.chunks(400) {
            for step in 0..STEPS {
                self.append(beside.iter().map(|chat| self.step(*chat, step))).await?;
            }
        }
        Ok(chats.len() * STORY)
    }

    /// One step of a conversation: the client asks, a turn promises and answers, the answer is sent, the client thanks.
    fn step(&self, chat: i64, step: usize) -> (ConversationId, Expected, Vec<Event>) {
        let conversation = ids::conversation(&self.tenant, CHANNEL, &chat.to_string());
        // Ids must be the same in every step, so they are made from the conversation's.
        let unique = |n: u128| Uuid::from_u128(conversation.uuid().as_u128().wrapping_add(n));
        let (message_id, claim_id) = (ids::message(conversation, unique(1)).to_string(), unique(2).to_string());
        let (turn_id, follow_up_id) = (unique(3).to_string(), ids::follow_up(conversation, unique(4)).to_string());
        let now = Utc::now();
        let text = "Хорошо, напишу вам сегодня в 14:32 про договор аренды";
        let events: Vec<Event> = match step {
            0 => vec![self.responded(conversation, chat, 1, "напиши через 2 часа про договор аренды").into()],
            1 => vec![started(&turn_id).into()],
            2 => vec![
                scheduled(follow_up_id, now + chrono::TimeDelta::hours(2)).into(),
                v1::MessageQueued {
                    message: Some(v1::Outgoing {
                        message_id,
                        author: "bot".to_owned(),
                        text: text.to_owned(),
                        parts: vec![text.to_owned()],
                        on_reply: "keep".to_owned(),
                        turn_id: turn_id.clone(),
                        ..Default::default()
                    }),
                }
                .into(),
                completed(turn_id).into(),
            ],
            3 => vec![
                v1::DispatchStarted {
                    message_id,
                    parts: 1,
                    claim_id,
                    attempt: 1,
                    expires_at: Some(to_timestamp(now + chrono::TimeDelta::seconds(8))),
                    worker: "bench".to_owned(),
                    ..Default::default()
                }
                .into(),
            ],
            4 => vec![
                v1::DispatchSucceeded {
                    message_id,
                    parts: 1,
                    claim_id,
                    provider_message_id: chat.to_string(),
                    sent_at: Some(to_timestamp(now)),
                    text: text.to_owned(),
                    author: "bot".to_owned(),
                    ..Default::default()
                }
                .into(),
            ],
            5 => vec![self.responded(conversation, chat, 2, "спасибо, уже не нужно").into()],
            _ => vec![
                v1::FollowUpCancelled {
                    follow_up_id,
                    reason: Some(v1::Reason {
                        code: "client_responded".to_owned(),
                        text: "the client wrote first".to_owned(),
                        event_id: String::new(),
                    }),
                    ..Default::default()
                }
                .into(),
                self.met(chat).into(),
            ],
        };
        (conversation, Expected::Any, events)
    }

    fn responded(&self, conversation: ConversationId, chat: i64, n: u32, text: &str) -> v1::ClientResponded {
        let key = format!("message:{n}");
        v1::ClientResponded {
            message_id: ids::inbound_message(conversation, &key).to_string(),
            source: Some(source(chat, &key)),
            contact_id: ids::contact(&self.tenant, CHANNEL, &chat.to_string()).to_string(),
            from: Some(person(chat)),
            kind: "text".to_owned(),
            text: text.to_owned(),
            provider_message_id: n.to_string(),
            ..Default::default()
        }
    }

    /// Waits until the scheduler has set `count` alarms; returns how long that took.
    pub async fn armed(&self, count: u64) -> Result<Duration> {
        let began = Instant::now();
        loop {
            let mut timers = self.log.jetstream().get_stream(TIMERS).await?;
            if timers.info().await?.state.messages >= count {
                return Ok(began.elapsed());
            }
            ensure!(began.elapsed() < ARMING_LIMIT, "the scheduler hasn't set {count} alarms");
            // The stream doesn't report that it grows, and a consumer on it would be load of our own.
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// How many events, and appends, one conversation has in [`Filler::history`].
const STORY: usize = 10;
const STEPS: usize = 7;

fn source(chat: i64, key: &str) -> v1::Source {
    v1::Source {
        channel_id: CHANNEL.to_owned(),
        channel: "telegram".to_owned(),
        external_id: chat.to_string(),
        key: key.to_owned(),
        sent_at: Some(to_timestamp(Utc::now())),
        raw: vec![b'{'; 330],
        ..Default::default()
    }
}

fn person(chat: i64) -> v1::Person {
    v1::Person {
        id: chat.to_string(),
        name: "Anna Petrova".to_owned(),
        username: "anna_petrova".to_owned(),
        language: "ru".to_owned(),
        timezone: String::new(),
    }
}

fn scheduled(follow_up_id: String, due_at: DateTime<Utc>) -> v1::FollowUpScheduled {
    v1::FollowUpScheduled {
        follow_up_id,
        due_at: Some(to_timestamp(due_at)),
        timezone: "Europe/Moscow".to_owned(),
        phrase: "через 2 часа".to_owned(),
        rule: "in_hours".to_owned(),
        intention: "write".to_owned(),
        text: "Вы просили написать про договор аренды".to_owned(),
        cancel_on: "client_response".to_owned(),
        action: Some(v1::Action { kind: "message".to_owned(), ..Default::default() }),
        language: "ru".to_owned(),
        by: "client".to_owned(),
        ..Default::default()
    }
}

fn started(turn_id: &str) -> v1::TurnStarted {
    v1::TurnStarted {
        turn_id: turn_id.to_owned(),
        worker: "bench".to_owned(),
        lease_until: Some(to_timestamp(Utc::now() + chrono::TimeDelta::seconds(30))),
        brain: "rules".to_owned(),
        ..Default::default()
    }
}

fn completed(turn_id: String) -> v1::TurnCompleted {
    v1::TurnCompleted {
        turn_id,
        outcome: "replied".to_owned(),
        brain: "rules".to_owned(),
        decisions: 2,
        ..Default::default()
    }
}
