//! Each tenant's breaker as this dispatcher sees it: its own count of sends, and what the log says.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use steward_domain::{
    breaker::{Recent, Seen},
    ids, settings,
    tenant::Tenant,
};
use steward_log::{AtLeast, Log, LogError};
use steward_proto::{TenantId, v1};

use crate::channels::Sent;

pub struct Breaker {
    limits: settings::Breaker,
    recent: Mutex<HashMap<TenantId, Recent>>,
}

impl Breaker {
    pub fn new(limits: settings::Breaker) -> Self {
        Self { limits, recent: Mutex::default() }
    }

    /// Whether nothing proactive may go out until a person has looked.
    ///
    /// # Errors
    /// The log doesn't answer. Nothing is sent then.
    pub async fn is_open(&self, log: &Log, tenant: &TenantId) -> Result<bool, LogError> {
        let seen = log.load::<Tenant>(&ids::tenant_aggregate(tenant), AtLeast::Latest).await?;
        Ok(seen.state.breaker.is_some())
    }

    /// Counts an attempt; returns the event to trip the breaker with, if it is to be tripped. A recipient who blocked
    /// us or doesn't exist says nothing about us; a provider that refuses, or doesn't answer, does.
    pub fn count(
        &self,
        now: DateTime<Utc>,
        tenant: &TenantId,
        sent: &Sent,
        by_itself: bool,
    ) -> Option<v1::BreakerTripped> {
        let failed = match sent {
            Sent::Refused { code, .. } => *code != "blocked" && *code != "window_closed",
            Sent::Unknown { .. } => true,
            Sent::Accepted { .. } => false,
            Sent::Deferred { .. } | Sent::Moved { .. } => return None,
        };
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() > 1_000 {
            recent.retain(|_, sends| !sends.is_idle(now));
        }
        let sends = recent.entry(tenant.clone()).or_default();
        let tripped = sends.count(now, Seen { failed, by_itself }, self.limits);
        if tripped.is_some() {
            // The event says what tripped the breaker; after a reset the counting begins anew.
            sends.forget();
        }
        tripped
    }
}
