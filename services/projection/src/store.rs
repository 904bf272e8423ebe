//! Writing rows: what changed replaces what was there, by COPY.

use bytes::{BufMut, Bytes, BytesMut};
use deadpool_postgres::Transaction;
use futures::SinkExt as _;

use crate::{
    error::ProjectionError,
    fold::{Tracked, WorkingSet},
    rows::{ContactRow, ConversationRow, Entity, EventRow, FollowUpRow, MessageRow, Table, columns},
};

/// How much of a COPY is handed to the connection at once, in bytes.
const CHUNK: usize = 256 * 1024;

/// Writes all that is dirty. The caller commits, and then marks the set as written.
///
/// # Errors
/// When Postgres doesn't take it.
pub async fn write(set: &WorkingSet, transaction: &Transaction<'_>, schema: &str) -> Result<(), ProjectionError> {
    write_entities(set, transaction, schema).await?;
    copy::<EventRow>(transaction, schema, set.events.iter()).await
}

/// All but the events.
///
/// # Errors
/// When Postgres doesn't take it.
pub async fn write_entities(
    set: &WorkingSet,
    transaction: &Transaction<'_>,
    schema: &str,
) -> Result<(), ProjectionError> {
    replace::<ConversationRow>(transaction, schema, set.conversations.values().map(|c| &c.row)).await?;
    replace::<FollowUpRow>(transaction, schema, set.conversations.values().flat_map(|c| c.follow_ups.values())).await?;
    replace::<MessageRow>(transaction, schema, set.conversations.values().flat_map(|c| c.messages.values())).await?;
    replace::<ContactRow>(transaction, schema, set.contacts.values()).await?;
    copy::<MessageRow>(transaction, schema, set.finished.iter()).await
}

async fn replace<'a, T: Entity + 'a>(
    transaction: &Transaction<'_>,
    schema: &str,
    rows: impl Iterator<Item = &'a Tracked<T>> + Clone,
) -> Result<(), ProjectionError> {
    let old: (Vec<&str>, Vec<&str>) = rows.clone().filter(|t| t.dirty && t.stored).map(|t| t.row.key()).unzip();
    if !old.0.is_empty() {
        let sql = format!(
            "DELETE FROM {schema}.{} WHERE (tenant, id) IN (SELECT * FROM unnest($1::text[], $2::text[]))",
            T::NAME
        );
        let statement = transaction.prepare_cached(&sql).await?;
        transaction.execute(&statement, &[&old.0, &old.1]).await?;
    }
    copy(transaction, schema, rows.clone().filter(|t| t.dirty).map(|t| &t.row)).await
}

/// Adds rows; nothing is sent when there are none.
///
/// # Errors
/// When Postgres doesn't take them.
pub async fn copy<'a, T: Table + 'a>(
    transaction: &Transaction<'_>,
    schema: &str,
    rows: impl Iterator<Item = &'a T>,
) -> Result<(), ProjectionError> {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return Ok(());
    }
    let statement = transaction.prepare_cached(&copy_statement::<T>(schema)).await?;
    let sink = transaction.copy_in::<_, Bytes>(&statement).await?;
    futures::pin_mut!(sink);
    let mut encoder = CopyEncoder::default();
    for row in rows {
        encoder.add(row);
        if let Some(chunk) = encoder.chunk() {
            sink.send(chunk).await?;
        }
    }
    sink.send(encoder.end()).await?;
    sink.finish().await?;
    Ok(())
}

pub fn copy_statement<T: Table>(schema: &str) -> String {
    format!("COPY {schema}.{} ({}) FROM STDIN (FORMAT binary)", T::NAME, columns::<T>())
}

/// Rows in the binary COPY format.
pub struct CopyEncoder(BytesMut);

impl Default for CopyEncoder {
    fn default() -> Self {
        let mut buffer = BytesMut::with_capacity(8 * 1024);
        // Signature, flags, length of the header's extension.
        buffer.put_slice(b"PGCOPY\n\xff\r\n\0");
        buffer.put_i32(0);
        buffer.put_i32(0);
        Self(buffer)
    }
}

impl CopyEncoder {
    pub fn add(&mut self, row: &impl Table) {
        row.put(&mut self.0);
    }

    /// What has gathered, once it is worth sending.
    pub fn chunk(&mut self) -> Option<Bytes> {
        (self.0.len() >= CHUNK).then(|| self.0.split().freeze())
    }

    /// The rest and the trailer.
    pub fn end(mut self) -> Bytes {
        self.0.put_i16(-1);
        self.0.freeze()
    }
}
