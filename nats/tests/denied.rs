//! What the server's permissions deny is reported as that, and not met as a time-out only.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "support/server.rs"]
#[allow(dead_code)]
mod server;

use std::time::Duration;

use chrono::Utc;
use server::Server;
use steward_log::{Append, Condition, ConnectOptions, Expected, Log, LogError, permissions};
use steward_proto::{Aggregate, AggregateId, Cause, NewEvent, TenantId, v1};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

async fn server() -> Server {
    Server::start_configured("", &permissions::config(|_| "\"secret\"".to_owned())).await
}

async fn connect(server: &Server, user: &str, stop: &CancellationToken) -> Log {
    let url = format!("nats://{user}:secret@127.0.0.1:{}", server.port);
    let options = ConnectOptions { append_timeout: Duration::from_millis(300), ..ConnectOptions::new("test") };
    Log::connect(&url, options, stop.clone()).await.unwrap()
}

/// An event that only ingestion may record.
fn blocked() -> Append {
    let aggregate = AggregateId::new(TenantId::new("default").unwrap(), Aggregate::Conversation, "x").unwrap();
    let event = v1::RecipientBlocked { source: None, text: "x".to_owned() };
    let event = NewEvent::new(Uuid::now_v7(), Utc::now(), &Cause::outside("test", ""), event);
    Append { aggregate, events: vec![event], expected: Expected::Any, dedupe_key: None }
}

#[tokio::test]
async fn whoever_may_not_make_streams_is_content_with_those_that_are_there_and_else_told_at_once() {
    let (server, stop) = (server().await, CancellationToken::new());
    let ingestion = connect(&server, "ingestion", &stop).await;
    let refused = ingestion.ensure_streams().await.unwrap_err();
    assert!(
        matches!(&refused, LogError::Denied { subject, .. } if subject == "$JS.API.STREAM.CREATE.EVENTS"),
        "{refused}"
    );
    assert!(!refused.is_transient() && refused.to_string().contains("steward prepare"), "{refused}");

    connect(&server, "admin", &stop).await.ensure_streams().await.unwrap();
    for user in permissions::SERVICES.iter().chain(&[permissions::STEWARD, permissions::OPERATOR, permissions::READER])
    {
        let log = connect(&server, user, &stop).await;
        log.ensure_streams().await.unwrap_or_else(|error| panic!("{user}: {error}"));
        assert_eq!(log.last_position().await.unwrap(), 0, "its inbox is its own");
    }
    stop.cancel();
}

#[tokio::test]
async fn an_event_that_is_anothers_to_record_is_refused_and_this_process_says_that_it_is_not_ready() {
    let (server, stop) = (server().await, CancellationToken::new());
    connect(&server, "admin", &stop).await.ensure_streams().await.unwrap();
    let ingestion = connect(&server, "ingestion", &stop).await;
    ingestion.append(blocked()).await.unwrap();
    assert!(ingestion.health().conditions().iter().all(|(_, condition)| *condition == Condition::Well));

    let brain = connect(&server, "agent-brain", &stop).await;
    brain.append(blocked()).await.unwrap_err();
    let behind = |(_, condition): &(String, Condition)| matches!(condition, Condition::Behind(text) if text.contains("ev.default.conversation.x.recipient_blocked"));
    assert!(brain.health().conditions().iter().any(behind), "{:?}", brain.health().conditions());
    assert_eq!(ingestion.last_position().await.unwrap(), 1);
    stop.cancel();
}
