//! Folded states in memory, one slot per aggregate; a state never goes back to an older version.

use std::any::{Any, TypeId};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use steward_proto::{AggregateId, Fold, Recorded};
use tokio::sync::Semaphore;

use crate::states::{Kind, States, Written};

/// Bytes that an aggregate with an ordinary state takes here.
const ORDINARY: u32 = 4_096;

/// The states of as many aggregates as there is room for.
pub(crate) struct Cache {
    slots: moka::sync::Cache<AggregateId, Arc<Slot>>,
    states: OnceLock<Arc<States>>,
    /// Held while a slot is made or made to stay, so that an aggregate never has two that are followed.
    resolving: Mutex<()>,
}

/// What is kept of one aggregate: a state for each kind of fold that was asked for.
pub(crate) struct Slot {
    /// Lets one decision at a time of this process be made on the aggregate: two at once would only conflict.
    pub turn: Semaphore,
    folds: Mutex<Folds>,
    /// How many bytes the cache counts it as.
    weight: AtomicU32,
}

#[derive(Default)]
struct Folds {
    held: Vec<Held>,
    /// What is on disk of these kinds isn't the truth: it isn't read again, and goes as soon as the slot is written.
    spoilt: Vec<TypeId>,
}

impl Folds {
    fn find(&self, state: TypeId) -> Option<usize> {
        self.held.iter().position(|held| held.state == state)
    }

    fn spoil(&mut self, state: TypeId) {
        self.held.retain(|held| held.state != state);
        if !self.spoilt.contains(&state) {
            self.spoilt.push(state);
        }
    }

    /// Brings a state from disk into memory, if it may be.
    fn fetch(&mut self, state: TypeId, read: impl FnOnce() -> Option<Box<dyn AnyFold>>) -> Option<usize> {
        if self.spoilt.contains(&state) {
            return None;
        }
        self.held.push(Held { state, fold: read()?, followed: true });
        Some(self.held.len() - 1)
    }
}

struct Held {
    state: TypeId,
    fold: Box<dyn AnyFold>,
    /// Whoever follows the log has seen all of the aggregate's events that the fold may lack, so that it can fold in the next.
    followed: bool,
}

/// A state, with the version of the aggregate that it stands for.
pub(crate) struct Folded<S> {
    pub state: Arc<S>,
    /// Position of the last event folded into the state.
    pub version: u64,
    /// Up to this position of the whole log the aggregate has no other events.
    pub complete_to: u64,
    /// The first event or value that the fold couldn't read.
    pub unread: Option<Arc<str>>,
}

impl<S: Default> Folded<S> {
    /// Of an aggregate without an event.
    pub fn fresh() -> Self {
        Self { state: Arc::new(S::default()), version: 0, complete_to: 0, unread: None }
    }
}

impl<S> Clone for Folded<S> {
    fn clone(&self) -> Self {
        Self {
            state: self.state.clone(),
            version: self.version,
            complete_to: self.complete_to,
            unread: self.unread.clone(),
        }
    }
}

pub(crate) trait AnyFold: Send {
    fn version(&self) -> u64;
    /// Whether it could read all events.
    fn is_readable(&self) -> bool;
    /// Folds in the events that are newer than the state.
    fn advance(&mut self, events: &[Recorded], complete_to: u64);
    fn as_any(&self) -> &dyn Any;
}

impl<S: Fold> AnyFold for Folded<S> {
    fn version(&self) -> u64 {
        self.version
    }

    fn is_readable(&self) -> bool {
        self.unread.is_none()
    }

