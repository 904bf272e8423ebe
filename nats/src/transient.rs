//! What is told in passing: over plain NATS, to whoever listens at that moment. Nothing of it is stored, and nothing may depend on it.

use bytes::Bytes;
use futures::{FutureExt as _, Stream, StreamExt as _};
use steward_proto::{AggregateId, TenantId};

use crate::{Log, LogError};

/// Bytes of what is told at once, at most.
pub const LARGEST_TOLD: usize = 8 << 10;

impl Log {
    /// Tells something about an aggregate. Where the line is down, or has more to do than it can, it is dropped.
    pub fn tell_in_passing(&self, of: &AggregateId, payload: Bytes) {
        if payload.len() > LARGEST_TOLD || !self.is_connected() {
            return;
        }
        let subject = format!("live.{}.{}.{}", of.tenant, of.aggregate.as_str(), of.id());
        // The client has a queue; without room in it this would wait.
        let _ = self.client().publish(subject, payload).now_or_never();
    }

    /// What is told of a tenant's aggregates from now on.
    ///
    /// # Errors
    /// The connection is closed for good.
    pub async fn hear_in_passing(
        &self,
        tenant: &TenantId,
    ) -> Result<impl Stream<Item = Bytes> + Send + use<>, LogError> {
        let heard = self.client().subscribe(format!("live.{tenant}.>")).await;
        let heard = heard.map_err(|error| LogError::Unavailable {
            doing: "listening to what is told in passing",
            reason: error.to_string(),
        })?;
        Ok(heard.map(|message| message.payload).filter(|payload| std::future::ready(payload.len() <= LARGEST_TOLD)))
    }
}
