//! Folded states in memory, one slot per aggregate, never going backwards.

use std::any::{Any, TypeId};
use std::sync::{Arc, Mutex, PoisonError};

use steward_proto::{AggregateId, Fold, Recorded};
use tokio::sync::Semaphore;

/// Bounded by the number of aggregates.
pub(crate) struct Cache {
    slots: moka::sync::Cache<AggregateId, Arc<Slot>>,
}

/// What is kept of one aggregate: a state per kind of fold that was asked for.
pub(crate) struct Slot {
    /// One decision at a time in this process: two would only make each other conflict.
    pub turn: Semaphore,
    folds: Mutex<Vec<(TypeId, Box<dyn AnyFold>)>>,
}

/// A state with where it stands.
pub(crate) struct Folded<S> {
    pub state: Arc<S>,
    /// The last event in it.
    pub version: u64,
    /// Up to this position of the whole log the aggregate has no other events.
    pub complete_to: u64,
    /// What it couldn't read: the first that it met.
    pub unread: Option<Arc<str>>,
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

trait AnyFold: Send {
    fn version(&self) -> u64;
    /// Applies what is newer than the state.
    fn advance(&mut self, events: &[Recorded], complete_to: u64);
    fn as_any(&self) -> &dyn Any;
}

impl<S: Fold> AnyFold for Folded<S> {
    fn version(&self) -> u64 {
        self.version
    }

    fn advance(&mut self, events: &[Recorded], complete_to: u64) {
        for event in events.iter().filter(|event| event.position > self.version) {
            if self.unread.is_none() {
                self.unread = S::unread(&event.event).map(Into::into);
            }
            // In place, unless somebody is looking at the state right now.
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
    pub fn new(entries: u64) -> Self {
        Self { slots: moka::sync::Cache::new(entries) }
    }

    pub fn slot(&self, id: &AggregateId) -> Arc<Slot> {
        self.slots.get_with_by_ref(id, || Arc::new(Slot { turn: Semaphore::new(1), folds: Mutex::new(Vec::new()) }))
    }

    /// Applies events that we have appended ourselves on `version` to the states that stand there.
    pub fn advance_by_own(&self, id: &AggregateId, version: u64, events: impl FnOnce() -> Vec<Recorded>) {
        let Some(slot) = self.slots.get(id) else { return };
        let mut folds = slot.folds.lock().unwrap_or_else(PoisonError::into_inner);
        let mut standing = folds.iter_mut().filter(|(_, fold)| fold.version() == version).peekable();
        if standing.peek().is_none() {
            return;
        }
        let events = events();
        standing.for_each(|(_, fold)| fold.advance(&events, 0));
    }
}

impl Slot {
    pub fn get<S: Fold>(&self) -> Option<Folded<S>> {
        let folds = self.folds.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, fold) = folds.iter().find(|(kind, _)| *kind == TypeId::of::<S>())?;
        fold.as_any().downcast_ref::<Folded<S>>().cloned()
    }

    /// Applies events that were read: all of the aggregate's after `after`, up to `complete_to`.
    pub fn advance<S: Fold>(&self, after: u64, events: &[Recorded], complete_to: u64) -> Folded<S> {
        let mut folds = self.folds.lock().unwrap_or_else(PoisonError::into_inner);
        let index = folds.iter().position(|(kind, _)| *kind == TypeId::of::<S>());
        let index = index.unwrap_or_else(|| {
            debug_assert_eq!(after, 0, "a new state is folded from the first event");
            let new = Folded { state: Arc::new(S::default()), version: 0, complete_to: 0, unread: None };
            folds.push((TypeId::of::<S>(), Box::new(new)));
            folds.len() - 1
        });
        let fold = &mut folds[index].1;
        fold.advance(events, complete_to);
        fold.as_any().downcast_ref::<Folded<S>>().cloned().expect("found by its type")
    }
}
