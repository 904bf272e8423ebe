//! The tables of a schema, as a transaction reads and writes their rows.

use std::{borrow::Cow, collections::HashMap};

use bytes::{BufMut, Bytes, BytesMut};
use deadpool_postgres::Transaction;
use futures::SinkExt as _;
use tokio_postgres::types::ToSql;

use crate::{
    error::ProjectionError,
    memory::Memory,
    models::Wanted,
    rows::{Entity, Lookup, Table, Tracked, columns, hashed, storable},
};

/// How many bytes of a COPY are handed to the connection at once.
const CHUNK: usize = 256 * 1024;

/// What is known of rows that should be new, when they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// They can't exist yet, because ids are unique.
    Unique,
    /// They may exist: a message was recorded twice. The last row stays.
    Nothing,
}

/// The tables of one schema, as a transaction sees them; or those that a rebuild has in memory.
#[derive(Clone, Copy)]
pub struct Tables<'a>(Place<'a>);

#[derive(Clone, Copy)]
enum Place<'a> {
    Postgres { transaction: &'a Transaction<'a>, schema: &'a str },
    Memory(&'a Memory),
}

impl<'a> Tables<'a> {
    pub fn new(transaction: &'a Transaction<'a>, schema: &'a str) -> Self {
        Self(Place::Postgres { transaction, schema })
    }

    pub fn in_memory(memory: &'a Memory) -> Self {
        Self(Place::Memory(memory))
    }

    /// The rows with these keys. If nothing is wanted, Postgres isn't asked.
    ///
    /// # Errors
    /// Postgres doesn't answer as expected.
    pub async fn find_by_key<T: Entity>(self, wanted: &Wanted) -> Result<Vec<T>, ProjectionError> {
        match self.0 {
            Place::Postgres { transaction, schema } => {
                select(transaction, schema, || hashed::key_in(T::KEY), wanted).await
            }
            Place::Memory(memory) => Ok(memory.by_key(wanted)),
        }
    }

    /// The rows that a lookup finds. If nothing is wanted, Postgres isn't asked.
    ///
    /// # Errors
    /// Postgres doesn't answer as expected.
    pub async fn find<T: Entity>(self, lookup: &Lookup<T>, wanted: &Wanted) -> Result<Vec<T>, ProjectionError> {
        match self.0 {
            Place::Postgres { transaction, schema } => select(transaction, schema, lookup.condition, wanted).await,
            Place::Memory(memory) => Ok(memory.by(lookup, wanted)),
        }
    }

    /// Writes the rows that are dirty, in place of the ones that the table holds.
    ///
    /// # Errors
    /// Postgres doesn't take the rows; see [`ProjectionError::is_twice`].
    pub async fn replace<'r, T: Entity + 'r>(
        self,
        tracked: impl Iterator<Item = &'r Tracked<T>>,
        trust: Trust,
    ) -> Result<(), ProjectionError> {
        if let Place::Memory(memory) = self.0 {
            memory.put(tracked.filter(|t| t.dirty).map(|t| &t.row));
            return Ok(());
        }
        // The keys of the rows that the table holds, or may hold.
        let (mut rows, mut old) = (Vec::new(), Vec::new());
        for t in tracked.filter(|t| t.dirty) {
            rows.push(&t.row);
            if t.stored || trust == Trust::Nothing {
                old.push(t.row.key());
            }
        }
        self.delete::<T>(old).await?;
        self.copy(rows).await
    }

    /// Writes rows whatever the table holds of them. Of rows with the same key the last one stays.
    ///
    /// # Errors
    /// Postgres doesn't take the rows.
    pub async fn overwrite<'r, T: Entity + 'r>(
        self,
        rows: impl IntoIterator<Item = &'r T>,
    ) -> Result<(), ProjectionError> {
        if let Place::Memory(memory) = self.0 {
            memory.put(rows);
            return Ok(());
        }
        let last: HashMap<[&str; 3], &T> = rows.into_iter().map(|row| (row.key(), row)).collect();
        self.delete::<T>(last.keys().copied().collect()).await?;
        self.copy(last.into_values().collect()).await
    }

    async fn delete<T: Entity>(self, keys: Vec<[&str; 3]>) -> Result<(), ProjectionError> {
        let Place::Postgres { transaction, schema } = self.0 else { return Ok(()) };
        let mut arrays: [Vec<Cow<'_, str>>; 3] = Default::default();
        for key in keys {
            arrays.iter_mut().zip(key).for_each(|(array, part)| array.push(storable(part)));
        }
        if arrays[0].is_empty() {
            return Ok(());
        }
        let columns = T::KEY.len();
        let sql = format!("DELETE FROM {}.{} WHERE {}", schema, T::NAME, hashed::key_in(T::KEY));
        let statement = transaction.prepare_cached(&sql).await?;
        let parameters = [&arrays[0] as &(dyn ToSql + Sync), &arrays[1], &arrays[2]];
        transaction.execute(&statement, &parameters[..columns]).await?;
        Ok(())
    }

    /// Adds rows that nobody will ask for or change. If there are none, nothing is sent.
    ///
    /// # Errors
    /// Postgres doesn't take the rows.
    pub async fn copy<T: Table>(self, rows: Vec<&T>) -> Result<(), ProjectionError> {
        if rows.is_empty() {
            return Ok(());
        }
        let (transaction, schema) = match self.0 {
            Place::Postgres { transaction, schema } => (transaction, schema),
            Place::Memory(memory) => {
                memory.add(&rows);
                return Ok(());
            }
        };
        let columns = columns::<T>();
        let copy = format!("COPY {schema}.{} ({columns}) FROM STDIN (FORMAT binary)", T::NAME);
        let statement = transaction.prepare_cached(&copy).await?;
        let sink = transaction.copy_in::<_, Bytes>(&statement).await?;
        futures::pin_mut!(sink);
        let mut encoder = CopyEncoder::default();
        for row in rows {
            encoder.add(row);
            while let Some(chunk) = encoder.chunk() {
                sink.send(chunk).await?;
            }
        }
        sink.send(encoder.end()).await?;
        sink.finish().await?;
        Ok(())
    }
}

/// The rows that a condition finds.
async fn select<T: Table>(
    transaction: &Transaction<'_>,
    schema: &str,
    condition: impl FnOnce() -> String,
    wanted: &Wanted,
) -> Result<Vec<T>, ProjectionError> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let condition = condition().replace("{schema}", schema);
    let sql = format!("SELECT {} FROM {schema}.{} WHERE {condition}", columns::<T>(), T::NAME);
    let statement = transaction.prepare_cached(&sql).await?;
    let arrays = [wanted.array(0), wanted.array(1), wanted.array(2)];
    let parameters = [&arrays[0] as &(dyn ToSql + Sync), &arrays[1], &arrays[2]];
    let rows = transaction.query(&statement, &parameters[..statement.params().len()]).await?;
    rows.iter().map(T::read).collect::<Result<_, _>>().map_err(ProjectionError::Unreadable)
}

/// What a COPY in binary format begins with: the signature, the flags, the length of the header's extension.
pub const COPY_BEGINS: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What it ends with.
pub const COPY_ENDS: &[u8] = &(-1_i16).to_be_bytes();

/// Rows in the binary COPY format.
struct CopyEncoder(BytesMut);

impl Default for CopyEncoder {
    fn default() -> Self {
        let mut buffer = BytesMut::with_capacity(8 * 1024);
        buffer.put_slice(COPY_BEGINS);
        Self(buffer)
    }
}

impl CopyEncoder {
    fn add(&mut self, row: &impl Table) {
        row.put(&mut self.0);
    }

    /// A piece of the rows that have gathered, once there is enough to send. It may end within a row, because COPY
    /// takes bytes.
    fn chunk(&mut self) -> Option<Bytes> {
        (self.0.len() >= CHUNK).then(|| self.0.split_to(CHUNK).freeze())
    }

    /// The remaining rows, and the trailer.
    fn end(mut self) -> Bytes {
        self.0.put_slice(COPY_ENDS);
        self.0.freeze()
    }
}
