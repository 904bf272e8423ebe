//! Releasing what the breaker held, once a person has reset it.
//!
//! All of it is released together; each message is weighed again, and goes at the limiters' pace.

use std::{future::ready, pin::pin, time::Duration};

use futures::StreamExt as _;
use steward_domain::{
    conversation::{Conversation, Refused, outbox::BREAKER_OPEN},
    ids::{self, MessageId},
    tenant::Tenant,
};
use steward_log::{AtLeast, DecideError, Handled};
use steward_proto::{AggregateId, Cause, Event, Recorded, v1};

use crate::dispatcher::Dispatcher;

/// How many conversations are released at the same time; the log takes their events in few batches.
const AT_ONCE: usize = 64;

/// Whether the breaker is why a message is held.
pub(crate) fn by_breaker(held: &v1::MessageHeld) -> bool {
    held.reason.as_ref().is_some_and(|reason| reason.code == BREAKER_OPEN)
}

impl Dispatcher {
    /// Releases everything that the breaker held between its tripping and this reset. If it is interrupted, it begins
    /// anew; what is released already stays released. A message that can't be released doesn't keep back the others.
    pub(crate) async fn release_all(
        &self,
        recorded: &Recorded,
        tenant: &AggregateId,
        reset: &v1::BreakerReset,
    ) -> Result<Handled, DecideError<Refused>> {
        let filter = format!("ev.{}.conversation.*.message_held", tenant.tenant);
        let held = self.log.past(reset.tripped_position, vec![filter]).await?;
        // What is held after the reset is seen as it comes, one by one.
        let held = held
            .filter_map(|read| ready(read.ok().map(|read| read.recorded)))
            .take_while(|held| ready(held.position < recorded.position))
            .take_until(self.shutdown.cancelled());
        let cause = Cause::of(recorded, "service:outbox-dispatcher");
        let releases = held.map(|held| {
            let cause = &cause;
            async move {
                let (Some(aggregate), Event::MessageHeld(event)) = (held.subject.aggregate_id(), &held.event) else {
                    return Ok(());
                };
                if !by_breaker(event) {
                    return Ok(());
                }
                let Ok(message_id) = event.message_id.parse() else { return Ok(()) };
                self.release(&aggregate, &message_id, held.position, &reset.by, cause).await
            }
        });
        let mut releases = pin!(releases.buffer_unordered(AT_ONCE));
        let mut refused = Ok(Handled::Done);
        while let Some(released) = releases.next().await {
            match released {
                Ok(()) => {}
                Err(error @ (DecideError::Refused(_) | DecideError::SchemaAhead(_))) => refused = Err(error),
                Err(error) => return Err(error),
            }
        }
        // It was cut short, so the reset comes again.
        if self.shutdown.is_cancelled() { Ok(Handled::Later(Duration::ZERO)) } else { refused }
    }

    /// Releases a message that was held by a dispatcher which hadn't seen the reset yet.
    pub(crate) async fn release_late(
        &self,
        recorded: &Recorded,
        aggregate: &AggregateId,
        held: &v1::MessageHeld,
    ) -> Result<Handled, DecideError<Refused>> {
        let tenant = self.log.load::<Tenant>(&ids::tenant_aggregate(&aggregate.tenant), AtLeast::Latest).await?;
        if tenant.state.lets_go_of(recorded.position)
            && let Ok(message_id) = held.message_id.parse()
        {
            let cause = Cause::of(recorded, "service:outbox-dispatcher");
            self.release(aggregate, &message_id, recorded.position, "", &cause).await?;
        }
        Ok(Handled::Done)
    }

    async fn release(
        &self,
        aggregate: &AggregateId,
        message_id: &MessageId,
        held_at: u64,
        by: &str,
        cause: &Cause,
    ) -> Result<(), DecideError<Refused>> {
        self.log
            .decide::<Conversation, _, _>(aggregate, AtLeast::Position(held_at), |state, _| {
                Ok((self.events(cause, state.release_from_breaker(message_id, by)?), ()))
            })
            .await?;
        Ok(())
    }
}
