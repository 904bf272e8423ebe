//! How much is kept of what models are asked and answer: so many bytes of a tenant in a day. The disk is the log's too, and every
//! tenant's.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, NaiveDate, Utc};
use steward_proto::TenantId;

/// Bytes of one tenant's that a process keeps in a day, in UTC.
const MOST_A_DAY: usize = 256 << 20;

/// What one process has kept today.
#[derive(Default)]
pub struct Kept(Mutex<Day>);

#[derive(Default)]
struct Day {
    day: NaiveDate,
    /// Bytes, of tenants that have models.
    of: HashMap<TenantId, usize>,
}

impl Kept {
    /// Whether so many bytes more may be kept; then they count.
    fn may(&self, tenant: &TenantId, bytes: usize, now: DateTime<Utc>) -> bool {
        let mut today = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if today.day != now.date_naive() {
            *today = Day { day: now.date_naive(), of: HashMap::new() };
        }
        let kept = today.of.entry(tenant.clone()).or_default();
        let may = *kept + bytes <= MOST_A_DAY;
        *kept += if may { bytes } else { 0 };
        may
    }
}

/// What is kept of one tenant's.
#[derive(Clone, Copy)]
pub struct Traces<'a> {
    /// For so long; zero: nothing is.
    pub life: Duration,
    pub kept: &'a Kept,
}

impl Traces<'_> {
    pub fn none(self) -> bool {
        self.life.is_zero()
    }

    /// Whether a body of so many bytes is kept.
    pub fn take(self, tenant: &TenantId, bytes: usize, now: DateTime<Utc>) -> bool {
        let may = self.kept.may(tenant, bytes, now);
        if !may {
            metrics::counter!("steward_traces_left_out_total").increment(1);
            tracing::debug!(%tenant, bytes, "as much was kept today of what models were asked and answered as may be");
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_tenant_keeps_so_much_in_a_day_and_takes_nothing_from_another() {
        let (kept, now) = (Kept::default(), DateTime::UNIX_EPOCH);
        let [flood, quiet] = ["flood", "quiet"].map(|name| TenantId::new(name).unwrap());
        let traces = Traces { life: Duration::from_secs(1), kept: &kept };
        assert!(traces.take(&flood, MOST_A_DAY - 1, now));
        assert!(!traces.take(&flood, 2, now), "it would be more");
        assert!(traces.take(&flood, 1, now) && !traces.take(&flood, 1, now));
        assert!(traces.take(&quiet, MOST_A_DAY, now));
        assert!(traces.take(&flood, MOST_A_DAY, now + TimeDelta::days(1)));
    }
}
