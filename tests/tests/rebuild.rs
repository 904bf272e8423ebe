//! Read models can be rebuilt from the log at any time: the read API answers throughout, and says the same afterwards.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{process::Stdio, sync::Arc, time::Duration};

use chrono::{TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};
use steward_tests::{Api, Config, System, Telegram, lateness::amount, updates};
use tokio_util::sync::CancellationToken;

const SOON: Duration = Duration::from_secs(120);
const WRITERS: usize = 4;
const LISTS: [&str; 4] = ["conversations", "follow-ups", "outbox", "events"];

/// All there is to read, with what belongs to each conversation.
async fn everything(api: &Api) -> Value {
    let mut all = json!({});
    for list in LISTS {
        all[list] = api.items(&format!("/api/v1/{list}")).await.unwrap().into();
    }
    for conversation in all["conversations"].clone().as_array().unwrap() {
        let id = conversation["id"].as_str().unwrap();
        all[format!("messages of {id}")] =
            api.items(&format!("/api/v1/conversations/{id}/messages")).await.unwrap().into();
        let contact = conversation["contact"]["id"].as_str().unwrap();
        all[format!("contact {contact}")] = api.get(&format!("/api/v1/contacts/{contact}")).await.unwrap();
    }
    all
}

async fn rebuild(system: &System) {
    let output = system.steward(&["rebuild"]).unwrap().output().await.unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    println!("{}", said.lines().last().unwrap_or_default());
}

/// Begins a rebuild and kills it with SIGKILL after this time, unless it was faster.
async fn rebuild_and_kill(system: &System, after: Duration) {
    let mut rebuild =
        system.steward(&["rebuild"]).unwrap().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    if tokio::time::timeout(after, rebuild.wait()).await.is_err() {
        rebuild.kill().await.unwrap();
    }
}

/// One of the things that happen: a client writes, something is promised, a human comes and goes.
async fn write(system: &System, n: usize, chat: i64, conversation: &str) {
    match n % 8 {
        0 | 3 => system.telegram(&updates::text(chat, &format!("слово {n}"))).await.unwrap(),
        1 => {
            let human = format!("/api/v1/conversations/{conversation}");
            // Refused when somebody else is faster.
            let body = json!({ "by": format!("operator {n}") });
            let _ = system.command(Method::POST, &format!("{human}/takeover"), &body).await.unwrap();
            let _ = system.command(Method::POST, &format!("{human}/release"), &body).await.unwrap();
        }
        _ => {
            let due = Utc::now() + TimeDelta::milliseconds(2_000 + (n as i64 % 7) * 500);
            let more = json!({ "cancel_on": if n.is_multiple_of(2) { "never" } else { "client_response" } });
            system.schedule(conversation, &format!("follow-up {n}"), due, &more).await.unwrap();
        }
    }
}

/// The full show: `STEWARD_REBUILDS=20`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_under_load_is_never_noticed_and_equals_a_projection_from_scratch() {
    let telegram = Telegram::start().await.unwrap();
    let system = Arc::new(System::start(Config::telegram(&telegram)).await.unwrap());
    let chats: Vec<i64> = (0..20).map(|n| 500 + n).collect();
    for chat in &chats {
        system.telegram(&updates::text(*chat, "здравствуйте")).await.unwrap();
    }
    let mut conversations = Vec::new();
    for chat in &chats {
        conversations.push(system.conversation(chat).await.unwrap());
    }
    let stop = CancellationToken::new();
    let writers: Vec<_> = (0..WRITERS)
        .map(|first| {
            let (system, stop) = (Arc::clone(&system), stop.clone());
            let (chats, conversations) = (chats.clone(), conversations.clone());
            tokio::spawn(async move {
                let mut n = first;
                while !stop.is_cancelled() {
                    write(&system, n, chats[n % chats.len()], &conversations[n % chats.len()]).await;
                    n += WRITERS;
                }
                n / WRITERS
            })
        })
        .collect();
    let reader = tokio::spawn({
        let (api, stop) = (system.api().clone(), stop.clone());
        async move {
            let mut answers = 0;
            let mut position = 0;
            while !stop.is_cancelled() {
                for list in LISTS {
                    let url = format!("{}/api/v1/{list}?limit=50", api.read);
                    let asked = tokio::time::Instant::now();
                    let answer = api.client.get(url).send().await.unwrap();
                    assert!(answer.status().is_success(), "{list} answered {} during a rebuild", answer.status());
                    assert!(asked.elapsed() < Duration::from_secs(20), "{list} took {:?}", asked.elapsed());
                    let now: u64 = answer.headers()["steward-position"].to_str().unwrap().parse().unwrap();
                    assert!(now >= position, "the read model went back from {position} to {now}");
                    position = now;
                    answers += 1;
                }
            }
            answers
        }
    });
    for n in 0..amount("STEWARD_REBUILDS", 2) as u32 {
        for moment in 1..=3 {
            rebuild_and_kill(&system, Duration::from_millis(40) * (moment + n)).await;
        }
        rebuild(&system).await;
    }
    stop.cancel();
    let read = reader.await.unwrap();
    let mut written = 0;
    for writer in writers {
        written += writer.await.unwrap();
    }
    // Until everything that was promised has come to its end, there is something to change.
    let quiet = || async {
        let pending = system.items("/api/v1/follow-ups?state=pending").await?.len();
        let queued = system.items("/api/v1/outbox?state=queued").await?.len();
        let claimed = system.items("/api/v1/outbox?state=claimed").await?.len();
        Ok((pending + queued + claimed == 0).then_some(()))
    };
    system.until(SOON, quiet).await.unwrap();
    let live = everything(system.api()).await;
    let events = live["events"].as_array().unwrap().len();
    println!("{written} writes and {read} reads during the rebuilds; {events} events compared");
    rebuild(&system).await;
    let again = everything(system.api()).await;
    for (name, value) in live.as_object().unwrap() {
        assert_eq!(value, &again[name], "{name} differs from a projection from scratch");
    }
}
