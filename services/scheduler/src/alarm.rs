//! The alarms of conversations: what each is for, how it is set, and how it is held until its exact time.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt as _;
use steward_log::{Alarm, AlarmName, Fires, HandleError, Log, LogError};
use steward_proto::{Aggregate, AggregateId, Recorded, TenantId};
use tokio::sync::SemaphorePermit;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    decide::Decider,
    near::{Awaited, HORIZON, Near},
    tenants::{Tenant, Tenants},
};

/// An alarm that rings this long before its time was set by a wrong clock, or not by us: it is set again.
const LONG_BEFORE: TimeDelta = TimeDelta::seconds(10);

/// How long after its time an alarm is taken off, before its schedule fires: what is due now goes first, and many are
/// taken off together.
const TAKES_OFF: Duration = Duration::from_secs(2);

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

/// Sets alarms, and holds those that ring until their exact time. Cheap to clone.
#[derive(Clone)]
pub struct Alarms {
    log: Log,
    decider: Arc<Decider>,
    tenants: Tenants,
    near: Arc<Near>,
    tracker: TaskTracker,
    shutdown: CancellationToken,
}

/// What became of an alarm whose time came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rang {
    /// Nothing is left to do for it.
    Done,
    /// It was set anew, for a later time.
    SetAgain,
}

impl Alarms {
    pub fn new(
        log: Log,
        decider: Arc<Decider>,
        tenants: Tenants,
        tracker: TaskTracker,
        shutdown: CancellationToken,
    ) -> Self {
        Self { log, decider, tenants, near: Arc::default(), tracker, shutdown }
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
        let is_near = alarm.due_at - self.log.clock().now() < HORIZON;
        match is_near.then(|| self.near.place(&tenant)).flatten() {
            Some(place) => {
                let schedule = self.log.set_alarm(&alarm, Fires::Late).await?;
                self.near.hold(alarm, schedule, place);
            }
            None => {
                self.log.set_alarm(&alarm, Fires::Early).await?;
                self.near.forget(&alarm.name, alarm.position);
            }
        }
        Ok(())
    }

    /// Takes the alarm of this name off, because of the event at this position.
    pub async fn unset(&self, name: &AlarmName, position: u64) -> Result<(), LogError> {
        self.near.forget(name, position);
        self.log.unset_alarm(name).await
    }

    /// Rings the alarms that are held here, each at its time, until the stop.
    pub async fn ring_near(&self) -> Result<(), LogError> {
        while let Some(due) = self.shutdown.run_until_cancelled(self.near.next(self.log.clock())).await {
            for awaited in due {
                let alarms = self.clone();
                self.tracker.spawn(async move { alarms.ring(awaited).await });
            }
        }
        Ok(())
    }

    async fn ring(&self, awaited: Awaited) {
        let Awaited { alarm, schedule, .. } = &awaited;
        let in_hand = self.tenants.of(&alarm.name.aggregate.tenant).take_in_hand(alarm.due_at);
        // A panic concerns this alarm alone.
        let held = AssertUnwindSafe(self.hold(alarm.clone())).catch_unwind().await;
        drop(in_hand);
        match held.unwrap_or_else(|_| Err(HandleError::poison("deciding it panicked"))) {
            Ok(Rang::Done) => {
                if self.shutdown.run_until_cancelled(tokio::time::sleep(TAKES_OFF)).await.is_none() {
                    return;
                }
                if let Err(error) = self.log.take_off_alarm(&alarm.name, *schedule).await {
                    tracing::debug!(%error, "an alarm that has rung stays set and will ring for nothing");
                }
            }
            Ok(Rang::SetAgain) => {}
            Err(error) => tracing::warn!(%error, "an alarm held here was not decided; its schedule will fire"),
        }
    }

    /// Waits for the alarm's exact time, then decides. An error says that it must ring again or can never be decided. An
    /// alarm that is held twice is decided once: the second time finds nothing left to decide.
    pub async fn hold(&self, mut alarm: Alarm) -> Result<Rang, HandleError> {
        let tenant = self.tenants.of(&alarm.name.aggregate.tenant);
        // Long before its time it would only take up a place.
        if alarm.due_at - self.log.clock().now() > LONG_BEFORE {
            self.set(alarm).await?;
            return Ok(Rang::SetAgain);
        }
        // The state is loaded beforehand, so that the decision is quick at the exact time.
        let share = self.share(&tenant).await?;
        self.decider.prepare(&alarm).await?;
        drop(share);
        self.wait_for(alarm.due_at).await?;
        let share = self.share(&tenant).await?;
        let rung = self.decider.ring(&alarm).await?;
        drop(share);
        match rung {
            None => Ok(Rang::Done),
            Some(due_at) => {
                alarm.due_at = due_at;
                self.set(alarm).await?;
                Ok(Rang::SetAgain)
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
