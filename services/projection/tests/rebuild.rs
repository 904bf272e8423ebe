//! Rebuilding while others write, project and read; projectors side by side; servers that go away.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::http::StatusCode;
use chrono::Utc;
use serde_json::Value;
use steward_projection::{ProjectionError, Reached};
use support::{Api, System, stories::Chat, tenant};

async fn write(system: &System, chats: &[Chat], rounds: std::ops::Range<u128>) {
    for n in rounds {
        for chat in chats {
            let due_at = Utc::now();
            let mut events = vec![chat.writes(&format!("m:{n}"), &n.to_string()), chat.promises(n, due_at)];
            if n % 3 != 0 {
                events.extend(chat.keeps(n, due_at));
            }
            system.record(&chat.aggregate, events).await;
        }
    }
}

/// Everything that the lists show.
async fn everything(api: &Api) -> Vec<Vec<Value>> {
    let mut all = Vec::new();
    for list in ["conversations", "messages", "follow-ups", "outbox", "events"] {
        all.push(api.items(&format!("/api/v1/{list}")).await);
    }
    all
}

fn chats(count: usize) -> Vec<Chat> {
    (0..count).map(|n| Chat::new(&tenant("default"), &format!("chat-{n}"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_go_on_through_a_rebuild_and_what_it_makes_equals_what_was_projected() {
    let system = System::start().await;
    let _projector = system.project();
    let chats = chats(5);
    write(&system, &chats, 0..20).await;
    system.caught_up().await;
    let (api, done, reads) = (system.api(), AtomicBool::new(false), AtomicUsize::new(0));
    let reader = async {
        let mut seen = 0;
        while !done.load(Ordering::Relaxed) {
            let answer = api.get(&format!("/api/v1/follow-ups?conversation_id={}", chats[0].id)).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
            assert!(answer.position.unwrap() >= seen, "the position never goes back");
            seen = answer.position.unwrap();
            assert!(answer.body["items"].as_array().unwrap().len() >= 20, "nothing is ever missing");
            reads.fetch_add(1, Ordering::Relaxed);
        }
    };
    let rebuilder = async {
        let writer = write(&system, &chats, 20..60);
        let rebuilds = async {
            let first = steward_projection::rebuild(&system.log, &system.pool).await.unwrap();
            let second = steward_projection::rebuild(&system.log, &system.pool).await.unwrap();
            assert_ne!(first.schema, second.schema);
        };
        tokio::join!(writer, rebuilds);
        done.store(true, Ordering::Relaxed);
    };
    tokio::join!(reader, rebuilder);
    assert!(reads.load(Ordering::Relaxed) > 10);
    system.caught_up().await;
    let live = everything(&api).await;
    assert_eq!(live[4].len(), 5 * (60 * 2 + 40 * 3), "every event");
    steward_projection::rebuild(&system.log, &system.pool).await.unwrap();
    assert_eq!(everything(&api).await, live);
    let client = system.pool.get().await.unwrap();
    let schemas = client.query("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'rm\\_%'", &[]).await.unwrap();
    assert_eq!(schemas.len(), 1, "the old read models are gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_projectors_at_once_project_each_event_once() {
    let system = System::start().await;
    let mut second = System { reached: Reached::default(), ..System::start().await };
    // The second system works on the first one's servers.
    second.log = system.log.clone();
    second.pool = system.pool.clone();
    let (_one, _two) = (system.project(), second.project());
    let chats = chats(5);
    write(&system, &chats, 0..40).await;
    system.caught_up().await;
    second.caught_up().await;
    let projected = everything(&system.api()).await;
    assert_eq!(projected[4].len(), 5 * (40 * 2 + 26 * 3));
    steward_projection::rebuild(&system.log, &system.pool).await.unwrap();
    assert_eq!(everything(&system.api()).await, projected);
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_are_killed_and_come_back_cost_nothing() {
    let mut system = System::start().await;
    let projector = system.project();
    let chats = chats(3);
    write(&system, &chats, 0..10).await;
    system.postgres.kill();
    write(&system, &chats, 10..20).await;
    system.postgres.run().await;
    system.caught_up().await;
    system.nats.kill();
    system.nats.run().await;
    write(&system, &chats, 20..30).await;
    system.caught_up().await;
    let projected = everything(&system.api()).await;
    assert_eq!(projected[4].len(), 3 * (30 * 2 + 20 * 3));
    projector.stop().await;
    steward_projection::rebuild(&system.log, &system.pool).await.unwrap();
    assert_eq!(everything(&system.api()).await, projected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_of_another_log_is_refused() {
    let system = System::start().await;
    write(&system, &chats(1), 0..3).await;
    let projector = system.project();
    system.caught_up().await;
    projector.stop().await;
    let other = System::start().await;
    let run =
        steward_projection::run(other.log.clone(), system.pool.clone(), Reached::default(), other.shutdown.clone());
    let refused = run.await.unwrap_err();
    assert!(matches!(refused, ProjectionError::OtherLog { .. }), "{refused}");
}
