//! Places shared so that whoever comes next finds some.
//!
//! A group may have as many places as are free, and so may each member within its group.
//!
//! One group alone takes half, two take a third each, and so on. So whoever holds places for long, because a provider
//! is silent, holds only a part of them. Each group and each member has a few places in any case, even beyond the
//! number: there are only as many groups and members as are configured.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

/// Places that a group may have in any case; below, those of a member.
const SURE_OF_GROUP: usize = 8;
const SURE_OF_MEMBER: usize = 2;

/// Places that are shared by groups (tenants) and their members (channels, webhooks). Cheap to clone.
#[derive(Clone)]
pub struct Shares(Arc<Inner>);

struct Inner {
    capacity: usize,
    /// Most places of one group.
    of_group: usize,
    taken: Mutex<Taken>,
    freed: Notify,
}

#[derive(Default)]
struct Taken {
    all: usize,
    groups: HashMap<Arc<str>, Group>,
}

#[derive(Default)]
struct Group {
    all: usize,
    members: HashMap<Arc<str>, usize>,
}

/// A place, which is taken until this is dropped.
pub struct Place {
    of: Arc<Inner>,
    group: Arc<str>,
    member: Arc<str>,
}

impl Shares {
    pub fn new(capacity: usize, of_group: usize) -> Self {
        Self(Arc::new(Inner { capacity, of_group, taken: Mutex::default(), freed: Notify::new() }))
    }

    /// A place, unless the member has its share already; `most` is the most that this member may have.
    pub fn try_take(&self, group: &str, member: &str, most: usize) -> Option<Place> {
        let inner = &self.0;
        let mut taken = inner.lock();
        let of_group = taken.groups.get(group);
        let in_group = of_group.map_or(0, |group| group.all);
        let own = of_group.and_then(|group| group.members.get(member)).copied().unwrap_or(0);
        let free = inner.capacity.saturating_sub(taken.all);
        let free_in_group = inner.of_group.saturating_sub(in_group);
        let room_for_group = in_group < inner.of_group.min(free).max(SURE_OF_GROUP);
        let room_for_member = own < most.min(free_in_group.max(SURE_OF_MEMBER));
        if !(room_for_member && (room_for_group || own < SURE_OF_MEMBER)) {
            return None;
        }
        let (group, member): (Arc<str>, Arc<str>) = (group.into(), member.into());
        taken.all += 1;
        let entry = taken.groups.entry(Arc::clone(&group)).or_default();
        entry.all += 1;
        *entry.members.entry(Arc::clone(&member)).or_default() += 1;
        Some(Place { of: Arc::clone(inner), group, member })
    }

    /// Waits for a place.
    pub async fn take(&self, group: &str, member: &str, most: usize) -> Place {
        loop {
            let mut freed = std::pin::pin!(self.0.freed.notified());
            // From here on, a place that is freed wakes this task.
            freed.as_mut().enable();
            if let Some(place) = self.try_take(group, member, most) {
                return place;
            }
            freed.await;
        }
    }

    /// How many places nobody has.
    pub fn free(&self) -> usize {
        self.0.capacity.saturating_sub(self.0.lock().all)
    }

    /// How many places a member has.
    pub fn of(&self, group: &str, member: &str) -> usize {
        let taken = self.0.lock();
        taken.groups.get(group).and_then(|group| group.members.get(member)).copied().unwrap_or(0)
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.of.lock();
        taken.all -= 1;
        if let Some(group) = taken.groups.get_mut(&self.group) {
            group.all -= 1;
            if let Some(own) = group.members.get_mut(&self.member) {
                *own -= 1;
                if *own == 0 {
                    group.members.remove(&self.member);
                }
            }
            if group.all == 0 {
                taken.groups.remove(&self.group);
            }
        }
        drop(taken);
        self.of.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    fn filled(shares: &Shares, group: &str, member: &str, most: usize) -> Vec<Place> {
        std::iter::from_fn(|| shares.try_take(group, member, most)).collect()
    }

    #[test]
    fn whoever_takes_all_it_can_leaves_room_for_the_next() {
        let shares = Shares::new(512, 512);
        let first = filled(&shares, "a", "a1", 1_000);
        let second = filled(&shares, "b", "b1", 1_000);
        let third = filled(&shares, "c", "c1", 1_000);
        assert_eq!((first.len(), second.len(), third.len(), shares.free()), (256, 128, 64, 64));
        drop(first);
        assert_eq!(shares.free(), 320);
    }

    #[test]
    fn a_member_leaves_room_in_its_own_group_and_has_no_more_than_its_most() {
        let shares = Shares::new(512, 256);
        let mail = filled(&shares, "a", "mail", 10);
        let bot = filled(&shares, "a", "bot", 128);
        assert_eq!((mail.len(), bot.len(), shares.of("a", "bot")), (10, 123, 123));
        let dead: Vec<_> = (0..20).flat_map(|n| filled(&shares, "a", &format!("dead-{n}"), 128)).collect();
        assert!(dead.len() >= 20, "{} of 20 dead ones", dead.len());
        assert!(shares.try_take("b", "b1", 128).is_some(), "the other group has its own");
    }

    #[tokio::test]
    async fn who_waits_gets_the_place_that_another_gives_back() {
        let shares = Shares::new(40, 40);
        let mut held = filled(&shares, "a", "a1", 2);
        assert_eq!(held.len(), 2);
        let waiting = tokio::spawn({
            let shares = shares.clone();
            async move { shares.take("a", "a1", 2).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        held.pop();
        let place = timeout(Duration::from_secs(5), waiting).await.unwrap().unwrap();
        assert_eq!(shares.of("a", "a1"), 2);
        drop((place, held));
        assert_eq!(shares.free(), 40);
    }
}
