//! How many alarms were set for the same second of the same tenant, so that each fires ahead of the ones before it.
//!
//! The server fires one after another, in the order in which they were set, about 1,600 a second on two cores. Were thousands
//! of a tenant's to fire at once, another's of the same moment would be heard seconds late.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use steward_proto::TenantId;

/// How many seconds are remembered, each of one tenant's, in 16 bytes each. A forgotten second is counted from zero
/// again.
const REMEMBERED: usize = 16_384;
/// How much earlier an alarm fires than the one set before it for the same second.
const SPACE: TimeDelta = TimeDelta::microseconds(1_500);
/// After this many alarms of one second the next fires beside the first again, so that none fires more than 8.4 s ahead
/// of it.
const SPACES: u32 = 5_600;

/// How many alarms were set for a second of a tenant, in the slot that a hash of both leads to; the hash stands beside
/// it.
pub struct Crowds(Mutex<Box<[(u64, u32)]>>);

impl Default for Crowds {
    fn default() -> Self {
        Self(Mutex::new(vec![(0, 0); REMEMBERED].into_boxed_slice()))
    }
}

impl Crowds {
    /// Counts one more alarm and says how much earlier it is to fire than the first of its second: at most 8.4 s.
    pub fn lead(&self, tenant: &TenantId, due_at: DateTime<Utc>) -> TimeDelta {
        let mut hasher = DefaultHasher::new();
        (tenant.as_str(), due_at.timestamp()).hash(&mut hasher);
        let hash = hasher.finish();
        let mut seconds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let second = &mut seconds[(hash % REMEMBERED as u64) as usize];
        if second.0 != hash {
            *second = (hash, 0);
        }
        let before = second.1;
        second.1 = before.wrapping_add(1);
        SPACE * (before % SPACES).cast_signed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_a_second_fires_ahead_of_the_one_before_and_another_tenants_at_its_own_time() {
        let (a, b) = (TenantId::new("a").expect("a token"), TenantId::new("b").expect("a token"));
        let crowds = Crowds::default();
        let at = DateTime::UNIX_EPOCH;
        assert_eq!(crowds.lead(&a, at), TimeDelta::zero());
        assert_eq!(crowds.lead(&a, at + TimeDelta::milliseconds(999)), SPACE);
        assert_eq!(crowds.lead(&a, at + TimeDelta::seconds(1)), TimeDelta::zero());
        assert_eq!(crowds.lead(&b, at), TimeDelta::zero());
        let leads = (0..2 * SPACES).map(|_| crowds.lead(&a, at)).max();
        assert_eq!(leads, Some(SPACE * (SPACES - 1).cast_signed()));
    }
}
