//! The projector: follows the log, and keeps the active read models up to date.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use deadpool_postgres::Pool;
use steward_log::{Backoff, Log};
use steward_proto::Recorded;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::{
    aside::{self, CONSUMER, Goal, Step, guarded},
    batch::Batch,
    error::ProjectionError,
    migrations::migrate,
    models::{Held, WorkingSet},
    position::Reached,
    store::{Tables, Trust},
};

/// Most events of one transaction.
const BATCH: usize = 5000;

/// Most rows, and about how many bytes, kept in memory between transactions.
const KEPT: Held = Held { rows: 50_000, bytes: 64 * 1024 * 1024 };

/// The time between two reports of the lag.
const REPORT: Duration = Duration::from_secs(1);

/// The time from the beginning of a transaction to that of the next: so many times as long as it took, this at least and that
/// at most. What comes in quick succession is projected together, and costs less of the processors, which those need who wait
/// for an answer: a transaction costs much the same whatever is in it. What comes alone is projected at once, and so is what
/// lies behind.
const PACE: u32 = 2;
const SHORTEST_PACE: Duration = Duration::from_millis(10);
const LONGEST_PACE: Duration = Duration::from_millis(100);

/// Longest a transaction may take.
const TRANSACTION: Duration = Duration::from_secs(60);

/// The shortest and the longest pause between attempts while Postgres or NATS is away.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Projects until `shutdown`, and tells the log's [`Health`](steward_log::Health) its condition. Postgres and NATS may
/// come and go. An event that Postgres refuses for good, or that can't be folded, is set aside as a dead letter.
/// Several projectors may run at once, here and elsewhere: each event is projected once.
///
/// # Errors
/// What doesn't pass by itself: a failed migration, or the database of another log.
pub async fn run(log: Log, pool: Pool, reached: Reached, shutdown: CancellationToken) -> Result<(), ProjectionError> {
    let _ends = reached.begin();
    let asked = reached.clone();
    log.health().register(CONSUMER, move || asked.condition());
    tokio::select! {
        ended = keep_up(log, pool, reached.clone(), shutdown) => ended,
        // The report doesn't end by itself.
        () = report(&reached) => Ok(()),
    }
}

/// Reports the lag also while a transaction takes its time.
async fn report(reached: &Reached) {
    let mut tick = tokio::time::interval(REPORT);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        metrics::gauge!("steward_projection_lag_seconds").set(reached.lag().as_secs_f64());
    }
}

async fn keep_up(log: Log, pool: Pool, reached: Reached, shutdown: CancellationToken) -> Result<(), ProjectionError> {
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
    let mut projector = Projector {
        log,
        pool,
        reached,
        set: WorkingSet::default(),
        schema: String::new(),
        trust: Trust::Unique,
        read_through: 0,
        most: BATCH,
    };
    loop {
        let started = Instant::now();
        let ended = tokio::select! {
            ended = projector.follow() => ended,
            // Dropping the transaction in hand rolls it back; the next start does it again.
            () = shutdown.cancelled() => return Ok(()),
        };
        projector.set.clear();
        match ended {
            Ok(()) => {}
            Err(error @ (ProjectionError::Migration { .. } | ProjectionError::OtherLog { .. })) => return Err(error),
            Err(error) => tracing::warn!(%error, "projecting was interrupted; going on from the last commit"),
        }
        if started.elapsed() > LONGEST_PAUSE {
            backoff.reset();
        }
        if !backoff.pause(&shutdown).await {
            return Ok(());
        }
    }
}

struct Projector {
    log: Log,
    pool: Pool,
    reached: Reached,
    /// What the read models hold in `schema`, at its position.
    set: WorkingSet,
    schema: String,
    trust: Trust,
    /// Everything up to this position was projected when the log was read, here or elsewhere.
    read_through: u64,
    /// Most events of the next transaction; fewer after one that took too long.
    most: usize,
}

/// How projecting a batch ended.
#[derive(Debug, PartialEq, Eq)]
enum Projected {
    /// It is projected up to this position.
    Through(u64),
    /// The read models stand before what was read, so the log must be read again.
    Behind,
}

impl Projector {
    /// Follows the log from the checkpoint on, until something breaks.
    async fn follow(&mut self) -> Result<(), ProjectionError> {
        migrate(&self.pool).await?;
        let client = self.pool.get().await?;
        let row = client.query_one("SELECT schema, position FROM steward.active", &[]).await?;
        drop(client);
        let position = row.get::<_, i64>(1).cast_unsigned();
        let last = self.log.last_position().await?;
        if position > last {
            return Err(ProjectionError::OtherLog { reached: position, last });
        }
        self.reached.advance(position);
        if position == last {
            self.reached.is_complete();
        }
        self.set.position = position;
        self.read_through = position;
        let mut tail = pin!(self.log.tail(position + 1, vec!["ev.>".to_owned()]).await?);
        let mut not_before = tokio::time::Instant::now();
        while let Some(batch) = Batch::next(tail.as_mut(), self.most, not_before).await? {
            let began = tokio::time::Instant::now();
            if let Some(first) = batch.events.first() {
                self.reached.waits_since(first.metadata.at);
            }
            if aside::project_or_set_aside(self, &batch.events, batch.through).await? == Step::Again {
                return Ok(());
            }
            not_before = began;
            if batch.at_end {
                self.reached.is_complete();
                not_before += (began.elapsed() * PACE).clamp(SHORTEST_PACE, LONGEST_PACE);
            }
        }
        Ok(())
    }

