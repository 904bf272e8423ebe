//! Rebuilding: makes new read models of the whole log, while the old ones go on serving.

use std::{
    collections::BTreeSet,
    pin::{Pin, pin},
    time::{Duration, Instant},
};

use deadpool_postgres::{Object, Pool, Transaction};
use futures::Stream;
use steward_log::{Log, LogError, Tailed};
use steward_proto::Recorded;
use tokio::sync::watch;

use crate::{
    aside::{self, CONSUMER, Goal, Step, guarded},
    batch::Batch,
    bulk::{Bounds, Bulk},
    error::ProjectionError,
    filling::Filling,
    migrations::{migrate, new_schema},
    models::{Held, WorkingSet},
    store::{Tables, Trust},
};

/// How many events are folded between two writes.
const BATCH: usize = 8192;

/// How much is kept in memory between transactions.
const KEPT: Held = Held { rows: 50_000, bytes: 64 * 1024 * 1024 };

/// Longest time for writing a batch at once.
const TRANSACTION: Duration = Duration::from_secs(120);

/// How many positions the new read models may be behind when the switch begins: the projector waits while they catch
/// up.
const SWITCH_WITHIN: u64 = 20_000;

/// Longest time that the projector waits for the switch.
const SWITCH: Duration = Duration::from_secs(30);

/// The key of the lock with which one rebuild runs at a time: `rebuild` in ASCII.
const LOCK: i64 = 0x72_6562_7569_6c64;

/// The result of a rebuild.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// The schema that is active now.
    pub schema: String,
    pub events: u64,
    /// The position at which it became active.
    pub position: u64,
    pub took: Duration,
    /// How often the log was read because memory didn't hold all rows at once; 0 if they were written transaction by
    /// transaction.
    pub passes: usize,
    /// How many events can't be projected and were set aside.
    pub set_aside: usize,
}

/// Builds new read models from the log and switches to them, while others go on projecting and reading. What an earlier
/// rebuild left half-done is cleared away.
///
/// # Errors
/// Another rebuild runs, or Postgres or the log can't be reached; the old read models stay.
pub async fn rebuild(log: &Log, pool: &Pool) -> Result<Rebuilt, ProjectionError> {
    rebuild_within(log, pool, Bounds::default()).await
}

/// The same, with other bounds of memory.
///
/// # Errors
/// As above.
pub async fn rebuild_within(log: &Log, pool: &Pool, bounds: Bounds) -> Result<Rebuilt, ProjectionError> {
    rebuild_told(log, pool, bounds, &watch::Sender::default()).await
}

/// The same, and `told` says up to which position the log has been read.
///
/// # Errors
/// As above.
pub async fn rebuild_told(
    log: &Log,
    pool: &Pool,
    bounds: Bounds,
    told: &watch::Sender<u64>,
) -> Result<Rebuilt, ProjectionError> {
    let started = Instant::now();
    migrate(pool).await?;
    // The lock gets a connection of its own, which is closed at the end, so that it can't outlive this rebuild.
    let guard = Object::take(pool.get().await?);
    let free: bool = guard.query_one("SELECT pg_try_advisory_lock($1)", &[&LOCK]).await?.get(0);
    if !free {
        return Err(ProjectionError::RebuildRunning);
    }
    let rebuilt = rebuild_alone(log, pool, bounds, told, started).await;
    // Postgres notices only after a moment that the connection was closed, and the next rebuild may come before.
    if let Err(error) = guard.execute("SELECT pg_advisory_unlock($1)", &[&LOCK]).await {
        tracing::debug!(%error, "the rebuild's lock goes with its connection");
    }
    rebuilt
}

