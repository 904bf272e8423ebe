//! The breaker of each tenant as this dispatcher sees it: it counts its own sends, and looks in the log whether one is open.

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

    /// Whether a person must look before anything proactive goes out.
    ///
    /// # Errors
    /// When the log doesn't answer: then nothing is sent.
    pub async fn is_open(&self, log: &Log, tenant: &TenantId) -> Result<bool, LogError> {
        let seen = log.load::<Tenant>(&ids::tenant_aggregate(tenant), AtLeast::Latest).await?;
        Ok(seen.state.breaker.is_some())
    }

    /// Counts an attempt; what the breaker is to be tripped with, if it is. A recipient who blocked us or doesn't exist
    /// says nothing about us; a provider that refuses, or says nothing, does.
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
            // What tripped it is told; after a reset the counting begins anew.
            sends.forget();
        }
        tripped
    }
}
