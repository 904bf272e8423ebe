//! One consistent look at the read models.

use std::time::Duration;

use deadpool_postgres::{Object, Pool, Transaction};
use steward_http::Problem;
use tokio_postgres::{IsolationLevel, Row, types::ToSql};

use crate::error::ProjectionError;

/// Longest a statement of a read may take.
const STATEMENT: Duration = Duration::from_secs(10);

pub type Value = Box<dyn ToSql + Send + Sync>;

/// A connection to look through.
///
/// # Errors
/// 503 when none can be had.
pub async fn connection(pool: &Pool) -> Result<Object, Problem> {
    pool.get().await.map_err(|error| ProjectionError::from(error).into())
}

/// A read-only transaction that sees one state: rows and position belong together.
pub struct Snapshot<'a> {
    transaction: Transaction<'a>,
    /// The schema of the active read models.
    pub schema: String,
    /// What they reflect.
    pub position: u64,
}

impl<'a> Snapshot<'a> {
    /// # Errors
    /// 503 when Postgres doesn't answer.
    pub async fn take(client: &'a mut Object) -> Result<Self, Problem> {
        in_time(async {
            let transaction = client
                .build_transaction()
                .isolation_level(IsolationLevel::RepeatableRead)
                .read_only(true)
                .start()
                .await?;
            // Before the snapshot: a rebuild that drops the old schema waits for us, or we see the new one.
            transaction.batch_execute("LOCK TABLE steward.active IN ACCESS SHARE MODE").await?;
            let statement = transaction.prepare_cached("SELECT schema, position FROM steward.active").await?;
            let row = transaction.query_one(&statement, &[]).await?;
            Ok(Self { transaction, schema: row.get(0), position: row.get::<_, i64>(1).cast_unsigned() })
        })
        .await
    }

    /// # Errors
    /// 503 when Postgres doesn't answer.
    pub async fn query(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, Problem> {
        in_time(async {
            let statement = self.transaction.prepare_cached(sql).await?;
            let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|v| &**v as &(dyn ToSql + Sync)).collect();
            Ok(self.transaction.query(&statement, &values).await?)
        })
        .await
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, ProjectionError>>) -> Result<T, Problem> {
    let done = tokio::time::timeout(STATEMENT, work).await;
    done.unwrap_or(Err(ProjectionError::TimedOut(STATEMENT))).map_err(Problem::from)
}
