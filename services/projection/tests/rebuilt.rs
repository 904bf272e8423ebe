//! A rebuild makes row by row what the projector made, whatever is in the log, with much memory, little or none, and
//! however often it is broken off before.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../../domain/tests/conversation_world/any_event.rs"]
#[allow(dead_code, reason = "another crate's test uses the rest")]
mod any_event;
mod support;

use std::{collections::BTreeMap, time::Duration};

use chrono::{TimeDelta, Utc};
use prost_reflect::{DescriptorPool, DynamicMessage, Value};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use steward_domain::ids::{self, ConversationId};
use steward_projection::Bounds;
use steward_proto::{Aggregate, AggregateId, Event, FILE_DESCRIPTORS, to_timestamp, v1};
use support::{System, stories::Chat, tenant};
use uuid::Uuid;

/// All rows of the active tables, as JSON, in the order of their texts.
async fn tables(system: &System) -> BTreeMap<String, Vec<String>> {
    let client = system.pool.get().await.unwrap();
    let schema: String = client.query_one("SELECT schema FROM steward.active", &[]).await.unwrap().get(0);
    let named = "SELECT tablename::text FROM pg_tables WHERE schemaname = $1 AND tablename <> 'migrations'";
    let mut tables = BTreeMap::new();
    for table in client.query(named, &[&schema]).await.unwrap().iter().map(|row| row.get::<_, String>(0)) {
        // When something was set aside is no matter of the log.
        let but = if table == "set_aside" { " - 'at'" } else { "" };
        let sql = format!("SELECT (to_jsonb(t){but})::text FROM {schema}.{table} t");
        let mut rows: Vec<String> = client.query(&sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
        rows.sort();
        tables.insert(table, rows);
    }
    tables
}

/// The indexes and keys of the active tables.
async fn indexes(system: &System) -> Vec<String> {
    let client = system.pool.get().await.unwrap();
    let schema: String = client.query_one("SELECT schema FROM steward.active", &[]).await.unwrap().get(0);
    let sql = "SELECT replace(indexdef, schemaname, '') FROM pg_indexes WHERE schemaname = $1
        UNION ALL SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = to_regnamespace($1)
        ORDER BY 1";
    client.query(sql, &[&schema]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

fn assert_same(made: &BTreeMap<String, Vec<String>>, live: &BTreeMap<String, Vec<String>>, what: &str) {
    assert!(made.keys().eq(live.keys()), "{what}");
    for (table, rows) in live {
        let differs = made[table].iter().zip(rows).find(|(made, live)| made != live);
        assert_eq!(differs, None, "{what}: {table}");
        assert_eq!(made[table].len(), rows.len(), "{what}: {table}");
    }
}

/// What may happen, drawn by lot: events of all aggregates with any content, and stories that make sense.
struct World {
    rng: StdRng,
    pool: DescriptorPool,
    chats: Vec<Chat>,
    /// The number of the next message, promise and claim.
    next: u128,
}

impl World {
    fn new(seed: u64) -> Self {
        let of = |name: &str, n: usize| Chat::new(&tenant(name), &format!("chat-{n}"));
        let chats = (0..24).map(|n| of(if n % 3 == 0 { "other" } else { "default" }, n)).collect();
        let pool = DescriptorPool::decode(FILE_DESCRIPTORS).unwrap();
        Self { rng: StdRng::seed_from_u64(seed), pool, chats, next: 0x1000 }
    }

    /// Records about so many events.
    async fn happen(&mut self, system: &System, count: usize) {
        for _ in 0..count / 6 {
            let chat = self.chats.choose(&mut self.rng).unwrap().clone();
            let (aggregate, events) = match self.rng.random_range(0..10) {
                0..4 => (chat.aggregate.clone(), self.anything(&chat)),
                4 => (self.other(&chat), self.of(&["Contact", "Webhook", "ApiKey", "Breaker"])),
                5 => (contact(&chat), self.merged(&chat)),
                6 => (contact(&chat), self.of(&["Goal", "Milestone", "Fact"])),
                _ => (chat.aggregate.clone(), self.story(&chat)),
            };
            system.record(&aggregate, events).await;
        }
        // No event at all, and one that nobody can read.
        for subject in ["ev.default.nothing", "ev.default.conversation.c.client_responded"] {
            system.log.jetstream().publish(subject, "\u{1}\u{2}".into()).await.unwrap().await.unwrap();
        }
        // The last message of a log is an event, so that it is known when everything is projected.
        let chat = &self.chats[0];
        system.record(&chat.aggregate, vec![v1::HumanRequested::default().into()]).await;
    }

    fn number(&mut self) -> u128 {
        self.next += 1;
        self.next
    }

    /// Any events that a conversation may have.
    fn anything(&mut self, chat: &Chat) -> Vec<Event> {
        let here: ConversationId = chat.aggregate.id().parse().unwrap();
        let mut events = Vec::new();
        while events.len() < 6 {
            let name = *Event::TYPES.choose(&mut self.rng).unwrap();
            let mut event = any_event::made(name, self.rng.random());
            let id = ids::message(here, Uuid::from_u128(self.number())).to_string();
            match &mut event {
                Event::ClientResponded(e) => e.message_id = id,
                Event::HumanResponded(e) => e.message_id = id,
                _ => {}
            }
            if self.is_possible(&event) {
                events.push(event);
            }
        }
        events
    }

    /// Ids are made by Steward: everything made has one, and no id contains NUL.
    fn is_possible(&self, event: &Event) -> bool {
        let message = self.pool.get_message_by_name(&format!("steward.v1.{}", event.type_name())).unwrap();
        let named = match event {
            Event::FollowUpScheduled(e) => !e.follow_up_id.is_empty(),
            Event::FollowUpDue(e) => e.message.as_ref().is_none_or(|m| !m.message_id.is_empty()),
            Event::MessageQueued(e) => e.message.as_ref().is_none_or(|m| !m.message_id.is_empty()),
            _ => true,
        };
        named && !holds_nul_id(&DynamicMessage::decode(message, event.encode()).unwrap())
    }

    fn other(&mut self, chat: &Chat) -> AggregateId {
        let kinds = [Aggregate::Contact, Aggregate::Delivery, Aggregate::Webhook, Aggregate::Tenant, Aggregate::Inbox];
        let kind = *kinds.choose(&mut self.rng).unwrap();
        AggregateId::new(chat.tenant.clone(), kind, any_event::IDS[4]).unwrap()
    }

    /// Any events whose names begin so.
    fn of(&mut self, these: &[&str]) -> Vec<Event> {
        let is_of_these = |name: &&&str| these.iter().any(|k| name.starts_with(k));
        let names: Vec<&str> = Event::TYPES.iter().filter(is_of_these).copied().collect();
        let mut events = Vec::new();
        while events.len() < 6 {
            let event = any_event::made(names.choose(&mut self.rng).unwrap(), self.rng.random());
            if self.is_possible(&event) {
                events.push(event);
            }
        }
        events
    }

    fn merged(&mut self, chat: &Chat) -> Vec<Event> {
        let into = self.chats.choose(&mut self.rng).unwrap().contact_id();
        let zone = v1::ContactChanged { timezone: Some("Asia/Makassar".to_owned()), ..v1::ContactChanged::default() };
        let merged =
            v1::ContactMerged { contact_id: chat.contact_id(), into: into.clone(), ..v1::ContactMerged::default() };
        let split = v1::ContactSplit { contact_id: chat.contact_id(), from: into, ..v1::ContactSplit::default() };
        let mut events: Vec<Event> = vec![zone.into(), merged.into(), split.into()];
        events.truncate(self.rng.random_range(1..=3));
        events
    }

    /// A client asks and is promised something; it is kept, renewed, taken over by a human, or reported on much later.
    fn story(&mut self, chat: &Chat) -> Vec<Event> {
        let (n, due_at) = (self.number(), Utc::now() + TimeDelta::hours(1));
        let mut events = vec![chat.writes(&format!("m:{n}"), "ping \u{0} me \u{202e}"), chat.promises(n, due_at)];
        let earlier = 0x1001 + self.rng.random_range(0..n - 0x1000);
        match self.rng.random_range(0..5) {
            0 => {
                let Event::FollowUpScheduled(mut renewal) = chat.promises(n << 64, due_at) else { panic!("a promise") };
                renewal.renews = chat.follow_up_id(n).to_string();
                events.extend([chat.writes(&format!("m:{n}:2"), "later"), renewal.into()]);
            }
            1 => {
                let started =
                    v1::HumanTakeoverStarted { by: "ana".to_owned(), via: "http".to_owned(), ..Default::default() };
                events.extend([started.into(), chat.writes(&format!("m:{n}:2"), "who are you?")]);
                events.push(v1::HumanTakeoverEnded::default().into());
            }
            2 => {
                // The same message once more, as after a time-out that was longer than the log remembers.
                events.push(chat.writes(&format!("m:{n}"), "ping me"));
            }
            _ => events.extend(chat.keeps(n, due_at)),
        }
        let statuses = ["delivered", "read", "failed"];
        events.push(
            v1::DeliveryReported {
                provider_message_id: format!("provider-{earlier}"),
                status: (*statuses.choose(&mut self.rng).unwrap()).to_owned(),
                at: Some(to_timestamp(due_at)),
                ..v1::DeliveryReported::default()
            }
            .into(),
        );
        events
    }
}

fn contact(chat: &Chat) -> AggregateId {
    ids::contact_aggregate(&chat.tenant, chat.contact_id().parse().unwrap())
}

fn holds_nul_id(message: &DynamicMessage) -> bool {
    message.fields().any(|(field, value)| match value {
        Value::String(text) => (field.name().ends_with("_id") || field.name() == "renews") && text.contains('\0'),
        Value::Message(inner) => holds_nul_id(inner),
        _ => false,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_makes_every_row_that_the_projector_made() {
    let system = System::start().await;
    let mut world = World::new(1);
    // Projectors that have just started know only the rows.
    for _ in 0..4 {
        let projector = system.project();
        world.happen(&system, 900).await;
        system.caught_up().await;
        projector.stop().await;
    }
    let (live, keys) = (tables(&system).await, indexes(&system).await);
    for table in ["conversations", "contacts", "messages", "follow_ups", "webhook_deliveries", "events"] {
        assert!(live[table].len() >= 2, "{table}");
    }
    // In one pass, in several, and transaction by transaction.
    let (little, none) = (Bounds { rows: 60_000, batch: 100 }, Bounds { rows: 0, batch: 100 });
    for (bounds, passes) in [(Bounds::default(), 1..=1), (little, 2..=usize::MAX), (none, 0..=0)] {
        let rebuilt = steward_projection::rebuild_within(&system.log, &system.pool, bounds).await.unwrap();
        assert!(passes.contains(&rebuilt.passes), "{bounds:?}: {} passes", rebuilt.passes);
        assert_eq!(rebuilt.events as usize, live["events"].len());
        assert_same(&tables(&system).await, &live, &format!("{bounds:?}"));
        assert_eq!(indexes(&system).await, keys);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cant_be_projected_is_set_aside_as_the_projector_does() {
    let system = System::start().await;
    system.pool.get().await.unwrap().batch_execute(support::postgres::REFUSE).await.unwrap();
    let mut world = World::new(2);
    let projector = system.project();
    for _ in 0..3 {
        world.happen(&system, 300).await;
        let chat = world.chats[5].clone();
        let poison = chat.writes(&format!("bad {}", world.number()), "poison");
        system.record(&chat.aggregate, vec![poison, chat.promises(world.number(), Utc::now())]).await;
    }
    system.caught_up().await;
    let live = tables(&system).await;
    let letters = system.log.dead_letters().await.unwrap();
    assert_eq!((live["set_aside"].len(), letters.len()), (3, 3));
    projector.stop().await;
    steward_projection::rebuild(&system.log, &system.pool).await.unwrap();
    assert_same(&tables(&system).await, &live, "rebuilt");
    let again = system.log.dead_letters().await.unwrap();
    assert_eq!(
        again.iter().map(|l| l.position).collect::<Vec<_>>(),
        letters.iter().map(|l| l.position).collect::<Vec<_>>()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_that_is_broken_off_at_any_moment_leaves_what_was_there() {
    let mut system = System::start().await;
    let mut world = World::new(3);
    let projector = system.project();
    world.happen(&system, 3000).await;
    system.caught_up().await;
    projector.stop().await;
    let live = tables(&system).await;
    let (mut begun, mut broken) = (Duration::from_millis(2), 0);
    // Ever later, until one comes through.
    loop {
        let rebuild = steward_projection::rebuild(&system.log, &system.pool);
        match tokio::time::timeout(begun, rebuild).await {
            Ok(rebuilt) => {
                rebuilt.unwrap();
                break;
            }
            Err(_) => broken += 1,
        }
        if broken % 4 == 0 {
            // All processes of Postgres at once, in the midst of whatever they do.
            system.postgres.kill();
            system.postgres.run().await;
        }
        assert_same(&tables(&system).await, &live, "what was there");
        begun = begun * 3 / 2;
    }
    assert!(broken > 0);
    assert_same(&tables(&system).await, &live, "rebuilt");
    let client = system.pool.get().await.unwrap();
    let schemas = client.query("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'rm\\_%'", &[]).await.unwrap();
    assert_eq!(schemas.len(), 1, "nothing is left of those that were broken off");
}
