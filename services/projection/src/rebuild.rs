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

use crate::{
    aside::{self, CONSUMER, Goal, Step, guarded},
    batch::Batch,
    error::ProjectionError,
    filling::Filling,
    migrations::{index, migrate, new_schema},
    models::{self, Held, WorkingSet},
    store::{Tables, Trust},
};

/// How many events are folded between two writes.
const BATCH: usize = 8192;

/// How much is held in memory before it is written and forgotten.
const KEPT: Held = Held { rows: 250_000, bytes: 256 * 1024 * 1024 };

/// How many rows that will never change are held before they are written; below, about how many bytes may wait to be
/// written at all.
const KEPT_FINISHED: usize = 20_000;
const GATHERED: usize = 64 * 1024 * 1024;

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
    /// How many events can't be projected and were set aside.
    pub set_aside: usize,
}

/// Builds new read models from the log and switches to them, while others go on projecting and reading. What an earlier
/// rebuild left half-done is cleared away.
///
/// # Errors
/// Another rebuild runs, or Postgres or the log can't be reached; the old read models stay.
pub async fn rebuild(log: &Log, pool: &Pool) -> Result<Rebuilt, ProjectionError> {
    let started = Instant::now();
    migrate(pool).await?;
    // The lock gets a connection of its own, which is closed at the end, so that it can't outlive this rebuild.
    let guard = Object::take(pool.get().await?);
    let free: bool = guard.query_one("SELECT pg_try_advisory_lock($1)", &[&LOCK]).await?.get(0);
    if !free {
        return Err(ProjectionError::RebuildRunning);
    }
    let mut client = pool.get().await?;
    drop_inactive(&mut client).await?;
    drop(client);
    let build = match Build::quickly(log, pool).await {
        // An event in the log can't be projected: the careful way finds it and sets it aside.
        Err(error) if error.is_of_the_data() => {
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
    /// Rows were written and forgotten, so a row that isn't in memory may be in the table.
    spilled: bool,
    /// The last position that was folded.
    position: u64,
    events: u64,
    /// How many bytes were folded since rows that never change were last written.
    gathered: usize,
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
            spilled: false,
            position: 0,
            events: 0,
            gathered: 0,
            set_aside: BTreeSet::new(),
        })
    }

    async fn tail(&self) -> Result<impl Stream<Item = Result<Tailed, LogError>> + use<>, ProjectionError> {
        Ok(self.log.tail(self.position + 1, vec!["ev.>".to_owned()]).await?)
    }

    /// The quick way: everything that is in the log now is folded in memory; the tables come first, then their indexes.
    async fn quickly(log: &'a Log, pool: &'a Pool) -> Result<Self, ProjectionError> {
        let mut build = Self::begin(log, pool).await?;
        let target = log.last_position().await?;
        if target > 0 {
            build.fill(target).await?;
        }
        build.finish_tables().await?;
        Ok(build)
    }

    /// The careful way, as the projector does it: batch by batch, with the indexes there from the beginning.
    async fn carefully(log: &'a Log, pool: &'a Pool) -> Result<Self, ProjectionError> {
        let mut build = Self::begin(log, pool).await?;
        build.spilled = true;
        let mut client = pool.get().await?;
        index(&mut client, &build.schema, |_| true).await?;
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

    /// Folds everything up to `target`; tables whose rows no fold asks for are filled meanwhile.
    async fn fill(&mut self, target: u64) -> Result<(), ProjectionError> {
        let mut fillings = Vec::new();
        for (model, statement) in self.set.streams(&self.schema) {
            fillings.push(Filling::begin(self.pool.get().await?, model, &statement).await?);
        }
        let mut tail = pin!(self.tail().await?);
        while self.position < target {
            let batch = next(tail.as_mut(), target).await?;
            guarded(self.fold(&batch)).await?;
            for filling in &mut fillings {
                filling.add(&mut self.set).await?;
            }
            let all = self.set.is_beyond(KEPT);
            if all || self.set.finished() > KEPT_FINISHED || self.gathered > GATHERED {
                self.spill(all).await?;
            }
            if batch.at_end {
                break;
            }
        }
        for filling in fillings {
            filling.end().await?;
        }
        Ok(())
    }

    async fn fold(&mut self, batch: &Batch) -> Result<(), ProjectionError> {
        if self.spilled {
            let mut client = self.pool.get().await?;
            let transaction = client.transaction().await?;
            self.set.load(Tables::new(&transaction, &self.schema), &batch.events).await?;
        }
        self.gathered += batch.events.iter().map(|recorded| recorded.payload.len()).sum::<usize>();
        self.set.apply(&batch.events);
        self.position = batch.through;
        self.events += batch.events.len() as u64;
        Ok(())
    }

    /// Writes the rows that never change. If memory holds too much in `all`, writes the others as well, and forgets those
    /// that were touched longest ago.
    async fn spill(&mut self, all: bool) -> Result<(), ProjectionError> {
        let mut client = self.pool.get().await?;
        if all && !self.spilled {
            // From here on rows are looked up by indexes; the tables that are still empty get theirs at the end.
            let at_the_end = self.of_streams();
            index(&mut client, &self.schema, |file| !at_the_end.contains(file)).await?;
            self.spilled = true;
        }
        self.write(&mut client, all).await?;
        if all {
            self.set.shrink(KEPT);
        }
        Ok(())
    }

    /// The SQL files of the tables that are filled meanwhile.
    fn of_streams(&self) -> BTreeSet<&'static str> {
        let models = models::all();
        let streamed = models.iter().filter(|model| model.stream(&self.schema).is_some());
        streamed.flat_map(|model| model.migrations()).map(|file| file.name).collect()
    }

    /// Writes the rows that never change and, if `all` is set, the others.
    async fn write(&mut self, client: &mut Object, all: bool) -> Result<(), ProjectionError> {
        let mut trust = Trust::Unique;
        loop {
            let transaction = client.transaction().await?;
            let written = async {
                let tables = Tables::new(&transaction, &self.schema);
                if all {
                    self.set.write(tables, trust).await?;
                }
                self.set.write_finished(tables, trust).await
            };
            match written.await {
                Err(error) if error.is_twice() && trust == Trust::Unique => trust = Trust::Nothing,
                written => {
                    written?;
                    transaction.commit().await?;
                    break;
                }
            }
        }
        if all {
            self.set.written();
        }
        self.set.finished_written();
        self.gathered = 0;
        Ok(())
    }

    /// Writes what is left, makes the indexes, and gathers statistics.
    async fn finish_tables(&mut self) -> Result<(), ProjectionError> {
        let mut client = self.pool.get().await?;
        self.write(&mut client, true).await?;
        let (spilled, at_the_end) = (self.spilled, self.of_streams());
        index(&mut client, &self.schema, |file| !spilled || at_the_end.contains(file)).await?;
        self.spilled = true;
        let tables = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = $1";
        let tables: Vec<String> = client.query(tables, &[&self.schema]).await?.iter().map(|row| row.get(0)).collect();
        client.batch_execute(&format!("ANALYZE {}", tables.join(", "))).await?;
        self.set.shrink(KEPT);
        Ok(())
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
    Batch::next(tail, BATCH).await?.ok_or(ProjectionError::LogEnded(target))
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