/// With the lock held.
async fn rebuild_alone(
    log: &Log,
    pool: &Pool,
    bounds: Bounds,
    told: &watch::Sender<u64>,
    started: Instant,
) -> Result<Rebuilt, ProjectionError> {
    let mut client = pool.get().await?;
    drop_inactive(&mut client).await?;
    drop(client);
    let build = match Build::in_bulk(log, pool, bounds, told).await {
        // An event in the log can't be projected, or memory can't do: the careful way sets it aside, and needs little.
        Err(error) if error.is_of_the_data() || matches!(error, ProjectionError::Memory(_)) => {
            tracing::warn!(what = error.in_our_words(), "rebuilding again, transaction by transaction");
            drop_inactive(&mut pool.get().await?).await?;
            Build::carefully(log, pool).await?
        }
        build => build?,
    };
    let rebuilt = build.switch(started).await?;
    let mut client = pool.get().await?;
    if let Err(error) = drop_inactive(&mut client).await {
        tracing::warn!(%error, "the old read models couldn't be dropped; the next rebuild does it");
    }
    Ok(rebuilt)
}

/// The read models in the making.
struct Build<'a> {
    log: &'a Log,
    pool: &'a Pool,
    schema: String,
    set: WorkingSet,
    /// The last position that was folded.
    position: u64,
    events: u64,
    passes: usize,
    /// The positions of the events that can't be projected.
    set_aside: BTreeSet<u64>,
}

impl<'a> Build<'a> {
    async fn begin(log: &'a Log, pool: &'a Pool) -> Result<Self, ProjectionError> {
        let schema = new_schema(&mut pool.get().await?).await?;
        Ok(Self {
            log,
            pool,
            schema,
            set: WorkingSet::default(),
            position: 0,
            events: 0,
            passes: 0,
            set_aside: BTreeSet::new(),
        })
    }

    async fn tail(&self) -> Result<impl Stream<Item = Result<Tailed, LogError>> + use<>, ProjectionError> {
        Ok(self.log.tail(self.position + 1, vec!["ev.>".to_owned()]).await?)
    }

    /// The quick way: everything that is in the log now is folded in memory, and the tables are filled in one go.
    async fn in_bulk(
        log: &'a Log,
        pool: &'a Pool,
        bounds: Bounds,
        told: &watch::Sender<u64>,
    ) -> Result<Self, ProjectionError> {
        let mut build = Self::begin(log, pool).await?;
        let target = log.last_position().await?;
        if target > 0 {
            let filling = Filling::begin(pool, &build.schema).await?;
            let done = Bulk::new(log, filling, bounds, told).run(target).await?;
            (build.position, build.events, build.passes) = (done.position, done.events, done.passes);
        }
        Ok(build)
    }

    /// The careful way, as the projector does it: batch by batch, into tables with their indexes.
    async fn carefully(log: &'a Log, pool: &'a Pool) -> Result<Self, ProjectionError> {
        let mut build = Self::begin(log, pool).await?;
        let mut client = pool.get().await?;
        let target = log.last_position().await?;
        let mut tail = pin!(build.tail().await?);
        while build.position < target {
            let batch = next(tail.as_mut(), target).await?;
            let mut transaction = client.transaction().await?;
            build.catch_up(&mut transaction, &batch).await?;
            transaction.commit().await?;
        }
        Ok(build)
    }

    /// Catches up with the live projector, and makes the new tables the active ones.
    async fn switch(mut self, started: Instant) -> Result<Rebuilt, ProjectionError> {
        let mut client = self.pool.get().await?;
        let mut tail = pin!(self.tail().await?);
        loop {
            let mut transaction = client.transaction().await?;
            let lock = "SELECT position FROM steward.active FOR UPDATE";
            let live: i64 = transaction.query_one(lock, &[]).await?.get(0);
            let live = live.cast_unsigned();
            if live.saturating_sub(self.position) <= SWITCH_WITHIN {
                let switched = async {
                    while self.position < live {
                        let batch = next(tail.as_mut(), live).await?;
                        self.catch_up(&mut transaction, &batch).await?;
                    }
                    let switch = "UPDATE steward.active SET schema = $1, position = $2";
                    transaction.execute(switch, &[&self.schema, &self.position.cast_signed()]).await?;
                    transaction.commit().await?;
                    Ok(())
                };
                tokio::time::timeout(SWITCH, switched).await.unwrap_or(Err(ProjectionError::TimedOut(SWITCH)))?;
                break;
            }
            // Still too far behind for the projector to wait.
            drop(transaction);
            let mut transaction = client.transaction().await?;
            let batch = next(tail.as_mut(), live).await?;
            self.catch_up(&mut transaction, &batch).await?;
            transaction.commit().await?;
        }
        self.forget_letters().await?;
        Ok(Rebuilt {
            schema: self.schema,
            events: self.events,
            passes: self.passes,
            position: self.position,
            took: started.elapsed(),
            set_aside: self.set_aside.len(),
        })
    }

