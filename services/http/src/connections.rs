//! The open connections: how many there are, whose they are, and which of them makes room for another.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use crate::{
    Limits,
    address::one,
    connection::{Activity, Stage},
};

/// When everything ends, an idle connection has this long: enough for an answer that is on its way.
const AT_THE_END: Duration = Duration::from_millis(500);

/// All connections of a listener.
pub(crate) struct Connections {
    pub limits: Limits,
    /// The limits when everything ends: nobody is waited for who hasn't asked for anything.
    at_the_end: Limits,
    began: Instant,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    next: u64,
    open: HashMap<u64, Open>,
    /// How many connections each address has, of those addresses that are limited.
    by_address: HashMap<IpAddr, usize>,
}

struct Open {
    address: Option<IpAddr>,
    activity: Arc<Activity>,
    close: CancellationToken,
}

/// A connection's place, which is free again when this is dropped.
pub(crate) struct Place {
    id: u64,
    connections: Arc<Connections>,
    pub activity: Arc<Activity>,
    /// Cancelled when the connection is to end at once.
    pub close: CancellationToken,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.table.lock().unwrap_or_else(PoisonError::into_inner).remove(self.id);
    }
}

impl Table {
    fn remove(&mut self, id: u64) -> Option<Open> {
        let open = self.open.remove(&id)?;
        if let Some(address) = open.address
            && let Some(count) = self.by_address.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
        metrics::gauge!("steward_http_connections").decrement(1.0);
        Some(open)
    }

    /// Closes the connection that can best be spared, of `address` or of anybody. Returns whether there was one.
    fn spare(&mut self, address: Option<IpAddr>) -> bool {
        let spared = self
            .open
            .iter()
            .filter(|(_, open)| address.is_none() || open.address == address)
            .map(|(id, open)| (open.activity.stage(), open.activity.since(), *id))
            .filter(|(stage, ..)| *stage < Stage::Work)
            // A connection between requests loses nothing. After those the oldest goes: who has just come is about to
            // say what they want.
            .min_by_key(|(stage, since, id)| (*stage != Stage::Idle, *since, *id));
        let Some(open) = spared.and_then(|(.., id)| self.remove(id)) else { return false };
        open.close.cancel();
        metrics::counter!("steward_http_connections_closed_total", "reason" => "room").increment(1);
        true
    }
}

impl Connections {
    pub fn new(limits: Limits) -> Arc<Self> {
        let at_the_end = Limits { header_timeout: AT_THE_END, idle_timeout: AT_THE_END, ..limits.clone() };
        Arc::new(Self { limits, at_the_end, began: Instant::now(), table: Mutex::default() })
    }

    /// A place for a connection from `peer`; `None` if there is none because all other connections are at work.
    pub fn admit(self: &Arc<Self>, peer: IpAddr) -> Option<Place> {
        let trusted = self.limits.trusted_proxies.iter().any(|network| network.contains(peer));
        // This machine and trusted proxies stand for many clients.
        let address = (!peer.to_canonical().is_loopback() && !trusted).then(|| one(peer));
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let of_address = address.and_then(|address| table.by_address.get(&address)).copied().unwrap_or(0);
        let room = if of_address >= self.limits.connections_per_address {
            table.spare(address)
        } else {
            table.open.len() < self.limits.connections || table.spare(None)
        };
        if !room {
            metrics::counter!("steward_http_connections_closed_total", "reason" => "refused").increment(1);
            return None;
        }
        let id = table.next;
        table.next += 1;
        let activity = Arc::new(Activity::new(self.began));
        let close = CancellationToken::new();
        table.open.insert(id, Open { address, activity: Arc::clone(&activity), close: close.clone() });
        if let Some(address) = address {
            *table.by_address.entry(address).or_default() += 1;
        }
        metrics::gauge!("steward_http_connections").increment(1.0);
        Some(Place { id, connections: Arc::clone(self), activity, close })
    }

    /// Closes connections that have been in their stage for longer than they may; when everything is `ending`, idle
    /// ones as well.
    pub fn sweep(&self, ending: bool) {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        for open in table.open.values() {
            if open.activity.is_overdue(if ending { &self.at_the_end } else { &self.limits }) {
                open.close.cancel();
                metrics::counter!("steward_http_connections_closed_total", "reason" => "overdue").increment(1);
            }
        }
    }

    /// Closes up to `count` connections that can be spared, because this process has no file descriptor left.
    pub fn shed(&self, count: usize) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..count {
            if !table.spare(None) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(all: usize, per_address: usize) -> Arc<Connections> {
        Connections::new(Limits {
            connections: all,
            connections_per_address: per_address,
            trusted_proxies: vec!["9.9.9.9".parse().unwrap()],
            ..Limits::default()
        })
    }

    #[test]
    fn the_one_that_is_idle_makes_room_and_the_one_at_work_stays() {
        let connections = connections(3, 3);
        let [working, half, idle] = [1, 2, 3].map(|n| connections.admit(IpAddr::from([1, 1, 1, n])).unwrap());
        working.activity.works();
        idle.activity.enter(Stage::Idle);
        let fourth = connections.admit(IpAddr::from([1, 1, 1, 4])).unwrap();
        assert!(idle.close.is_cancelled() && !half.close.is_cancelled());
        fourth.activity.works();
        let fifth = connections.admit(IpAddr::from([1, 1, 1, 5])).unwrap();
        assert!(half.close.is_cancelled());
        fifth.activity.works();
        assert!(connections.admit(IpAddr::from([1, 1, 1, 6])).is_none());
        assert!(!working.close.is_cancelled());
        drop(fifth);
        assert!(connections.admit(IpAddr::from([1, 1, 1, 6])).is_some());
    }

    #[test]
    fn one_address_takes_only_from_itself_unless_it_stands_for_many() {
        let connections = connections(100, 2);
        let other = connections.admit(IpAddr::from([2, 2, 2, 2])).unwrap();
        let places: Vec<_> = (0..3).map(|_| connections.admit(IpAddr::from([1, 1, 1, 1])).unwrap()).collect();
        assert!(places[0].close.is_cancelled() && !places[1].close.is_cancelled() && !other.close.is_cancelled());
        for place in &places {
            place.activity.works();
        }
        assert!(connections.admit(IpAddr::from([1, 1, 1, 1])).is_none());
        for many in [IpAddr::from([127, 0, 0, 1]), IpAddr::from([9, 9, 9, 9])] {
            let places: Vec<_> = (0..10).map(|_| connections.admit(many).unwrap()).collect();
            assert!(places.iter().all(|place| !place.close.is_cancelled()));
        }
        drop((places, other));
        let table = connections.table.lock().unwrap();
        assert_eq!((table.open.len(), table.by_address.len()), (0, 0));
    }
}
