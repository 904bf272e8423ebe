//! Rebuilding: new read models from the whole log, beside the old ones, which serve until the new have caught up.

use std::{
    pin::{Pin, pin},
    time::{Duration, Instant},
};

use bytes::Bytes;
use deadpool_postgres::{Object, Pool};
use futures::{SinkExt as _, Stream, StreamExt as _};
use steward_log::{Log, LogError, Tailed};
use steward_proto::Recorded;

use crate::{
    error::ProjectionError,
    fold::{WorkingSet, load},
    migrations::{EVENTS_INDEXES, index, migrate, new_schema},
    projector::events_of,
    rows::EventRow,
    store::{self, CopyEncoder, Trust},
};

/// Events folded between two writes.
const BATCH: usize = 8192;

/// Rows held in memory before they are written and forgotten.
const KEPT_ROWS: usize = 250_000;

/// Messages that will never change, held before they are written.
const KEPT_FINISHED: usize = 20_000;

/// How far behind the new read models may be when the switch begins: the projector waits while they catch up.
const SWITCH_WITHIN: u64 = 20_000;

/// Longest the projector waits for the switch.
const SWITCH: Duration = Duration::from_secs(30);

/// Only one rebuild at a time: `rebuild` in ASCII.
const LOCK: i64 = 0x72_6562_7569_6c64;

/// What a rebuild did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// The schema that is active now.
    pub schema: String,
    pub events: u64,
    /// The position it was switched at.
    pub position: u64,
    pub took: Duration,
}

/// Builds new read models from the log and switches to them, while others go on projecting and reading. What an earlier
/// rebuild left half-done is cleared away.
///
/// # Errors
/// When another rebuild runs, or Postgres or the log can't be reached: the old read models stay.
pub async fn rebuild(log: &Log, pool: &Pool) -> Result<Rebuilt, ProjectionError> {
    let started = Instant::now();
    migrate(pool).await?;
    // Its own connection, closed at the end: the lock can't outlive this rebuild.
    let guard = Object::take(pool.get().await?);
    let free: bool = guard.query_one("SELECT pg_try_advisory_lock($1)", &[&LOCK]).await?.get(0);
    if !free {
        return Err(ProjectionError::RebuildRunning);
    }
    let mut client = pool.get().await?;
    drop_inactive(&mut client).await?;
    let schema = new_schema(&mut client).await?;
    drop(client);
    let target = log.last_position().await?;
    let mut tail = pin!(log.tail(1, vec!["ev.>".to_owned()]).await?);
    let mut build = Build { pool, schema, set: WorkingSet::default(), spilled: false, events: 0 };
    if target > 0 {
        build.fill(tail.as_mut(), target).await?;
    }
    build.finish_tables().await?;
    let position = build.switch(tail.as_mut()).await?;
    let mut client = pool.get().await?;
    if let Err(error) = drop_inactive(&mut client).await {
        tracing::warn!(%error, "the old read models couldn't be dropped; the next rebuild does it");
    }
    Ok(Rebuilt { schema: build.schema, events: build.events, position, took: started.elapsed() })
}

struct Build<'a> {
    pool: &'a Pool,
    schema: String,
    set: WorkingSet,
    /// Rows were written and forgotten, so what isn't in memory may be stored.
    spilled: bool,
    events: u64,
}

