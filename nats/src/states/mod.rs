//! States at hand: a process follows the log, folds each event into its aggregate's state, and keeps the states in memory and
//! on disk. A decision on an aggregate that nobody has looked at for weeks then reads no history.
//!
//! The log stays the judge. A state says up to where it is complete; one that is behind is refused by the expected version
//! and caught up. What is kept on disk has the versions of schema and folds, and of the log that it was made from; where one
//! doesn't fit, or a file can't be read, all of it is made again from the log. Meanwhile, and without a disk, states are
//! folded from their aggregate's events, as they are for everything else.

mod keeper;
mod kind;
mod store;
mod watch;

#[cfg(test)]
mod tests;

use std::any::TypeId;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use steward_proto::{Aggregate, AggregateId, Fold, Recorded};
use tokio::sync::watch as latest;

pub use self::kind::Kind;
pub(crate) use self::kind::Written;
use self::store::{Checkpoint, Store, StoreError};
pub use self::watch::Watch;
use self::watch::Watchers;
use crate::cache::{AnyFold, Cache, Folded, Slot};
use crate::supervise::said;
use crate::{Log, LogError};

/// How far behind the log's end a position may be that a load waits for, instead of asking the log.
const NEAR: u64 = 10_000;
/// How long it waits.
const PATIENCE: Duration = Duration::from_millis(250);

/// Where states are kept, and which.
#[derive(Debug, Clone)]
pub struct KeepStates {
    /// The directory of this service's processes; each has one of its own below it.
    pub place: PathBuf,
    pub kinds: Vec<Kind>,
}

/// The states of one process.
pub(crate) struct States {
    kinds: Vec<Kind>,
    store: Store,
    /// Of what changed since it was last written: found here until it is on disk.
    changed: Mutex<HashMap<AggregateId, Changed>>,
    /// All events up to here are in the states.
    reached: latest::Sender<u64>,
    /// The log's end when following began: a state that isn't complete to here is one of the past.
    pub began: u64,
    /// The store failed: nothing is read from it or written to it any more.
    broken: AtomicBool,
    watchers: Arc<Watchers>,
}

#[derive(Clone)]
struct Changed {
    slot: Arc<Slot>,
    /// Of the event that changed it last; `None`: one is being taken in.
    position: Option<u64>,
}

impl Log {
    /// Follows the log from now on and keeps the states of its aggregates at hand. Without it, and when the directory can't be
    /// used, each state is folded from its aggregate's events.
    ///
    /// # Errors
    /// The log can't be read.
    pub async fn keep_states(&self, keep: KeepStates) -> Result<(), LogError> {
        keeper::begin(self, keep).await
    }

    /// Watches an aggregate whose state is kept; `None`: no states are.
    pub fn watch(&self, id: &AggregateId) -> Option<Watch> {
        self.cache().states().map(|states| states.watchers.watch(id))
    }
}

impl States {
    fn new(kinds: Vec<Kind>, store: Store, reached: u64, began: u64) -> Self {
        let (changed, broken) = (Mutex::default(), AtomicBool::new(false));
        Self { kinds, store, changed, reached: latest::channel(reached).0, began, broken, watchers: Arc::default() }
    }

    /// Whether these states are kept.
    pub fn keeps<S: Fold>(&self) -> bool {
        self.kind_of_state(TypeId::of::<S>()).is_some()
    }

