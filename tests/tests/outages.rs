//! What is down, stopped, killed or full: promises go on, nothing acknowledged is lost, and the answer is clear meanwhile.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use reqwest::StatusCode;
use serde_json::{Value, json};
use steward_tests::{
    Config, System, Telegram,
    gate::Gate,
    processes::{self, Server},
    system::STOP_WITHIN,
    updates,
};

const SOON: Duration = Duration::from_secs(120);

async fn opened(system: &System, telegram: &Telegram, chat: i64) -> String {
    system.telegram(&updates::text(chat, "здравствуйте")).await.unwrap();
    telegram.until_delivered_to(chat, 1, SOON).await.unwrap();
    system.conversation(chat).await.unwrap()
}

fn never() -> Value {
    json!({ "cancel_on": "never" })
}

fn count(telegram: &Telegram, text: &str) -> usize {
    telegram.delivered().iter().filter(|d| d.text == text).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_in_between_keeps_every_pending_promise_and_takes_ten_seconds_at_most() {
    let telegram = Telegram::start().await.unwrap();
    let mut system = System::start(Config::telegram(&telegram)).await.unwrap();
    let conversation = opened(&system, &telegram, 7).await;
    let due = Utc::now() + TimeDelta::seconds(8);
    let id = system.schedule(&conversation, "after the restart", due, &never()).await.unwrap();
    // A live stream doesn't hold the stop up.
    let mut live = system.live("", None).await.unwrap();
    live.joined().await.unwrap();
    let ended = system.stop().await.unwrap();
    let (_, status, took) = &ended[0];
    assert!(status.success() && *took < STOP_WITHIN, "{status} after {took:?}");
    assert!(!system.data().join("run.json").exists(), "run.json is gone after a clean stop");
    assert!(processes::started_with(&system.data()).is_empty(), "no server is left");
    system.start_again().await.unwrap();
    system.until_state(&id, "sent", SOON).await.unwrap();
    assert_eq!(count(&telegram, "after the restart"), 1);
    let sent = telegram.delivered().into_iter().find(|d| d.text == "after the restart").unwrap();
    assert!(sent.at >= due && sent.at < due + TimeDelta::seconds(5), "due {due}, sent {}", sent.at);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_due_while_all_was_down_is_sent_if_not_too_late_and_else_expires_and_says_so() {
    let telegram = Telegram::start().await.unwrap();
    let config = Config::telegram(&telegram).with("[defaults]\nlate_limit = \"4s\"");
    let mut system = System::start(config).await.unwrap();
    let conversation = opened(&system, &telegram, 7).await;
    let due = Utc::now() + TimeDelta::seconds(3);
    let expires = system.schedule(&conversation, "too late", due, &never()).await.unwrap();
    system.kill().await.unwrap();
    // The promise is to be later than the limit when the system is back: the outage itself takes this long.
    tokio::time::sleep((due + TimeDelta::milliseconds(4200) - Utc::now()).to_std().unwrap()).await;
    system.start_again().await.unwrap();
    let ended = system.until_state(&expires, "expired", SOON).await.unwrap();
    assert_eq!(ended["reason"]["code"], "too_late");
    assert!(ended["reason"]["text"].as_str().unwrap().contains("limit"), "{ended}");
    assert_eq!(count(&telegram, "too late"), 0);
    system.stop().await.unwrap();
    system.configure(Config::telegram(&telegram));
    system.start_again().await.unwrap();
    let due = Utc::now() + TimeDelta::seconds(2);
    let late = system.schedule(&conversation, "late, but sent", due, &never()).await.unwrap();
    system.kill().await.unwrap();
    tokio::time::sleep((due + TimeDelta::milliseconds(500) - Utc::now()).to_std().unwrap_or_default()).await;
    system.start_again().await.unwrap();
    system.until_state(&late, "sent", SOON).await.unwrap();
    assert_eq!(count(&telegram, "late, but sent"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_up_leaves_no_orphan_server_and_the_next_start_goes_on() {
    let telegram = Telegram::start().await.unwrap();
    let mut system = System::start(Config::telegram(&telegram)).await.unwrap();
    let conversation = opened(&system, &telegram, 7).await;
    let due = Utc::now() + TimeDelta::seconds(6);
    let id = system.schedule(&conversation, "kept", due, &never()).await.unwrap();
    assert!(system.server(Server::Nats).is_some() && system.server(Server::Postgres).is_some());
    system.kill_process("up").await.unwrap();
    system.start_again().await.unwrap();
    system.until_state(&id, "sent", SOON).await.unwrap();
    assert_eq!(count(&telegram, "kept"), 1);
    // With nobody to start again, they are gone as well.
    system.kill_process("up").await.unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(15);
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    while !processes::started_with(&system.data()).is_empty() {
        assert!(tokio::time::Instant::now() < deadline, "{:?} is left", processes::started_with(&system.data()));
        tick.tick().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_servers_come_back_and_what_was_acknowledged_is_there() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    let conversation = opened(&system, &telegram, 7).await;
    let mut acknowledged = Vec::new();
    for (n, server) in [Server::Nats, Server::Postgres, Server::Nats].into_iter().enumerate() {
        assert!(system.kill_server(server));
        // As Telegram does: again and again until it is acknowledged.
        let update = updates::text(7, &format!("during outage {n}"));
        loop {
            let (status, body) = system.webhook("tg-main", &update).await.unwrap();
            if status.is_success() {
                break;
            }
            assert!(status.is_server_error(), "{status} {body}");
        }
        acknowledged.push(format!("during outage {n}"));
    }
    let look = || async {
        let events = system.events(&conversation).await?;
        let texts: Vec<_> = events.iter().filter_map(|e| e["data"]["text"].as_str()).collect();
        Ok(acknowledged.iter().all(|a| texts.contains(&a.as_str())).then_some(()))
    };
    // The live stream may break with its server; so this looks on anew until it holds.
    let deadline = tokio::time::Instant::now() + SOON;
    while let Err(error) = system.until(Duration::from_secs(5), look).await {
        assert!(tokio::time::Instant::now() < deadline, "{error:#}");
    }
    let events = system.events(&conversation).await.unwrap();
    for text in &acknowledged {
        let kept = events.iter().filter(|e| e["type"] == "ClientResponded" && e["data"]["text"] == text.as_str());
        assert_eq!(kept.count(), 1, "{text}");
    }
}

/// A system on servers that belong to another, each behind a gate.
async fn behind_gates(telegram: &Telegram, servers: &System) -> (Gate, Gate, Config) {
    let credentials = servers.credentials().unwrap();
    let gate = |url: &str, port: &str| {
        let address = url.split('@').next_back().unwrap().split(['/', '?']).next().unwrap();
        let target = if address.contains(':') { address.to_owned() } else { format!("{address}:{port}") };
        let gate = Gate::shut_before(&target).unwrap();
        let through = url.replace(address, &gate.address().to_string());
        (gate, through)
    };
    let (nats, nats_url) = gate(credentials["nats"]["steward"].as_str().unwrap(), "4222");
    let (postgres, postgres_url) = gate(credentials["postgres"]["owner"].as_str().unwrap(), "5432");
    let urls = format!("[nats]\nurl = \"{nats_url}\"\n[postgres]\nurl = \"{postgres_url}\"");
    (nats, postgres, Config::telegram(telegram).with(&urls))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_are_down_at_the_start_or_later_get_a_clear_answer_and_lose_nothing() {
    let telegram = Telegram::start().await.unwrap();
    let servers = System::start_servers().await.unwrap();
    let (mut nats, mut postgres, config) = behind_gates(&telegram, &servers).await;
    let mut system = System::prepared(config).unwrap();
    system.launch_all().unwrap();
    // Both down at the start: it waits, and says for what.
    system.until_said_by_readyz("NATS").await.unwrap();
    nats.open().await.unwrap();
    system.until_said_by_readyz("Postgres").await.unwrap();
    postgres.open().await.unwrap();
    system.start_again().await.unwrap();
    let conversation = opened(&system, &telegram, 7).await;
    // Postgres down later: messages are taken, promises are kept; reads wait for it or say so.
    postgres.shut();
    let due = Utc::now() + TimeDelta::seconds(2);
    let body =
        json!({ "conversation_id": conversation, "text": "without Postgres", "due_at": due, "cancel_on": "never" });
    let made = system.command(reqwest::Method::POST, "/api/v1/follow-ups", &body).await.unwrap().success().unwrap();
    system.telegram(&updates::text(7, "Postgres лежит")).await.unwrap();
    telegram.until(SOON, |all| all.iter().find(|d| d.text == "without Postgres").map(drop)).await.unwrap();
    let read = system.read("/api/v1/follow-ups").await.unwrap();
    assert!(
        read.status == StatusCode::SERVICE_UNAVAILABLE || read.status == StatusCode::GATEWAY_TIMEOUT,
        "{}",
        read.status
    );
    read.clone().problem(read.status.as_u16()).unwrap();
    postgres.open().await.unwrap();
    system.saw(made["position"].as_u64().unwrap());
    let id = made["id"].as_str().unwrap();
    let deadline = tokio::time::Instant::now() + SOON;
    while !system.read(&format!("/api/v1/follow-ups/{id}")).await.unwrap().status.is_success() {
        assert!(tokio::time::Instant::now() < deadline, "reads don't come back");
    }
    system.until_state(id, "sent", SOON).await.unwrap();
    // NATS down later: nothing is acknowledged that isn't durable, and it goes on by itself.
    nats.shut();
    let update = updates::text(7, "NATS лежит");
    let (status, body) = system.webhook("tg-main", &update).await.unwrap();
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
    let command = json!({ "text": "x", "conversation_id": conversation, "due_at": Utc::now() + TimeDelta::hours(1) });
    let refused = system.command(reqwest::Method::POST, "/api/v1/follow-ups", &command).await.unwrap();
    refused.problem(503).unwrap();
    nats.open().await.unwrap();
    let deadline = tokio::time::Instant::now() + SOON;
    while !system.webhook("tg-main", &update).await.unwrap().0.is_success() {
        assert!(tokio::time::Instant::now() < deadline, "webhooks don't come back");
    }
    let look = || async {
        let events = system.events(&conversation).await?;
        let kept = events.iter().filter(|e| e["data"]["text"] == "NATS лежит").count();
        Ok((kept > 0).then_some(kept))
    };
    let deadline = tokio::time::Instant::now() + SOON;
    let kept = loop {
        match system.until(Duration::from_secs(5), look).await {
            Ok(kept) => break kept,
            Err(error) => assert!(tokio::time::Instant::now() < deadline, "{error:#}"),
        }
    };
    assert_eq!(kept, 1, "the redelivered update is kept once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_full_refuses_with_a_clear_answer_and_goes_on_when_there_is_room() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    let conversation = opened(&system, &telegram, 7).await;
    let client = system.nats().await.unwrap();
    let raw = async |request: &str, body: Value| -> Value {
        let answer = client.request(format!("$JS.API.STREAM.{request}.EVENTS"), body.to_string().into()).await.unwrap();
        serde_json::from_slice(&answer.payload).unwrap()
    };
    // A limit of what is there plus a little, as a full disk sets one.
    let info = raw("INFO", json!({})).await;
    let mut config = info["config"].clone();
    config["max_bytes"] = json!(info["state"]["bytes"].as_u64().unwrap() + 5_000);
    config["discard"] = json!("new");
    let updated = raw("UPDATE", config.clone()).await;
    assert!(updated["error"].is_null(), "{updated}");
    let mut acknowledged = Vec::new();
    let refused = loop {
        let text = format!("слово {}", acknowledged.len());
        let (status, body) = system.webhook("tg-main", &updates::text(7, &text)).await.unwrap();
        if status.is_success() {
            acknowledged.push(text);
            assert!(acknowledged.len() < 1000, "the log is never full");
        } else {
            break (status, body);
        }
    };
    assert!([503, 507].contains(&refused.0.as_u16()), "{} {}", refused.0, refused.1);
    let problem: Value = serde_json::from_str(&refused.1).unwrap();
    println!("full: {problem}");
    assert!(problem["detail"].as_str().unwrap().len() > 20, "{problem}");
    // Room again.
    config["max_bytes"] = json!(-1);
    let updated = raw("UPDATE", config).await;
    assert!(updated["error"].is_null(), "{updated}");
    let deadline = tokio::time::Instant::now() + SOON;
    while !system.webhook("tg-main", &updates::text(7, "снова есть место")).await.unwrap().0.is_success()
    {
        assert!(tokio::time::Instant::now() < deadline, "it doesn't go on");
    }
    let due = Utc::now() + TimeDelta::seconds(1);
    let id = system.schedule(&conversation, "kept after all", due, &never()).await.unwrap();
    system.until_state(&id, "sent", SOON).await.unwrap();
    let events = system.events(&conversation).await.unwrap();
    for text in &acknowledged {
        let kept = events.iter().filter(|e| e["type"] == "ClientResponded" && e["data"]["text"] == text.as_str());
        assert_eq!(kept.count(), 1, "{text} was acknowledged");
    }
}
