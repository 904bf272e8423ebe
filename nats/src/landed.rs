//! What this process's own appends made the versions of aggregates: a decision that was made on an older one needn't be sent.
//!
//! The server refuses a batch as a whole for one stale decision in it, and every other unit then goes again. Most stale
//! decisions are overtaken by an append of the same process, which knows it already.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use steward_proto::AggregateId;

/// Aggregates of each of the two generations.
const KEPT: usize = 8_192;

/// The last positions of aggregates that were appended to lately.
#[derive(Debug, Default)]
pub(crate) struct LandedVersions(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<AggregateId, u64>,
    old: HashMap<AggregateId, u64>,
}

impl LandedVersions {
    /// The aggregate's last event is at this position, as the server says.
    pub fn note(&self, aggregate: &AggregateId, position: u64) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.young.len() >= KEPT {
            kept.old = std::mem::take(&mut kept.young);
        }
        match kept.young.get_mut(aggregate) {
            Some(last) => *last = position,
            None => _ = kept.young.insert(aggregate.clone(), position),
        }
    }

    /// The aggregate's version, if it is known to be newer than `version`. It says so once: a version can go back, when an
    /// event is erased, and whoever comes again is the server's to judge.
    pub fn overtaken(&self, aggregate: &AggregateId, version: u64) -> Option<u64> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = kept.young.get(aggregate).or_else(|| kept.old.get(aggregate)).copied();
        let last = last.filter(|last| *last > version)?;
        kept.young.remove(aggregate);
        kept.old.remove(aggregate);
        Some(last)
    }
}

#[cfg(test)]
mod tests {
    use steward_proto::{Aggregate, TenantId};

    use super::*;

    fn aggregate(id: usize) -> AggregateId {
        AggregateId::new(TenantId::new("t").expect("valid"), Aggregate::Conversation, &format!("c{id}")).expect("valid")
    }

    #[test]
    fn what_was_overtaken_is_said_once_and_what_was_not_goes() {
        let landed = LandedVersions::default();
        landed.note(&aggregate(1), 7);
        assert_eq!(landed.overtaken(&aggregate(1), 7), None);
        assert_eq!(landed.overtaken(&aggregate(2), 0), None);
        assert_eq!(landed.overtaken(&aggregate(1), 6), Some(7));
        assert_eq!(landed.overtaken(&aggregate(1), 6), None);
    }

    #[test]
    fn what_the_server_says_counts_also_where_it_is_older() {
        let landed = LandedVersions::default();
        [7, 5].into_iter().for_each(|position| landed.note(&aggregate(1), position));
        assert_eq!(landed.overtaken(&aggregate(1), 5), None);
    }

    #[test]
    fn so_many_are_kept_and_the_latest_are_among_them() {
        let landed = LandedVersions::default();
        (0..3 * KEPT).for_each(|id| landed.note(&aggregate(id), 9));
        let kept = landed.0.lock().expect("nobody panicked");
        assert!(kept.young.len() + kept.old.len() <= 2 * KEPT);
        drop(kept);
        assert_eq!(landed.overtaken(&aggregate(3 * KEPT - 1), 1), Some(9));
        assert_eq!(landed.overtaken(&aggregate(0), 1), None);
    }
}
