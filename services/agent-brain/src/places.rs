//! The places of turns in hand: so many at a time, a share of them per tenant, and few for one that has many turns while another
//! has some.
//!
//! Turns in hand become ready together, when the batch that they wait for is stored, and then stand before whoever comes next. A
//! tenant that is alone may fill batches; beside another it has few in hand, so that the other is never behind many.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use steward_log::Turns;
use steward_proto::TenantId;
use tokio::{sync::oneshot, time::Instant};

/// Turns from their beginning until they are recorded, of a brain that works itself.
pub const OF_WORKERS: Bounds = Bounds { all: 256, share: 128, beside: 8 };
/// Turns between their claim and the brain's answer, of one that waits for others most of the time.
pub const OF_WAITERS: Bounds = Bounds { all: 768, share: 384, beside: 384 };

/// For so long after its last turn a tenant is one beside whom the others have few in hand.
const LATELY: Duration = Duration::from_secs(10);

/// How many places there are.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub all: usize,
    /// Of one tenant.
    pub share: usize,
    /// Of one tenant while another has turns too.
    pub beside: usize,
}

/// The places of one process. Cheap to clone.
#[derive(Clone)]
pub struct Places(Arc<Mutex<Line>>);

struct Line {
    bounds: Bounds,
    taken: usize,
    /// Of tenants with turns in hand.
    shares: HashMap<TenantId, usize>,
    waiting: Turns<TenantId, (TenantId, oneshot::Sender<Place>)>,
    /// The two tenants who came last, the latest first, and when.
    lately: [Option<(TenantId, Instant)>; 2],
}

/// One turn's place; given on when dropped.
pub struct Place {
    /// Taken out once it is given on.
    of: Option<(Places, TenantId)>,
}

impl Places {
    pub fn new(bounds: Bounds) -> Self {
        Self(Arc::new(Mutex::new(Line {
            bounds,
            taken: 0,
            shares: HashMap::new(),
            waiting: Turns::default(),
            lately: [None, None],
        })))
    }

    /// Waits for a place; tenants take turns, and one that fills its share waits for itself alone.
    pub async fn take(&self, tenant: &TenantId) -> Place {
        let given = {
            let mut line = self.line();
            line.came(tenant);
            if line.may(tenant) && !line.waiting.has(tenant) {
                return self.place(&mut line, tenant.clone());
            }
            let (sender, given) = oneshot::channel();
            line.waiting.push(tenant, (tenant.clone(), sender));
            given
        };
        given.await.expect("the line is kept as long as somebody waits in it, and it lets go of nobody")
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self, line: &mut Line, tenant: TenantId) -> Place {
        line.taken += 1;
        *line.shares.entry(tenant.clone()).or_default() += 1;
        Place { of: Some((self.clone(), tenant)) }
    }

    /// Gives places to those who wait and may have one.
    fn give_on(&self) {
        loop {
            let (place, receiver) = {
                let mut line = self.line();
                let Some((tenant, receiver)) = line.pop() else { return };
                (self.place(&mut line, tenant), receiver)
            };
            if let Err(mut unwanted) = receiver.send(place) {
                // Who no longer waits is passed over; this loop gives the place on.
                unwanted.give_back();
            }
        }
    }
}

impl Line {
    fn came(&mut self, tenant: &TenantId) {
        let now = Instant::now();
        match &mut self.lately {
            [Some((latest, at)), _] if latest == tenant => *at = now,
            [latest, before] => *before = latest.replace((tenant.clone(), now)),
        }
    }

    fn is_beside_another(&self, tenant: &TenantId) -> bool {
        let others = self.lately.iter().flatten().filter(|(other, _)| other != tenant);
        others.map(|(_, at)| at.elapsed()).any(|ago| ago < LATELY)
    }

    fn may(&self, tenant: &TenantId) -> bool {
        let most = if self.is_beside_another(tenant) { self.bounds.beside } else { self.bounds.share };
        self.taken < self.bounds.all && self.shares.get(tenant).is_none_or(|taken| *taken < most)
    }

    fn pop(&mut self) -> Option<(TenantId, oneshot::Sender<Place>)> {
        let mut waiting = mem::take(&mut self.waiting);
        let next = waiting.pop_of(|tenant| self.may(tenant));
        self.waiting = waiting;
        next
    }
}

impl Place {
    fn give_back(&mut self) -> Option<Places> {
        let (places, tenant) = self.of.take()?;
        let mut line = places.line();
        line.taken -= 1;
        if let Some(taken) = line.shares.get_mut(&tenant) {
            *taken -= 1;
            if *taken == 0 {
                line.shares.remove(&tenant);
            }
        }
        drop(line);
        Some(places)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(places) = self.give_back() {
            places.give_on();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt as _, future::BoxFuture};

    use super::*;

    const BOUNDS: Bounds = Bounds { all: 8, share: 4, beside: 2 };

    fn tenant(name: &str) -> TenantId {
        TenantId::new(name).unwrap()
    }

    /// All that a tenant gets at once.
    fn filled(places: &Places, name: &str) -> Vec<Place> {
        std::iter::from_fn(|| places.take(&tenant(name)).now_or_never()).collect()
    }

    fn waits(places: &Places, name: &'static str) -> BoxFuture<'static, Place> {
        let places = places.clone();
        let mut waiting = Box::pin(async move { places.take(&tenant(name)).await });
        assert!(waiting.as_mut().now_or_never().is_none());
        waiting
    }

    #[tokio::test(start_paused = true)]
    async fn alone_a_tenant_has_its_share_and_beside_another_few() {
        let places = Places::new(BOUNDS);
        let mut held = filled(&places, "flood");
        assert_eq!(held.len(), 4);
        let other = filled(&places, "quiet");
        assert_eq!(other.len(), 2, "the flood's turns count too");
        let first = waits(&places, "flood");
        drop(held.pop());
        drop(held.pop());
        let mut first = first;
        assert!(first.as_mut().now_or_never().is_none(), "two are in hand");
        drop(held.pop());
        assert!(first.now_or_never().is_some());
        drop((held, other));
        tokio::time::advance(LATELY).await;
        assert_eq!(filled(&places, "flood").len(), 4, "the other has gone");
        assert!(places.line().shares.is_empty(), "tenants without turns take no memory");
    }

    #[tokio::test]
    async fn tenants_take_turns_and_who_no_longer_waits_is_passed_over() {
        let places = Places::new(Bounds { all: 2, share: 2, beside: 2 });
        let mut held = filled(&places, "flood");
        let (gone, mut first, mut quiet) = (waits(&places, "flood"), waits(&places, "flood"), waits(&places, "quiet"));
        drop(gone);
        drop(held.pop());
        let place =
            quiet.as_mut().now_or_never().expect("who waits no more is passed over, and it is the other's turn");
        assert!(first.as_mut().now_or_never().is_none());
        drop(place);
        assert!(first.now_or_never().is_some());
        drop(held);
        assert_eq!(places.line().taken, 0);
    }
}
