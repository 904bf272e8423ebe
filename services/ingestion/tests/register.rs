//! Registering Telegram's webhooks: what is called, and that no secret gets out.

#![allow(clippy::unwrap_used)]

mod world;

use std::net::Ipv4Addr;

use axum::{Json, Router, extract::Path, routing::post};
use serde_json::{Value, json};
use steward_domain::settings::{ChannelKind, Settings};
use steward_ingestion::{register_webhooks, registration_call};
use tokio::{net::TcpListener, sync::mpsc};
use world::{SECRET, channel, telegram};

fn client() -> reqwest::Client {
    steward_http::client_builder().build().unwrap()
}

fn settings(api_base: &str) -> Settings {
    Settings { channels: vec![channel("tg", "default", telegram(api_base))], ..Settings::default() }
}

/// A Bot API that answers every call with `answer` and tells what was called.
async fn bot_api(answer: Value) -> (String, mpsc::Receiver<(String, Value)>) {
    let (calls, called) = mpsc::channel(8);
    let handle = move |Path((bot, method)): Path<(String, String)>, Json(body): Json<Value>| async move {
        calls.send((format!("{bot}/{method}"), body)).await.unwrap();
        Json(answer)
    };
    let app = Router::new().route("/{bot}/{method}", post(handle));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (base, called)
}

#[tokio::test]
async fn a_webhook_is_registered_with_its_secret_and_every_kind_of_update() {
    let (base, mut called) = bot_api(json!({"ok": true, "result": true})).await;
    let done = register_webhooks(&settings(&base), "https://steward.example/", &client()).await;
    assert!(matches!(&done[..], [(id, Ok(()))] if id == "tg"), "{done:?}");
    let (path, body) = called.recv().await.unwrap();
    assert_eq!(path, "bot1:bar/setWebhook");
    assert_eq!(body["url"], "https://steward.example/webhooks/telegram/tg");
    assert_eq!(body["secret_token"], SECRET);
    let kinds = body["allowed_updates"].as_array().unwrap();
    for kind in ["message", "business_message", "message_reaction", "chat_member", "my_chat_member"] {
        assert!(kinds.contains(&json!(kind)), "{kind}");
    }
}

#[tokio::test]
async fn a_failure_says_why_without_the_token() {
    let (base, _called) = bot_api(json!({"ok": false, "error_code": 401, "description": "Unauthorized"})).await;
    for (base, word) in [(base.as_str(), "Unauthorized"), ("http://127.0.0.1:1", "127.0.0.1:1")] {
        let done = register_webhooks(&settings(base), "https://steward.example", &client()).await;
        let said = done[0].1.as_ref().unwrap_err().to_string();
        assert!(said.contains(word) && said.contains("tg") && !said.contains("1:bar"), "{said}");
    }
}

#[tokio::test]
async fn a_bot_whose_updates_are_asked_for_gets_no_webhook() {
    let (base, mut called) = bot_api(json!({"ok": true, "result": true})).await;
    let mut settings = settings(&base);
    let ChannelKind::Telegram(telegram) = &mut settings.channels[0].kind else { panic!("telegram") };
    telegram.polling = true;
    assert!(register_webhooks(&settings, "https://steward.example/", &client()).await.is_empty());
    assert!(called.try_recv().is_err() && registration_call(&settings).is_none());
}

#[test]
fn the_call_to_make_by_hand_holds_no_secret() {
    let call = registration_call(&settings("https://api.telegram.org")).unwrap();
    assert!(call.contains("https://api.telegram.org/bot<token>/setWebhook") && call.contains("/webhooks/telegram/tg"));
    assert!(!call.contains("1:bar") && !call.contains(SECRET));
    assert_eq!(registration_call(&Settings::default()), None);
}
