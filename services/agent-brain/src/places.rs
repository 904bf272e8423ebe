//! The places of turns in hand: so many at a time, a share of them per tenant.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use steward_proto::TenantId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Turns between their claim and the brain's answer, at most, of a brain that works itself.
pub const OF_WORKERS: usize = 32;
/// The same of one that waits for others most of the time.
pub const OF_WAITERS: usize = 768;

/// The places of one process.
pub struct Places {
    all: Arc<Semaphore>,
    /// Those of one tenant.
    share: usize,
    /// Of tenants with turns in hand.
    shares: Mutex<HashMap<TenantId, Arc<Semaphore>>>,
}

/// One turn's place; given back when dropped.
pub struct Place {
    _share: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
}

impl Places {
    /// So many, of which one tenant may have half.
    pub fn new(places: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(places)), share: places / 2, shares: Mutex::default() }
    }

    /// Waits for a place; a tenant that fills its share waits for itself alone.
    pub async fn take(&self, tenant: &TenantId) -> Place {
        let share = self.share(tenant);
        let never_closed = "these semaphores are never closed";
        let share = share.acquire_owned().await.expect(never_closed);
        let place = Arc::clone(&self.all).acquire_owned().await.expect(never_closed);
        Place { _share: share, _place: place }
    }

    fn share(&self, tenant: &TenantId) -> Arc<Semaphore> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        shares.retain(|_, share| Arc::strong_count(share) > 1);
        Arc::clone(shares.entry(tenant.clone()).or_insert_with(|| Arc::new(Semaphore::new(self.share))))
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn tenant(name: &str) -> TenantId {
        TenantId::new(name).unwrap()
    }

    #[tokio::test]
    async fn a_tenant_that_fills_its_share_leaves_room_for_another() {
        let places = Places::new(OF_WORKERS);
        let mut held = Vec::new();
        for _ in 0..OF_WORKERS / 2 {
            held.push(places.take(&tenant("flood")).await);
        }
        assert!(places.take(&tenant("flood")).now_or_never().is_none());
        let other = places.take(&tenant("quiet")).now_or_never();
        assert!(other.is_some());
        held.pop();
        assert!(places.take(&tenant("flood")).now_or_never().is_some());
        drop(held);
        drop(other);
        places.share(&tenant("third"));
        assert_eq!(places.shares.lock().unwrap().len(), 1, "tenants without turns take no memory");
    }
}
