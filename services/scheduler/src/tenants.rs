//! The tenants whose alarms ring here: each has its own places and its own share of deciding, so that none waits for another.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use steward_log::{Condition, Log};
use tokio::{
    sync::{Semaphore, mpsc},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// Alarms of one tenant in hand at once, at most; the rest waits with the server.
pub const IN_HAND: usize = 5_000;
/// Alarms of one tenant that are too near for the alarm clock, held beside their schedules.
const NEAR: usize = 1_000;
/// Conversations of one tenant that are loaded or decided on at the same time: the log commits what comes together at once.
const DECIDING: usize = 64;

/// Seconds of which it is known how many alarms a tenant has set for them: as many of the last as this, 16 bytes each.
const SECONDS: usize = 1_024;

/// An alarm this late and not decided means that the scheduler is behind.
const LATE: Duration = Duration::from_secs(5);
/// An alarm clock not heard for so long likewise: what rings meanwhile is late already.
const DEAF: Duration = Duration::from_secs(3);

/// One tenant's.
pub struct Tenant {
    pub name: String,
    pub places: Arc<Semaphore>,
    pub near: Arc<Semaphore>,
    pub deciding: Semaphore,
    hearing: Mutex<Hearing>,
    /// A second and how many alarms were set for it; another that falls on the same place takes it.
    seconds: Mutex<Box<[(i64, u32)]>>,
}

struct Hearing {
    /// Since when the alarm clock isn't heard.
    deaf: Option<Instant>,
    /// Since when each alarm in hand is late: its time, or its arrival if that was later.
    in_hand: BTreeSet<(DateTime<Utc>, u64)>,
    counted: u64,
}

/// An alarm in hand, until it is dropped.
pub struct InHand {
    tenant: Arc<Tenant>,
    key: (DateTime<Utc>, u64),
}

/// All of them. Cheap to clone.
#[derive(Clone)]
pub struct Tenants(Arc<Known>);

struct Known {
    tenants: Mutex<HashMap<String, Arc<Tenant>>>,
    news: mpsc::UnboundedSender<Arc<Tenant>>,
}

impl Tenants {
    /// And where each one new is told of. There are as many as the log has, which the configuration bounds.
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Arc<Tenant>>) {
        let (news, told) = mpsc::unbounded_channel();
        (Self(Arc::new(Known { tenants: Mutex::default(), news })), told)
    }

    /// The tenant of this name, who is known from now on.
    pub fn of(&self, name: &str) -> Arc<Tenant> {
        let mut tenants = self.0.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = tenants.get(name) {
            return Arc::clone(known);
        }
        let hearing = Hearing { deaf: Some(Instant::now()), in_hand: BTreeSet::new(), counted: 0 };
        let tenant = Arc::new(Tenant {
            name: name.to_owned(),
            places: Arc::new(Semaphore::new(IN_HAND)),
            near: Arc::new(Semaphore::new(NEAR)),
            deciding: Semaphore::new(DECIDING),
            hearing: Mutex::new(hearing),
            seconds: Mutex::new(vec![(0, 0); SECONDS].into_boxed_slice()),
        });
        tenants.insert(name.to_owned(), Arc::clone(&tenant));
        // Nobody listens any more after the stop.
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
        let now = Utc::now();
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

    /// One alarm more is set for this time's second; how many were before it, as far as is remembered.
    pub fn sets_for(&self, due_at: DateTime<Utc>) -> u32 {
        let second = due_at.timestamp();
        let mut seconds = self.seconds.lock().unwrap_or_else(PoisonError::into_inner);
        let place = &mut seconds[second.rem_euclid(SECONDS as i64) as usize];
        if place.0 != second {
            *place = (second, 0);
        }
        let others = place.1;
        place.1 = others.saturating_add(1);
        others
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
        let key = (due_at.max(Utc::now()), hearing.counted);
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

/// Notes the end of the scheduler when it is dropped.
pub struct Alive {
    ended: Arc<AtomicBool>,
    shutdown: CancellationToken,
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.ended.store(!self.shutdown.is_cancelled(), Ordering::Relaxed);
    }
}

/// Registers the part `scheduler-alarms`, which is alive while what is returned is. `scheduler` is its subscription's own part.
pub fn register(log: &Log, tenants: &Tenants, shutdown: CancellationToken) -> Alive {
    let ended = Arc::new(AtomicBool::new(false));
    let (seen, tenants) = (Arc::clone(&ended), tenants.clone());
    log.health().register("scheduler-alarms", move || {
        if seen.load(Ordering::Relaxed) { Condition::Dead("it has ended".to_owned()) } else { tenants.condition() }
    });
    Alive { ended, shutdown }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_says_when_it_is_deaf_or_late_and_when_it_no_longer_is() {
        let (tenants, mut news) = Tenants::new();
        let (a, b) = (tenants.of("a"), tenants.of("b"));
        assert_eq!((news.recv().await.unwrap().name.as_str(), news.recv().await.unwrap().name.as_str()), ("a", "b"));
        a.hears(true);
        tokio::time::advance(Duration::from_secs(6)).await;
        assert!(matches!(tenants.condition(), Condition::Behind(said) if said.contains("heard for 6 s")));
        b.hears(true);
        assert_eq!(tenants.condition(), Condition::Well);
        let long_due = a.take_in_hand(Utc::now() - TimeDelta::hours(1));
        assert_eq!(tenants.condition(), Condition::Well, "it has only just come");
        drop(long_due);
        a.hearing().in_hand.insert((Utc::now() - TimeDelta::seconds(7), 0));
        assert!(matches!(tenants.condition(), Condition::Behind(said) if said.contains("7 s past its time")));
        a.hearing().in_hand.clear();
        assert_eq!(tenants.condition(), Condition::Well);
        assert!(Arc::ptr_eq(&tenants.of("a"), &a) && news.try_recv().is_err(), "it is told of once");
    }

    #[test]
    fn the_alarms_of_a_second_are_counted_for_each_tenant() {
        let (tenants, _news) = Tenants::new();
        let (a, b) = (tenants.of("a"), tenants.of("b"));
        let at = DateTime::UNIX_EPOCH;
        let within = at + TimeDelta::milliseconds(999);
        assert_eq!([a.sets_for(at), a.sets_for(within), a.sets_for(at + TimeDelta::seconds(1))], [0, 1, 0]);
        assert_eq!(b.sets_for(at), 0);
        let same_place = at - TimeDelta::seconds(SECONDS as i64);
        assert_eq!([a.sets_for(same_place), a.sets_for(at)], [0, 0]);
    }
}
