//! P5: the event store by itself: load, decide, append against the version, on a store that holds many events already.

use std::{
    convert::Infallible,
    time::{Duration, Instant},
};

use anyhow::Result;
use chrono::Utc;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use steward_log::{Append, AppendError, AtLeast, ConnectOptions, DecideError, Expected, Log};
use steward_proto::{Aggregate, AggregateId, Cause, Fold, NewEvent, Recorded, TenantId, new_traceparent, v1};
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use crate::{
    bot_api::BotApi,
    http::Load,
    options::Options,
    peers,
    place::Place,
    raw::Raw,
    report::{Parts, figure},
    stats::Samples,
};

/// How many entities commands are for.
const ENTITIES: usize = 1_000;
/// How many events each entity has that is loaded cold.
const HISTORY: usize = 20;

/// A fold that counts events, which is all that a decision looks at.
#[derive(Debug, Default, Clone)]
struct Count(u64);

impl Fold for Count {
    fn evolve(&mut self, _: &Recorded) {
        self.0 += 1;
    }
}

/// The bench's own connections, with a tenant that nobody else uses.
struct Store {
    log: Log,
    tenant: TenantId,
    _stop: DropGuard,
}

impl Store {
    async fn connect(nats: &str) -> Result<Self> {
        let shutdown = CancellationToken::new();
        let log = Log::connect(nats, ConnectOptions::new("bench"), shutdown.clone()).await?;
        log.ensure_streams().await?;
        Ok(Self { log, tenant: TenantId::new("bench")?, _stop: shutdown.drop_guard() })
    }

    fn entity(&self, name: &str, n: usize) -> Result<AggregateId> {
        Ok(AggregateId::new(self.tenant.clone(), Aggregate::Conversation, &format!("{name}-{n}"))?)
    }

    /// Appends `count` events, [`HISTORY`] of them to each entity.
    async fn fill(&self, count: usize) -> Result<()> {
        let entities = (0..count / HISTORY).map(|n| self.entity("old", n));
        let append = async |aggregate: Result<AggregateId>| {
            let events = (0..HISTORY).map(|n| event(n as u64)).collect();
            let append = Append { aggregate: aggregate?, events, expected: Expected::Version(0), dedupe_key: None };
            self.log.append(append).await?;
            anyhow::Ok(())
        };
        stream::iter(entities.map(append)).buffer_unordered(200).try_for_each(async |()| Ok(())).await
    }
}

fn event(n: u64) -> NewEvent {
    let cause = Cause::outside("service:bench", new_traceparent([7; 24]));
    let message = v1::Outgoing {
        message_id: format!("message-{n}"),
        author: "bot".to_owned(),
        text: "x".repeat(300),
        ..Default::default()
    };
    NewEvent::new(Uuid::now_v7(), Utc::now(), &cause, v1::MessageQueued { message: Some(message) })
}

