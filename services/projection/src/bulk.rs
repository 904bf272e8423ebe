//! Projecting the whole log at once, in memory: what a rebuild does before it catches up.
//!
//! Rows are dealt out to partitions by the hash of what their model folds by. The log is read in large batches; each is
//! decoded on all cores, and then folded on all cores, every partition by itself into tables in memory, as the projector
//! folds into those of Postgres. Rows that never change go on to their table's COPY at once, the others at the end.
//! Should memory not do, half of the partitions are given up, and made by reading the log once more.

use std::{hash::BuildHasher as _, hash::RandomState, pin::pin, sync::Arc};

use futures::{FutureExt as _, StreamExt as _};
use steward_log::{Log, Undecoded};
use steward_proto::Recorded;
use tokio::{
    sync::{mpsc, watch},
    task::JoinError,
};

use crate::{
    aside::guarded,
    batch::Batch,
    error::ProjectionError,
    filling::Filling,
    memory::{Memory, Rows},
    models::{self, Held, Model, WorkingSet},
    store::{Tables, Trust},
};

/// How many partitions there are: what can be given up when memory doesn't do, and by how little it may be missed.
const PARTITIONS: usize = 64;

/// Most bytes of payload in one batch; the message that exceeds it still belongs to the batch.
const BATCH_BYTES: usize = 16 * 1024 * 1024;

/// How much one partition's models keep at hand beside the rows in its tables: what the log is about just then.
const AT_HAND: Held = Held { rows: 256, bytes: 128 * 1024 };

/// How much is in memory at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// About how many bytes of rows. With less, the log is read more often.
    pub rows: usize,
    /// How many events are folded between two writes.
    pub batch: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { rows: 512 * 1024 * 1024, batch: 8192 }
    }
}

/// A projection of the whole log, under way.
pub struct Bulk<'a> {
    log: &'a Log,
    filling: Filling,
    router: Arc<Router>,
    workers: usize,
    bounds: Bounds,
    /// Told up to where the log has been read.
    told: &'a watch::Sender<u64>,
    /// What is done by now.
    done: Done,
}

/// What was read and folded.
#[derive(Debug, Default)]
pub struct Done {
    /// The last position that was read.
    pub position: u64,
    pub events: u64,
    /// How often the log was read.
    pub passes: usize,
}

/// Rows of all tables that are folded together.
struct Partition {
    number: usize,
    set: WorkingSet,
    memory: Memory,
    /// The rows that never change are in their tables already, as far as events up to this position make them.
    added_through: u64,
}

/// Deals events out to partitions.
struct Router {
    models: Vec<Box<dyn Model>>,
    hash: RandomState,
}

/// A part of a batch, decoded.
struct Decoded {
    batch: Batch,
    /// Which event goes to which model of which partition.
    routes: Vec<Route>,
}

struct Route {
    partition: u8,
    model: u8,
    event: u32,
}

impl<'a> Bulk<'a> {
    pub fn new(log: &'a Log, filling: Filling, bounds: Bounds, told: &'a watch::Sender<u64>) -> Self {
        let workers = std::thread::available_parallelism().map_or(2, usize::from).min(PARTITIONS);
        let router = Arc::new(Router { models: models::all(), hash: RandomState::new() });
        Self { log, filling, router, workers, bounds, told, done: Done::default() }
    }

    /// Fills the tables with what the log holds up to `target`.
    ///
    /// # Errors
    /// The log or Postgres can't be reached, something can't be projected, or memory can't do.
    pub async fn run(mut self, target: u64) -> Result<Done, ProjectionError> {
        let mut partitions: Vec<Partition> = (0..PARTITIONS).map(|number| Partition::new(number, 0)).collect();
        while !partitions.is_empty() {
            partitions = self.pass(partitions, target).await?;
            self.done.passes += 1;
        }
        self.filling.end().await?;
        Ok(self.done)
    }

    /// Reads the log once, and makes the rows of these partitions; returns those that had to be given up.
    async fn pass(&mut self, partitions: Vec<Partition>, target: u64) -> Result<Vec<Partition>, ProjectionError> {
        let mut workers = self.deal(partitions);
        let (mut through, mut later) = (0, Vec::new());
        let (sender, mut batches) = mpsc::channel(1);
        let log = self.log.clone();
        let reader = tokio::spawn(read(log, target, self.bounds.batch, sender)).map(|read| match read {
            Ok(read) => read,
            Err(_) => Err(ProjectionError::Stopped),
        });
        let mut reader = pin!(reader);
        while let Some(batch) = batches.recv().await {
            let decoded = Arc::new(self.decode(batch).await?);
            through = decoded.iter().map(|part| part.batch.through).fold(through, u64::max);
            self.done.position = self.done.position.max(through);
            self.told.send_replace(through);
            if self.done.passes == 0 {
                self.done.events += decoded.iter().map(|part| part.batch.events.len() as u64).sum::<u64>();
            }
            let folded = workers.into_iter().map(|partitions| {
                let decoded = Arc::clone(&decoded);
                tokio::task::spawn_blocking(move || fold(partitions, &decoded, through))
            });
            let (mut held, mut rows) = (0, Vec::new());
            workers = Vec::new();
            for folded in futures::future::join_all(folded).await {
                let folded = unpanicked(folded)?;
                held += folded.held;
                rows.extend(folded.rows);
                workers.push(folded.partitions);
            }
            for rows in rows {
                self.filling.add(rows).await?;
            }
            if held > self.bounds.rows {
                let mut left: Vec<Partition> = workers.into_iter().flatten().collect();
                if left.len() == 1 {
                    return Err(ProjectionError::Memory(self.bounds.rows));
                }
                let given_up = left.split_off(left.len().div_ceil(2));
                later.extend(given_up.into_iter().map(|p| Partition::new(p.number, p.added_through.max(through))));
                tracing::info!(position = through, left = left.len(), "memory is full; the log will be read once more");
                workers = self.deal(left);
            }
        }
        reader.as_mut().await?;
        if later.is_empty() {
            let in_use = workers.iter().flatten().flat_map(|partition| partition.memory.in_use()).collect();
            self.filling.close_all_but(&in_use);
        }
        let (sender, mut rows) = mpsc::channel(1);
        for partitions in workers {
            let sender = sender.clone();
            tokio::task::spawn_blocking(move || {
                let mut rows = partitions.into_iter().flat_map(|partition| partition.memory.into_rows());
                // Nobody takes them when the rebuild was broken off.
                while rows.next().is_some_and(|rows| sender.blocking_send(rows).is_ok()) {}
            });
        }
        drop(sender);
        while let Some(rows) = rows.recv().await {
            self.filling.add(rows).await?;
        }
        Ok(later)
    }