    /// Folds and writes a batch; events in it that can't be projected are set aside. If the transaction doesn't commit,
    /// the whole rebuild is thrown away.
    async fn catch_up(&mut self, transaction: &mut Transaction<'_>, batch: &Batch) -> Result<(), ProjectionError> {
        let position = self.position;
        let new = &batch.events[batch.events.partition_point(|r| r.position <= position)..];
        self.events += new.len() as u64;
        let mut goal = CatchUp { build: self, transaction };
        let step = aside::project_or_set_aside(&mut goal, new, batch.through);
        let done = tokio::time::timeout(TRANSACTION, step).await;
        done.unwrap_or(Err(ProjectionError::TimedOut(TRANSACTION)))?;
        Ok(())
    }

    /// Removes the dead letters of events that are projected now.
    async fn forget_letters(&self) -> Result<(), ProjectionError> {
        for letter in self.log.dead_letters().await? {
            let done = letter.consumer == CONSUMER && letter.position <= self.position;
            if done && !self.set_aside.contains(&letter.position) {
                self.log.remove_dead_letter(CONSUMER, letter.position).await?;
            }
        }
        Ok(())
    }
}

async fn next(
    tail: Pin<&mut impl Stream<Item = Result<Tailed, LogError>>>,
    target: u64,
) -> Result<Batch, ProjectionError> {
    Batch::next(tail, BATCH, tokio::time::Instant::now()).await?.ok_or(ProjectionError::LogEnded(target))
}

/// Projects into the new tables, with a savepoint around each attempt.
struct CatchUp<'a, 'b, 't> {
    build: &'a mut Build<'b>,
    transaction: &'a mut Transaction<'t>,
}

impl Goal for CatchUp<'_, '_, '_> {
    async fn project(&mut self, events: &[Recorded], through: u64) -> Result<Step, ProjectionError> {
        let Build { set, schema, position, .. } = &mut *self.build;
        let savepoint = self.transaction.transaction().await?;
        match guarded(set.project(Tables::new(&savepoint, schema), events, Trust::Nothing)).await {
            Ok(()) => {
                savepoint.commit().await?;
                set.written();
                set.shrink(KEPT);
                *position = through;
                Ok(Step::Done)
            }
            Err(error) => {
                set.clear();
                savepoint.rollback().await?;
                Err(error)
            }
        }
    }

    async fn set_aside(&mut self, event: &Recorded, error: &ProjectionError) -> Result<Step, ProjectionError> {
        let words = error.in_our_words();
        self.build.log.set_aside(CONSUMER, event, words.clone()).await?;
        aside::record(self.transaction, &self.build.schema, event, &words).await?;
        self.build.set_aside.insert(event.position);
        self.build.position = event.position;
        Ok(Step::Done)
    }
}

/// Drops all read models but the active ones, once nobody reads them any more.
async fn drop_inactive(client: &mut Object) -> Result<(), ProjectionError> {
    let transaction = client.transaction().await?;
    // Readers take this lock before they look up the active schema, so those who saw the old one are through with it.
    transaction
        .batch_execute("SET LOCAL lock_timeout = '15s'; LOCK TABLE steward.active IN ACCESS EXCLUSIVE MODE")
        .await?;
    let inactive = "SELECT nspname::text FROM pg_namespace
                    WHERE nspname ~ '^rm_[0-9]+$' AND nspname <> (SELECT schema FROM steward.active)";
    for row in transaction.query(inactive, &[]).await? {
        transaction.batch_execute(&format!("DROP SCHEMA {} CASCADE", row.get::<_, &str>(0))).await?;
    }
    transaction.commit().await?;
    Ok(())
}
