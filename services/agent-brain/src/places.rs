//! The places of turns in hand: so many at a time, a share of them per tenant.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use steward_proto::TenantId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Turns between their claim and the brain's answer, at most.
const PLACES: usize = 32;
/// Those of one tenant among them.
const SHARE: usize = PLACES / 2;

/// The places of one process.
pub struct Places {
    all: Arc<Semaphore>,
    /// Of tenants with turns in hand.
    shares: Mutex<HashMap<TenantId, Arc<Semaphore>>>,
}

/// One turn's place; given back when dropped.
pub struct Place {
    _share: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
}

impl Default for Places {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(PLACES)), shares: Mutex::default() }
    }
}

impl Places {
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
        Arc::clone(shares.entry(tenant.clone()).or_insert_with(|| Arc::new(Semaphore::new(SHARE))))
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
        let places = Places::default();
        let mut held = Vec::new();
        for _ in 0..SHARE {
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
