//! One alarm: what it is for, when it rings, and its schedule on the stream `TIMERS`.

use std::{sync::Arc, time::Duration};

use async_nats::{
    HeaderMap,
    jetstream::{self, context::PublishError},
};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use steward_log::{HandleError, Log, LogError, ServerError, definitions::TIMERS, header};
use steward_proto::{AggregateId, Cause, Recorded};
use tokio::{sync::SemaphorePermit, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{
    decide::Decider,
    tenants::{Tenant, Tenants},
};

/// How much early JetStream is asked to fire, at least: it does so on a tick of 250 ms, up to 0.3 s late.
const EARLY: TimeDelta = TimeDelta::milliseconds(500);
/// So much more for each that the tenant had set for the same second before: the server fires one after another, in the
/// order in which they were set, about 1,600 a second, so that thousands of one tenant's would be heard before another's.
const SPACE: TimeDelta = TimeDelta::microseconds(1_500);
/// As many as there is space for; the next stand beside the first again.
const SPACES: u32 = 5_600;
/// An alarm this near is also held at once: its schedule could fire late.
const NEAR: TimeDelta = TimeDelta::seconds(1);
/// What rings this long before its time was set by a clock that goes wrong, or by nobody of ours: it is set again.
const LONG_BEFORE: TimeDelta = TimeDelta::seconds(10);

/// What an alarm is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    FollowUp,
    Message,
    /// A human's silence.
    Silence,
}

impl Kind {
    /// A token of the schedule's subject.
    pub fn token(self) -> &'static str {
        match self {
            Self::FollowUp => "follow_up",
            Self::Message => "message",
            Self::Silence => "silence",
        }
    }
}

/// One alarm, as its schedule carries it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Alarm {
    pub kind: Kind,
    /// Id of the follow-up, message or conversation.
    pub id: String,
    pub due_at: DateTime<Utc>,
    pub tenant: String,
    pub conversation: Uuid,
    /// The log's position of the event that set it: what is decided must know at least that.
    pub position: u64,
    pub causation: Uuid,
    pub correlation: Uuid,
    pub traceparent: String,
}

impl Alarm {
    /// The alarm that an event of this conversation sets.
    pub fn new(
        kind: Kind,
        id: &str,
        due_at: DateTime<Utc>,
        conversation: &AggregateId,
        set_by: &Recorded,
    ) -> Option<Self> {
        Some(Self {
            kind,
            id: id.to_owned(),
            due_at,
            tenant: conversation.tenant.to_string(),
            conversation: conversation.id().parse().ok()?,
            position: set_by.position,
            causation: set_by.metadata.event_id,
            correlation: set_by.metadata.correlation_id,
            traceparent: set_by.metadata.traceparent.clone(),
        })
    }

    pub fn cause(&self) -> Cause {
        Cause {
            event: Some((self.causation, self.correlation)),
            actor: "service:scheduler".to_owned(),
            traceparent: self.traceparent.clone(),
        }
    }

    /// The subject of its schedule; another schedule on it takes this one's place.
    pub fn schedule_subject(&self) -> String {
        Self::subject_of(&self.tenant, self.kind, &self.id)
    }

    /// The subject of the schedule for this thing.
    pub fn subject_of(tenant: &str, kind: Kind, id: &str) -> String {
        format!("sch.{tenant}.{}.{id}", kind.token())
    }

    /// Nearer than its schedule could fire on time.
    fn is_near(&self) -> bool {
        self.due_at - Utc::now() < NEAR
    }

    /// When it is to fire, so that it is heard in time behind so many others of its tenant's and its second.
    fn fires_at(&self, others: u32) -> DateTime<Utc> {
        self.due_at - EARLY - SPACE * (others % SPACES).cast_signed()
    }

    fn target(&self) -> String {
        format!("due.{}.{}.{}", self.tenant, self.kind.token(), self.id)
    }
}

