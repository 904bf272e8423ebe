//! States on disk: an LSM tree in a directory of one process's own. It may be lost or deleted at any time: then it is filled
//! again from the log.

use std::fs;
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

const CHECKPOINT: &str = "checkpoint";

/// Up to where the log is in the states: a position, and the event there, which tells this log from another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    pub position: u64,
    pub event_id: Uuid,
}

pub(crate) struct Store {
    database: Database,
    states: Keyspace,
    about: Keyspace,
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
        for number in 1..=PROCESSES {
            let directory = place.join(number.to_string());
            fs::create_dir_all(&directory).map_err(|error| StoreError::Directory(directory.clone(), error))?;
            match Self::open_in(&directory, kinds) {
                Err(StoreError::Database(fjall::Error::Locked)) => {}
                opened => return opened,
            }
        }
        Err(StoreError::Taken(place.to_owned()))
    }

    fn open_in(directory: &Path, kinds: &[Kind]) -> Result<Self, StoreError> {
        let named = kinds.iter().map(Kind::name).collect::<Vec<_>>().join(" ");
        let opened = match Self::database(directory) {
            Ok(store) if store.written_by()?.is_none_or(|by| by == named) => Ok(store),
            Ok(store) => {
                tracing::info!(was = ?store.written_by()?, is = named, "kept states of other versions are forgotten");
                drop(store);
                Self::anew(directory)
            }
            Err(fjall::Error::Locked) => return Err(fjall::Error::Locked.into()),
            Err(error) => {
                tracing::warn!(%error, directory = %directory.display(), "kept states can't be read; they are made again");
                Self::anew(directory)
            }
        }?;
        opened.about.insert("kinds", named)?;
        Ok(opened)
    }

    fn anew(directory: &Path) -> Result<Self, StoreError> {
        let failed = |error| StoreError::Directory(directory.to_owned(), error);
        fs::remove_dir_all(directory).map_err(failed)?;
        fs::create_dir_all(directory).map_err(failed)?;
        Ok(Self::database(directory)?)
    }

    fn database(directory: &Path) -> Result<Self, fjall::Error> {
        let database = Database::builder(directory)
            .cache_size(CACHE_BYTES)
            .max_journaling_size(JOURNAL_BYTES)
            .worker_threads(1)
            .max_cached_files(Some(64))
            .open()?;
        let states =
            database.keyspace("states", || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES))?;
        let about = database.keyspace("about", KeyspaceCreateOptions::default)?;
        Ok(Self { database, states, about })
    }

    fn written_by(&self) -> Result<Option<String>, fjall::Error> {
        Ok(self.about.get("kinds")?.map(|name| String::from_utf8_lossy(&name).into_owned()))
    }

    /// Where the log goes on behind the states.
    pub fn checkpoint(&self) -> Result<Checkpoint, StoreError> {
        let Some(bytes) = self.about.get(CHECKPOINT)? else { return Ok(Checkpoint::default()) };
        let read = bytes.split_first_chunk().and_then(|(position, event_id)| {
            Some(Checkpoint { position: u64::from_le_bytes(*position), event_id: Uuid::from_slice(event_id).ok()? })
        });
        Ok(read.unwrap_or_default())
    }

    /// Forgets all states.
    pub fn clear(&self) -> Result<(), StoreError> {
        self.about.remove(CHECKPOINT)?;
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
        batch.insert(&self.about, CHECKPOINT, [&position[..], checkpoint.event_id.as_bytes()].concat());
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
