//! Nothing in an event stops the projector, neither for the tenant whose event it is nor for the others.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::{collections::BTreeMap, time::Duration};

use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, Kind, MessageDescriptor, ReflectMessage as _, Value};
use rand::{RngExt as _, SeedableRng as _, distr::Alphanumeric, rngs::StdRng};
use steward_log::Condition;
use steward_proto::{Aggregate, AggregateId, Event, FILE_DESCRIPTORS, SCHEMA_VERSION, v1};
use support::{System, stories::Chat, tenant};

/// A text that Postgres can't compress, so that an index would hold it in its whole length.
fn random_text(length: usize) -> String {
    StdRng::seed_from_u64(length as u64).sample_iter(Alphanumeric).take(length).map(char::from).collect()
}

/// What every field of an event is set to.
#[derive(Clone)]
struct Filling {
    text: String,
    integer: i64,
    seconds: i64,
    nanos: i32,
}

fn filled(message: &MessageDescriptor, filling: &Filling, depth: usize) -> DynamicMessage {
    let mut made = DynamicMessage::new(message.clone());
    if message.full_name() == "google.protobuf.Timestamp" {
        made.set_field_by_name("seconds", Value::I64(filling.seconds));
        made.set_field_by_name("nanos", Value::I32(filling.nanos));
        return made;
    }
    for field in message.fields() {
        let value = match field.kind() {
            Kind::String => Value::String(filling.text.clone()),
            Kind::Bytes => Value::Bytes(filling.text.clone().into()),
            Kind::Bool => Value::Bool(filling.integer % 2 == 0),
            Kind::Uint32 => Value::U32(filling.integer as u32),
            Kind::Uint64 => Value::U64(filling.integer as u64),
            Kind::Int32 => Value::I32(filling.integer as i32),
            Kind::Int64 => Value::I64(filling.integer),
            Kind::Message(inner) if depth < 4 => Value::Message(filled(&inner, filling, depth + 1)),
            _ => continue,
        };
        let value = match value {
            value if field.is_map() => {
                drop(value);
                continue;
            }
            value if field.is_list() => Value::List(vec![value.clone(), value]),
            value => value,
        };
        made.set_field(&field, value);
    }
    made
}

fn aggregate_of(type_name: &str) -> Aggregate {
    match type_name {
        name if name.starts_with("ApiKey") || name.starts_with("Breaker") => Aggregate::Tenant,
        "WebhookCreated" | "WebhookDeleted" | "WebhookSecretRotated" | "WebhookDisabled" => Aggregate::Webhook,
        name if name.starts_with("Webhook") => Aggregate::Delivery,
        name if name.starts_with("Contact") => Aggregate::Contact,
        _ => Aggregate::Conversation,
    }
}

