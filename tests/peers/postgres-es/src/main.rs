//! Commands on postgres-es, as many in flight as the bench has on our store: load, decide, append against the version.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cqrs_es::{Aggregate, AggregateError, DomainEvent, event_sink::EventSink};
use postgres_es::{PostgresCqrs, postgres_cqrs};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgPoolOptions;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Count(u64);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Queued {
    text: String,
}

impl DomainEvent for Queued {
    fn event_type(&self) -> String {
        "MessageQueued".to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

#[derive(Debug)]
struct Never;

impl std::fmt::Display for Never {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("never")
    }
}

impl std::error::Error for Never {}

impl Aggregate for Count {
    const TYPE: &'static str = "count";
    type Command = ();
    type Event = Queued;
    type Error = Never;
    type Services = ();

    async fn handle(&mut self, (): (), (): &(), sink: &EventSink<Self>) -> Result<(), Never> {
        sink.write(Queued { text: "x".repeat(300) }, self).await;
        Ok(())
    }

    fn apply(&mut self, _: Queued) {
        self.0 += 1;
    }
}

const TABLE: &str = "DROP TABLE IF EXISTS events; CREATE TABLE events (
    aggregate_type text NOT NULL, aggregate_id text NOT NULL, sequence bigint CHECK (sequence >= 0) NOT NULL,
    event_type text NOT NULL, event_version text NOT NULL, payload json NOT NULL, metadata json NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id, sequence))";

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let (url, seconds) = (&args[1], args[2].parse().expect("seconds"));
    let pool = PgPoolOptions::new().max_connections(16).acquire_timeout(Duration::from_secs(60)).connect(url);
    let pool = pool.await.expect("Postgres answers");
    sqlx::raw_sql(TABLE).execute(&pool).await.expect("a table");
    let store = Arc::new(postgres_cqrs::<Count>(pool, vec![], ()));
    for (case, writers, entities) in [("many", 512, 1_000), ("closed", 16, 1_000), ("hot", 8, 1)] {
        let (mut all, refused) = run(&store, case, writers, entities, seconds).await;
        all.sort_by(f64::total_cmp);
        let of = |q: f64| all.get((all.len().saturating_sub(1) as f64 * q) as usize).copied().unwrap_or(0.0);
        let rate = all.len() as f64 / seconds;
        let told =
            serde_json::json!({ "case": case, "per_s": rate, "p50": of(0.5), "p99": of(0.99), "refused": refused });
        println!("{told}");
    }
}

async fn run(
    store: &Arc<PostgresCqrs<Count>>,
    case: &str,
    writers: u64,
    entities: u64,
    seconds: f64,
) -> (Vec<f64>, usize) {
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let mut tasks = Vec::new();
    for writer in 0..writers {
        let (store, case) = (store.clone(), case.to_owned());
        tasks.push(tokio::spawn(async move {
            // A full-period generator: entities come in no order.
            let (mut seed, mut took, mut refused) = (writer, Vec::new(), 0);
            while Instant::now() < end {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let entity = format!("{case}-{}", (seed >> 33) % entities);
                let began = Instant::now();
                match store.execute(&entity, ()).await {
                    Ok(()) => took.push(began.elapsed().as_secs_f64() * 1e3),
                    Err(AggregateError::AggregateConflict) => refused += 1,
                    Err(error) => panic!("{error}"),
                }
            }
            (took, refused)
        }));
    }
    let (mut all, mut refused) = (Vec::new(), 0);
    for task in tasks {
        let (took, not_taken) = task.await.expect("a writer");
        all.extend(took);
        refused += not_taken;
    }
    (all, refused)
}