    fn kind(&self, aggregate: Aggregate) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.aggregate == aggregate)
    }

    fn kind_of_state(&self, state: TypeId) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.state == state)
    }

    fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// Goes on without a store; what is in memory stays true.
    fn give_up(&self, error: &StoreError) {
        if !self.broken.swap(true, Ordering::Relaxed) {
            tracing::error!(%error, "states are no longer kept on disk; they are folded from the log until the next start");
        }
        self.changed.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// All events up to this position are in the states.
    fn reached(&self) -> u64 {
        *self.reached.borrow()
    }

    /// Waits a little for a position that is near; whoever finds it not reached asks the log.
    async fn comes_to(&self, position: u64) {
        let reached = self.reached();
        if reached >= position || position - reached > NEAR || self.is_broken() {
            return;
        }
        let mut following = self.reached.subscribe();
        // Too late is no error: the log is asked.
        let _ = tokio::time::timeout(PATIENCE, following.wait_for(|reached| *reached >= position)).await;
    }

    /// What is in memory of an aggregate though the cache has let it go: it isn't on disk yet.
    pub fn unwritten(&self, id: &AggregateId) -> Option<Arc<Slot>> {
        let changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        changed.get(id).map(|changed| changed.slot.clone())
    }

    /// An aggregate's state from memory or disk, complete up to what the states have reached, `position` if that comes soon.
    /// `None`: the log must be asked.
    pub async fn at_hand<S: Fold>(&self, cache: &Cache, id: &AggregateId, position: u64) -> Option<Folded<S>> {
        let kind = self.kind_of_state(TypeId::of::<S>())?;
        self.comes_to(position).await;
        // In this order: what was taken in before is in the slot that is found after, or on disk.
        let reached = self.reached();
        let slot = cache.slot(id);
        let mut size = 0;
        let (found, from) = slot.bring::<S>(kind.state, || self.read(kind, id, &mut size), reached);
        if size > 0 {
            cache.weigh(id, &slot, size);
        }
        metrics::counter!("steward_states_total", "from" => if found.is_some() { from } else { "log" }).increment(1);
        found
    }

    fn read(&self, kind: &Kind, id: &AggregateId, size: &mut usize) -> Option<Box<dyn AnyFold>> {
        if self.is_broken() {
            return None;
        }
        match self.store.get(id) {
            Ok(None) => Some(kind.fresh()),
            Ok(Some(written)) => {
                *size = written.size();
                kind.read(&written)
            }
            Err(error) => {
                self.give_up(&error);
                None
            }
        }
    }

    /// Takes in the log's next event. `expected` is the version that it was decided on, if it says so.
    fn take(&self, cache: &Cache, recorded: &Recorded, expected: Option<u64>) {
        let Some(id) = recorded.subject.aggregate_id() else { return };
        let Some(kind) = self.kind(id.aggregate) else { return };
        let note = |slot: &Arc<Slot>, position| {
            let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
            changed.insert(id.clone(), Changed { slot: slot.clone(), position });
        };
        // Noted before, so that it stays the aggregate's only slot until the change is on disk.
        let slot = cache.hold(&id, |slot| note(slot, None));
        let mut size = 0;
        // A bug that this event meets concerns its aggregate alone.
        let follow = || slot.follow(kind.state, || self.read(kind, &id, &mut size), recorded, expected);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(follow)) {
            tracing::error!(panic = said(&*panic), position = recorded.position, "folding an event panicked");
            slot.spoil(kind.state);
        }
        note(&slot, Some(recorded.position));
        if size > 0 {
            cache.weigh(&id, &slot, size);
        }
        self.watchers.tell(&id, recorded.position);
    }

    fn changed(&self) -> usize {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Writes what has changed. All events up to the checkpoint were taken in before it is called.
    fn write(&self, cache: &Cache, checkpoint: Checkpoint) {
        if self.is_broken() {
            return;
        }
        let list: Vec<(AggregateId, Changed)> = {
            let changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
            changed.iter().map(|(id, changed)| (id.clone(), changed.clone())).collect()
        };
        let written = list.iter().filter_map(|(id, changed)| {
            let written = changed.slot.written(self.kind(id.aggregate)?);
            cache.weigh(id, &changed.slot, written.size());
            Some((id.clone(), written))
        });
        if let Err(error) = self.store.put(written.collect(), checkpoint) {
            return self.give_up(&error);
        }
        let mut still = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, written) in list {
            if written.position.is_some() && still.get(&id).is_some_and(|now| now.position == written.position) {
                still.remove(&id);
            }
        }
        metrics::gauge!("steward_states_disk_bytes").set(self.store.size() as f64);
    }
}
