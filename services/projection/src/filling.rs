//! Filling the tables of a new schema: one COPY a table, all side by side, and their indexes when the rows are there.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use deadpool_postgres::{ClientWrapper, Object, Pool, Transaction};
use futures::SinkExt as _;
use tokio::{sync::mpsc, task::JoinSet};
use tokio_postgres::error::SqlState;

use crate::{
    error::ProjectionError,
    memory::Rows,
    migrations::{Index, indexes},
    store::{COPY_BEGINS, COPY_ENDS},
};

/// How many pieces may wait for a table.
const WAITING: usize = 4;

/// How a table's transaction works: indexes are sorted in memory as far as possible, and the statistics are of a sample
/// that is soon read. Autovacuum makes better ones as the table changes.
const SETTINGS: &str = "SET LOCAL maintenance_work_mem = '128MB'; SET LOCAL default_statistics_target = 20";

/// Lets Postgres notice in the midst of an index that the rebuild was killed, or the next one would have to wait for it.
const WATCHFUL: &str = "SET client_connection_check_interval = '500ms'";

/// The tables of a schema that nobody reads yet.
pub struct Filling {
    pool: Pool,
    schema: String,
    /// The indexes and keys of the tables that nothing was written to yet.
    untouched: BTreeMap<String, Vec<Index>>,
    open: BTreeMap<&'static str, mpsc::Sender<Bytes>>,
    /// One task for each open table. They are broken off, and their transactions with them, when this is dropped.
    tasks: JoinSet<Result<(), ProjectionError>>,
}

impl Filling {
    /// Takes the indexes away from the empty tables.
    ///
    /// # Errors
    /// Postgres can't be reached.
    pub async fn begin(pool: &Pool, schema: &str) -> Result<Self, ProjectionError> {
        let client = pool.get().await?;
        let untouched = indexes(&client, schema).await?;
        let drops = untouched.iter().flat_map(|(table, all)| all.iter().map(|index| index.drop_sql(schema, table)));
        client.batch_execute(&drops.collect::<Vec<_>>().join(";")).await?;
        let (open, tasks) = (BTreeMap::new(), JoinSet::new());
        Ok(Self { pool: pool.clone(), schema: schema.to_owned(), untouched, open, tasks })
    }

    /// Adds rows to their table.
    ///
    /// # Errors
    /// Postgres doesn't take the rows of some table.
    pub async fn add(&mut self, rows: Rows) -> Result<(), ProjectionError> {
        let Rows { table, columns, bytes } = rows;
        let sender = match self.open.get(table) {
            Some(sender) => sender.clone(),
            None => self.open(table, &columns).await?,
        };
        if sender.send(bytes.freeze()).await.is_ok() {
            return Ok(());
        }
        // The table's task has ended before its time.
        drop(sender);
        self.ended().await
    }

    async fn open(&mut self, table: &'static str, columns: &str) -> Result<mpsc::Sender<Bytes>, ProjectionError> {
        // A connection of its own, so that the others may have those of the pool.
        let client = Object::take(self.pool.get().await?);
        let (sender, waiting) = mpsc::channel(WAITING);
        let name = format!("{}.{table}", self.schema);
        let copy = format!("COPY {name} ({columns}) FROM STDIN (FORMAT binary, FREEZE)");
        let indexes = self.untouched.remove(table).unwrap_or_default();
        self.tasks.spawn(fill(client, name, copy, indexes, waiting));
        self.open.insert(table, sender.clone());
        Ok(sender)
    }

    /// Says that no more rows come but for these tables, so that the indexes of the others are made meanwhile.
    pub fn close_all_but(&mut self, tables: &BTreeSet<&'static str>) {
        self.open.retain(|table, _| tables.contains(table));
    }

    /// Waits until all rows are in their tables, and the indexes made.
    ///
    /// # Errors
    /// Postgres doesn't take something.
    pub async fn end(mut self) -> Result<(), ProjectionError> {
        self.open.clear();
        self.ended().await?;
        let mut client = self.pool.get().await?;
        let transaction = client.transaction().await?;
        for (table, indexes) in &self.untouched {
            finish(&transaction, &format!("{}.{table}", self.schema), indexes).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Waits for all tasks, or for the first that fails.
    async fn ended(&mut self) -> Result<(), ProjectionError> {
        while let Some(ended) = self.tasks.join_next().await {
            ended.map_err(|_| ProjectionError::Stopped)??;
        }
        Ok(())
    }
}

/// Fills one table, in one transaction.
async fn fill(
    mut client: ClientWrapper,
    table: String,
    copy: String,
    indexes: Vec<Index>,
    mut waiting: mpsc::Receiver<Bytes>,
) -> Result<(), ProjectionError> {
    if client.batch_execute(WATCHFUL).await.is_err() {
        tracing::debug!("this Postgres can't watch its connections");
    }
    let transaction = client.transaction().await?;
    // Only what this transaction has emptied may be filled with rows that are frozen: no vacuum has to read them again.
    transaction.batch_execute(&format!("{SETTINGS}; TRUNCATE {table}")).await?;
    let mut sink = Box::pin(transaction.copy_in::<_, Bytes>(&copy).await?);
    sink.send(Bytes::from_static(COPY_BEGINS)).await?;
    while let Some(rows) = waiting.recv().await {
        sink.send(rows).await?;
    }
    sink.send(Bytes::from_static(COPY_ENDS)).await?;
    sink.as_mut().finish().await?;
    drop(sink);
    finish(&transaction, &table, &indexes).await?;
    transaction.commit().await?;
    Ok(())
}

/// Makes a table's indexes and statistics.
async fn finish(transaction: &Transaction<'_>, table: &str, indexes: &[Index]) -> Result<(), ProjectionError> {
    for index in indexes {
        transaction.batch_execute("SAVEPOINT before_index").await?;
        match (transaction.batch_execute(&index.sql).await, &index.unique) {
            (Err(error), Some(key)) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => {
                tracing::warn!(table, "something is in the log twice; its latest row is kept");
                transaction.batch_execute("ROLLBACK TO before_index").await?;
                transaction.batch_execute(&keep_latest(table, key)).await?;
                transaction.batch_execute(&index.sql).await?;
            }
            (made, _) => made?,
        }
    }
    transaction.batch_execute(&format!("ANALYZE {table}")).await?;
    Ok(())
}

/// Deletes all rows of a key but the one that an event changed last.
fn keep_latest(table: &str, key: &str) -> String {
    // `changed_position` is missing where `position` says the same.
    let changed = "coalesce((to_jsonb(t) -> 'changed_position')::bigint, t.position)";
    format!(
        "DELETE FROM {table} AS gone USING (
            SELECT t.ctid AS place, row_number() OVER (PARTITION BY {key} ORDER BY {changed} DESC, t.ctid DESC) AS n
            FROM {table} AS t
            WHERE ({key}) IN (SELECT {key} FROM {table} GROUP BY {key} HAVING count(*) > 1)
         ) AS all_of_a_key WHERE gone.ctid = place AND n > 1"
    )
}