    fn advance(&mut self, events: &[Recorded], complete_to: u64) {
        for event in events.iter().filter(|event| event.position > self.version) {
            if self.unread.is_none() {
                self.unread = S::unread(&event.event).map(Into::into);
            }
            // Changes the state in place, unless somebody holds on to it: then it is copied first.
            Arc::make_mut(&mut self.state).evolve(event);
        }
        let last = events.last().map_or(0, |event| event.position);
        self.version = self.version.max(last);
        self.complete_to = self.complete_to.max(complete_to).max(self.version);
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Cache {
    /// Room for so many aggregates with an ordinary state, fewer with larger ones.
    pub fn new(entries: u64) -> Self {
        let slots = moka::sync::Cache::builder()
            .weigher(|_, slot: &Arc<Slot>| slot.weight.load(Ordering::Relaxed))
            .max_capacity(entries.saturating_mul(ORDINARY.into()));
        Self { slots: slots.build(), states: OnceLock::new(), resolving: Mutex::default() }
    }

    /// From now on states are kept at hand.
    pub fn keep(&self, states: Arc<States>) {
        if self.states.set(states).is_err() {
            tracing::error!("states are kept already");
        }
    }

    pub fn states(&self) -> Option<&Arc<States>> {
        self.states.get()
    }

    /// The aggregate's slot: whatever is known of it is in this one.
    pub fn slot(&self, id: &AggregateId) -> Arc<Slot> {
        self.slots.get(id).unwrap_or_else(|| {
            let _resolving = self.resolving();
            self.resolve(id)
        })
    }

    /// The aggregate's slot, and does something with it before anybody can let go of it.
    pub fn hold(&self, id: &AggregateId, hold: impl FnOnce(&Arc<Slot>)) -> Arc<Slot> {
        let _resolving = self.resolving();
        let slot = self.resolve(id);
        hold(&slot);
        slot
    }

    fn resolving(&self) -> MutexGuard<'_, ()> {
        self.resolving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// With `resolving` held.
    fn resolve(&self, id: &AggregateId) -> Arc<Slot> {
        self.slots.get(id).unwrap_or_else(|| {
            let unwritten = self.states().and_then(|states| states.unwritten(id));
            let slot = unwritten.unwrap_or_default();
            self.slots.insert(id.clone(), slot.clone());
            slot
        })
    }

    /// Notes how large a state is on disk, and makes room for it if that is much more than it counts as.
    pub fn weigh(&self, id: &AggregateId, slot: &Arc<Slot>, written: usize) {
        // In memory a state takes some three times its bytes on disk.
        let weight = u32::try_from(written.saturating_mul(3)).unwrap_or(u32::MAX).max(ORDINARY);
        if weight / 2 < slot.weight.load(Ordering::Relaxed) {
            return;
        }
        let _resolving = self.resolving();
        if self.slots.get(id).is_some_and(|current| Arc::ptr_eq(&current, slot)) {
            slot.weight.store(weight, Ordering::Relaxed);
            self.slots.insert(id.clone(), slot.clone());
        }
    }

    /// Folds in the events that this process has just appended on `version`, into each state of that version.
    pub fn advance_by_own(&self, id: &AggregateId, version: u64, events: impl FnOnce() -> Vec<Recorded>) {
        let Some(slot) = self.slots.get(id) else { return };
        let mut folds = slot.folds.lock().unwrap_or_else(PoisonError::into_inner);
        let mut standing = folds.held.iter_mut().filter(|held| held.fold.version() == version).peekable();
        if standing.peek().is_none() {
            return;
        }
        let events = events();
        standing.for_each(|held| held.fold.advance(&events, 0));
    }
}

impl Default for Slot {
    fn default() -> Self {
        Self { turn: Semaphore::new(1), folds: Mutex::default(), weight: AtomicU32::new(ORDINARY) }
    }
}

impl Slot {
    fn folds(&self) -> MutexGuard<'_, Folds> {
        self.folds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn get<S: Fold>(&self) -> Option<Folded<S>> {
        let folds = self.folds();
        let index = folds.find(TypeId::of::<S>())?;
        folds.held[index].fold.as_any().downcast_ref::<Folded<S>>().cloned()
    }

    /// Forgets a state that isn't the truth; what is on disk of it isn't read again.
    pub fn spoil(&self, state: TypeId) {
        metrics::counter!("steward_states_forgotten_total").increment(1);
        self.folds().spoil(state);
    }

    /// Folds in events that were read from the log: all of the aggregate's after `after`, up to `complete_to`. `None`: the
    /// state that they go on from was let go of meanwhile, so all must be read. `seed` stands for what comes before the first of
    /// all events, where that isn't the aggregate's first.
    pub fn advance<S: Fold>(
        &self,
        after: u64,
        events: &[Recorded],
        complete_to: u64,
        seed: Option<&S>,
    ) -> Option<Folded<S>> {
        let mut folds = self.folds();
        let index = match folds.find(TypeId::of::<S>()) {
            Some(index) if folds.held[index].fold.version() >= after => index,
            Some(_) => return None,
            None if after > 0 => return None,
            None => {
                let begun = Arc::new(seed.cloned().unwrap_or_default());
                let (state, fold) = (TypeId::of::<S>(), Box::new(Folded { state: begun, ..Folded::<S>::fresh() }));
                folds.held.push(Held { state, fold, followed: false });
                folds.held.len() - 1
            }
        };
        let fold = &mut folds.held[index].fold;
        fold.advance(events, complete_to);
        fold.as_any().downcast_ref::<Folded<S>>().cloned()
    }

    /// The state as whoever follows the log has it, all events up to `reached` in it, and where it was found. `read` brings it
    /// from disk if it isn't in memory.
    pub fn bring<S: Fold>(
        &self,
        state: TypeId,
        read: impl FnOnce() -> Option<Box<dyn AnyFold>>,
        reached: u64,
    ) -> (Option<Folded<S>>, &'static str) {
        let mut folds = self.folds();
        let (index, from) = match folds.find(state) {
            Some(index) => (index, "memory"),
            None => match folds.fetch(state, read) {
                Some(index) => (index, "disk"),
                None => return (None, "log"),
            },
        };
        let held = &mut folds.held[index];
        if !held.followed {
            return (None, "log");
        }
        held.fold.advance(&[], reached);
        (held.fold.as_any().downcast_ref::<Folded<S>>().cloned(), from)
    }

    /// Folds in the log's next event; `read` brings the state from disk if it isn't in memory.
    pub fn follow(
        &self,
        state: TypeId,
        read: impl FnOnce() -> Option<Box<dyn AnyFold>>,
        event: &Recorded,
        expected: Option<u64>,
    ) {
        let mut folds = self.folds();
        // One that was read from the log may lack what was followed before it was read; the log is asked again.
        folds.held.retain(|held| held.state != state || held.followed);
        let found = folds.find(state);
        let Some(index) = found.or_else(|| folds.fetch(state, read)) else { return };
        let fold = &mut folds.held[index].fold;
        let lacks = expected.is_some_and(|expected| event.position > fold.version() && fold.version() != expected);
        if lacks {
            let (position, has) = (event.position, fold.version());
            tracing::error!(position, has, expected, "a kept state isn't what a decision was made on; it is forgotten");
            metrics::counter!("steward_states_forgotten_total").increment(1);
            folds.spoil(state);
        } else {
            fold.advance(std::slice::from_ref(event), 0);
        }
    }

    /// What is to be kept of the state that follows the log.
    pub fn written(&self, kind: &Kind) -> Written {
        let folds = self.folds();
        let followed = folds.held.iter().find(|held| held.state == kind.state && held.followed);
        followed.map_or(Written::Unkept, |held| kind.write(&*held.fold))
    }
}
