//! A scheduler that has just started and holds no conversation in memory decides each promise once, at its time.

#![allow(clippy::unwrap_used)]

mod world;

use std::collections::HashMap;

use chrono::{TimeDelta, Utc};
use futures::{StreamExt, pin_mut};
use steward_proto::Event;
use steward_settings::Settings;
use tokio_util::sync::CancellationToken;
use world::{SOON, connect, promised, server::Server};

/// `STEWARD_RINGS=500` makes it as many rounds as the full show has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scheduler_that_has_just_started_decides_each_promise_at_its_time_and_once() {
    let rounds = std::env::var("STEWARD_RINGS").ok().and_then(|n| n.parse().ok()).unwrap_or(3);
    let server = Server::start().await;
    let stop = CancellationToken::new();
    let writer = connect(&server, &stop).await;
    let mut rung: HashMap<String, usize> = HashMap::new();
    let due_events = writer.tail(1, vec!["ev.*.conversation.*.follow_up_due".to_owned()]).await.unwrap();
    pin_mut!(due_events);
    for round in 0..rounds {
        let running = CancellationToken::new();
        let log = connect(&server, &running).await;
        let scheduler = tokio::spawn(steward_scheduler::run(log, Settings::default().into(), running.clone()));
        let due_at = Utc::now() + TimeDelta::milliseconds(1_300);
        let mut ids = Vec::new();
        for chat in 0..3 {
            ids.push(promised(&writer, "default", &format!("{round}/{chat}"), due_at).await);
        }
        for n in 0..ids.len() {
            let next = tokio::time::timeout(SOON, due_events.next()).await;
            let next = next.unwrap_or_else(|_| panic!("round {round}: {n} of {ids:?} rang")).unwrap().unwrap();
            let Event::FollowUpDue(due) = next.recorded.event else { panic!("{:?}", next.recorded.event) };
            assert!(next.recorded.metadata.at >= due_at, "{} rang early", due.follow_up_id);
            *rung.entry(due.follow_up_id).or_default() += 1;
        }
        assert!(ids.iter().all(|id| rung.get(&id.to_string()) == Some(&1)), "round {round}: {rung:?}");
        running.cancel();
        scheduler.await.unwrap().unwrap();
    }
}
