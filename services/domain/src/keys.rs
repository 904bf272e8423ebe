//! Which inbound items an aggregate already holds: keys are kept for eight days, as long as any provider redelivers.

use std::collections::{HashSet, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How long a key is remembered.
pub const KEPT: TimeDelta = TimeDelta::days(8);

/// How many are remembered, at most: of a conversation that gets more in eight days, the oldest are forgotten early.
pub const MOST: usize = 50_000;

/// The keys of the last eight days, by the time of recording.
#[derive(Debug, Clone, Default)]
pub struct InboundKeys {
    order: VecDeque<(DateTime<Utc>, String)>,
    keys: HashSet<String>,
}

impl InboundKeys {
    pub fn insert(&mut self, at: DateTime<Utc>, key: &str) {
        let full = |keys: &HashSet<String>| keys.len() >= MOST && !key.is_empty() && !keys.contains(key);
        while full(&self.keys) || self.order.front().is_some_and(|(then, _)| at - *then > KEPT) {
            if let Some((_, old)) = self.order.pop_front() {
                self.keys.remove(&old);
            }
        }
        if !key.is_empty() && self.keys.insert(key.to_owned()) {
            self.order.push_back((at, key.to_owned()));
        }
    }

    pub fn contains(&self, key: &str) -> bool {
        self.keys.contains(key)
    }
}

/// As a list in order; the set is made of it.
impl Serialize for InboundKeys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.order.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for InboundKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let order = VecDeque::<(DateTime<Utc>, String)>::deserialize(deserializer)?;
        let keys = order.iter().map(|(_, key)| key.clone()).collect();
        Ok(Self { order, keys })
    }
}
