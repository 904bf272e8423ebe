//! P6's references: COPY of as many rows of an event's width into a table with a primary key, and of the very rows that a
//! rebuild has made.

use std::time::{Duration, Instant};

use anyhow::Result;
use bytes::Bytes;
use futures::{SinkExt as _, TryStreamExt as _};
use tokio_postgres::NoTls;
use uuid::Uuid;

/// How many rows are sent in one chunk.
const CHUNK: usize = 2_000;

/// How long a COPY of `rows` rows takes until it is committed.
pub async fn copy(postgres: &str, rows: usize) -> Result<Duration> {
    let (mut client, connection) = tokio_postgres::connect(postgres, NoTls).await?;
    let connection = tokio::spawn(connection);
    client
        .batch_execute(
            "CREATE SCHEMA IF NOT EXISTS bench; DROP TABLE IF EXISTS bench.rows;
             CREATE TABLE bench.rows (position bigint PRIMARY KEY, id uuid NOT NULL, type text NOT NULL,
                                      at timestamptz NOT NULL, text text NOT NULL)",
        )
        .await?;
    let id = Uuid::now_v7();
    let chunks: Vec<Bytes> = (0..rows).step_by(CHUNK).map(|first| chunk(first, rows, id)).collect();
    let began = Instant::now();
    let transaction = client.transaction().await?;
    let mut sink = Box::pin(transaction.copy_in("COPY bench.rows FROM STDIN").await?);
    for chunk in chunks {
        sink.send(chunk).await?;
    }
    sink.as_mut().finish().await?;
    transaction.commit().await?;
    let took = began.elapsed();
    client.batch_execute("DROP SCHEMA bench CASCADE").await?;
    drop(client);
    connection.await??;
    Ok(took)
}

/// How long a COPY takes of all rows of the active read models into empty tables, of which one, that of the events, has
/// its primary key.
pub async fn copy_again(postgres: &str) -> Result<Duration> {
    let (client, connection) = tokio_postgres::connect(postgres, NoTls).await?;
    let connection = tokio::spawn(connection);
    let schema: String = client.query_one("SELECT schema FROM steward.active", &[]).await?.get(0);
    client.batch_execute("DROP SCHEMA IF EXISTS bench CASCADE; CREATE SCHEMA bench").await?;
    let mut took = Duration::ZERO;
    for table in ["events", "conversations", "messages", "follow_ups", "contacts"] {
        let key = if table == "events" { "ALTER TABLE bench.events ADD PRIMARY KEY (position)" } else { "" };
        client.batch_execute(&format!("CREATE TABLE bench.{table} (LIKE {schema}.{table}); {key}")).await?;
        let out = client.copy_out(&format!("COPY {schema}.{table} TO STDOUT (FORMAT binary)")).await?;
        let rows: Vec<Bytes> = out.try_collect().await?;
        let chunks: Vec<Bytes> = rows.chunks(CHUNK).map(|rows| rows.concat().into()).collect();
        let began = Instant::now();
        let mut sink = Box::pin(client.copy_in(&format!("COPY bench.{table} FROM STDIN (FORMAT binary)")).await?);
        for chunk in chunks {
            sink.send(chunk).await?;
        }
        sink.as_mut().finish().await?;
        took += began.elapsed();
    }
    client.batch_execute("DROP SCHEMA bench CASCADE").await?;
    drop(client);
    connection.await??;
    Ok(took)
}

fn chunk(first: usize, rows: usize, id: Uuid) -> Bytes {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(CHUNK * 160);
    for n in first..rows.min(first + CHUNK) {
        let _ = writeln!(text, "{n}\t{id}\tMessageQueued\t2026-11-21 10:00:00+00\tХорошо, напишу вам сегодня в 14:32");
    }
    text.into()
}
