//! Alarms of the next minutes, held by the process that set them: at their time nothing needs to be heard from the server.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use steward_log::{Alarm, AlarmName, Clock, Schedule};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::tenants::Tenant;

/// Alarms as near as this are held here; their schedules fire late, for the case that this process doesn't live to see
/// their time.
pub const HORIZON: TimeDelta = TimeDelta::minutes(10);
/// Most alarms of one tenant that are held here, and of all, each of about a kilobyte. The schedules of others fire early.
pub const OF_A_TENANT: usize = 20_000;
const OF_ALL: usize = 40_000;
/// How long before its time an alarm is given out, so that what it is about can be loaded.
const BEFORE: TimeDelta = TimeDelta::milliseconds(500);

/// When an alarm is due, and which of that time it is.
type Key = (DateTime<Utc>, u64);

/// The alarms held here, by their times.
pub struct Near {
    held: Mutex<Held>,
    sooner: Notify,
    places: Arc<Semaphore>,
}

#[derive(Default)]
struct Held {
    by_time: BTreeMap<Key, Awaited>,
    /// By the hash of their names, of which there is one each.
    by_name: HashMap<u64, Key>,
    counted: u64,
}

/// A place for an alarm.
pub struct Place {
    _of_tenant: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

/// An alarm whose time is awaited here.
pub struct Awaited {
    pub alarm: Alarm,
    /// The schedule that fires late.
    pub schedule: Schedule,
    _place: Place,
}

impl Default for Near {
    fn default() -> Self {
        Self { held: Mutex::default(), sooner: Notify::new(), places: Arc::new(Semaphore::new(OF_ALL)) }
    }
}

impl Near {
    /// A place, if there is one for this tenant.
    pub fn place(&self, tenant: &Tenant) -> Option<Place> {
        let of_tenant = Arc::clone(&tenant.near).try_acquire_owned().ok()?;
        let of_all = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Place { _of_tenant: of_tenant, _of_all: of_all })
    }

    /// Holds an alarm, instead of the one that is held under its name, unless a later event set that one.
    pub fn hold(&self, alarm: Alarm, schedule: Schedule, place: Place) {
        let mut held = self.held();
        if !held.forget(&alarm.name, alarm.position) {
            return;
        }
        held.counted += 1;
        let key = (alarm.due_at, held.counted);
        held.by_name.insert(short(&alarm.name), key);
        let soonest = held.by_time.first_key_value().is_none_or(|(first, _)| key < *first);
        held.by_time.insert(key, Awaited { alarm, schedule, _place: place });
        drop(held);
        if soonest {
            self.sooner.notify_one();
        }
    }

    /// Forgets the alarm of this name, unless an event after this position set it.
    pub fn forget(&self, name: &AlarmName, position: u64) {
        self.held().forget(name, position);
    }

    /// Waits for alarms whose time is near, and gives them out in the order of their times. Only one may wait.
    pub async fn next(&self, clock: &Clock) -> Vec<Awaited> {
        loop {
            let first = self.held().by_time.first_key_value().map(|(key, _)| key.0);
            let Some(first) = first else {
                self.sooner.notified().await;
                continue;
            };
            // Another that is sooner may come meanwhile.
            tokio::select! {
                () = clock.reaches(first - BEFORE) => {
                    let due = self.held().take_until(clock.now() + BEFORE);
                    if !due.is_empty() {
                        return due;
                    }
                }
                () = self.sooner.notified() => {}
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Whether none of this name is held now: one that a later event set stays.
    fn forget(&mut self, name: &AlarmName, position: u64) -> bool {
        let short = short(name);
        let Some(key) = self.by_name.get(&short) else { return true };
        match self.by_time.get(key).filter(|awaited| awaited.alarm.name == *name) {
            Some(awaited) if awaited.alarm.position > position => return false,
            Some(_) => {
                self.by_time.remove(key);
                self.by_name.remove(&short);
            }
            // Another name has the same hash.
            None => {}
        }
        true
    }

    fn take_until(&mut self, at: DateTime<Utc>) -> Vec<Awaited> {
        let later = self.by_time.split_off(&(at + TimeDelta::nanoseconds(1), 0));
        let due = std::mem::replace(&mut self.by_time, later);
        for (key, awaited) in &due {
            let short = short(&awaited.alarm.name);
            if self.by_name.get(&short) == Some(key) {
                self.by_name.remove(&short);
            }
        }
        due.into_values().collect()
    }
}

fn short(name: &AlarmName) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}