    /// Projects, in one transaction, events that follow what was read before; if a row exists already, once more
    /// without trusting ids.
    async fn attempt(&mut self, events: &[Recorded], through: u64) -> Result<Projected, ProjectionError> {
        loop {
            let (read_through, trust) = (self.read_through, self.trust);
            let step = project(&self.pool, &mut self.set, &mut self.schema, events, read_through, through, trust);
            let projected = tokio::time::timeout(TRANSACTION, guarded(step)).await;
            match projected.unwrap_or(Err(ProjectionError::TimedOut(TRANSACTION))) {
                Err(error) if error.is_twice() && trust == Trust::Unique => {
                    tracing::warn!("a message is in the log twice; it is projected once");
                    self.trust = Trust::Nothing;
                    self.set.clear();
                }
                Err(error) => {
                    self.set.clear();
                    self.trust = Trust::Unique;
                    if matches!(error, ProjectionError::TimedOut(_)) {
                        self.most = (events.len() / 2).max(1);
                    }
                    return Err(error);
                }
                Ok(projected) => {
                    self.trust = Trust::Unique;
                    self.most = (self.most * 2).min(BATCH);
                    return Ok(projected);
                }
            }
        }
    }

    fn reached(&mut self, position: u64, through: u64) -> Step {
        self.reached.advance(position);
        metrics::gauge!("steward_projection_position").set(position as f64);
        self.read_through = through;
        Step::Done
    }
}

impl Goal for Projector {
    async fn project(&mut self, events: &[Recorded], through: u64) -> Result<Step, ProjectionError> {
        let started = Instant::now();
        let projected = self.attempt(events, through).await;
        metrics::histogram!("steward_projection_batch_seconds").record(started.elapsed().as_secs_f64());
        metrics::counter!("steward_projection_events_total").increment(events.len() as u64);
        match projected? {
            Projected::Through(position) => Ok(self.reached(position, through)),
            Projected::Behind => Ok(Step::Again),
        }
    }

    async fn set_aside(&mut self, event: &Recorded, error: &ProjectionError) -> Result<Step, ProjectionError> {
        let words = error.in_our_words();
        // The dead letter is stored before the position moves, so that nothing is passed by in silence. Storing it
        // twice does no harm.
        self.log.set_aside(CONSUMER, event, words.clone()).await?;
        let passing = async {
            let mut client = self.pool.get().await?;
            let mut transaction = client.transaction().await?;
            let (schema, position) = lock(&transaction).await?;
            if position < self.read_through {
                return Ok(Projected::Behind);
            }
            if position < event.position {
                aside::record(&mut transaction, &schema, event, &words).await?;
                advance(&transaction, event.position).await?;
                transaction.commit().await?;
            }
            Ok(Projected::Through(position.max(event.position)))
        };
        let passed = tokio::time::timeout(TRANSACTION, passing).await;
        match passed.unwrap_or(Err(ProjectionError::TimedOut(TRANSACTION)))? {
            Projected::Through(position) => Ok(self.reached(position, event.position)),
            Projected::Behind => Ok(Step::Again),
        }
    }
}

/// Locks out other projectors; returns the active schema and its position.
async fn lock(transaction: &deadpool_postgres::Transaction<'_>) -> Result<(String, u64), ProjectionError> {
    // All that the projector looks for has an index. Postgres keeps the plan that it made while a table was small, and would
    // read the whole of it for each batch until it happens to look at it again.
    let lock = "SELECT schema, position, set_config('enable_seqscan', 'off', true) FROM steward.active FOR UPDATE";
    let lock = transaction.prepare_cached(lock).await?;
    let row = transaction.query_one(&lock, &[]).await?;
    Ok((row.get(0), row.get::<_, i64>(1).cast_unsigned()))
}

async fn advance(transaction: &deadpool_postgres::Transaction<'_>, position: u64) -> Result<(), ProjectionError> {
    let advance = transaction.prepare_cached("UPDATE steward.active SET position = $1").await?;
    transaction.execute(&advance, &[&position.cast_signed()]).await?;
    Ok(())
}

/// Projects one batch in one transaction: rows and checkpoint together. After an error the set must not be used.
///
/// # Errors
/// Postgres can't be reached or refuses.
async fn project(
    pool: &Pool,
    set: &mut WorkingSet,
    schema: &mut String,
    events: &[Recorded],
    read_through: u64,
    through: u64,
    trust: Trust,
) -> Result<Projected, ProjectionError> {
    let mut client = pool.get().await?;
    let transaction = client.transaction().await?;
    let (active, position) = lock(&transaction).await?;
    if position < read_through {
        return Ok(Projected::Behind);
    }
    if active != *schema || position != set.position {
        // A rebuild has switched, or another projector was faster, so memory and tables differ.
        set.clear();
        *schema = active;
    }
    if position >= through {
        set.position = position;
        return Ok(Projected::Through(position));
    }
    let first_new = events.partition_point(|r| r.position <= position);
    set.project(Tables::new(&transaction, schema), &events[first_new..], trust).await?;
    advance(&transaction, through).await?;
    transaction.commit().await?;
    set.position = through;
    set.written();
    set.shrink(KEPT);
    Ok(Projected::Through(through))
}
