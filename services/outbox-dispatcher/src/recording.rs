//! Recording what came of a claim, whatever that takes, with what follows for other messages.

use std::time::Duration;

use steward_domain::{
    conversation::{Conversation, Refused},
    ids::{self, MessageId},
    tenant::Tenant,
};
use steward_log::{Append, AtLeast, Backoff, DecideError, Expected};
use steward_proto::{AggregateId, Cause, TenantId, v1};

use crate::{channels::Sent, claim::Claimed, dispatcher::Dispatcher, results::result_event};

impl Dispatcher {
    /// Records what came of a claim. That is a fact: it is appended whatever the version, until the log has it.
    pub(crate) async fn record(
        &self,
        aggregate: &AggregateId,
        message_id: &MessageId,
        claimed: Claimed,
        sent: Sent,
        cause: &Cause,
    ) -> Result<(), DecideError<Refused>> {
        if let Sent::Moved { external_id } = &sent {
            self.rebind(aggregate, &claimed.external_id, external_id, cause).await?;
        }
        let key = format!("{}/result", claimed.claim_id);
        let event = result_event(message_id, claimed, sent, self.now());
        let append = Append {
            aggregate: aggregate.clone(),
            events: self.events(cause, vec![event]),
            expected: Expected::Any,
            dedupe_key: Some(key),
        };
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));
        loop {
            match self.log.append(append.clone()).await {
                Ok(_) => return Ok(()),
                // If the process must stop, the claim runs out, and the send is recorded as unknown.
                Err(error) if self.shutdown.is_cancelled() || error.is_permanent() => {
                    return Err(DecideError::Append(error));
                }
                Err(error) => {
                    tracing::warn!(%error, %message_id, "the result of a send can't be recorded yet; trying again");
                    // After the stop one more attempt is made, which is the last.
                    backoff.pause(&self.shutdown).await;
                }
            }
        }
    }

    /// Records that the chat has a new address: later messages from there must find this conversation, and ours must go
    /// there.
    async fn rebind(
        &self,
        aggregate: &AggregateId,
        old: &str,
        new: &str,
        cause: &Cause,
    ) -> Result<(), DecideError<Refused>> {
        let seen = self.log.load::<Conversation>(aggregate, AtLeast::Cached).await?;
        let Some(place) = &seen.state.place else { return Ok(()) };
        let bound = v1::AddressBound {
            channel_id: place.channel_id.clone(),
            external_id: new.to_owned(),
            conversation_id: aggregate.id().to_owned(),
            previous_external_id: old.to_owned(),
            reason: "migrate_to_chat_id".to_owned(),
        };
        let address = ids::address(&aggregate.tenant, &place.channel_id, new);
        self.log
            .decide::<steward_domain::address::Address, _, Refused>(&address, AtLeast::Latest, |state, _| {
                let events = if state.conversation_id.is_some() { vec![] } else { vec![bound.clone().into()] };
                Ok((self.events(cause, events), ()))
            })
            .await?;
        let append = Append {
            aggregate: aggregate.clone(),
            events: self.events(cause, vec![bound.into()]),
            expected: Expected::Any,
            dedupe_key: Some(format!("{}/bound/{new}", aggregate.id())),
        };
        self.log.append(append).await.map_err(DecideError::Append)?;
        Ok(())
    }

    /// Trips the breaker: for every dispatcher, nothing goes out by itself until a person has looked.
    pub(crate) async fn trip(
        &self,
        tenant: &TenantId,
        tripped: v1::BreakerTripped,
        cause: &Cause,
    ) -> Result<(), DecideError<Refused>> {
        let tripped = v1::BreakerTripped { worker: self.worker.clone(), ..tripped };
        let aggregate = ids::tenant_aggregate(tenant);
        let decided = self.log.decide::<Tenant, _, Refused>(&aggregate, AtLeast::Latest, |state, _| {
            Ok((self.events(cause, state.trip(tripped.clone())), ()))
        });
        if decided.await?.appended.is_some() {
            tracing::error!(%tenant, sends = tripped.sends, failures = tripped.failures, "the breaker tripped");
        }
        Ok(())
    }
}
