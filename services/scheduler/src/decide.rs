//! The scheduler's decisions: what follows when an alarm rings, and when a fold has cancelled something.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use steward_domain::{
    conversation::{
        Conversation, Refused,
        follow_ups::{Alarmed, Ring},
    },
    ids::{self, FollowUpId, MessageId},
    kernel::Refusal as _,
};
use steward_log::{Alarm, AlarmName, AtLeast, DecideError, HandleError, Log, LogError};
use steward_proto::{AggregateId, Cause, Event, NewEvent};
use steward_settings::{InForce, Settings};
use uuid::Uuid;

use crate::alarm::Kind;

/// Decides on conversations for the scheduler.
pub struct Decider {
    log: Log,
    settings: InForce,
}

impl Decider {
    pub fn new(log: Log, settings: InForce) -> Self {
        Self { log, settings }
    }

    pub fn settings(&self) -> Arc<Settings> {
        self.settings.now()
    }

    /// Loads the conversation's state, so that it is in memory when the alarm's time comes.
    pub async fn prepare(&self, alarm: &Alarm) -> Result<(), LogError> {
        self.log.load::<Conversation>(&alarm.name.aggregate, AtLeast::Position(alarm.position)).await?;
        Ok(())
    }

    /// Decides what follows when this alarm rings. Returns a time if it is to ring again then. An error says whether it
    /// will pass.
    pub async fn ring(&self, alarm: &Alarm) -> Result<Option<DateTime<Utc>>, HandleError> {
        let AlarmName { aggregate, .. } = &alarm.name;
        let (Some((kind, thing)), Ok(conversation)) = (Thing::of(&alarm.name), aggregate.id().parse()) else {
            tracing::error!(name = %alarm.name, "an alarm names no valid conversation, or nothing in it");
            return Ok(None);
        };
        let cause = alarm.cause("service:scheduler");
        let decided = self
            .log
            .decide::<Conversation, _, Refused>(aggregate, AtLeast::Position(alarm.position), |state, _| {
                let now = self.log.clock().now();
                let settings = self.settings.now();
                let late_limit = settings.defaults.late_limit;
                let alarmed = match (thing, settings.defaults.human_release_after) {
                    (Thing::FollowUp(id), _) => {
                        let message_id = ids::message_of_follow_up(conversation, &id);
                        state.follow_up_due(&Ring { id, now, late_limit }, message_id)?
                    }
                    (Thing::Message(id), _) => state.message_due(&Ring { id, now, late_limit })?,
                    (Thing::Silence, Some(release_after)) => state.silence_due(now, release_after)?,
                    (Thing::Silence, None) => Alarmed::Nothing,
                };
                Ok(match alarmed {
                    Alarmed::Decided(events) => (new_events(now, &cause, events), None),
                    Alarmed::NotYet(at) => (Vec::new(), Some(at)),
                    Alarmed::Nothing => (Vec::new(), None),
                })
            })
            .await;
        match decided {
            Ok(decided) => {
                if decided.appended.is_some() {
                    let late = (self.log.clock().now() - alarm.due_at).as_seconds_f64().max(0.0);
                    metrics::histogram!("steward_alarm_lateness_seconds", "kind" => kind.token()).record(late);
                }
                Ok(decided.value)
            }
            Err(DecideError::Refused(refused)) => {
                tracing::error!(code = refused.code(), name = %alarm.name, "an alarm can't be decided: {refused}");
                Ok(None)
            }
            Err(DecideError::SchemaAhead(ahead)) => {
                tracing::error!(name = %alarm.name, "an alarm can't be decided: {ahead}");
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Records what the fold has cancelled by itself up to this position, batch by batch, for subscribers that don't
    /// fold.
    pub async fn announce(
        &self,
        aggregate: &AggregateId,
        position: u64,
        cause: &Cause,
    ) -> Result<(), DecideError<Refused>> {
        loop {
            let decided = self
                .log
                .decide::<Conversation, _, Refused>(aggregate, AtLeast::Position(position), |state, _| {
                    let batch = state.announcements();
                    Ok((new_events(self.log.clock().now(), cause, batch.events), batch.full))
                })
                .await?;
            if !decided.value {
                return Ok(());
            }
        }
    }
}

/// What of its conversation an alarm is set for.
#[derive(Debug, Clone, Copy)]
enum Thing {
    FollowUp(FollowUpId),
    Message(MessageId),
    Silence,
}

impl Thing {
    /// `None`: another aggregate's, of another version, or under an id that is none.
    fn of(name: &AlarmName) -> Option<(Kind, Self)> {
        let kind = Kind::of(name)?;
        let thing = match kind {
            Kind::FollowUp => Self::FollowUp(name.thing.parse().ok()?),
            Kind::Message => Self::Message(name.thing.parse().ok()?),
            Kind::Silence => Self::Silence,
        };
        Some((kind, thing))
    }
}

fn new_events(now: DateTime<Utc>, cause: &Cause, events: Vec<Event>) -> Vec<NewEvent> {
    events.into_iter().map(|e| NewEvent::new(Uuid::now_v7(), now, cause, e)).collect()
}
