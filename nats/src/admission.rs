//! Admission: how many bytes of appends may be on their way, in all and of each tenant.
//!
//! Facts and decisions are counted apart, so that neither a tenant's flood nor anybody's decisions keep a fact from the
//! queue.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use steward_proto::TenantId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::append::{Expected, Unit};

/// How many bytes of one tenant's facts, and as many again of its decisions, may be on their way; more wait in
/// `append`.
pub(crate) const SHARE: usize = 8 << 20;

/// The same for all tenants together.
const WHOLE: usize = 64 << 20;

/// A unit counts as this many bytes at least, since small ones cost memory too: a tenant's share is 2,048 units at
/// most.
const LEAST: usize = 4 << 10;

#[derive(Default)]
pub(crate) struct Admission {
    facts: Rooms,
    decisions: Rooms,
}

struct Rooms {
    whole: Arc<Semaphore>,
    /// One for each tenant that has appended.
    shares: Mutex<HashMap<TenantId, Arc<Semaphore>>>,
}

impl Default for Rooms {
    fn default() -> Self {
        Self { whole: Arc::new(Semaphore::new(WHOLE)), shares: Mutex::default() }
    }
}

/// The room that a unit takes, given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Room {
    _share: OwnedSemaphorePermit,
    _whole: OwnedSemaphorePermit,
}

impl Admission {
    /// Waits for room in the tenant's share, then in the whole: of a tenant's flood only its share waits beside other
    /// tenants.
    pub async fn enter(&self, unit: &Unit) -> Option<Room> {
        let rooms = if unit.expected == Expected::Any { &self.facts } else { &self.decisions };
        let bytes = u32::try_from(unit.size().max(LEAST)).ok()?;
        let share = {
            let mut shares = rooms.shares.lock().unwrap_or_else(PoisonError::into_inner);
            let share = shares.entry(unit.aggregate.tenant.clone());
            Arc::clone(share.or_insert_with(|| Arc::new(Semaphore::new(SHARE))))
        };
        let share = take(share, bytes).await?;
        let whole = take(Arc::clone(&rooms.whole), bytes).await?;
        Some(Room { _share: share, _whole: whole })
    }
}

/// Takes room at once where there is some. The task doesn't yield then, so that appends made together stay together.
async fn take(room: Arc<Semaphore>, bytes: u32) -> Option<OwnedSemaphorePermit> {
    match Arc::clone(&room).try_acquire_many_owned(bytes) {
        Ok(taken) => Some(taken),
        Err(_) => room.acquire_many_owned(bytes).await.ok(),
    }
}