impl Build<'_> {
    /// Folds everything up to `target`; events go straight into their table.
    async fn fill(
        &mut self,
        tail: Pin<&mut impl Stream<Item = Result<Tailed, LogError>>>,
        target: u64,
    ) -> Result<(), ProjectionError> {
        let mut client = self.pool.get().await?;
        let transaction = client.transaction().await?;
        let sink = transaction.copy_in::<_, Bytes>(&store::copy_statement::<EventRow>(&self.schema)).await?;
        let mut sink = pin!(sink);
        let mut encoder = CopyEncoder::default();
        let mut batches = tail.ready_chunks(BATCH);
        while self.set.position < target {
            let batch = batches.next().await.ok_or(ProjectionError::LogEnded(target))?;
            let at_end = batch.iter().rev().find_map(|read| read.as_ref().ok()).is_some_and(|t| t.pending == 0);
            let events = events_of(batch)?;
            self.fold(&events).await?;
            for row in self.set.events.drain(..) {
                encoder.add(&row);
                if let Some(chunk) = encoder.chunk() {
                    sink.send(chunk).await?;
                }
            }
            if self.set.finished.len() > KEPT_FINISHED || self.set.rows() > KEPT_ROWS {
                self.spill().await?;
            }
            if at_end {
                break;
            }
        }
        sink.send(encoder.end()).await?;
        sink.finish().await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn fold(&mut self, events: &[Recorded]) -> Result<(), ProjectionError> {
        if self.spilled {
            let mut client = self.pool.get().await?;
            let transaction = client.transaction().await?;
            load(&mut self.set, &transaction, &self.schema, events).await?;
        }
        for recorded in events {
            self.set.apply(recorded);
        }
        self.events += events.len() as u64;
        Ok(())
    }

    /// Writes what has gathered; forgets what was touched longest ago when it is too much to hold.
    async fn spill(&mut self) -> Result<(), ProjectionError> {
        let mut client = self.pool.get().await?;
        let all = self.set.rows() > KEPT_ROWS;
        if all && !self.spilled {
            // From here on rows are looked up; the events, which aren't, get their indexes at the end.
            index(&mut client, &self.schema, |file| file != EVENTS_INDEXES).await?;
            self.spilled = true;
        }
        self.write(&mut client, all).await?;
        self.set.shrink(KEPT_ROWS);
        Ok(())
    }

    /// Writes messages that never change and, if asked, the rest but the events.
    async fn write(&mut self, client: &mut Object, all: bool) -> Result<(), ProjectionError> {
        let mut trust = Trust::Unique;
        loop {
            let transaction = client.transaction().await?;
            let written = async {
                if all {
                    store::write_entities(&self.set, &transaction, &self.schema, trust).await?;
                }
                store::write_finished(&self.set.finished, &transaction, &self.schema, trust).await
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
        self.set.finished.clear();
        Ok(())
    }

    /// Writes the rest, makes the indexes, gathers statistics.
    async fn finish_tables(&mut self) -> Result<(), ProjectionError> {
        let mut client = self.pool.get().await?;
        self.write(&mut client, true).await?;
        let spilled = self.spilled;
        index(&mut client, &self.schema, |file| !spilled || file == EVENTS_INDEXES).await?;
        self.spilled = true;
        let tables = ["events", "conversations", "contacts", "messages", "follow_ups", "webhook_deliveries"];
        let tables = tables.map(|table| format!("{}.{table}", self.schema));
        client.batch_execute(&format!("ANALYZE {}", tables.join(", "))).await?;
        self.set.shrink(KEPT_ROWS);
        Ok(())
    }

    /// Catches up with the live projector and takes its place's tables over. Gives the position.
    async fn switch(
        &mut self,
        tail: Pin<&mut impl Stream<Item = Result<Tailed, LogError>>>,
    ) -> Result<u64, ProjectionError> {
        let mut batches = tail.ready_chunks(BATCH);
        loop {
            let mut client = self.pool.get().await?;
            let transaction = client.transaction().await?;
            let lock = "SELECT position FROM steward.active FOR UPDATE";
            let live: i64 = transaction.query_one(lock, &[]).await?.get(0);
            let live = live.cast_unsigned();
            if live.saturating_sub(self.set.position) <= SWITCH_WITHIN {
                let switched = async {
                    while self.set.position < live {
                        let batch = batches.next().await.ok_or(ProjectionError::LogEnded(live))?;
                        self.catch_up(&transaction, events_of(batch)?).await?;
                    }
                    let position = self.set.position;
                    let switch = "UPDATE steward.active SET schema = $1, position = $2";
                    transaction.execute(switch, &[&self.schema, &position.cast_signed()]).await?;
                    transaction.commit().await?;
                    Ok(position)
                };
                return tokio::time::timeout(SWITCH, switched).await.unwrap_or(Err(ProjectionError::TimedOut(SWITCH)));
            }
            // Too far: the projector shall not wait for that.
            drop(transaction);
            let transaction = client.transaction().await?;
            let batch = batches.next().await.ok_or(ProjectionError::LogEnded(live))?;
            self.catch_up(&transaction, events_of(batch)?).await?;
            transaction.commit().await?;
            self.set.written();
        }
    }

    async fn catch_up(
        &mut self,
        transaction: &deadpool_postgres::Transaction<'_>,
        events: Vec<Recorded>,
    ) -> Result<(), ProjectionError> {
        let position = self.set.position;
        let events: Vec<Recorded> = events.into_iter().filter(|r| r.position > position).collect();
        load(&mut self.set, transaction, &self.schema, &events).await?;
        for recorded in &events {
            self.set.apply(recorded);
        }
        self.events += events.len() as u64;
        store::write(&self.set, transaction, &self.schema, Trust::Nothing).await?;
        // The transaction commits, or the whole rebuild is thrown away.
        self.set.written();
        Ok(())
    }
}

/// Drops all read models but the active ones, once nobody reads them any more.
async fn drop_inactive(client: &mut Object) -> Result<(), ProjectionError> {
    let transaction = client.transaction().await?;
    // Readers take this lock before they look which schema is active, so those who saw the old one are through with it.
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
