//! One consistent look at the read models.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use deadpool_postgres::{Object, Transaction};
use serde::Serialize;
use steward_http::Problem;
use tokio_postgres::{IsolationLevel, Row, error::SqlState, types::ToSql};

use super::{
    answer::Answer,
    desk,
    slice::{Slice, Writing},
};
use crate::{
    error::ProjectionError,
    rows::{Table, columns},
    shares::Share,
};

/// After so many milliseconds Postgres itself breaks off a statement of a read.
const CANCELLED_AFTER_MS: u32 = 8_000;

/// Longest a statement of a read may take, should Postgres not answer at all.
const STATEMENT: Duration = Duration::from_secs(10);

pub type Value = Box<dyn ToSql + Send + Sync>;

/// A read that was admitted: its connection and its share of the memory.
pub struct Reading {
    client: Option<Object>,
    share: Arc<Mutex<Option<Share>>>,
    /// A statement is under way.
    busy: Arc<AtomicBool>,
    page_bytes: usize,
    writing: Writing,
}

impl Reading {
    pub fn new(client: Object, share: Share, page_bytes: usize, writing: Writing) -> Self {
        let share = Arc::new(Mutex::new(Some(share)));
        Self { client: Some(client), share, busy: Arc::default(), page_bytes, writing }
    }

    /// # Errors
    /// 503 when Postgres doesn't answer.
    pub async fn snapshot(&mut self) -> Result<Snapshot<'_>, Problem> {
        let client = self.client.as_mut().expect("it is taken at the end");
        let (share, busy, page_bytes, writing) = (&self.share, &self.busy, self.page_bytes, &self.writing);
        let taking = async {
            let transaction = client
                .build_transaction()
                .isolation_level(IsolationLevel::RepeatableRead)
                .read_only(true)
                .start()
                .await?;
            // Before the snapshot: a rebuild that drops the old schema waits for us, or we see the new one.
            let lock = format!(
                "SET LOCAL statement_timeout = {CANCELLED_AFTER_MS}; LOCK TABLE steward.active IN ACCESS SHARE MODE"
            );
            transaction.batch_execute(&lock).await?;
            let statement = transaction.prepare_cached("SELECT schema, position FROM steward.active").await?;
            let row = transaction.query_one(&statement, &[]).await?;
            let (schema, position) = (row.get(0), row.get::<_, i64>(1).cast_unsigned());
            Ok(Snapshot { transaction, schema, position, page_bytes, writing, share, busy })
        };
        in_time(busy, taking).await
    }
}

impl Drop for Reading {
    /// Whoever asked may have gone while Postgres is still at work for them: connection and share are free when it has ended.
    fn drop(&mut self) {
        let (Some(client), true) = (self.client.take(), self.busy.load(Ordering::Acquire)) else { return };
        let share = self.share.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                // It is answered behind everything that was asked before.
                let ended = tokio::time::timeout(2 * STATEMENT, client.simple_query("")).await;
                if ended.is_err() {
                    drop(Object::take(client));
                }
                drop(share);
            });
        }
    }
}

/// A read-only transaction that sees one state: rows and position belong together.
pub struct Snapshot<'a> {
    transaction: Transaction<'a>,
    /// The schema of the active read models.
    pub schema: String,
    /// What they reflect.
    pub position: u64,
    /// So much may an answer have.
    pub page_bytes: usize,
    writing: &'a Writing,
    share: &'a Arc<Mutex<Option<Share>>>,
    busy: &'a Arc<AtomicBool>,
}

impl Snapshot<'_> {
    /// # Errors
    /// 503 when Postgres doesn't answer, or breaks off what takes too long.
    pub async fn query(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, Problem> {
        in_time(self.busy, async {
            let statement = self.transaction.prepare_cached(sql).await?;
            let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|v| &**v as &(dyn ToSql + Sync)).collect();
            Ok(self.transaction.query(&statement, &values).await?)
        })
        .await
    }

    /// Reads rows of a table until they are too much for a page; `select` gives all its columns, and `order` says which come first.
    ///
    /// # Errors
    /// 503 when Postgres doesn't answer, or a column isn't what this build expects.
    pub async fn rows<T: Table>(&self, select: &str, order: &str, values: &[Value]) -> Result<Rows<T>, Problem> {
        let columns = columns::<T>();
        // Sizes are known without reading what they are of, so only rows within the budget are.
        let sql = format!(
            "SELECT {columns}, there FROM (SELECT {columns}, count(*) OVER () AS there, \
             sum({}) OVER (ORDER BY {order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before \
             FROM ({select}) AS wanted) AS weighed WHERE coalesce(before, 0) < {} ORDER BY {order}",
            T::size(),
            self.page_bytes
        );
        let rows = self.query(&sql, values).await?;
        let there = rows.first().map_or(0, |row| row.get::<_, i64>(T::COLUMNS.len()));
        let (mut items, mut slice) = (Vec::with_capacity(rows.len()), self.slice().await);
        for row in &rows {
            slice.end().await;
            items.push(T::read(row).map_err(ProjectionError::from)?);
        }
        Ok(Rows { there: usize::try_from(there).unwrap_or(usize::MAX), items })
    }

    /// For work on many rows, when the tenant has a place for it.
    pub async fn slice(&self) -> Slice {
        self.writing.begin().await
    }

    /// An answer that reflects this state.
    pub fn answer(&self, body: &impl Serialize) -> Answer {
        self.answer_bytes(serde_json::to_vec(body).expect("a view can be written"))
    }

    /// The same for a body that is written already. It keeps the share until it is sent.
    pub fn answer_bytes(&self, body: Vec<u8>) -> Answer {
        let mut share = self.share.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(share) = &mut share {
            share.shrink(desk::pieces(body.len()));
        }
        Answer { position: self.position, body: body.into(), share }
    }
}

/// The first rows of those that there are.
pub struct Rows<T> {
    pub items: Vec<T>,
    /// How many there would be.
    pub there: usize,
}

async fn in_time<T>(busy: &AtomicBool, work: impl Future<Output = Result<T, ProjectionError>>) -> Result<T, Problem> {
    busy.store(true, Ordering::Release);
    let done = tokio::time::timeout(STATEMENT, work).await;
    let done = done.unwrap_or(Err(ProjectionError::TimedOut(STATEMENT)));
    if !matches!(done, Err(ProjectionError::TimedOut(_))) {
        busy.store(false, Ordering::Release);
    }
    done.map_err(|error| match &error {
        ProjectionError::Postgres(e) if e.code() == Some(&SqlState::QUERY_CANCELED) => {
            metrics::counter!("steward_reads_cancelled_total").increment(1);
            Problem::unavailable(
                "too_slow",
                "this read took too long and was broken off; narrow it by a filter, or ask for a smaller page",
            )
        }
        _ => error.into(),
    })
}
