//! What a ringing alarm and a conversation's changes lead to.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use steward_domain::{
    conversation::{
        Conversation, Refused,
        follow_ups::{self, Alarmed},
    },
    ids,
    kernel::Refusal as _,
    settings::Settings,
};
use steward_log::{AtLeast, DecideError, HandleError, Log, LogError};
use steward_proto::{AggregateId, Cause, Event, NewEvent, TenantId};
use uuid::Uuid;

use crate::alarm::{Alarm, Kind};

/// Decides on conversations for the scheduler.
pub struct Decider {
    log: Log,
    settings: Arc<Settings>,
}

impl Decider {
    pub fn new(log: Log, settings: Arc<Settings>) -> Self {
        Self { log, settings }
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Brings the conversation's state to hand.
    pub async fn prepare(&self, alarm: &Alarm) -> Result<(), LogError> {
        if let Some(aggregate) = aggregate(alarm) {
            self.log.load::<Conversation>(&aggregate, AtLeast::Position(alarm.position)).await?;
        }
        Ok(())
    }

    /// Decides what a ringing alarm leads to; a time if it is to ring again then. An error says whether it passes.
    pub async fn ring(&self, alarm: &Alarm) -> Result<Option<DateTime<Utc>>, HandleError> {
        let Some(aggregate) = aggregate(alarm) else {
            tracing::error!(id = alarm.id, "an alarm names no valid conversation");
            return Ok(None);
        };
        let cause = alarm.cause();
        let message_id = ids::message_of_follow_up(alarm.conversation, &alarm.id);
        let decided = self
            .log
            .decide::<Conversation, _, Refused>(&aggregate, AtLeast::Position(alarm.position), |state, _| {
                let now = Utc::now();
                let late_limit = self.settings.defaults.late_limit;
                let ring = follow_ups::Ring { id: &alarm.id, now, late_limit, message_id: message_id.clone() };
                let alarmed = match (alarm.kind, self.settings.defaults.human_release_after) {
                    (Kind::FollowUp, _) => state.follow_up_due(&ring)?,
                    (Kind::Message, _) => state.message_due(&ring)?,
                    (Kind::Silence, Some(release_after)) => state.silence_due(now, release_after)?,
                    (Kind::Silence, None) => Alarmed::Nothing,
                };
                Ok(match alarmed {
                    Alarmed::Decided(events) => (new_events(&cause, events), None),
                    Alarmed::NotYet(at) => (Vec::new(), Some(at)),
                    Alarmed::Nothing => (Vec::new(), None),
                })
            })
            .await;
        match decided {
            Ok(decided) => {
                if decided.appended.is_some() {
                    let late = (Utc::now() - alarm.due_at).as_seconds_f64().max(0.0);
                    metrics::histogram!("steward_alarm_lateness_seconds", "kind" => alarm.kind.token()).record(late);
                }
                Ok(decided.value)
            }
            Err(DecideError::Refused(refused)) => {
                tracing::error!(code = refused.code(), id = alarm.id, "an alarm can't be decided: {refused}");
                Ok(None)
            }
            Err(DecideError::SchemaAhead(ahead)) => {
                tracing::error!(id = alarm.id, "an alarm can't be decided: {ahead}");
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Tells subscribers what the fold cancelled by itself, up to this position, batch by batch.
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
                    Ok((new_events(cause, batch.events), batch.full))
                })
                .await?;
            if !decided.value {
                return Ok(());
            }
        }
    }
}

fn aggregate(alarm: &Alarm) -> Option<AggregateId> {
    let tenant = TenantId::new(&alarm.tenant).ok()?;
    Some(ids::conversation_aggregate(&tenant, alarm.conversation))
}

fn new_events(cause: &Cause, events: Vec<Event>) -> Vec<NewEvent> {
    events.into_iter().map(|e| NewEvent::new(Uuid::now_v7(), Utc::now(), cause, e)).collect()
}
