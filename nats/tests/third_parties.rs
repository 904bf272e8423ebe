//! Subscribers on a server of one's own, with the accounts that `steward permissions --accounts` prints.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "support/server.rs"]
#[allow(dead_code)]
mod server;

use chrono::Utc;
use futures::StreamExt as _;
use server::Server;
use steward_log::subscribers::{Name, SubscriberError};
use steward_log::{Append, ConnectOptions, Expected, Log, permissions};
use steward_proto::{Aggregate, AggregateId, Cause, Event, NewEvent, SCHEMA_VERSION, TenantId, v1};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

fn event(tenant: &TenantId, text: &str) -> Append {
    let aggregate = AggregateId::new(tenant.clone(), Aggregate::Conversation, "x").unwrap();
    let event = v1::RecipientBlocked { source: None, text: text.to_owned() };
    let event = NewEvent::new(Uuid::now_v7(), Utc::now(), &Cause::outside("test", ""), event);
    Append { aggregate, events: vec![event], expected: Expected::Any, dedupe_key: None }
}

#[tokio::test]
async fn a_subscriber_of_another_account_takes_the_events_of_its_tenant_from_a_position_on() {
    let (tenant, other) = (TenantId::new("default").unwrap(), TenantId::new("other").unwrap());
    let name = Name::new(tenant.clone(), "crm").unwrap();
    // The subject of its events is known when its consumer is made; a server reads its users before. Any of its own will do here.
    let rights = name.limits("deliver.default.crm.*");
    let third = (name.id(), "\"secret\"".to_owned(), rights);
    let server = Server::start_configured("", &permissions::accounts(|_| "\"secret\"".to_owned(), &[third])).await;
    let stop = CancellationToken::new();
    let connect = async |user: &str| {
        let url = format!("nats://{user}:secret@127.0.0.1:{}", server.port);
        Log::connect(&url, ConnectOptions::new("test"), stop.clone()).await.unwrap()
    };
    let (admin, ingestion) = (connect("admin").await, connect("ingestion").await);
    admin.ensure_streams().await.unwrap();
    let first = ingestion.append(event(&tenant, "first")).await.unwrap();
    ingestion.append(event(&other, "of another tenant")).await.unwrap();
    ingestion.append(event(&tenant, "second")).await.unwrap();
    let subjects = ["ev.default.>".to_owned()];
    let subject = admin.create_subscriber(&name, &subjects, Some(first.position)).await.unwrap();
    let again = admin.create_subscriber(&name, &subjects, None).await.unwrap_err();
    assert!(matches!(again, SubscriberError::Exists(_)), "{again}");
    let foreign = admin.create_subscriber(&Name::new(other, "crm").unwrap(), &subjects, None).await.unwrap_err();
    assert!(matches!(foreign, SubscriberError::SeveralTenants), "{foreign}");

    let options = async_nats::ConnectOptions::with_user_and_password(name.id(), "secret".to_owned());
    let client = options.custom_inbox_prefix(name.inbox()).connect(server.url()).await.unwrap();
    let mut events = client.subscribe(subject.clone()).await.unwrap();
    ingestion.append(event(&tenant, "third")).await.unwrap();
    for text in ["second", "third"] {
        let message = events.next().await.unwrap();
        let read = Event::decode("RecipientBlocked", SCHEMA_VERSION, &message.payload).unwrap();
        assert_eq!(read, Event::RecipientBlocked(v1::RecipientBlocked { source: None, text: text.to_owned() }));
        client.request(message.reply.unwrap(), "+ACK".into()).await.unwrap();
    }
    let listed = admin.subscribers().await.unwrap();
    assert_eq!((listed.len(), &listed[0].name, listed[0].waiting, listed[0].in_hand), (1, &name, 0, 0));
    assert_eq!((listed[0].subjects.as_slice(), listed[0].listens, &listed[0].subject), (&subjects[..], true, &subject));
    admin.delete_subscriber(&name).await.unwrap();
    assert!(matches!(admin.delete_subscriber(&name).await, Err(SubscriberError::Unknown(_))));
    // The server reads its configuration again when the user of the system account says so; here it finds the same.
    steward_log::subscribers::reload(&format!("nats://system:secret@127.0.0.1:{}", server.port)).await.unwrap();
    stop.cancel();
}
