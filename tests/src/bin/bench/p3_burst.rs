//! P3: when the last of 1,000 and of 10,000 follow-ups is decided that are due at the same instant.

use std::time::Duration;

use anyhow::{Context as _, Result};
use chrono::{TimeDelta, Utc};

use crate::{
    bot_api::BotApi,
    due::{DueWatch, milliseconds},
    fill::Filler,
    options::Options,
    peers::timers,
    place::Place,
    raw::Raw,
    report::{Parts, figure},
};

const CHATS: i64 = 10_000_000_000;

pub async fn run(options: &Options) -> Result<Parts> {
    let mut parts = Parts::default();
    let bot = BotApi::start().await?;
    let mut next_chat = CHATS;
    for alone in [true, false] {
        let place = Place::new(options, &bot)?;
        let (servers, running) = match alone {
            true => (Some(place.servers().await?), place.service("scheduler").await?),
            false => (None, place.up().await?),
        };
        let nats = place.masters()?.nats;
        let mut reference = 0.0;
        if alone {
            let raw = Raw::open(&nats, 400).await?;
            let count = options.burst().into_iter().max().unwrap_or(1_000);
            let singly = raw.singly(count).await?;
            parts.reference("JetStream, 64 writers awaiting each acknowledgement", vec![figure("", singly, "/s")]);
            reference = raw.batched(count, 100).await?;
            parts.reference("JetStream, atomic batches of 100", vec![figure("", reference, "/s")]);
            let large = raw.batched(count, 500).await?;
            parts.reference("JetStream, atomic batches of 500", vec![figure("", large, "/s")]);
            if options.peers {
                let work = timers::Work { pending: 0, rate: 30, count: 30, bursts: options.burst() };
                timers::measure(&place, &work, &mut parts).await?;
            }
        }
        let filler = Filler::connect(&nats).await?;
        let mut ends = Vec::new();
        for count in options.burst() {
            let mut watch = DueWatch::open(&filler.log).await?;
            // All alarms are to be set before the instant comes, which takes time.
            let due_at = Utc::now() + TimeDelta::seconds(4 + count as i64 / 700);
            filler.promise((0..count as i64).map(|n| (next_chat + n, due_at))).await?;
            next_chat += count as i64;
            let mut lateness = watch.read(count, Duration::from_secs(120 + count as u64 / 100)).await?;
            let all = milliseconds(lateness.last.context("some were due")? - due_at);
            let rate = count as f64 / (all / 1e3);
            let goal = match count {
                1_000 => "all ≤ 100 ms",
                10_000 => "≥ 20 k/s",
                _ => "",
            };
            let what = if alone { "scheduler alone" } else { "up, sending beside it" };
            parts.case(
                format!("{count} in one instant, {what}"),
                goal,
                vec![
                    figure("all after", all, "ms"),
                    figure("decided", rate, "/s"),
                    figure("p50", lateness.stored.quantile(0.5), "ms"),
                    figure("early", lateness.stored.below_zero() as f64, ""),
                ],
            );
            if alone {
                parts.against(rate / reference, "batches of 100");
            }
            ends.push((count as f64, all));
        }
        if let (true, [first, .., last]) = (alone, ends.as_slice()) {
            parts.grows("time until all are decided", (first.0, last.0), (first.1, last.1));
        }
        drop(filler);
        drop(running);
        drop(servers);
    }
    Ok(parts)
}
