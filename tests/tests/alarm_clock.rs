//! The alarm clock is a hint, the log the truth: alarms that were lost are set again, and what is overdue is decided all the same.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use futures::TryStreamExt;
use serde_json::json;
use steward_tests::{Config, System, Telegram, system::SCHEDULER, updates};

const SOON: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_kept_though_its_alarm_was_lost_or_never_rings() {
    let telegram = Telegram::start().await.unwrap();
    let mut system = System::start_separately(Config::telegram(&telegram), &[]).await.unwrap();
    system.telegram(&updates::text(7, "здравствуйте")).await.unwrap();
    telegram.until_delivered_to(7, 1, SOON).await.unwrap();
    let conversation = system.conversation(7).await.unwrap();
    let start = Utc::now();
    let mut ids = Vec::new();
    for (text, seconds) in [("lost", 20), ("silent", 6)] {
        let due = start + TimeDelta::seconds(seconds);
        ids.push(system.schedule(&conversation, text, due, &json!({ "cancel_on": "never" })).await.unwrap());
    }
    let subjects: Vec<String> =
        ids.iter().map(|id| format!("sch.default.conversation.{conversation}.follow_up.{id}")).collect();

    let jetstream = async_nats::jetstream::new(system.nats().await.unwrap());
    let timers = jetstream.get_stream("TIMERS").await.unwrap();
    let set = async || timers.info_with_subjects("sch.>").await.unwrap().try_collect::<Vec<_>>().await.unwrap().len();
    let both = async {
        while set().await < subjects.len() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(SOON, both).await.unwrap();
    system.kill_process(SCHEDULER).await.unwrap();
    timers.purge().filter(&subjects[0]).await.unwrap();
    let schedule = timers.get_last_raw_message_by_subject(&subjects[1]).await.unwrap();
    let mut headers = schedule.headers;
    headers.insert("Nats-Schedule", format!("@at {}", (Utc::now() + TimeDelta::hours(1)).to_rfc3339()));
    jetstream.publish_with_headers(subjects[1].clone(), headers, schedule.payload).await.unwrap().await.unwrap();
    assert!(Utc::now() < start + TimeDelta::seconds(5), "all this was to be done before they are due");

    tokio::time::sleep(Duration::from_secs(13)).await;
    assert_eq!(telegram.delivered_to(7).len(), 1, "nobody rings");
    system.start_again().await.unwrap();
    let sends = telegram.until_delivered_to(7, 3, SOON).await.unwrap();
    let texts: Vec<&str> = sends.iter().map(|send| send.text.as_str()).collect();
    assert_eq!(texts[1..], ["silent", "lost"], "the overdue one at once, the other at its time");
    assert!(sends[2].at >= start + TimeDelta::seconds(20));
    for id in &ids {
        system.until_state(id, "sent", SOON).await.unwrap();
    }
    assert_eq!(telegram.delivered_to(7).len(), 3);
}
