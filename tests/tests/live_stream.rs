//! The live stream: whoever's line breaks, again and again, sees each message once and in order, through restarts too.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{collections::HashSet, time::Duration};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;
use steward_tests::{Config, System, Telegram, live::LiveEvent, updates};
use tokio::time::{Instant, timeout};

const SOON: Duration = Duration::from_secs(120);
const MESSAGES: usize = 120;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_whose_line_breaks_sees_each_message_once_and_in_order_through_a_restart() {
    let telegram = Telegram::start().await.unwrap();
    let mut system = System::start(Config::telegram(&telegram)).await.unwrap();
    let api = system.api().clone();
    let mut first = api.live("?types=new_message", None).await.unwrap();
    // Before anything came it knows where it stands.
    let start = first.joined().await.unwrap();
    drop(first);
    let seed: u64 = rand::random();
    let listener = tokio::spawn(async move {
        let mut rng = StdRng::seed_from_u64(seed);
        let (mut seen, mut last, mut lines) = (Vec::<LiveEvent>::new(), start, 0);
        let deadline = Instant::now() + SOON;
        let all = |seen: &[LiveEvent]| seen.iter().filter(|e| e.data["message"]["direction"] == "in").count();
        while all(&seen) < MESSAGES && Instant::now() < deadline {
            // While the system is down there is no line to be had.
            let Ok(mut live) = api.live("?types=new_message", Some(last)).await else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            lines += 1;
            let (lasts, most) = (Duration::from_millis(rng.random_range(20..400)), rng.random_range(1..20));
            let read = async {
                for _ in 0..most {
                    let Ok(event) = live.next().await else { break };
                    seen.push(event);
                }
            };
            // The line breaks after a while or after some events, wherever it is: however fast all are sent, it breaks.
            let _ = timeout(lasts, read).await;
            last = live.position.unwrap_or(last);
        }
        (seen, lines)
    });
    for n in 0..MESSAGES {
        system.telegram(&updates::text(100 + n as i64 % 7, &format!("m{n}"))).await.unwrap();
        if n == MESSAGES / 2 {
            system.stop().await.unwrap();
            system.start_again().await.unwrap();
        }
    }
    let (seen, lines) = listener.await.unwrap();
    println!("{} events over {lines} lines, seed {seed}", seen.len());
    let ids: Vec<u64> = seen.iter().map(|e| e.id.unwrap()).collect();
    assert!(ids.is_sorted() && ids.iter().collect::<HashSet<_>>().len() == ids.len(), "out of order or repeated");
    let texts: Vec<&str> = seen
        .iter()
        .filter(|e| e.data["message"]["direction"] == "in")
        .map(|e| e.data["message"]["text"].as_str().unwrap())
        .collect();
    let expected: Vec<String> = (0..MESSAGES).map(|n| format!("m{n}")).collect();
    assert_eq!(texts, expected);
    assert!(lines > 3, "the line broke too seldom: {lines} lines");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stream_shows_what_is_asked_for_under_its_five_names() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    system.telegram(&updates::text(7, "здравствуйте")).await.unwrap();
    system.telegram(&updates::text(8, "здравствуйте")).await.unwrap();
    let (mine, other) = (system.conversation(7).await.unwrap(), system.conversation(8).await.unwrap());
    telegram.until(SOON, |all| (all.len() >= 2).then_some(())).await.unwrap();
    let filter = format!("?conversation_id={mine}&types=system_notification,task_update");
    let mut live = system.live(&filter, None).await.unwrap();
    live.joined().await.unwrap();
    for conversation in [&other, &mine] {
        let body = json!({ "by": "anna" });
        system.post(&format!("/api/v1/conversations/{conversation}/takeover"), &body).await.unwrap();
    }
    let event = timeout(SOON, live.next()).await.unwrap().unwrap();
    assert_eq!(event.event, "system_notification");
    assert_eq!((&event.data["conversation_id"], &event.data["type"]), (&json!(mine), &json!("HumanTakeoverStarted")));
    assert_eq!(event.id, event.data["position"].as_u64());
    assert!(event.data["event_id"].is_string() && event.data["level"].is_string() && event.data["code"].is_string());
}
