//! Commands on outgoing webhooks: what a repeat gets, what is refused, who sees a secret.

#![allow(clippy::unwrap_used)]

mod world;

use axum::http::{Method, StatusCode};
use serde_json::json;
use steward_proto::Event;
use world::World;

const PATH: &str = "/api/v1/webhooks";

#[tokio::test]
async fn a_repeat_under_the_same_key_makes_one_webhook_and_gets_the_same_secret() {
    let world = World::start().await;
    let body = json!({ "url": "https://1.1.1.1/hook", "types": ["ClientResponded"] });
    let made = world.keyed("k1", PATH, body.clone()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    assert_eq!(made.headers["cache-control"], "no-store");
    let again = world.keyed("k1", PATH, body.clone()).await;
    assert_eq!((again.text("id"), again.text("secret")), (made.text("id"), made.text("secret")));
    // Another process has forgotten the key, but the log hasn't.
    let beside = World::start_beside(&world).await;
    let elsewhere = beside.keyed("k1", PATH, body.clone()).await;
    assert_eq!((elsewhere.text("id"), elsewhere.text("secret")), (made.text("id"), made.text("secret")));
    let other = json!({ "url": "https://1.1.1.1/other", "types": ["ClientResponded"] });
    assert_eq!(world.keyed("k1", PATH, other.clone()).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(beside.keyed("k1", PATH, other).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let third = World::start_beside(&world).await;
    let other = json!({ "url": "https://1.1.1.1/third", "types": ["*"] });
    assert_eq!(third.keyed("k1", PATH, other).await.status, StatusCode::CONFLICT);

    let rotate = format!("{PATH}/{}/rotate", made.text("id"));
    let rotated = world.keyed("k2", &rotate, json!({})).await;
    assert_eq!(rotated.status, StatusCode::OK);
    assert_ne!(rotated.text("secret"), made.text("secret"));
    let repeated = beside.keyed("k2", &rotate, json!({})).await;
    assert_eq!(repeated.text("secret"), rotated.text("secret"));
    let next = world.command(Method::POST, &rotate, json!({})).await;
    assert_ne!(next.text("secret"), rotated.text("secret"));

    let events = world.events().await;
    let count = |of: fn(&Event) -> bool| events.iter().filter(|r| of(&r.event)).count();
    assert_eq!(count(|e| matches!(e, Event::WebhookCreated(_))), 1);
    assert_eq!(count(|e| matches!(e, Event::WebhookSecretRotated(_))), 2);
    let debugged = format!("{:?}", events.iter().map(|r| &r.event).collect::<Vec<_>>());
    for secret in [made.text("secret"), rotated.text("secret"), next.text("secret")] {
        assert!(!debugged.contains(&secret), "an event shows its secret");
    }
}

#[tokio::test]
async fn only_a_webhook_that_is_there_can_be_commanded() {
    let world = World::start().await;
    let body = json!({ "url": "https://1.1.1.1/hook", "types": ["*"] });
    let made = world.command(Method::POST, PATH, body).await;
    let id = made.text("id");
    let status = async |method: Method, path: &str| world.command(method, path, json!({})).await.status;
    for unknown in ["nonsense", "01920000-0000-7000-8000-000000000000", "%ff"] {
        assert_eq!(status(Method::DELETE, &format!("{PATH}/{unknown}")).await, StatusCode::NOT_FOUND);
        assert_eq!(status(Method::POST, &format!("{PATH}/{unknown}/rotate")).await, StatusCode::NOT_FOUND);
        let retry = format!("{PATH}/deliveries/{unknown}/retry");
        assert_eq!(status(Method::POST, &retry).await, StatusCode::NOT_FOUND);
    }
    // An event that was there before the webhook, and one that isn't there at all.
    let simple = id.replace('-', "");
    for position in [1_u64, 1_000_000, u64::MAX] {
        let retry = format!("{PATH}/deliveries/{simple}d{position}/retry");
        assert_eq!(status(Method::POST, &retry).await, StatusCode::NOT_FOUND, "{position}");
    }
    assert_eq!(status(Method::DELETE, &format!("{PATH}/{id}")).await, StatusCode::OK);
    assert_eq!(status(Method::DELETE, &format!("{PATH}/{id}")).await, StatusCode::NOT_FOUND);
    assert_eq!(status(Method::POST, &format!("{PATH}/{id}/rotate")).await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn only_an_admin_makes_them_and_only_so_many() {
    let server = world::server::Server::start().await;
    let world = World::start_on(server, steward_http::Guard::keys).await;
    let (admin, operator) = (world.key("default", "admin").await, world.key("default", "operator").await);
    let body = json!({ "url": "https://1.1.1.1/hook", "types": ["*"] });
    let send = async |key: &str, method: Method, path: &str, more: Option<&str>| {
        let mut headers = vec![("content-type", "application/json"), ("authorization", key)];
        headers.extend(more.map(|key| ("idempotency-key", key)));
        world.send(method, path, &headers, body.to_string()).await
    };
    assert_eq!(send(&operator, Method::POST, PATH, None).await.status, StatusCode::FORBIDDEN);
    let first = send(&admin, Method::POST, PATH, Some("k")).await;
    assert_eq!(first.status, StatusCode::CREATED, "{:?}", first.body);
    let own = format!("{PATH}/{}", first.text("id"));
    assert_eq!(send(&operator, Method::POST, &format!("{own}/rotate"), None).await.status, StatusCode::FORBIDDEN);
    assert_eq!(send(&operator, Method::DELETE, &own, None).await.status, StatusCode::FORBIDDEN);
    for _ in 1..5 {
        assert_eq!(send(&admin, Method::POST, PATH, None).await.status, StatusCode::CREATED);
    }
    let refused = send(&admin, Method::POST, PATH, None).await;
    assert_eq!((refused.status, refused.text("code").as_str()), (StatusCode::CONFLICT, "too_many_webhooks"));
    assert_eq!(send(&admin, Method::POST, PATH, Some("k")).await.text("id"), first.text("id"), "it is no new one");
    // Another tenant has room of its own, and so has this one again.
    let theirs = world.key("others", "admin").await;
    assert_eq!(send(&theirs, Method::POST, PATH, None).await.status, StatusCode::CREATED);
    let gone = [("authorization", admin.as_str())];
    assert_eq!(world.send(Method::DELETE, &own, &gone, "").await.status, StatusCode::OK);
    assert_eq!(send(&admin, Method::POST, PATH, None).await.status, StatusCode::CREATED);
}