    fn deal(&self, partitions: Vec<Partition>) -> Vec<Vec<Partition>> {
        let mut workers: Vec<Vec<Partition>> = (0..self.workers).map(|_| Vec::new()).collect();
        for (n, partition) in partitions.into_iter().enumerate() {
            workers[n % self.workers].push(partition);
        }
        workers
    }

    /// Decodes a batch on all cores.
    async fn decode(&self, mut batch: Vec<Undecoded>) -> Result<Vec<Decoded>, ProjectionError> {
        let size = batch.len().div_ceil(self.workers).max(1);
        let mut parts = Vec::new();
        while !batch.is_empty() {
            let part: Vec<Undecoded> = batch.drain(..size.min(batch.len())).collect();
            let router = Arc::clone(&self.router);
            parts.push(tokio::task::spawn_blocking(move || router.decode(part)));
        }
        futures::future::join_all(parts).await.into_iter().map(unpanicked).collect()
    }
}

fn unpanicked<T>(ended: Result<Result<T, ProjectionError>, JoinError>) -> Result<T, ProjectionError> {
    ended.unwrap_or(Err(ProjectionError::Panicked("a panic while the log was read")))
}

/// Reads the log in batches.
async fn read(log: Log, target: u64, most: usize, sender: mpsc::Sender<Vec<Undecoded>>) -> Result<(), ProjectionError> {
    let mut tail = pin!(log.tail_undecoded(1, Vec::new()).await?);
    let (mut batch, mut bytes, mut at_end) = (Vec::new(), 0, false);
    while !at_end {
        let message = tail.next().await.ok_or(ProjectionError::LogEnded(target))?;
        // What was erased at the end never comes.
        at_end = message.position() >= target || message.is_last();
        bytes += message.size();
        batch.push(message);
        if at_end || batch.len() >= most || bytes >= BATCH_BYTES {
            bytes = 0;
            let full = std::mem::replace(&mut batch, Vec::with_capacity(most));
            if sender.send(full).await.is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

impl Router {
    fn decode(&self, messages: Vec<Undecoded>) -> Result<Decoded, ProjectionError> {
        let mut batch = Batch::default();
        for message in messages {
            batch.add(message.decode())?;
        }
        let mut routes = Vec::with_capacity(batch.events.len() * self.models.len());
        for (event, recorded) in batch.events.iter().enumerate() {
            for (model, folds) in self.models.iter().enumerate() {
                let Some(by) = folds.dealt_by(recorded) else { continue };
                let partition = self.hash.hash_one((recorded.subject.tenant.as_str(), by)) % PARTITIONS as u64;
                routes.push(Route { partition: partition as u8, model: model as u8, event: event as u32 });
            }
        }
        Ok(Decoded { batch, routes })
    }
}

/// What a worker has folded.
struct Folded {
    partitions: Vec<Partition>,
    held: usize,
    /// The rows that never change.
    rows: Vec<Rows>,
}

/// Folds a batch into some partitions.
fn fold(mut partitions: Vec<Partition>, decoded: &[Decoded], through: u64) -> Result<Folded, ProjectionError> {
    let models = models::all().len();
    let mut events: Vec<Vec<Vec<&Recorded>>> = vec![vec![Vec::new(); models]; PARTITIONS];
    for part in decoded {
        for Route { partition, model, event } in &part.routes {
            events[usize::from(*partition)][usize::from(*model)].push(&part.batch.events[*event as usize]);
        }
    }
    let (mut held, mut rows) = (0, Vec::new());
    for partition in &mut partitions {
        rows.extend(partition.fold(&events[partition.number], through)?);
        held += partition.memory.held();
    }
    Ok(Folded { partitions, held, rows })
}

impl Partition {
    fn new(number: usize, added_through: u64) -> Self {
        Self { number, set: WorkingSet::default(), memory: Memory::default(), added_through }
    }

    /// Folds events, those of each model in order; returns the rows that never change.
    fn fold(&mut self, events: &[Vec<&Recorded>], through: u64) -> Result<Vec<Rows>, ProjectionError> {
        let tables = Tables::in_memory(&self.memory);
        let folding = guarded(self.set.project_each(tables, events, Trust::Unique));
        folding.now_or_never().expect("memory answers at once")?;
        self.set.written();
        self.set.shrink(AT_HAND);
        let rows = self.memory.take_added();
        Ok(if through <= self.added_through { Vec::new() } else { rows })
    }
}