/// Sets alarms, and holds those that ring until their very time.
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

    /// From now on this tenant's alarms are listened for.
    pub fn hear_of(&self, tenant: &str) {
        self.tenants.of(tenant);
    }

    /// Sets the alarm durably; the one that was set for the same thing is replaced.
    pub async fn set(&self, alarm: Alarm) -> Result<(), LogError> {
        // Before it can ring, somebody must listen.
        let tenant = self.tenants.of(&alarm.tenant);
        self.schedule(&alarm).await?;
        // Its schedule stands behind it: should this process die, or there be no place, JetStream still fires.
        if alarm.is_near()
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

    async fn schedule(&self, alarm: &Alarm) -> Result<(), LogError> {
        let mut headers = HeaderMap::new();
        let others = self.tenants.of(&alarm.tenant).sets_for(alarm.due_at);
        let fire_at = alarm.fires_at(others).to_rfc3339_opts(SecondsFormat::Millis, true);
        headers.insert("Nats-Schedule", header::value(&format!("@at {fire_at}"))?);
        headers.insert("Nats-Schedule-Target", header::value(&header::subject(&alarm.target())?)?);
        let subject = header::subject(&alarm.schedule_subject())?;
        let payload = serde_json::to_vec(alarm).expect("an alarm has only strings and numbers");
        let js = self.log.jetstream();
        let doing = "setting an alarm";
        let acked = async { js.publish_with_headers(subject, headers, payload.into()).await?.await };
        let acked = timeout(LIMIT, acked).await.map_err(|_| LogError::TimedOut { doing, after: LIMIT })?;
        acked.map(drop).map_err(|error| refused(doing, &error).unwrap_or_else(|| unavailable(doing)(error)))
    }

    /// Takes the alarm for this thing off.
    pub async fn unset(&self, tenant: &str, kind: Kind, id: &str) -> Result<(), LogError> {
        let js = self.log.jetstream();
        let stream = js.get_stream_no_info(TIMERS).await.map_err(unavailable("taking an alarm off"))?;
        let subject = header::subject(&Alarm::subject_of(tenant, kind, id))?.to_string();
        within_limit("taking an alarm off", async { stream.purge().filter(subject).await }).await?;
        Ok(())
    }

    /// Waits for the very time, then decides. `Ok` when nothing is left to do for this alarm; an error when it must ring
    /// again, or never will be decided. Held twice, it is decided once: the second finds nothing left to decide.
    pub async fn hold(&self, mut alarm: Alarm) -> Result<(), HandleError> {
        let tenant = self.tenants.of(&alarm.tenant);
        // Rung long before its time it would only take up a place.
        if alarm.due_at - Utc::now() > LONG_BEFORE {
            return Ok(self.schedule(&alarm).await?);
        }
        // What is decided at the very time must be at hand then.
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
                    self.schedule(&alarm).await?;
                    if !alarm.is_near() {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Of what the tenant may decide at the same time.
    async fn share<'a>(&self, tenant: &'a Tenant) -> Result<SemaphorePermit<'a>, LogError> {
        let share = self.shutdown.run_until_cancelled(tenant.deciding.acquire()).await;
        share.and_then(Result::ok).ok_or(LogError::ShutDown)
    }

    async fn wait_for(&self, due_at: DateTime<Utc>) -> Result<(), LogError> {
        while let Ok(wait) = (due_at - Utc::now()).to_std()
            && !wait.is_zero()
        {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.shutdown.cancelled() => return Err(LogError::ShutDown),
            }
        }
        Ok(())
    }
}

/// JetStream couldn't do what was asked of it.
pub fn unavailable<E: std::fmt::Display>(doing: &'static str) -> impl Fn(E) -> LogError {
    move |error| LogError::Unavailable { doing, reason: error.to_string() }
}

/// Longest wait for an answer of JetStream.
const LIMIT: Duration = Duration::from_secs(5);

/// What the server will refuse each time: a time or a subject that it can't read, a message too large.
const REFUSED_FOR_GOOD: [u64; 3] = [10_054, 10_189, 10_190];

fn refused(doing: &'static str, error: &PublishError) -> Option<LogError> {
    let refused = std::error::Error::source(error)?.downcast_ref::<jetstream::Error>()?;
    let err_code = refused.error_code().0;
    let error = ServerError { err_code, description: refused.to_string() };
    REFUSED_FOR_GOOD.contains(&err_code).then_some(LogError::Refused { doing, error })
}

async fn within_limit<T, E: std::fmt::Display>(
    doing: &'static str,
    call: impl Future<Output = Result<T, E>>,
) -> Result<T, LogError> {
    let answered = timeout(LIMIT, call).await;
    answered.map_err(|_| LogError::TimedOut { doing, after: LIMIT })?.map_err(unavailable(doing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alarms_of_one_second_fire_one_after_another_and_none_so_early_that_it_would_be_set_again() {
        let alarm = Alarm {
            kind: Kind::FollowUp,
            id: "f1".to_owned(),
            due_at: DateTime::UNIX_EPOCH,
            tenant: "default".to_owned(),
            conversation: Uuid::nil(),
            position: 1,
            causation: Uuid::nil(),
            correlation: Uuid::nil(),
            traceparent: String::new(),
        };
        assert_eq!(alarm.due_at - alarm.fires_at(0), EARLY);
        for others in [1, 2, 999, SPACES - 1] {
            assert_eq!(alarm.fires_at(others - 1) - alarm.fires_at(others), SPACE);
        }
        assert_eq!(alarm.fires_at(SPACES), alarm.fires_at(0));
        assert!((0..SPACES).all(|others| alarm.due_at - alarm.fires_at(others) < LONG_BEFORE));
    }
}
