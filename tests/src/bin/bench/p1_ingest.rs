//! P1: Telegram updates of 330 bytes posted over 1, 32 and 512 connections; each answered 200 once its event is durable.

use anyhow::Result;

use crate::{
    bare::BareServer,
    bot_api::BotApi,
    http::{Load, load},
    options::Options,
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
    let bare = BareServer::start()?;
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
    let ingestion = place.service("ingestion").await?;
    let mut p99 = Vec::new();
    for ((connections, goal), bare) in LEVELS.into_iter().zip(&bare_rates) {
        let (mut load, cores) = served(&ingestion, &servers, connections, options).await?;
        p99.push(load.latencies.quantile(0.99));
        let rate = load.per_second;
        let figures = load.figures().into_iter().chain(cores).collect();
        parts.case(format!("ingestion alone, {connections} connections"), goal, figures);
        parts.against(rate / bare, "bare axum");
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
