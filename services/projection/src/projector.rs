//! The projector: follows the log and keeps the active read models up with it.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use deadpool_postgres::Pool;
use futures::{StreamExt as _, stream::ReadyChunks};
use steward_log::{Log, LogError, Tailed};
use steward_proto::Recorded;
use tokio_util::sync::CancellationToken;

use crate::{
    error::ProjectionError,
    fold::{WorkingSet, load},
    migrations::migrate,
    position::Reached,
    store::{self, Trust},
};

/// Most events of one transaction.
const BATCH: usize = 5000;

/// Most rows kept in memory between transactions.
const KEPT_ROWS: usize = 50_000;

/// Longest a transaction may take.
const TRANSACTION: Duration = Duration::from_secs(60);

/// Pauses between attempts while Postgres or NATS is away.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Projects until `shutdown`. Postgres and NATS may come and go. Several may run at once, here and elsewhere: each event is
/// projected once.
///
/// # Errors
/// What doesn't pass by itself: a failed migration, the database of another log.
pub async fn run(log: Log, pool: Pool, reached: Reached, shutdown: CancellationToken) -> Result<(), ProjectionError> {
    let mut pause = FIRST_PAUSE;
    let mut projector =
        Projector { log, pool, reached, set: WorkingSet::default(), schema: String::new(), trust: Trust::Unique };
    loop {
        let started = Instant::now();
        let ended = tokio::select! {
            ended = projector.follow() => ended,
            // Dropping a transaction in hand rolls it back; the next start does it again.
            () = shutdown.cancelled() => return Ok(()),
        };
        projector.set.clear();
        match ended {
            Ok(()) => {}
            Err(error) if error.is_twice() && projector.trust == Trust::Unique => {
                tracing::warn!(%error, "something is in the log twice; it is projected once");
                projector.trust = Trust::Nothing;
                continue;
            }
            Err(error @ (ProjectionError::Migration { .. } | ProjectionError::OtherLog { .. })) => return Err(error),
            Err(error) => tracing::warn!(%error, "projecting was interrupted; going on from the last commit"),
        }
        if started.elapsed() > LONGEST_PAUSE {
            pause = FIRST_PAUSE;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
            () = shutdown.cancelled() => return Ok(()),
        }
    }
}

struct Projector {
    log: Log,
    pool: Pool,
    reached: Reached,
    /// Reflects the read models at its position, in `schema`.
    set: WorkingSet,
    schema: String,
    trust: Trust,
}

/// How a batch ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Projected {
    /// Through this position.
    Through(u64),
    /// The read models stand before what was read: read again from after this position.
    Behind(u64),
}

impl Projector {
    /// Follows the log from the checkpoint until something breaks.
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
        self.set.position = position;
        let tail = pin!(self.log.tail(position + 1, vec!["ev.>".to_owned()]).await?);
        let mut batches: ReadyChunks<_> = tail.ready_chunks(BATCH);
        let mut read_through = position;
        while let Some(batch) = batches.next().await {
            let events = events_of(batch)?;
            let Some(last) = events.last().map(|r| r.position) else { continue };
            match self.project(&events, read_through).await? {
                Projected::Through(position) => self.reached.advance(position),
                Projected::Behind(_) => return Ok(()),
            }
            read_through = last;
        }
        Ok(())
    }

    /// Projects events that follow `read_through` in one transaction.
    async fn project(&mut self, events: &[Recorded], read_through: u64) -> Result<Projected, ProjectionError> {
        let started = Instant::now();
        let step = project(&self.pool, &mut self.set, &mut self.schema, events, read_through, self.trust);
        let projected =
            tokio::time::timeout(TRANSACTION, step).await.map_err(|_| ProjectionError::TimedOut(TRANSACTION))?;
        metrics::histogram!("steward_projection_batch_seconds").record(started.elapsed().as_secs_f64());
        metrics::counter!("steward_projection_events_total").increment(events.len() as u64);
        if let Ok(Projected::Through(position)) = &projected {
            metrics::gauge!("steward_projection_position").set(*position as f64);
            self.trust = Trust::Unique;
        }
        projected
    }
}

/// One batch, one transaction: rows and checkpoint together. On an error the set is no longer to be used.
///
/// # Errors
/// When Postgres can't be reached or refuses.
async fn project(
    pool: &Pool,
    set: &mut WorkingSet,
    schema: &mut String,
    events: &[Recorded],
    read_through: u64,
    trust: Trust,
) -> Result<Projected, ProjectionError> {
    let mut client = pool.get().await?;
    let transaction = client.transaction().await?;
    let lock = transaction.prepare_cached("SELECT schema, position FROM steward.active FOR UPDATE").await?;
    let row = transaction.query_one(&lock, &[]).await?;
    let (active, position) = (row.get::<_, &str>(0), row.get::<_, i64>(1).cast_unsigned());
    if position < read_through {
        return Ok(Projected::Behind(position));
    }
    if active != schema.as_str() || position != set.position {
        // A rebuild has switched, or another projector was faster: what is in memory isn't what the tables hold.
        set.clear();
        set.position = position;
        active.clone_into(schema);
    }
    let first_new = events.partition_point(|r| r.position <= position);
    let new = &events[first_new..];
    let Some(last) = new.last() else { return Ok(Projected::Through(position)) };
    load(set, &transaction, schema, new).await?;
    for recorded in new {
        set.apply(recorded);
    }
    store::write(set, &transaction, schema, trust).await?;
    let advance = transaction.prepare_cached("UPDATE steward.active SET position = $1").await?;
    transaction.execute(&advance, &[&last.position.cast_signed()]).await?;
    transaction.commit().await?;
    set.written();
    set.shrink(KEPT_ROWS);
    Ok(Projected::Through(last.position))
}

/// The events of what was read. A message that is no event at all is skipped: it must not stop everything behind it.
pub(crate) fn events_of(batch: Vec<Result<Tailed, LogError>>) -> Result<Vec<Recorded>, LogError> {
    let mut events = Vec::with_capacity(batch.len());
    for read in batch {
        match read {
            Ok(tailed) => events.push(tailed.recorded),
            Err(LogError::Malformed { position, reason }) => {
                tracing::warn!(position, reason, "a message that is no event is skipped");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(events)
}
