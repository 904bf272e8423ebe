//! What is kept: a kind of state for one kind of aggregate, its versions and its bytes.

use std::any::TypeId;
use std::sync::Arc;

use steward_proto::{Aggregate, Kept, SCHEMA_VERSION};

use crate::cache::{AnyFold, Folded};

/// One of the states that a process keeps at hand.
#[derive(Clone, Copy)]
pub struct Kind {
    pub(crate) aggregate: Aggregate,
    pub(crate) state: TypeId,
    version: u32,
    fresh: fn() -> Fold,
    write: fn(&dyn AnyFold) -> Option<Vec<u8>>,
    read: fn(u64, &[u8]) -> Option<Fold>,
}

type Fold = Box<dyn AnyFold>;

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of version {}", self.aggregate.as_str(), self.version)
    }
}

impl Kind {
    /// The states `S` of its aggregates.
    pub fn of<S: Kept>() -> Self {
        Self {
            aggregate: S::AGGREGATE,
            state: TypeId::of::<S>(),
            version: S::VERSION,
            fresh: || Box::new(Folded::<S>::fresh()),
            write: |fold| {
                let folded = fold.as_any().downcast_ref::<Folded<S>>()?;
                postcard::to_stdvec(&*folded.state).ok()
            },
            read: |version, bytes| {
                let state: S = postcard::from_bytes(bytes).ok()?;
                Some(Box::new(Folded { state: Arc::new(state), version, complete_to: version, unread: None }))
            },
        }
    }

    /// States of the same name were written by a fold that makes the same of the same events.
    pub(crate) fn name(&self) -> String {
        format!("{}.{}.{}", self.aggregate.as_str(), SCHEMA_VERSION, self.version)
    }

    /// The state of an aggregate that has no event.
    pub(crate) fn fresh(&self) -> Fold {
        (self.fresh)()
    }

    /// A state as it is kept; one that is half the truth isn't: its aggregate is read from the log.
    pub(crate) fn write(&self, fold: &dyn AnyFold) -> Written {
        let state = if fold.is_readable() { (self.write)(fold) } else { None };
        state.map_or(Written::Unkept, |state| Written::State(fold.version(), state))
    }

    pub(crate) fn read(&self, written: &Written) -> Option<Fold> {
        match written {
            Written::State(version, state) => (self.read)(*version, state),
            Written::Unkept => None,
        }
    }
}

/// What is kept of one aggregate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Written {
    /// With the version that it stands for.
    State(u64, Vec<u8>),
    /// It has events, but no state that can be kept.
    Unkept,
}

impl Written {
    pub fn size(&self) -> usize {
        match self {
            Self::State(_, state) => state.len(),
            Self::Unkept => 0,
        }
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::State(version, state) => [&version.to_le_bytes()[..], state].concat(),
            Self::Unkept => Vec::new(),
        }
    }

    pub fn of_bytes(bytes: &[u8]) -> Self {
        match bytes.split_first_chunk() {
            Some((version, state)) => Self::State(u64::from_le_bytes(*version), state.to_vec()),
            None => Self::Unkept,
        }
    }
}
