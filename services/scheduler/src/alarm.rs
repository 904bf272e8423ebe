//! The alarms of conversations: what each is for, how it is set, and how it is held until its exact time.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use steward_log::{Alarm, AlarmName, HandleError, Log, LogError};
use steward_proto::{Aggregate, AggregateId, Recorded, TenantId};
use tokio::sync::SemaphorePermit;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    decide::Decider,
    tenants::{Tenant, Tenants},
};

/// An alarm this near is also held here at once, because its schedule could fire late.
const NEAR: TimeDelta = TimeDelta::seconds(1);
/// An alarm that rings this long before its time was set by a wrong clock, or not by us: it is set again.
const LONG_BEFORE: TimeDelta = TimeDelta::seconds(10);

/// What an alarm is for; the conversation is looked at again when it rings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    FollowUp,
    Message,
    /// A human who has taken the conversation over may have been silent for long enough.
    Silence,
}

impl Kind {
    const ALL: [Self; 3] = [Self::FollowUp, Self::Message, Self::Silence];

    /// The kind as it stands in an alarm's name.
    pub fn token(self) -> &'static str {
        match self {
            Self::FollowUp => "follow_up",
            Self::Message => "message",
            Self::Silence => "silence",
        }
    }

    /// The kind of a conversation's alarm; `None` if it is another aggregate's, or of another version.
    pub fn of(name: &AlarmName) -> Option<Self> {
        let known = Self::ALL.into_iter().find(|kind| kind.token() == name.kind);
        known.filter(|_| name.aggregate.aggregate == Aggregate::Conversation)
    }

    /// The name of the alarm for this follow-up or message of a conversation. For a human's silence there is only one,
    /// whatever the id.
    pub fn name(self, conversation: &AggregateId, id: &str) -> AlarmName {
        let thing = if self == Self::Silence { "" } else { id };
        AlarmName::new(conversation.clone(), self.token(), thing)
    }
}

/// The alarm that an event sets.
pub fn set_by(recorded: &Recorded, name: AlarmName, due_at: DateTime<Utc>) -> Alarm {
    Alarm {
        name,
        due_at,
        position: recorded.position,
        causation: recorded.metadata.event_id,
        correlation: recorded.metadata.correlation_id,
        traceparent: recorded.metadata.traceparent.clone(),
    }
}

/// Sets alarms, and holds those that ring until their exact time.
#[derive(Clone)]
pub struct Alarms {
    log: Log,
    decider: Arc<Decider>,
    tenants: Tenants,
    tracker: TaskTracker,
    shutdown: CancellationToken,
}

impl Alarms {
    pub fn new(
        log: Log,
        decider: Arc<Decider>,
        tenants: Tenants,
        tracker: TaskTracker,
        shutdown: CancellationToken,
    ) -> Self {
        Self { log, decider, tenants, tracker, shutdown }
    }

    pub fn decider(&self) -> &Decider {
        &self.decider
    }

    /// Makes this tenant's alarms be heard from now on.
    pub fn hear_of(&self, tenant: &TenantId) {
        self.tenants.of(tenant);
    }

    /// Sets an alarm durably, in place of the one that was set for the same thing.
    pub async fn set(&self, alarm: Alarm) -> Result<(), LogError> {
        // The tenant's alarms must be heard before this one can ring.
        let tenant = self.tenants.of(&alarm.name.aggregate.tenant);
        self.log.set_alarm(&alarm).await?;
        // The schedule is set as well: should this process die, or have no place for the alarm, JetStream still fires.
        if self.is_near(&alarm)
            && let Ok(place) = Arc::clone(&tenant.near).try_acquire_owned()
        {
            let alarms = self.clone();
            self.tracker.spawn(async move {
                let _place = place;
                if let Err(error) = alarms.hold(alarm).await {
                    tracing::warn!(%error, "an alarm held here was not decided; its schedule will fire");
                }
            });
        }
        Ok(())
    }

    /// Whether an alarm is so near that its schedule could fire late.
    fn is_near(&self, alarm: &Alarm) -> bool {
        alarm.due_at - self.log.clock().now() < NEAR
    }

    /// Takes the alarm of this name off.
    pub async fn unset(&self, name: &AlarmName) -> Result<(), LogError> {
        self.log.unset_alarm(name).await
    }

    /// Waits for the alarm's exact time, then decides. `Ok` when nothing is left to do for the alarm, an error when it
    /// must ring again or can never be decided. An alarm that is held twice is decided once: the second time finds
    /// nothing left to decide.
    pub async fn hold(&self, mut alarm: Alarm) -> Result<(), HandleError> {
        let tenant = self.tenants.of(&alarm.name.aggregate.tenant);
        // Long before its time it would only take up a place.
        if alarm.due_at - self.log.clock().now() > LONG_BEFORE {
            return Ok(self.log.set_alarm(&alarm).await?);
        }
        // The state is loaded beforehand, so that the decision is quick at the exact time.
        let share = self.share(&tenant).await?;
        self.decider.prepare(&alarm).await?;
        drop(share);
        loop {
            self.wait_for(alarm.due_at).await?;
            let share = self.share(&tenant).await?;
            let rung = self.decider.ring(&alarm).await?;
            drop(share);
            match rung {
                None => return Ok(()),
                Some(due_at) => {
                    alarm.due_at = due_at;
                    self.log.set_alarm(&alarm).await?;
                    if !self.is_near(&alarm) {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// A part of what the tenant may decide at the same time.
    async fn share<'a>(&self, tenant: &'a Tenant) -> Result<SemaphorePermit<'a>, LogError> {
        let share = self.shutdown.run_until_cancelled(tenant.deciding.acquire()).await;
        share.and_then(Result::ok).ok_or(LogError::ShutDown)
    }

    async fn wait_for(&self, due_at: DateTime<Utc>) -> Result<(), LogError> {
        let reached = self.shutdown.run_until_cancelled(self.log.clock().reaches(due_at)).await;
        reached.ok_or(LogError::ShutDown)
    }
}
