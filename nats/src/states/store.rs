//! States on disk: an LSM tree in a directory of one process's own. It may be lost or deleted at any time: then it is filled
//! again from the log.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use fjall::{Database, Keyspace, KeyspaceCreateOptions};
use steward_proto::AggregateId;
use uuid::Uuid;

use super::kind::{Kind, Written};

/// Memory for blocks that were read.
const CACHE_BYTES: u64 = 8 << 20;
/// States that wait in memory, sorted, until they become a file.
const MEMTABLE_BYTES: u64 = 8 << 20;
/// Journals, at most: of what isn't in a file yet. The least that the store takes.
const JOURNAL_BYTES: u64 = 64 << 20;
/// Directories of one service on one machine: processes of it beyond these keep no states.
const PROCESSES: usize = 8;

/// Beside the states and in the same tree, so that they are lost together or not at all. No aggregate's key begins so.
const CHECKPOINT: &str = "\u{0}checkpoint";
const KINDS: &str = "\u{0}kinds";

/// Up to where the log is in the states: a position, and the event there, which tells this log from another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    pub position: u64,
    pub event_id: Uuid,
}

pub(crate) struct Store {
    database: Database,
    states: Keyspace,
    kinds: String,
    /// Held as long as the directory is used, also while it is made anew.
    _lock: File,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("the directory of states {0} can't be used: {1}")]
    Directory(PathBuf, io::Error),
    #[error("the states on disk can't be used: {0}")]
    Database(#[from] fjall::Error),
    #[error("{PROCESSES} processes keep their states in {0} already")]
    Taken(PathBuf),
}

impl Store {
    /// Opens the first directory below `place` that no other process has. What can't be read there, or was written by other
    /// versions of the folds, is deleted.
    pub fn open(place: &Path, kinds: &[Kind]) -> Result<Self, StoreError> {
        let failed = |error| StoreError::Directory(place.to_owned(), error);
        fs::create_dir_all(place).map_err(failed)?;
        for number in 1..=PROCESSES {
            let lock = File::create(place.join(format!("{number}.lock"))).map_err(failed)?;
            match lock.try_lock() {
                Ok(()) => return Self::open_in(&place.join(number.to_string()), kinds, lock),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        Err(StoreError::Taken(place.to_owned()))
    }

    fn open_in(directory: &Path, kinds: &[Kind], lock: File) -> Result<Self, StoreError> {
        let (database, states) = Self::database(directory).or_else(|error| {
            tracing::warn!(%error, directory = %directory.display(), "kept states can't be read; they are made again");
            fs::remove_dir_all(directory).map_err(|error| StoreError::Directory(directory.to_owned(), error))?;
            Ok::<_, StoreError>(Self::database(directory)?)
        })?;
        let kinds = kinds.iter().map(Kind::name).collect::<Vec<_>>().join(" ");
        let store = Self { database, states, kinds, _lock: lock };
        let written_by = store.states.get(KINDS)?;
        if written_by.as_deref() != Some(store.kinds.as_bytes()) || store.states.get(CHECKPOINT)?.is_none() {
            store.clear()?;
        }
        Ok(store)
    }

    fn database(directory: &Path) -> Result<(Database, Keyspace), fjall::Error> {
        let database = Database::builder(directory)
            .cache_size(CACHE_BYTES)
            .max_journaling_size(JOURNAL_BYTES)
            .worker_threads(1)
            .max_cached_files(Some(64))
            .open()?;
        let states =
            database.keyspace("states", || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES))?;
        Ok((database, states))
    }

    /// Where the log goes on behind the states.
    pub fn checkpoint(&self) -> Result<Checkpoint, StoreError> {
        let Some(bytes) = self.states.get(CHECKPOINT)? else { return Ok(Checkpoint::default()) };
        let read = bytes.split_first_chunk().and_then(|(position, event_id)| {
            Some(Checkpoint { position: u64::from_le_bytes(*position), event_id: Uuid::from_slice(event_id).ok()? })
        });
        Ok(read.unwrap_or_default())
    }

    /// Forgets all states.
    pub fn clear(&self) -> Result<(), StoreError> {
        Ok(self.states.clear()?)
    }

    /// What is kept of an aggregate; `None`: nothing, so it has no event up to the checkpoint.
    pub fn get(&self, id: &AggregateId) -> Result<Option<Written>, StoreError> {
        Ok(self.states.get(key(id))?.map(|bytes| Written::of_bytes(&bytes)))
    }

    /// Writes states and how far they are, together or not at all.
    pub fn put(&self, states: Vec<(AggregateId, Written)>, checkpoint: Checkpoint) -> Result<(), StoreError> {
        let mut batch = self.database.batch();
        for (id, written) in states {
            batch.insert(&self.states, key(&id), written.to_bytes());
        }
        let position = checkpoint.position.to_le_bytes();
        batch.insert(&self.states, CHECKPOINT, [&position[..], checkpoint.event_id.as_bytes()].concat());
        batch.insert(&self.states, KINDS, self.kinds.as_str());
        Ok(batch.commit()?)
    }

    /// Bytes on disk.
    pub fn size(&self) -> u64 {
        self.database.disk_space().unwrap_or(0)
    }
}

fn key(id: &AggregateId) -> String {
    format!("{}/{}/{}", id.aggregate.as_str(), id.tenant, id.id())
}
