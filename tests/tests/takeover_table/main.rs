//! The takeover table: every way in by every way out on every channel, and what the bot does in between and after.
//!
//! All rows live in one system at once. In each a human takes over; meanwhile nothing of the bot's goes out, whether it was
//! waiting, comes due or is only queued now; the human speaks; after the way out the bot answers again, doesn't repeat
//! the human, and keeps what is due later.
#![allow(clippy::unwrap_used, reason = "tests")]

mod mail;
mod row;
mod telegram;
mod web;
mod whatsapp;
mod world;

use std::{collections::BTreeMap, time::Instant};

use futures::{StreamExt, stream};

use row::{Row, WayIn, WayOut};
use world::World;

/// Every way in of every channel, with the ways out it is paired with.
fn ways_in() -> Vec<WayIn> {
    [telegram::ways_in(), whatsapp::ways_in(), mail::ways_in(), web::ways_in()].concat()
}

/// Goes through the rows whose way out is accepted; in so many something happens at the same time.
async fn through(release_after: &str, at_once: usize, accepted: impl Fn(WayOut) -> bool) {
    let world = World::start(release_after).await;
    let mut rows = Vec::new();
    let mut counts = BTreeMap::new();
    for way_in in ways_in() {
        for way_out in way_in.outs.iter().copied().filter(|out| accepted(*out)) {
            *counts.entry(way_in.channel).or_insert(0) += 1;
            rows.push(Row::new(rows.len(), &way_in, way_out));
        }
    }
    let mut took = Vec::new();
    for step in 0..4 {
        let began = Instant::now();
        let each = stream::iter(rows.iter_mut()).map(|row| row.step(step, &world));
        each.buffer_unordered(at_once).collect::<Vec<()>>().await;
        took.push(began.elapsed());
    }
    println!("{} rows: {counts:?}; the four steps took {took:.1?}", rows.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_every_channel_every_way_in_is_given_back_by_every_command() {
    through("never", 32, |out| out != WayOut::Silence).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_every_channel_every_way_in_ends_by_the_humans_silence() {
    through("10s", 16, |out| out == WayOut::Silence).await;
}
