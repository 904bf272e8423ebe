//! The tenants whose alarms ring here, each with places of its own, so that none waits for another.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use steward_log::{Alive, Clock, Condition, Log};
use steward_proto::TenantId;
use tokio::{
    sync::{Semaphore, mpsc},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::near::OF_A_TENANT;

/// Most alarms of one tenant in hand at once, each of some two kilobytes; the others wait on the server.
pub const IN_HAND: usize = 10_000;
/// How many conversations of one tenant are loaded or decided on at the same time: while the log commits as many together as
/// one batch holds, the next batch gathers.
const DECIDING: usize = 2_000;

/// The scheduler is behind when an alarm is this late and not decided.
const LATE: Duration = Duration::from_secs(5);
/// The scheduler is also behind when its alarms haven't been heard for this long: what rings meanwhile is late already.
const DEAF: Duration = Duration::from_secs(3);

/// One tenant, with what is its own.
pub struct Tenant {
    pub name: TenantId,
    /// Places for alarms that are held here until their time.
    pub near: Arc<Semaphore>,
    pub deciding: Semaphore,
    clock: Clock,
    hearing: Mutex<Hearing>,
}

struct Hearing {
    /// Since when the tenant's alarms haven't been heard.
    deaf: Option<Instant>,
    /// For each alarm in hand, since when it is late: its time, or its arrival if that was later.
    in_hand: BTreeSet<(DateTime<Utc>, u64)>,
    counted: u64,
}

/// An alarm that is in hand until this is dropped.
pub struct InHand {
    tenant: Arc<Tenant>,
    key: (DateTime<Utc>, u64),
}

/// All tenants known here. Cheap to clone.
#[derive(Clone)]
pub struct Tenants(Arc<Known>);

struct Known {
    clock: Clock,
    tenants: Mutex<HashMap<TenantId, Arc<Tenant>>>,
    news: mpsc::UnboundedSender<Arc<Tenant>>,
}

impl Tenants {
    /// No tenant yet, and the channel that tells of each new one. There are as many as the log has, which the
    /// configuration bounds.
    pub fn new(clock: Clock) -> (Self, mpsc::UnboundedReceiver<Arc<Tenant>>) {
        let (news, told) = mpsc::unbounded_channel();
        (Self(Arc::new(Known { clock, tenants: Mutex::default(), news })), told)
    }

    /// The tenant of this name, which is known from now on.
    pub fn of(&self, name: &TenantId) -> Arc<Tenant> {
        let mut tenants = self.0.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = tenants.get(name) {
            return Arc::clone(known);
        }
        let hearing = Hearing { deaf: Some(Instant::now()), in_hand: BTreeSet::new(), counted: 0 };
        let tenant = Arc::new(Tenant {
            name: name.clone(),
            near: Arc::new(Semaphore::new(OF_A_TENANT)),
            deciding: Semaphore::new(DECIDING),
            clock: self.0.clock.clone(),
            hearing: Mutex::new(hearing),
        });
        tenants.insert(name.clone(), Arc::clone(&tenant));
        // After the stop nobody listens any more.
        let _ = self.0.news.send(Arc::clone(&tenant));
        tenant
    }

    fn condition(&self) -> Condition {
        let tenants: Vec<_> = {
            let tenants = self.0.tenants.lock().unwrap_or_else(PoisonError::into_inner);
            tenants.values().cloned().collect()
        };
        let deaf = tenants.iter().filter_map(|tenant| tenant.hearing().deaf).map(|since| since.elapsed()).max();
        if let Some(deaf) = deaf.filter(|deaf| *deaf > DEAF) {
            return Condition::Behind(format!("the alarm clock can't be heard for {} s", deaf.as_secs()));
        }
        let now = self.0.clock.now();
        let late =
            tenants.iter().filter_map(|tenant| tenant.hearing().in_hand.first().map(|(due, _)| now - *due)).max();
        match late.and_then(|late| late.to_std().ok()) {
            Some(late) if late > LATE => {
                Condition::Behind(format!("an alarm is {} s past its time and not decided", late.as_secs()))
            }
            _ => Condition::Well,
        }
    }
}

impl Tenant {
    fn hearing(&self) -> MutexGuard<'_, Hearing> {
        self.hearing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn hears(&self, hears: bool) {
        let mut hearing = self.hearing();
        match (hears, hearing.deaf) {
            (true, _) => hearing.deaf = None,
            (false, None) => hearing.deaf = Some(Instant::now()),
            (false, Some(_)) => {}
        }
    }

    pub fn take_in_hand(self: &Arc<Self>, due_at: DateTime<Utc>) -> InHand {
        let mut hearing = self.hearing();
        hearing.counted += 1;
        let key = (due_at.max(self.clock.now()), hearing.counted);
        hearing.in_hand.insert(key);
        drop(hearing);
        InHand { tenant: Arc::clone(self), key }
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.tenant.hearing().in_hand.remove(&self.key);
    }
}

/// Registers the part `scheduler-alarms`, which is alive for as long as the returned value is. The part `scheduler` is
/// the subscription's own.
pub fn register(log: &Log, tenants: &Tenants, shutdown: CancellationToken) -> Alive {
    let tenants = tenants.clone();
    log.health().register_until(shutdown, "scheduler-alarms", move || tenants.condition())
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_says_when_it_is_deaf_or_late_and_when_it_no_longer_is() {
        let (clock, hand) = Clock::by_hand(Utc::now());
        let (tenants, mut news) = Tenants::new(clock);
        let named = |name: &str| tenants.of(&TenantId::new(name).unwrap());
        let (a, b) = (named("a"), named("b"));
        assert_eq!((news.recv().await.unwrap().name.as_str(), news.recv().await.unwrap().name.as_str()), ("a", "b"));
        a.hears(true);
        tokio::time::advance(Duration::from_secs(6)).await;
        assert!(matches!(tenants.condition(), Condition::Behind(said) if said.contains("heard for 6 s")));
        b.hears(true);
        assert_eq!(tenants.condition(), Condition::Well);
        let long_due = a.take_in_hand(tenants.0.clock.now() - TimeDelta::hours(1));
        assert_eq!(tenants.condition(), Condition::Well, "it has only just come");
        hand.turn(TimeDelta::seconds(7));
        assert!(matches!(tenants.condition(), Condition::Behind(said) if said.contains("7 s past its time")));
        hand.turn(TimeDelta::hours(-1));
        assert_eq!(tenants.condition(), Condition::Well, "nothing is late on a clock that was set back");
        hand.turn(TimeDelta::hours(2));
        drop(long_due);
        assert_eq!(tenants.condition(), Condition::Well);
        assert!(Arc::ptr_eq(&named("a"), &a) && news.try_recv().is_err(), "it is told of once");
    }
}
