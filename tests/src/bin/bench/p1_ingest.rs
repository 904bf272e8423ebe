//! P1: Telegram updates of 330 bytes posted over 1, 32 and 512 connections; each answered 200 once its event is durable.

use anyhow::Result;

use crate::{
    bare::Served,
    bot_api::BotApi,
    http::{Load, load},
    options::{Options, Serve},
    peers::ingest::Redis,
    place::{Place, Running, SECRET_HEADER, WEBHOOK},
    proc::Meter,
    raw::Raw,
    report::{Figure, Parts},
    updates::Updates,
};

static UPDATES: Updates = Updates::new();

/// How many connections, with the goal for that many.
const LEVELS: [(usize, &str); 3] = [(1, "p50 ≤ 0.6 ms"), (32, "≥ 15 k/s, p99 ≤ 5 ms"), (512, "≥ 36 k/s, p99 ≤ 30 ms")];

pub async fn run(options: &Options) -> Result<Parts> {
    let mut parts = Parts::default();
    let bot = BotApi::start().await?;
    let bare = Served::bare()?;
    let mut bare_rates = Vec::new();
    for (connections, _) in LEVELS {
        let load = posts(bare.address, connections, options).await?;
        bare_rates.push(load.per_second);
        parts.reference(format!("bare axum that answers 200, {connections} connections"), load.figures());
    }
    drop(bare);

    let place = Place::new(options, &bot)?;
    let servers = place.servers().await?;
    let raw = Raw::open(&place.masters()?.nats, 330).await?;
    for (writers, _) in LEVELS {
        let load = raw.awaited(writers, options.span()).await?;
        parts.reference(format!("JetStream publish, acknowledgement awaited, {writers} writers"), load.figures());
    }
    let grouped = match options.peers {
        true => peers(&place, options, &mut parts).await?,
        false => Vec::new(),
    };
    let ingestion = place.service("ingestion").await?;
    let mut p99 = Vec::new();
    for (level, ((connections, goal), bare)) in LEVELS.into_iter().zip(&bare_rates).enumerate() {
        let (mut load, cores) = served(&ingestion, &servers, connections, options).await?;
        p99.push(load.latencies.quantile(0.99));
        let rate = load.per_second;
        let figures = load.figures().into_iter().chain(cores).collect();
        parts.case(format!("ingestion alone, {connections} connections"), goal, figures);
        match grouped.get(level) {
            Some(peer) => parts.against(rate / peer, "axum + grouped inserts"),
            None => parts.against(rate / bare, "bare axum"),
        }
    }
    parts.grows("p99 with connections, ingestion alone", (32.0, 512.0), (p99[1], p99[2]));
    ingestion.stop().await?;
    servers.stop().await?;
    drop(place);

    let place = Place::new(options, &bot)?;
    let up = place.up().await?;
    for (connections, _) in LEVELS {
        let (load, _) = served(&up, &up, connections, options).await?;
        parts.case(format!("up, beside its own turns and sends, {connections} connections"), "", load.figures());
    }
    // Hundreds of thousands of turns may be outstanding, so it is killed instead of waited for.
    drop(up);
    Ok(parts)
}

/// What is taken per second by axum with grouped inserts into the same Postgres, at each level; and with Redis.
async fn peers(place: &Place, options: &Options, parts: &mut Parts) -> Result<Vec<f64>> {
    let mut rates = Vec::new();
    let grouped = Served::start(Serve::Grouped, &place.masters()?.postgres)?;
    for (connections, _) in LEVELS {
        let load = posts(grouped.address, connections, options).await?;
        rates.push(load.per_second);
        parts.reference(format!("axum + grouped Postgres inserts, {connections} connections"), load.figures());
    }
    drop(grouped);
    match Redis::start().await {
        Ok(redis) => {
            let server = Served::start(Serve::Redis, &redis.address)?;
            for (connections, _) in LEVELS {
                let load = posts(server.address, connections, options).await?;
                parts.reference(format!("axum + Redis, fsync always, {connections} connections"), load.figures());
            }
        }
        Err(error) => parts.missing("axum + Redis", &error),
    }
    Ok(rates)
}

/// A load, with the time on a core that one request takes.
async fn served(
    running: &Running,
    servers: &Running,
    connections: usize,
    options: &Options,
) -> Result<(Load, [Figure; 2])> {
    let meter = Meter::start(running.pid(), servers.pid());
    let load = posts(running.address, connections, options).await?;
    let cores = meter.per(load.all as f64);
    Ok((load, cores))
}

async fn posts(address: std::net::SocketAddr, connections: usize, options: &Options) -> Result<Load> {
    let body = || UPDATES.next("Добрый день, пришлите, пожалуйста, счёт").1;
    load(address, WEBHOOK, SECRET_HEADER, connections, options.span(), body).await
}
