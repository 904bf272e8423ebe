//! One consistent view of the read models.

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

use super::{answer::Answer, desk, slice::Slice};
use crate::{
    background::Background,
    error::ProjectionError,
    rows::{Table, columns},
    shares::Share,
};

/// After this many milliseconds Postgres itself cancels a read's statement.
const CANCELLED_AFTER_MS: u32 = 8_000;

/// Work on so many rows is done at once.
const FEW: usize = 50;

/// Longest wait for a read's statement, should Postgres not answer at all.
const STATEMENT: Duration = Duration::from_secs(10);

pub type Value = Box<dyn ToSql + Send + Sync>;

/// A read that was admitted, with its connection and its share of the memory.
pub struct Reading {
    client: Option<Object>,
    share: Arc<Mutex<Option<Share>>>,
    /// Whether a statement is under way.
    busy: Arc<AtomicBool>,
    page_bytes: usize,
    /// The place to work in, where there was one in time.
    working: Option<Share>,
    background: Arc<Background>,
}

impl Reading {
    pub fn new(
        client: Object,
        share: Share,
        working: Option<Share>,
        page_bytes: usize,
        background: Arc<Background>,
    ) -> Self {
        let share = Arc::new(Mutex::new(Some(share)));
        Self { client: Some(client), share, busy: Arc::default(), page_bytes, working, background }
    }

    /// # Errors
    /// 503 when Postgres doesn't answer.
    pub async fn snapshot(&mut self) -> Result<Snapshot<'_>, Problem> {
        let client = self.client.as_mut().expect("it is taken at the end");
        let (share, busy, page_bytes, background) = (&self.share, &self.busy, self.page_bytes, &self.background);
        let taking = async {
            let transaction = client
                .build_transaction()
                .isolation_level(IsolationLevel::RepeatableRead)
                .read_only(true)
                .start()
                .await?;
            // The lock comes before the snapshot: either a rebuild that drops the old schema waits for this read, or
            // this read sees the new one.
            let lock = format!(
                "SET LOCAL statement_timeout = {CANCELLED_AFTER_MS}; LOCK TABLE steward.active IN ACCESS SHARE MODE"
            );
            transaction.batch_execute(&lock).await?;
            let statement = transaction.prepare_cached("SELECT schema, position FROM steward.active").await?;
            let row = transaction.query_one(&statement, &[]).await?;
            let (schema, position) = (row.get(0), row.get::<_, i64>(1).cast_unsigned());
            Ok(Snapshot { transaction, schema, position, page_bytes, background, share, busy })
        };
        in_time(busy, taking).await
    }
}

impl Drop for Reading {
    /// The caller may be gone while Postgres still works for them: connection and places are given back when that has
    /// ended.
    fn drop(&mut self) {
        let (Some(client), true) = (self.client.take(), self.busy.load(Ordering::Acquire)) else { return };
        let places = (self.share.lock().unwrap_or_else(PoisonError::into_inner).take(), self.working.take());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                // The empty query is answered only after everything that was asked before it.
                let ended = tokio::time::timeout(2 * STATEMENT, client.simple_query("")).await;
                if ended.is_err() {
                    drop(Object::take(client));
                }
                drop(places);
            });
        }
    }
}

/// A read-only transaction that sees one state, so that rows and position belong together.
pub struct Snapshot<'a> {
    transaction: Transaction<'a>,
    /// The schema of the active read models.
    pub schema: String,
    /// The position that the read models reflect.
    pub position: u64,
    /// How many bytes an answer may have.
    pub page_bytes: usize,
    background: &'a Arc<Background>,
    share: &'a Arc<Mutex<Option<Share>>>,
    busy: &'a Arc<AtomicBool>,
}

impl Snapshot<'_> {
    /// # Errors
    /// 503 when Postgres doesn't answer, or cancels what takes too long.
    pub async fn query(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, Problem> {
        in_time(self.busy, async {
            let statement = self.transaction.prepare_cached(sql).await?;
            let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|v| &**v as &(dyn ToSql + Sync)).collect();
            Ok(self.transaction.query(&statement, &values).await?)
        })
        .await
    }

    /// Reads rows of a table until they are too much for a page. `select` gives all columns of the table; `order` says
    /// which rows come first.
    ///
    /// # Errors
    /// 503 when Postgres doesn't answer, or a column isn't what this build expects.
    pub async fn rows<T: Table + Send + 'static>(
        &self,
        select: &str,
        order: &str,
        values: &[Value],
    ) -> Result<Rows<T>, Problem> {
        let columns = columns::<T>();
        // Sizes are known without reading the values, so only the rows within the budget are read.
        let sql = format!(
            "SELECT {columns}, there FROM (SELECT {columns}, count(*) OVER () AS there, row_number() OVER (ORDER BY {order}) AS place, \
             sum({}) OVER (ORDER BY {order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before \
             FROM ({select}) AS wanted) AS weighed WHERE coalesce(before, 0) < {} ORDER BY place",
            T::size(),
            self.page_bytes
        );
        let rows = self.query(&sql, values).await?;
        let there = rows.first().map_or(0, |row| row.get::<_, i64>(T::COLUMNS.len()));
        let count = rows.len();
        let reading = async move {
            let (mut items, mut slice) = (Vec::with_capacity(rows.len()), Slice::begin());
            for row in &rows {
                slice.end().await;
                items.push(T::read(row)?);
            }
            Ok::<_, tokio_postgres::Error>(items)
        };
        let items = self.do_on(count, reading).await.map_err(ProjectionError::from)?;
        Ok(Rows { there: usize::try_from(there).unwrap_or(usize::MAX), items })
    }

    /// Does work on so many rows: in the background where these are many.
    pub async fn do_on<T: Send + 'static>(&self, rows: usize, work: impl Future<Output = T> + Send + 'static) -> T {
        if rows <= FEW {
            return work.await;
        }
        match self.background.spawn(work).await {
            Ok(done) => done,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// An answer that reflects this state.
    pub fn answer(&self, body: &impl Serialize) -> Answer {
        self.answer_bytes(serde_json::to_vec(body).expect("a view is JSON"))
    }

    /// The same for a body that is already written. It keeps the read's share until it is sent.
    pub fn answer_bytes(&self, body: Vec<u8>) -> Answer {
        let mut share = self.share.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(share) = &mut share {
            share.shrink(desk::pieces(body.len()));
        }
        Answer { position: self.position, body: body.into(), share }
    }
}

/// The first rows that a query finds.
pub struct Rows<T> {
    pub items: Vec<T>,
    /// How many rows the query finds in all.
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
