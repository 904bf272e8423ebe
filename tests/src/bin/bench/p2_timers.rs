//! P2: how late 30 follow-ups a second are decided, beside 1,000, 100,000 or 1,000,000 that wait.

use std::time::Duration;

use anyhow::Result;
use chrono::{TimeDelta, Utc};
use tokio::time::sleep;

use crate::{
    bot_api::BotApi,
    due::{DueWatch, milliseconds},
    fill::Filler,
    options::Options,
    peers::timers,
    place::Place,
    proc,
    report::{Parts, figure},
    stats::Samples,
};

/// How many follow-ups become due per second.
const RATE: usize = 30;
/// The first chat of the follow-ups that wait; below, of those that become due.
const WAITING_CHATS: i64 = 6_000_000_000;
const DUE_CHATS: i64 = 8_000_000_000;
/// For how long the processor's use is counted while nothing happens.
const IDLE: Duration = Duration::from_secs(10);

pub async fn run(options: &Options) -> Result<Parts> {
    let mut parts = Parts::default();
    let bot = BotApi::start().await?;
    let seconds = options.span().as_secs().max(1) as usize * 4;
    let mut ends: Vec<(f64, f64, f64)> = Vec::new();
    for (case, pending) in options.pending().into_iter().enumerate() {
        // All cases use the same Bot API, so each has chats of its own.
        let due_chats = DUE_CHATS + case as i64 * 1_000_000;
        let place = Place::new(options, &bot)?;
        let up = place.up().await?;
        let filler = Filler::connect(&place.masters()?.nats).await?;
        let far = Utc::now() + TimeDelta::days(30);
        let spread = |n: i64| far + TimeDelta::milliseconds(n % 1_000_000 * 977);
        let began = std::time::Instant::now();
        filler.promise((0..pending as i64).map(|n| (WAITING_CHATS + n, spread(n)))).await?;
        filler.armed(pending as u64).await?;
        let armed = began.elapsed();
        let idle = idle(up.pid()).await;

        let count = RATE * seconds;
        let mut watch = DueWatch::open(&filler.log).await?;
        let first = Utc::now() + TimeDelta::seconds(6);
        let due_at = |n: usize| first + TimeDelta::microseconds(n as i64 * 1_000_000 / RATE as i64);
        filler.promise((0..count).map(|n| (due_chats + n as i64, due_at(n)))).await?;
        let mut lateness = watch.read(count, Duration::from_secs(seconds as u64 + 60)).await?;
        let mut sent = Samples::default();
        for n in 0..count {
            if let Some(at) = bot.first(due_chats + n as i64) {
                sent.add_ms(milliseconds(at - due_at(n)));
            }
        }
        ends.push((pending as f64, lateness.stored.quantile(0.99), idle.0));
        let mut figures = lateness.stored.figures();
        figures.extend([
            figure("early", lateness.stored.below_zero() as f64, ""),
            figure("seen p99", lateness.seen.quantile(0.99), "ms"),
            figure("at the Bot API p50", sent.quantile(0.5), "ms"),
            figure("at the Bot API p99", sent.quantile(0.99), "ms"),
            figure("idle steward", idle.0, "% of a core"),
            figure("idle nats", idle.1, "% of a core"),
            figure("idle postgres", idle.2, "% of a core"),
            figure("armed", pending as f64 / armed.as_secs_f64(), "/s"),
            figure("resident", proc::resident_mb(up.pid()), "MB"),
        ]);
        parts.case(format!("{pending} pending, {count} due"), "p50 ≤ 3 ms, p99 ≤ 10 ms, 0 early, idle ≤ 1 %", figures);
        drop(filler);
        up.stop().await?;
        if options.peers {
            let work = timers::Work { pending, rate: RATE, count, bursts: Vec::new() };
            peers(options, &bot, &work, &mut parts).await?;
        }
    }
    if let [first, .., last] = ends.as_slice() {
        parts.grows("p99 lateness with pending", (first.0, last.0), (first.1, last.1));
        parts.grows("idle steward with pending", (first.0, last.0), (first.2, last.2));
    }
    Ok(parts)
}

/// The peers with the same work, on a Postgres of their own.
async fn peers(options: &Options, bot: &BotApi, work: &timers::Work, parts: &mut Parts) -> Result<()> {
    let place = Place::new(options, bot)?;
    let servers = place.servers().await?;
    timers::measure(&place, work, parts).await?;
    servers.stop().await?;
    Ok(())
}

/// How much of a core, in percent, steward, nats-server and Postgres take while nothing happens.
async fn idle(pid: u32) -> (f64, f64, f64) {
    // By then the work that filling has left (projection, caches) is done.
    sleep(Duration::from_secs(3)).await;
    let children = proc::descendants(pid);
    let of = |name: &str| -> Duration {
        children.iter().filter(|(_, program)| program.starts_with(name)).map(|(pid, _)| proc::cpu(*pid)).sum()
    };
    let before = (proc::cpu(pid), of("nats-server"), of("postgres"));
    sleep(IDLE).await;
    let share =
        |before: Duration, after: Duration| after.saturating_sub(before).as_secs_f64() / IDLE.as_secs_f64() * 100.0;
    (share(before.0, proc::cpu(pid)), share(before.1, of("nats-server")), share(before.2, of("postgres")))
}
