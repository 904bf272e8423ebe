//! Folded states in memory, one slot per aggregate; a state never goes back to an older version.

use std::any::{Any, TypeId};
use std::sync::{Arc, Mutex, PoisonError};

use steward_proto::{AggregateId, Fold, Recorded};
use tokio::sync::Semaphore;

/// The states of a bounded number of aggregates.
pub(crate) struct Cache {
    slots: moka::sync::Cache<AggregateId, Arc<Slot>>,
}

/// What is kept of one aggregate: a state for each kind of fold that was asked for.
pub(crate) struct Slot {
    /// Lets one decision at a time of this process be made on the aggregate: two at once would only conflict.
    pub turn: Semaphore,
    folds: Mutex<Vec<(TypeId, Box<dyn AnyFold>)>>,
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
    /// Folds in the events that are newer than the state.
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
    pub fn new(entries: u64) -> Self {
        Self { slots: moka::sync::Cache::new(entries) }
    }

    pub fn slot(&self, id: &AggregateId) -> Arc<Slot> {
        self.slots.get_with_by_ref(id, || Arc::new(Slot { turn: Semaphore::new(1), folds: Mutex::new(Vec::new()) }))
    }

    /// Folds in the events that this process has just appended on `version`, into each state of that version.
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

    /// Folds in events that were read from the log: all of the aggregate's after `after`, up to `complete_to`.
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
