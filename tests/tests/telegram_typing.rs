//! While a turn runs, the client's chat shows that something is being written.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use steward_domain::ids;
use steward_log::{Append, ConnectOptions, Expected, Log};
use steward_proto::{Cause, NewEvent, TenantId, to_timestamp, v1};
use steward_tests::{Config, System, Telegram, system::AGENT_BRAIN, telegram::Call, updates};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const SOON: Duration = Duration::from_secs(120);

/// A turn of a brain that thinks until then.
async fn begin_turn(log: &Log, conversation: &str, lease_until: DateTime<Utc>) {
    let aggregate = ids::conversation_aggregate(&TenantId::new("default").unwrap(), conversation.parse().unwrap());
    let cause = Cause::outside("brain:slow", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let turn = v1::TurnStarted {
        turn_id: Uuid::now_v7().to_string(),
        worker: "a brain of the test's own".to_owned(),
        lease_until: Some(to_timestamp(lease_until)),
        brain: "slow".to_owned(),
        ..v1::TurnStarted::default()
    };
    let events = vec![NewEvent::new(Uuid::now_v7(), Utc::now(), &cause, turn)];
    log.append(Append { aggregate, events, expected: Expected::Any, dedupe_key: None }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_shows_typing_while_its_turn_runs_and_again_if_it_takes_long() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start_separately(Config::telegram(&telegram), &[(AGENT_BRAIN, 0)]).await.unwrap();
    let stop = CancellationToken::new();
    let log = Log::connect(&system.admin_url().unwrap(), ConnectOptions::new("test"), stop.clone()).await.unwrap();
    let typing = |call: &Call, chat: &str| call.method == "sendChatAction" && call.body["chat_id"] == chat;

    // A turn whose time is up is nobody's writing any more.
    system.telegram(&updates::text(8, "здравствуйте")).await.unwrap();
    let other = system.conversation(8).await.unwrap();
    begin_turn(&log, &other, Utc::now() - TimeDelta::seconds(1)).await;

    system.telegram(&updates::text(7, "здравствуйте")).await.unwrap();
    let conversation = system.conversation(7).await.unwrap();
    begin_turn(&log, &conversation, Utc::now() + TimeDelta::seconds(30)).await;
    let first = telegram.until_called(SOON, |call| typing(call, "7")).await.unwrap();
    assert_eq!(first.body["action"], "typing");
    let second = telegram.until_called(SOON, |call| typing(call, "7") && call.at > first.at).await.unwrap();
    let between = second.at - first.at;
    // Telegram shows it for five seconds, so there is no use in more.
    assert!(between.num_milliseconds() > 3_500, "{between}");
    assert!(!telegram.calls().iter().any(|call| typing(call, "8")));
    stop.cancel();
}
