//! Places for work of one kind: so many at a time, a share of them per tenant, and few for one that has much to do while another
//! has little.
//!
//! Work in hand becomes ready together, when the batch that it waits for is stored, and then stands before whoever comes next; and
//! whatever else it takes of the processors, the other waits for. A tenant that is alone, or beside others that have as much to
//! do, may fill batches. Beside one that has little to do it has few places, and each rests for a while before it is taken
//! again, so that the processors aren't all taken when the other comes.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use steward_proto::TenantId;
use tokio::{
    sync::oneshot,
    time::{Instant, sleep},
};

use crate::turns::Turns;

/// For so long after it came last a tenant that has little to do is one beside whom the others have few places.
const LATELY: Duration = Duration::from_secs(10);

/// A place rests so many times as long as it was held.
const REST: u32 = 3;
/// And so long at most.
const LONGEST_REST: Duration = Duration::from_millis(250);

/// A few pieces of work in hand at a time: as many as there are processors, two at least.
pub fn few() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from).max(2)
}

/// How many places there are.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub all: usize,
    /// Of one tenant.
    pub share: usize,
    /// Of one tenant while another that has little to do comes as well.
    pub beside: usize,
}

/// The places of one process. Cheap to clone.
#[derive(Clone)]
pub struct Places(Arc<Mutex<Line>>);

struct Line {
    bounds: Bounds,
    taken: usize,
    /// Of tenants that hold places.
    shares: HashMap<TenantId, usize>,
    waiting: Turns<TenantId, (TenantId, oneshot::Sender<Place>)>,
    /// The two tenants who came last while they had little to do, the latest first, and when.
    lately: [Option<(TenantId, Instant)>; 2],
}

/// A place for one piece of work; given on when dropped.
pub struct Place {
    /// Taken out once it is given on.
    of: Option<(Places, TenantId)>,
    since: Instant,
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
        Place { of: Some((self.clone(), tenant)), since: Instant::now() }
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
    /// Notes a tenant that comes with little to do: it waits for nothing, and holds less than what one has beside another.
    fn came(&mut self, tenant: &TenantId) {
        let held = self.shares.get(tenant).copied().unwrap_or_default();
        if self.waiting.has(tenant) || held >= self.bounds.beside {
            return;
        }
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
    /// Gives it on once it has rested, if its tenant waits for more beside one that has little to do; else at once.
    pub async fn rest(self) {
        let rests = self.of.as_ref().is_some_and(|(places, tenant)| {
            let line = places.line();
            line.waiting.has(tenant) && line.is_beside_another(tenant)
        });
        if rests {
            sleep((self.since.elapsed() * REST).min(LONGEST_REST)).await;
        }
    }

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

    #[tokio::test(start_paused = true)]
    async fn two_that_have_much_to_do_hold_each_other_down_no_longer_than_they_came_with_little() {
        let places = Places::new(BOUNDS);
        let (one, other) = (filled(&places, "one"), filled(&places, "other"));
        assert_eq!((one.len(), other.len()), (4, 2), "the first had come with little");
        drop((one, other));
        let places = Places::new(BOUNDS);
        let one = filled(&places, "one");
        let waiting: Vec<_> = (0..2).map(|_| waits(&places, "one")).collect();
        tokio::time::advance(LATELY).await;
        let other = filled(&places, "other");
        assert_eq!(other.len(), 4, "who waits has much to do");
        drop((one, waiting));
    }

    #[tokio::test(start_paused = true)]
    async fn the_place_of_one_that_waits_for_more_rests_beside_one_that_has_little() {
        let places = Places::new(BOUNDS);
        let mut held = filled(&places, "flood");
        let next = waits(&places, "flood");
        let began = Instant::now();
        sleep(Duration::from_millis(20)).await;
        held.pop().unwrap().rest().await;
        assert_eq!(began.elapsed(), Duration::from_millis(20), "alone it is given on at once");
        drop(next);
        let quiet = places.take(&tenant("quiet")).await;
        let _more = waits(&places, "flood");
        quiet.rest().await;
        assert_eq!(began.elapsed(), Duration::from_millis(20), "who has little never waits for itself");
        held.pop().unwrap().rest().await;
        let rested = Duration::from_millis(20) * (1 + REST);
        assert_eq!(began.elapsed(), rested);
        sleep(Duration::from_secs(1)).await;
        held.pop().unwrap().rest().await;
        assert_eq!(began.elapsed(), rested + Duration::from_secs(1) + LONGEST_REST, "and no longer than that");
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
