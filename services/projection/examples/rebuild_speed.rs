//! Measures P6: read models from a million events, beside a COPY of the same event rows in the same run.
//! `cargo run --release -p steward-projection --example rebuild_speed -- 1000000`; one JSON line on stdout.
#![allow(clippy::unwrap_used, reason = "a measurement")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::Instant;

use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use futures::{SinkExt as _, StreamExt as _, TryStreamExt as _, stream};
use support::{System, postgres, stories::Chat, tenant};

/// How many events one conversation's story has.
const STORY: usize = 10;

#[tokio::main]
async fn main() {
    let events: usize = std::env::args().nth(1).map_or(1_000_000, |n| n.parse().expect("a number of events"));
    let system = System {
        postgres: postgres::Server::start_with(&["max_wal_size=1GB", "jit=off"]).await,
        ..System::start().await
    };
    let pool = steward_projection::pool(&system.postgres.url(), 8).unwrap();
    let filling = Instant::now();
    stream::iter(0..events.div_ceil(STORY))
        .for_each_concurrent(200, |n| {
            let system = &system;
            async move {
                let chat = Chat::new(&tenant("default"), &format!("chat-{n}"));
                let due_at = Utc::now() + TimeDelta::hours(1);
                let mut story = vec![chat.writes("m:1", "write to me in an hour about the contract")];
                story.push(chat.promises(1, due_at));
                story.extend(chat.keeps(1, due_at));
                story.push(chat.writes("m:2", "thanks, and again tomorrow please"));
                story.push(chat.promises(2, due_at + TimeDelta::days(1)));
                story.push(chat.promises(3, due_at + TimeDelta::days(2)));
                story.push(chat.writes("m:3", "never mind"));
                story.push(chat.promises(4, due_at + TimeDelta::days(3)));
                system.record(&chat.aggregate, story).await;
            }
        })
        .await;
    let filled = filling.elapsed();
    let rebuilt = steward_projection::rebuild(&system.log, &pool).await.unwrap();
    let copied = copy_again(&pool, &rebuilt.schema).await;
    let rate = rebuilt.events as f64 / rebuilt.took.as_secs_f64();
    println!(
        "{}",
        serde_json::json!({
            "job": "P6 rebuild",
            "events": rebuilt.events,
            "seconds": rebuilt.took.as_secs_f64(),
            "events_per_second": rate.round(),
            "reference": "COPY of the same event rows into a table with a primary key",
            "reference_rows_per_second": copied.round(),
            "ratio": rate / copied,
            "fill_seconds": filled.as_secs_f64(),
        })
    );
}

/// How many rows a second a plain COPY of the events takes.
async fn copy_again(pool: &deadpool_postgres::Pool, schema: &str) -> f64 {
    let client = pool.get().await.unwrap();
    let out = client.copy_out(&format!("COPY {schema}.events TO STDOUT (FORMAT binary)")).await.unwrap();
    let rows: Vec<Bytes> = out.try_collect().await.unwrap();
    client
        .batch_execute(&format!(
            "CREATE TABLE copied (LIKE {schema}.events); ALTER TABLE copied ADD PRIMARY KEY (position)"
        ))
        .await
        .unwrap();
    let started = Instant::now();
    let sink = client.copy_in("COPY copied FROM STDIN (FORMAT binary)").await.unwrap();
    futures::pin_mut!(sink);
    for chunk in rows.chunks(1024) {
        sink.send(Bytes::from(chunk.concat())).await.unwrap();
    }
    let count = sink.finish().await.unwrap();
    count as f64 / started.elapsed().as_secs_f64()
}