/// Makes one command after the other, each on the entity that `pick` names, until `span` is over.
async fn commands(
    logs: &[Log],
    writers: usize,
    span: Duration,
    pick: impl Fn() -> AggregateId + Send + Sync + Clone + 'static,
) -> Result<Load> {
    let warm = Instant::now() + Duration::from_secs(1);
    let end = warm + span;
    let mut tasks = JoinSet::new();
    for log in logs.iter().cycle().take(writers) {
        let (log, pick) = (log.clone(), pick.clone());
        tasks.spawn(async move {
            let (mut samples, mut given_up) = (Samples::default(), 0);
            loop {
                let entity = pick();
                let began = Instant::now();
                if began >= end {
                    return anyhow::Ok((samples, given_up));
                }
                let decide = |state: &Count, _| Ok::<_, Infallible>((vec![event(state.0)], ()));
                match log.decide::<Count, _, _>(&entity, AtLeast::Cached, decide).await {
                    Ok(_) => {}
                    Err(DecideError::Append(AppendError::Contended { .. })) => {
                        given_up += usize::from(began >= warm);
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                }
                if began >= warm {
                    samples.add(began.elapsed());
                }
            }
        });
    }
    let (mut latencies, mut refused) = (Samples::default(), 0);
    while let Some(task) = tasks.join_next().await {
        let (samples, given_up) = task??;
        latencies.merge(samples);
        refused += given_up;
    }
    let per_second = latencies.len() as f64 / span.as_secs_f64();
    Ok(Load { all: latencies.len(), latencies, per_second, refused })
}

pub async fn run(options: &Options) -> Result<Parts> {
    let mut parts = Parts::default();
    let bot = BotApi::start().await?;
    let place = Place::new(options, &bot)?;
    let servers = place.servers().await?;
    let nats = place.masters()?.nats;
    let raw = Raw::open(&nats, 400).await?;
    let mut references = Vec::new();
    for writers in [1, 16, 512] {
        let load = raw.awaited(writers, options.span()).await?;
        references.push(load.per_second);
        parts.reference(format!("JetStream publish, acknowledgement awaited, {writers} writers"), load.figures());
    }

    if options.peers {
        let peer = peers::store::measure(&place.masters()?.postgres, options, &mut parts).await;
        references.extend(peer);
    }
    let store = Store::connect(&nats).await?;
    let mut ends = Vec::new();
    let sizes = [options.store() / 10, options.store()];
    for (round, size) in sizes.into_iter().enumerate() {
        let began = Instant::now();
        let filled = size - if round == 0 { 0 } else { sizes[0] };
        // The second round has new entities, in a tenant of their own.
        let tenant = TenantId::new(&format!("bench{round}"))?;
        let store =
            Store { tenant: tenant.clone(), log: store.log.clone(), _stop: CancellationToken::new().drop_guard() };
        store.fill(filled).await?;
        let rate = filled as f64 / began.elapsed().as_secs_f64();
        let last = round + 1 == sizes.len();
        if last {
            parts.case(format!("filling, {HISTORY} events at once"), "", vec![figure("events", rate, "/s")]);
        }

        let entities = (0..ENTITIES).map(|n| store.entity("hot", n)).collect::<Result<Vec<_>>>()?;
        let any = move || entities[rand::random_range(0..ENTITIES)].clone();
        let logs = [store.log.clone()];
        let many = commands(&logs, 512, options.span(), any.clone()).await?;
        ends.push((size as f64, 1e6 / many.per_second));
        if !last {
            continue;
        }
        let (rate, title) = (many.per_second, format!("{ENTITIES} entities, store of {size} events"));
        parts.case(format!("{title}, 16 writers × 32 in flight"), "≥ 16 k/s", many.figures());
        match references.get(3) {
            Some(peer) => parts.against(rate / peer, "postgres-es"),
            None => parts.against(rate / references[2], "publish, 512 writers"),
        }
        let few = commands(&logs, 16, options.span(), any.clone()).await?;
        let rate = few.per_second;
        parts.case(format!("{title}, 16 writers in a closed loop"), "≥ 6 k/s", few.figures());
        parts.against(rate / references[1], "publish, 16 writers");
        let one = commands(&logs, 1, options.span(), any).await?;
        let rate = one.per_second;
        parts.case(format!("{title}, 1 writer"), "", one.figures());
        parts.against(rate / references[0], "publish, 1 writer");

        let hot = store.entity("hottest", 0)?;
        let pick = move || hot.clone();
        let load = commands(&logs, 8, options.span(), pick.clone()).await?;
        let rate = load.per_second;
        parts.case("one hot entity, 8 writers of one process", "≥ 2.5 k/s", load.figures());
        parts.against(rate / references[0], "publish, 1 writer");
        let mut others = Vec::new();
        for _ in 0..8 {
            others.push(Store::connect(&nats).await?);
        }
        let logs: Vec<Log> = others.iter().map(|store| store.log.clone()).collect();
        let load = commands(&logs, 8, options.span(), pick).await?;
        parts.case("one hot entity, 8 writers that know nothing of each other", "", load.figures());

        // A process that has just started holds no entity in memory.
        let mut cold = Samples::default();
        for n in 0..(filled / HISTORY).min(2_000) {
            let began = Instant::now();
            logs[0].load::<Count>(&store.entity("old", n)?, AtLeast::Latest).await?;
            cold.add(began.elapsed());
        }
        parts.case(format!("load of {HISTORY} events, nothing cached"), "p50 ≤ 0.15 ms", cold.figures());
    }
    if let [first, .., last] = ends.as_slice() {
        parts.grows("µs per command with events in the store, 512 in flight", (first.0, last.0), (first.1, last.1));
    }
    drop(store);
    servers.stop().await?;
    Ok(parts)
}