/// Every type of event, with every field set like this.
fn every_event(filling: &Filling) -> BTreeMap<Aggregate, Vec<Event>> {
    let pool = DescriptorPool::decode(FILE_DESCRIPTORS).unwrap();
    let mut events = BTreeMap::<_, Vec<_>>::new();
    for name in Event::TYPES {
        let message = pool.get_message_by_name(&format!("steward.v1.{name}")).unwrap();
        let made = filled(&message, filling, 0);
        assert_eq!(made.descriptor().name(), *name);
        let event = Event::decode(name, SCHEMA_VERSION, &made.encode_to_vec()).unwrap();
        events.entry(aggregate_of(name)).or_default().push(event);
    }
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_stands_in_a_field_is_projected_live_and_in_a_rebuild() {
    let system = System::start().await;
    let projector = system.project();
    let texts = [
        random_text(10_000),
        random_text(20_000),
        "a\0b\0".to_owned(),
        "\r\nHeader: x\r\n".to_owned(),
        "\u{202e}\u{feff}\u{fffe}\u{10ffff}\u{d7ff}\u{e000}".to_owned(),
        "\\u0000 \\ud800 \\".to_owned(),
        "[".repeat(20_000),
        String::new(),
    ];
    let numbers = [(i64::MAX, i64::MAX, i32::MAX), (i64::MIN, i64::MIN, i32::MIN), (-1, -1, -1), (0, 0, 0)];
    // Times that chrono can hold and Postgres can't, in both directions.
    let times = [(7, 8_210_266_876_799, 999_999_999), (8, -8_334_601_228_800, 0), (9, 253_402_300_800, 1)];
    let (hostile, other) = (tenant("hostile"), Chat::new(&tenant("other"), "ana"));
    let mut round = 0;
    for text in &texts {
        // Beside a short text the numbers are tried once.
        let extremes: Vec<_> =
            if text.len() < 20 { numbers.into_iter().chain(times).collect() } else { vec![(1, 1_800_000_000, 0)] };
        for (integer, seconds, nanos) in extremes {
            round += 1;
            // Events once in one conversation together, and once in a conversation of their own.
            let own = format!("own-{round}");
            for (aggregate, events) in every_event(&Filling { text: text.clone(), integer, seconds, nanos }) {
                for id in ["shared", &own] {
                    let id = AggregateId::new(hostile.clone(), aggregate, id).unwrap();
                    // A batch has a size limit, too.
                    for some in events.chunks(4) {
                        system.record(&id, some.to_vec()).await;
                    }
                }
            }
        }
        system.record(&other.aggregate, vec![other.writes(&format!("m:{round}"), "still here")]).await;
    }
    system.caught_up().await;
    assert_eq!(system.log.dead_letters().await.unwrap(), [], "nothing had to be set aside");
    let shown = system.api_of("other").await.items("/api/v1/messages").await;
    assert_eq!(shown.len(), texts.len());
    let hostile = system.api_of("hostile").await;
    for list in ["conversations", "messages", "follow-ups", "outbox", "events", "webhooks"] {
        hostile.items(&format!("/api/v1/{list}")).await;
    }
    let rebuilt = steward_projection::rebuild(&system.log, &system.pool).await.unwrap();
    assert_eq!(rebuilt.set_aside, 0);
    assert_eq!(system.api_of("other").await.items("/api/v1/messages").await, shown);
    projector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_index_holds_a_text_of_any_length() {
    let system = System::start().await;
    let _projector = system.project();
    system.record(&Chat::new(&tenant("default"), "a").aggregate, vec![v1::HumanRequested::default().into()]).await;
    system.caught_up().await;
    let client = system.pool.get().await.unwrap();
    let sql = "SELECT i.indexrelid::regclass::text, a.attname::text
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = i.indexrelid
        WHERE n.nspname ~ '^rm_' AND c.relname <> 'migrations' AND a.atttypid IN ('text'::regtype, 'bytea'::regtype, 'jsonb'::regtype)";
    let rows = client.query(sql, &[]).await.unwrap();
    // A tenant's name has 64 characters at most; what is remembered is of one of three kinds, in words of ours.
    let bounded =
        |index: &str, column: &str| column == "tenant" || (index.contains(".remembered_") && column == "kind");
    let long: Vec<(String, String)> = rows
        .iter()
        .map(|r| (r.get(0), r.get(1)))
        .filter(|(index, column): &(String, String)| !bounded(index, column))
        .collect();
    assert!(!rows.is_empty() && long.is_empty(), "{long:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_projected_is_found_by_indexes_however_small_the_tables_were() {
    let system = System::start().await;
    let projector = system.project();
    for n in 0..60 {
        let chat = Chat::new(&tenant("default"), &format!("c{n}"));
        system.record(&chat.aggregate, vec![chat.writes(&format!("m:{n}"), "hello")]).await;
        system.caught_up().await;
        system.record(&chat.aggregate, vec![v1::HumanRequested::default().into()]).await;
        system.caught_up().await;
    }
    // A connection that ends hands in what it has counted.
    drop(projector);
    system.pool.close();
    let client = steward_projection::pool(&system.postgres.url(), 1).unwrap().get().await.unwrap();
    let sql = "SELECT coalesce(sum(seq_tup_read), 0)::bigint, coalesce(sum(idx_scan), 0)::bigint
        FROM pg_stat_user_tables WHERE schemaname ~ '^rm_' AND relname <> 'migrations'";
    let counted = async {
        loop {
            let row = client.query_one(sql, &[]).await.unwrap();
            if row.get::<_, i64>(1) >= 60 {
                return row.get::<_, i64>(0);
            }
            // Postgres tells nobody when it has counted.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let read = tokio::time::timeout(Duration::from_secs(60), counted).await.unwrap();
    assert!(read < 60, "{read} rows were read without an index");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_event_that_postgres_refuses_is_set_aside_and_the_others_are_there() {
    let system = System::start().await;
    system.pool.get().await.unwrap().batch_execute(support::postgres::REFUSE).await.unwrap();
    let (ours, theirs) = (Chat::new(&tenant("default"), "ana"), Chat::new(&tenant("other"), "bob"));
    let mut events: Vec<Event> = (0..200).map(|n| ours.writes(&format!("m:{n}"), &n.to_string())).collect();
    events.insert(77, ours.writes("bad", "poison"));
    let last = system.record(&ours.aggregate, events).await;
    let first_bad = last - 200 + 77;
    let cause = steward_proto::Cause::outside("client:poison", steward_proto::new_traceparent([7; 24]));
    let second_bad = system.record_because(&ours.aggregate, &cause, vec![ours.writes("worse", "actor")]).await;
    system.record(&theirs.aggregate, vec![theirs.writes("m:1", "hello")]).await;
    let projector = system.project();
    system.caught_up().await;
    let check = async |what: &str| {
        let shown = system.api_of("default").await.items("/api/v1/messages").await;
        assert_eq!(shown.len(), 200, "{what}");
        assert_eq!(system.api_of("other").await.items("/api/v1/messages").await.len(), 1, "{what}");
        let events = system.api_of("default").await.items("/api/v1/events?type=ClientResponded").await;
        assert_eq!(events.len(), 201, "{what}: the first one is in the log's own table");
        let letters = system.log.dead_letters().await.unwrap();
        let told: Vec<_> = letters.iter().map(|l| (l.consumer.as_str(), l.position)).collect();
        assert_eq!(told, [("projection", first_bad), ("projection", second_bad)], "{what}");
        assert!(letters[0].error.contains("23514") && letters[0].error.contains("no_poison"), "{}", letters[0].error);
        let client = system.pool.get().await.unwrap();
        let schema: String = client.query_one("SELECT schema FROM steward.active", &[]).await.unwrap().get(0);
        let rows = client.query(&format!("SELECT position FROM {schema}.set_aside ORDER BY 1"), &[]).await.unwrap();
        let aside: Vec<i64> = rows.iter().map(|r| r.get(0)).collect();
        assert_eq!(aside, [first_bad as i64, second_bad as i64], "{what}");
    };
    check("live").await;
    assert_eq!(system.projection_condition(), Condition::Well, "it is in step");
    let rebuilt = steward_projection::rebuild(&system.log, &system.pool).await.unwrap();
    assert_eq!(rebuilt.set_aside, 2);
    check("rebuilt").await;
    // Projecting goes on in the new tables.
    system.record(&theirs.aggregate, vec![theirs.writes("m:2", "again")]).await;
    system.caught_up().await;
    assert_eq!(system.api_of("other").await.items("/api/v1/messages").await.len(), 2);
    // An event that can be projected by now is no dead letter any more.
    system.pool.get().await.unwrap().batch_execute("DROP EVENT TRIGGER refuse").await.unwrap();
    let rebuilt = steward_projection::rebuild(&system.log, &system.pool).await.unwrap();
    assert_eq!(rebuilt.set_aside, 0);
    assert_eq!(system.log.dead_letters().await.unwrap(), []);
    assert_eq!(system.api_of("default").await.items("/api/v1/messages").await.len(), 202);
    projector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_sets_nothing_aside_and_is_told_as_lag() {
    let mut system = System::start().await;
    let projector = system.project_within(Duration::from_millis(300));
    let chat = Chat::new(&tenant("default"), "ana");
    system.record(&chat.aggregate, vec![chat.writes("m:1", "before")]).await;
    system.caught_up().await;
    system.until(|condition| *condition == Condition::Well).await;
    system.postgres.kill();
    system.record(&chat.aggregate, vec![chat.writes("m:2", "meanwhile")]).await;
    system.until(|condition| matches!(condition, Condition::Behind(text) if text.contains("behind"))).await;
    assert!(system.reached.lag() >= Duration::from_millis(300));
    system.postgres.run().await;
    system.caught_up().await;
    system.until(|condition| *condition == Condition::Well).await;
    assert_eq!(system.log.dead_letters().await.unwrap(), []);
    projector.stop().await;
    assert!(matches!(system.projection_condition(), Condition::Dead(_)));
}

/// A data directory as the build before this one left it, when a long id had stopped its projector.
#[tokio::test(flavor = "multi_thread")]
async fn read_models_that_stood_still_before_go_on_and_lose_their_secrets() {
    let system = System::start().await;
    let client = system.pool.get().await.unwrap();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
    let mut sql = "CREATE SCHEMA steward; SET search_path TO steward;".to_owned();
    let named = "CREATE TABLE migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now());";
    sql += named;
    sql += &std::fs::read_to_string(format!("{folder}/control/0001_active.sql")).unwrap();
    sql += "INSERT INTO migrations (name) VALUES ('0001_active'); SELECT nextval('read_model_number');
            INSERT INTO active (schema, position) VALUES ('rm_1', 1); CREATE SCHEMA rm_1; SET search_path TO rm_1;";
    sql += named;
    let mut files: Vec<_> =
        std::fs::read_dir(format!("{folder}/read_model")).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    for file in &files[..8] {
        sql += &std::fs::read_to_string(file).unwrap();
        sql += &format!("INSERT INTO migrations (name) VALUES ('{}');", file.file_stem().unwrap().to_str().unwrap());
    }
    sql += "SET search_path TO DEFAULT;";
    client.batch_execute(&sql).await.unwrap();
    let key = v1::ApiKeyCreated { key_id: "key_1".to_owned(), hash: "5ec2e7".to_owned(), ..Default::default() };
    let event = Event::from(key);
    let id = AggregateId::new(tenant("default"), Aggregate::Tenant, "default").unwrap();
    assert_eq!(system.record(&id, vec![event.clone()]).await, 1);
    let insert = "INSERT INTO rm_1.events VALUES (1, 'default', 'tenant', 'default', 'ApiKeyCreated', 1, now(), '',
        gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '', $1)";
    client.execute(insert, &[&&event.encode()[..]]).await.unwrap();
    let chat = Chat::new(&tenant("default"), &random_text(6_000));
    let created = v1::WebhookCreated { webhook_id: "w".to_owned(), secret: "5ec2e7".to_owned(), ..Default::default() };
    let webhook = AggregateId::new(tenant("default"), Aggregate::Webhook, "w").unwrap();
    system.record(&webhook, vec![created.into()]).await;
    system.record(&chat.aggregate, vec![chat.writes("m:1", "hello"), chat.writes(&random_text(5_000), "again")]).await;
    let _projector = system.project();
    system.caught_up().await;
    let api = system.api();
    let path = format!("/api/v1/conversations?external_id={}", chat.external_id);
    // The query is too long. The message that is there is found by its id.
    assert_eq!(api.get(&path).await.status, 400);
    let shown = api.get(&format!("/api/v1/conversations/{}", chat.id)).await.body;
    assert_eq!(shown["external_id"], chat.external_id.as_str());
    assert_eq!(api.items("/api/v1/messages").await.len(), 2);
    let holding = "SELECT count(*) FROM rm_1.events WHERE position('5ec2e7'::bytea IN payload) > 0";
    assert_eq!(client.query_one(holding, &[]).await.unwrap().get::<_, i64>(0), 0);
    let events = api.items("/api/v1/events").await;
    assert!(!serde_json::to_string(&events).unwrap().contains("5ec2e7"));
    assert_eq!(events.last().unwrap()["data"]["hash"], "***");
}
