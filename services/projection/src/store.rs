//! Writing rows: what changed replaces what was there, by COPY.

use std::{borrow::Cow, collections::HashMap};

use bytes::{BufMut, Bytes, BytesMut};
use deadpool_postgres::Transaction;
use futures::SinkExt as _;
use tokio_postgres::types::ToSql;

use crate::{
    error::ProjectionError,
    fold::{Tracked, WorkingSet},
    rows::{DeliveryRow, Entity, EventRow, MessageRow, Table, columns, hashed, storable},
};

/// How much of a COPY is handed to the connection at once, in bytes.
const CHUNK: usize = 256 * 1024;

/// How the rows that can't exist yet are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// They don't: ids are unique.
    Unique,
    /// They might: a message was recorded twice. The last one stays.
    Nothing,
}

/// Writes all that is dirty. The caller commits, and then marks the set as written.
///
/// # Errors
/// When Postgres doesn't take it.
pub async fn write(
    set: &WorkingSet,
    transaction: &Transaction<'_>,
    schema: &str,
    trust: Trust,
) -> Result<(), ProjectionError> {
    write_entities(set, transaction, schema, trust).await?;
    write_finished(&set.finished, transaction, schema, trust).await?;
    copy::<EventRow>(transaction, schema, set.events.iter().collect()).await
}

/// Writes conversations, contacts, and what may still change.
///
/// # Errors
/// When Postgres doesn't take it; see [`ProjectionError::is_twice`].
pub async fn write_entities(
    set: &WorkingSet,
    transaction: &Transaction<'_>,
    schema: &str,
    trust: Trust,
) -> Result<(), ProjectionError> {
    let dirty = Dirty::of(set.touched().map(|c| &c.row), trust);
    dirty.replace(transaction, schema).await?;
    let dirty = Dirty::of(set.touched().flat_map(|c| c.follow_ups.values()), trust);
    dirty.replace(transaction, schema).await?;
    let dirty = Dirty::of(set.touched().flat_map(|c| c.messages.values()), trust);
    dirty.replace(transaction, schema).await?;
    Dirty::of(set.touched_contacts(), trust).replace(transaction, schema).await?;
    // An outcome says all there is to say, so the row that is there needn't be known.
    delete::<DeliveryRow>(transaction, schema, set.deliveries.values().map(DeliveryRow::key).collect()).await?;
    copy(transaction, schema, set.deliveries.values().collect()).await
}

/// Writes messages that never change.
///
/// # Errors
/// When Postgres doesn't take it; see [`ProjectionError::is_twice`].
pub async fn write_finished(
    finished: &[MessageRow],
    transaction: &Transaction<'_>,
    schema: &str,
    trust: Trust,
) -> Result<(), ProjectionError> {
    if trust == Trust::Unique {
        return copy(transaction, schema, finished.iter().collect()).await;
    }
    let last: HashMap<[&str; 3], &MessageRow> = finished.iter().map(|m| (m.key(), m)).collect();
    delete::<MessageRow>(transaction, schema, last.keys().copied().collect()).await?;
    copy(transaction, schema, last.into_values().collect()).await
}

/// Rows of one table that are to be written.
struct Dirty<'a, T> {
    rows: Vec<&'a T>,
    /// Keys of those that the table holds, or may hold.
    old: Vec<[&'a str; 3]>,
}

impl<'a, T: Entity> Dirty<'a, T> {
    fn of(tracked: impl Iterator<Item = &'a Tracked<T>>, trust: Trust) -> Self {
        let mut dirty = Self { rows: Vec::new(), old: Vec::new() };
        for t in tracked.filter(|t| t.dirty) {
            dirty.rows.push(&t.row);
            if t.stored || trust == Trust::Nothing {
                dirty.old.push(t.row.key());
            }
        }
        dirty
    }

    async fn replace(self, transaction: &Transaction<'_>, schema: &str) -> Result<(), ProjectionError> {
        delete::<T>(transaction, schema, self.old).await?;
        copy(transaction, schema, self.rows).await
    }
}

async fn delete<T: Entity>(
    transaction: &Transaction<'_>,
    schema: &str,
    keys: Vec<[&str; 3]>,
) -> Result<(), ProjectionError> {
    let mut arrays: [Vec<Cow<'_, str>>; 3] = Default::default();
    for key in keys {
        arrays.iter_mut().zip(key).for_each(|(array, part)| array.push(storable(part)));
    }
    if arrays[0].is_empty() {
        return Ok(());
    }
    let columns = T::KEY.len();
    let sql = format!("DELETE FROM {schema}.{} WHERE {}", T::NAME, hashed::key_in(T::KEY));
    let statement = transaction.prepare_cached(&sql).await?;
    let parameters = [&arrays[0] as &(dyn ToSql + Sync), &arrays[1], &arrays[2]];
    transaction.execute(&statement, &parameters[..columns]).await?;
    Ok(())
}

/// Adds rows; nothing is sent when there are none.
///
/// # Errors
/// When Postgres doesn't take them.
pub async fn copy<T: Table>(transaction: &Transaction<'_>, schema: &str, rows: Vec<&T>) -> Result<(), ProjectionError> {
    if rows.is_empty() {
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
