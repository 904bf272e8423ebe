//! The race between a promise's due time and the client's own message: whoever the log took first has won.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use chrono::{TimeDelta, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use steward_tests::{
    Config, System, Telegram,
    lateness::{Lateness, amount},
    updates,
};
use tokio::time::Instant;

const SOON: Duration = Duration::from_secs(120);

fn position(event: &Value) -> u64 {
    event["position"].as_u64().unwrap()
}

/// Between two due times: so many races a second that others are always under way.
const PACE: TimeDelta = TimeDelta::milliseconds(40);

/// Microseconds.
const STEP: i64 = 15_000;

/// How late a follow-up usually is here and now.
async fn usual_lateness(system: &System, telegram: &Telegram, conversations: &[String]) -> TimeDelta {
    let start = Utc::now() + TimeDelta::seconds(2);
    let mut due = Vec::new();
    for (n, conversation) in conversations.iter().take(20).enumerate() {
        due.push(start + PACE * n as i32);
        let more = json!({ "cancel_on": "never" });
        system.schedule(conversation, &format!("rehearsal {n}"), due[n], &more).await.unwrap();
    }
    let mut lateness = Lateness::default();
    for (n, due) in due.iter().enumerate() {
        let text = format!("rehearsal {n}");
        let sent = telegram.until(SOON, |all| all.iter().find(|d| d.text == text).map(|d| d.at)).await.unwrap();
        lateness.add(*due, sent);
    }
    lateness.percentile(0.5)
}

/// The full show: `STEWARD_RACES=1000`. Clients write within ±20 ms of the due time, every other one within ±20 ms of the
/// moment at which either side wins as often as the other. That moment is found as the races go: later by [`STEP`] after
/// one that the client won, earlier after one that was sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_claim_follows_the_clients_message_and_what_was_cancelled_was_not_sent() {
    let count = amount("STEWARD_RACES", 100);
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    let chats: Vec<i64> = (0..count as i64).map(|n| 10_000 + n).collect();
    let opened = stream::iter(&chats).map(|chat| {
        let system = &system;
        async move { system.telegram(&updates::text(*chat, "здравствуйте")).await }
    });
    opened.buffer_unordered(16).try_collect::<()>().await.unwrap();
    telegram.until(SOON, |all| (all.len() >= count).then_some(())).await.unwrap();
    let mut conversations = Vec::new();
    for chat in &chats {
        conversations.push(system.conversation(chat).await.unwrap());
    }
    let usual = usual_lateness(&system, &telegram, &conversations).await;
    // Begun when all are set up.
    let start = Utc::now() + TimeDelta::milliseconds(4000 + count as i64 * 12);
    let due = |n: usize| start + PACE * i32::try_from(n).unwrap();
    let ids: Vec<String> = stream::iter(0..count)
        .map(|n| {
            let (system, conversation) = (&system, &conversations[n]);
            async move { system.schedule(conversation, &format!("promise {n}"), due(n), &json!({})).await }
        })
        .buffered(8)
        .try_collect()
        .await
        .unwrap();
    let moment = Arc::new(AtomicI64::new(usual.num_microseconds().unwrap_or_default()));
    let late = (Utc::now() - start).max(TimeDelta::zero());
    assert_eq!(late, TimeDelta::zero(), "the races began before all was set up");
    let seed: u64 = rand::random();
    let mut rng = StdRng::seed_from_u64(seed);
    let (now, clock) = (Utc::now(), Instant::now());
    let writers = (0..count).map(|n| {
        let spread = rng.random_range(-20_000..=20_000);
        let due = clock + (due(n) - now).to_std().unwrap();
        let (api, chat, id, moment) = (system.api().clone(), chats[n], ids[n].clone(), Arc::clone(&moment));
        tokio::spawn(async move {
            tokio::time::sleep_until(due - Duration::from_millis(25)).await;
            let found = n % 2 == 1;
            let about = if found { moment.load(Ordering::Relaxed) } else { 0 };
            let after = Duration::from_micros((25_000 + about + spread).max(0) as u64);
            // The race itself: the client writes at this moment.
            tokio::time::sleep_until(due - Duration::from_millis(25) + after).await;
            api.telegram(&updates::text(chat, "я передумал, у меня вопрос")).await?;
            if found {
                let look = || async {
                    let found = api.follow_up(&id).await?;
                    Ok((found["state"] != "pending").then(|| found["state"] == "sent"))
                };
                let sent = api.until(SOON, look).await?;
                moment.fetch_add(if sent { -STEP } else { STEP }, Ordering::Relaxed);
            }
            anyhow::Ok(())
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap().unwrap();
    }
    let (mut sent, mut cancelled, mut refused) = (0, 0, 0);
    for (n, (id, conversation)) in ids.iter().zip(&conversations).enumerate() {
        let look = || async {
            let found = system.follow_up(id).await?;
            Ok((found["state"] != "pending").then_some(found))
        };
        let ended = system.until(SOON, look).await.unwrap();
        let delivered = telegram.delivered_to(chats[n]).iter().filter(|d| d.text == format!("promise {n}")).count();
        let events = system.events(conversation).await.unwrap();
        let words = events.iter().filter(|e| e["type"] == "ClientResponded").nth(1).expect("the second message");
        let of_promise: Vec<_> = events.iter().filter(|e| e["data"]["follow_up_id"] == id.as_str()).collect();
        let claim = of_promise.iter().find(|e| e["type"] == "DispatchStarted");
        if let Some(claim) = claim {
            assert!(position(claim) < position(words), "race {n}: a claim after the client's message, seed {seed}");
        }
        match ended["state"].as_str().unwrap() {
            "sent" => {
                assert_eq!(delivered, 1, "race {n}");
                sent += 1;
            }
            "cancelled" => {
                assert_eq!(delivered, 0, "race {n}: cancelled, but sent; seed {seed}");
                // By the message itself; the turn that reads it says that it was the client's wish.
                let code = ended["reason"]["code"].as_str().unwrap();
                assert!(["client_responded", "by_client"].contains(&code), "race {n}: {code}");
                assert!(claim.is_none());
                cancelled += 1;
                // It was due already, and the claim lost the race.
                refused += usize::from(of_promise.iter().any(|e| e["type"] == "FollowUpDue"));
            }
            other => panic!("race {n} ended {other}: {ended}"),
        }
    }
    println!(
        "{count} races, sends usually {} ms late, either side as good {} ms after the due time, seed {seed}: {sent} sent before the client's message, {cancelled} cancelled by it, {refused} of those after they were due",
        usual.num_milliseconds(),
        moment.load(Ordering::Relaxed) / 1000
    );
    assert!(sent > 0 && cancelled > 0, "it was no race");
}
