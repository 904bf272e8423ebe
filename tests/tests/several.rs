//! Each service as a process of its own, and several of each: the same results, and nothing twice.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use chrono::{TimeDelta, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::json;
use steward_tests::{
    Config, System, Telegram,
    lateness::{Lateness, amount},
    system::{AGENT_BRAIN, OUTBOX_DISPATCHER, SCHEDULER, SERVICES},
    updates::{self, Person},
};

const SOON: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_separate_processes_keep_promises_as_one_does() {
    let telegram = Telegram::start().await.unwrap();
    let mut system = System::start_separately(Config::telegram(&telegram), &[]).await.unwrap();
    let pids: HashSet<i32> = SERVICES.iter().map(|s| system.process(s).unwrap().pid).collect();
    assert_eq!(pids.len(), 5);
    for (chat, language, text) in [
        (7, "ru", "напиши через 6 секунд про договор"),
        (8, "es", "escríbeme dentro de 6 segundos sobre el contrato"),
        (9, "en", "write to me in 6 seconds about the contract"),
    ] {
        system.telegram(&updates::message(&Person::new(chat, language), text)).await.unwrap();
    }
    for chat in [7, 8, 9] {
        let sends = telegram.until_delivered_to(chat, 2, SOON).await.unwrap();
        assert_eq!(sends.len(), 2, "{sends:?}");
        let conversation = system.conversation(chat).await.unwrap();
        let follow_ups = system.follow_ups(&conversation).await.unwrap();
        system.until_state(follow_ups[0]["id"].as_str().unwrap(), "sent", SOON).await.unwrap();
    }
    // Each answers for itself.
    for service in SERVICES {
        let base = system.base_of(service).unwrap();
        for path in ["healthz", "readyz", "metrics"] {
            let status = system.client.get(format!("{base}/{path}")).send().await.unwrap().status();
            assert!(status.is_success(), "{service}/{path}: {status}");
        }
    }
    for (name, status, took) in system.stop().await.unwrap() {
        assert!(status.success() && took < Duration::from_secs(10), "{name} ended with {status} after {took:?}");
    }
}

/// The full show: `STEWARD_SEVERAL=1000`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_dispatchers_two_brains_and_two_schedulers_send_each_follow_up_once() {
    let count = amount("STEWARD_SEVERAL", 120);
    let telegram = Telegram::start().await.unwrap();
    let twice = [(AGENT_BRAIN, 2), (SCHEDULER, 2), (OUTBOX_DISPATCHER, 2)];
    let system = System::start_separately(Config::telegram(&telegram), &twice).await.unwrap();
    let chats: Vec<i64> = (0..40).map(|n| 100 + n).collect();
    for chat in &chats {
        system.telegram(&updates::text(*chat, "здравствуйте")).await.unwrap();
    }
    let mut conversations = Vec::new();
    for chat in &chats {
        conversations.push(system.conversation(chat).await.unwrap());
        telegram.until_delivered_to(chat, 1, SOON).await.unwrap();
    }
    // Commands take their time; all of them are given before the first is due.
    let due = Utc::now() + TimeDelta::milliseconds(4000 + count as i64 * 12);
    let ids: Vec<(String, chrono::DateTime<Utc>)> = stream::iter(0..count)
        .map(|n| {
            let (system, conversation) = (&system, &conversations[n % conversations.len()]);
            async move {
                let due = due + TimeDelta::milliseconds((n as i64 % 50) * 40);
                let more = json!({ "cancel_on": "never" });
                let id = system.schedule(conversation, &format!("follow-up {n}"), due, &more).await?;
                anyhow::Ok((id, due))
            }
        })
        .buffered(8)
        .try_collect()
        .await
        .unwrap();
    telegram.until(SOON, |all| (all.len() >= chats.len() + count).then_some(())).await.unwrap();
    let mut lateness = Lateness::default();
    for (n, (id, due)) in ids.iter().enumerate() {
        system.until_state(id, "sent", SOON).await.unwrap();
        let sends: Vec<_> = telegram.delivered().into_iter().filter(|d| d.text == format!("follow-up {n}")).collect();
        assert_eq!(sends.len(), 1, "follow-up {n} was sent {} times", sends.len());
        lateness.add(*due, sends[0].at);
    }
    let mut workers: HashMap<String, usize> = HashMap::new();
    for claim in system.events_of_type("DispatchStarted").await.unwrap() {
        *workers.entry(claim["data"]["worker"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let mut brains: HashMap<String, usize> = HashMap::new();
    for turn in system.events_of_type("TurnStarted").await.unwrap() {
        *brains.entry(turn["data"]["worker"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    println!(
        "{count} follow-ups, each sent once: {lateness}; claims by dispatcher {workers:?}, turns by brain {brains:?}"
    );
    assert_eq!(lateness.early(), 0);
    assert_eq!(workers.len(), 2, "both dispatchers had a share: {workers:?}");
}
