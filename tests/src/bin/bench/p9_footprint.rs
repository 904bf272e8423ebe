//! P9: memory of `steward up` without its servers, and the time until it is ready.

use std::time::Duration;

use anyhow::Result;
use chrono::{TimeDelta, Utc};
use tokio::time::sleep;

use crate::{
    bot_api::BotApi,
    fill::Filler,
    options::Options,
    place::Place,
    proc,
    report::{Parts, figure},
};

const CHATS: i64 = 30_000_000_000;
/// After this time the work of a start is over.
const SETTLED: Duration = Duration::from_secs(5);

pub async fn run(options: &Options) -> Result<Parts> {
    let mut parts = Parts::default();
    let bot = BotApi::start().await?;
    let place = Place::new(options, &bot)?;
    let mut up = place.up().await?;
    sleep(SETTLED).await;
    let idle = proc::resident_mb(up.pid());
    parts.case(
        "first start, empty",
        "≤ 60 MB",
        vec![figure("resident", idle, "MB"), figure("ready", up.ready_in.as_secs_f64(), "s")],
    );
    let stopped = up.stop().await?;
    up = place.up().await?;
    sleep(SETTLED).await;
    parts.case(
        "second start, empty",
        "ready ≤ 2 s, ≤ 60 MB",
        vec![
            figure("ready", up.ready_in.as_secs_f64(), "s"),
            figure("resident", proc::resident_mb(up.pid()), "MB"),
            figure("stopping took", stopped.as_secs_f64(), "s"),
        ],
    );

    let mut ends = Vec::new();
    let mut waiting = 0;
    for pending in options.pending() {
        let filler = Filler::connect(&place.masters()?.nats).await?;
        let far = Utc::now() + TimeDelta::days(30);
        let spread = |n: i64| far + TimeDelta::milliseconds(n % 1_000_000 * 977);
        filler.promise((waiting..pending as i64).map(|n| (CHATS + n, spread(n)))).await?;
        filler.armed(pending as u64).await?;
        waiting = pending as i64;
        drop(filler);
        sleep(SETTLED).await;
        let after_filling = proc::resident_mb(up.pid());
        up.stop().await?;
        up = place.up().await?;
        sleep(SETTLED).await;
        let resident = proc::resident_mb(up.pid());
        let goal = if pending >= 1_000_000 { "≤ 350 MB, ready ≤ 2 s" } else { "ready ≤ 2 s" };
        parts.case(
            format!("{pending} pending follow-ups"),
            goal,
            vec![
                figure("resident after they were made", after_filling, "MB"),
                figure("resident after a restart", resident, "MB"),
                figure("ready", up.ready_in.as_secs_f64(), "s"),
            ],
        );
        ends.push((pending as f64, after_filling));
    }
    if let [first, .., last] = ends.as_slice() {
        parts.grows("memory with pending", (first.0, last.0), (first.1, last.1));
    }
    up.stop().await?;
    Ok(parts)
}
