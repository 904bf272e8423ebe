//! Alarms: at its time, each makes the scheduler look again at one thing of an aggregate's.
//!
//! JetStream keeps them as schedules on the stream `TIMERS`: one for each name, `sch.{name}`, which publishes on `due.{name}` when
//! it fires. It fires on a tick of 250 ms, up to 0.3 s late, one after another. So it is set to fire early, and whoever hears an
//! alarm holds it until its time. The log is the truth, an alarm a hint: it may ring early, late, twice, or for nothing.

mod crowds;
mod setter;
mod written;

use std::fmt;
use std::time::Duration;

use async_nats::jetstream::stream::ConsumerErrorKind;
use async_nats::{HeaderMap, HeaderValue, jetstream};
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use futures::{Stream, StreamExt as _};
use steward_proto::{AggregateId, Cause, TenantId};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) use self::crowds::Crowds;
pub(crate) use self::setter::Setter;
use crate::append::{EXPECTED, EXPECTED_SUBJECT};
use crate::errands::{Errands, Settled};
use crate::session::REQUEST_TIMEOUT;
use crate::wire::Parcel;
use crate::{Log, LogError, ServerError, Treatment, code, definitions, header};

/// How early an alarm fires at least; those of a crowded second fire earlier, see [`Crowds`].
const EARLY: TimeDelta = TimeDelta::milliseconds(500);
/// How late an alarm fires whose time somebody awaits by other means.
const LATE: TimeDelta = TimeDelta::seconds(5);
/// The subject of the messages that take schedules off. The server keeps them as any other; the setter removes them.
const TAKEN_OFF: &str = "sch.off";
/// An alarm that was heard rings for another process after this time, unless it is settled or said to be still in hand.
const ACK_WAIT: Duration = Duration::from_secs(10);
/// The consumer that all tenants shared in a former version.
const FORMER: &str = "scheduler-alarms";

/// An alarm's name. Setting another alarm under the same name replaces the first.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AlarmName {
    pub aggregate: AggregateId,
    /// What the scheduler is to look at, such as a follow-up or a message; one token of a subject.
    pub kind: String,
    /// Which of the aggregate's things of this kind is meant, as one token; empty where an aggregate has only one.
    pub thing: String,
}

impl AlarmName {
    pub fn new(aggregate: AggregateId, kind: &str, thing: &str) -> Self {
        Self { aggregate, kind: kind.to_owned(), thing: thing.to_owned() }
    }

    fn schedule(&self) -> String {
        format!("sch.{self}")
    }
}

impl fmt::Display for AlarmName {
    /// The name as tokens of a subject. The tenant comes first, because each tenant's alarms are heard by a filter of
    /// its own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AggregateId { tenant, aggregate, .. } = &self.aggregate;
        write!(f, "{tenant}.{}.{}.{}", aggregate.as_str(), self.aggregate.id(), self.kind)?;
        if self.thing.is_empty() { Ok(()) } else { write!(f, ".{}", self.thing) }
    }
}

/// An alarm: when it is due, and which event asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    pub name: AlarmName,
    pub due_at: DateTime<Utc>,
    /// Position of the event that asked for the alarm: whoever decides when it rings must have read the log that far.
    pub position: u64,
    pub causation: Uuid,
    pub correlation: Uuid,
    pub traceparent: String,
}

impl Alarm {
    /// The cause of the events that are recorded because this alarm rang.
    pub fn cause(&self, actor: &str) -> Cause {
        Cause {
            event: Some((self.causation, self.correlation)),
            actor: actor.to_owned(),
            traceparent: self.traceparent.clone(),
        }
    }
}

/// When an alarm's schedule fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fires {
    /// Early enough that whoever hears it can hold it until its time.
    Early,
    /// Seconds after its time: whoever set it awaits the time itself, and the schedule is for the case that they don't
    /// live to see it.
    Late,
}

/// Which schedule an alarm has. One that is set anew under the same name has another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    position: u64,
    fires_at: DateTime<Utc>,
}

/// An alarm that rang.
#[derive(Debug)]
pub struct Rung {
    /// The alarm, or why the message is none. The reason quotes nothing of the message, which may be anybody's.
    pub alarm: Result<Alarm, &'static str>,
    /// How often it has rung, this time included.
    pub tries: u64,
}

impl Log {
    /// Sets an alarm durably.
    ///
    /// # Errors
    /// The alarm isn't set, or it isn't known whether it is; setting it again does no harm.
    pub async fn set_alarm(&self, alarm: &Alarm, fires: Fires) -> Result<Schedule, LogError> {
        let fires_at = match fires {
            Fires::Early => alarm.due_at - EARLY - self.crowds().lead(&alarm.name.aggregate.tenant, alarm.due_at),
            // What is late already would fire at once.
            Fires::Late => alarm.due_at.max(self.clock().now()) + LATE,
        };
        let fire_at = fires_at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Schedule", header::value(&format!("@at {fire_at}"))?);
        headers.insert("Nats-Schedule-Target", header::value(&header::subject(&format!("due.{}", alarm.name))?)?);
        let subject = header::subject(&alarm.name.schedule())?;
        let payload = written::write(alarm);
        if payload.len() > written::LARGEST {
            // Whoever heard it wouldn't take it for an alarm.
            let description = format!("an alarm of {} bytes; at most {}", payload.len(), written::LARGEST);
            let error = ServerError { err_code: code::MESSAGE_TOO_LARGE, description };
            return Err(LogError::Refused { doing: "setting an alarm", error });
        }
        let parcel = Parcel { subject, headers, payload: payload.into() };
        self.alarm_setter().set(parcel).await.map(|position| Schedule { position, fires_at })
    }

    /// Takes an alarm off if it still has this schedule: it has rung by other means. One that fires in a moment rings for
    /// nothing instead.
    ///
    /// # Errors
    /// The alarm may still be set, and will then ring for nothing.
    pub async fn take_off_alarm(&self, name: &AlarmName, schedule: Schedule) -> Result<(), LogError> {
        if schedule.fires_at - self.clock().now() < EARLY {
            return Ok(());
        }
        let scheduled = header::value(&header::subject(&name.schedule())?)?;
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Scheduler", scheduled.clone());
        headers.insert("Nats-Schedule-Next", "purge");
        headers.insert(EXPECTED, HeaderValue::from(schedule.position));
        headers.insert(EXPECTED_SUBJECT, scheduled);
        let parcel = Parcel { subject: TAKEN_OFF.into(), headers, payload: Bytes::new() };
        match self.alarm_setter().take_off(parcel).await {
            // It has fired, or was set anew.
            Err(LogError::Refused { error, .. }) if error.treatment() == Treatment::Conflict => Ok(()),
            done => done,
        }
    }

    /// Takes an alarm off, whatever its schedule. It may still ring: if it is ringing now, or if a former version set it
    /// under another name.
    ///
    /// # Errors
    /// The alarm may still be set, and will then ring for nothing.
    pub async fn unset_alarm(&self, name: &AlarmName) -> Result<(), LogError> {
        let doing = "taking an alarm off";
        let subject = header::subject(&name.schedule())?.to_string();
        within_limit(doing, purge(self.jetstream(), subject, doing)).await
    }

    /// The names of all alarms that are set.
    ///
    /// # Errors
    /// The alarms can't be read now.
    pub async fn alarms_set(&self) -> Result<impl Stream<Item = Result<AlarmName, LogError>> + use<>, LogError> {
        let doing = "reading the alarms";
        let stream = self.jetstream().get_stream_no_info(definitions::TIMERS).await.map_err(unavailable(doing))?;
        let subjects = stream.info_with_subjects("sch.>").await.map_err(unavailable(doing))?;
        Ok(subjects.filter_map(async move |next| match next {
            Ok((subject, _)) => written::name_of(&subject).map(Ok),
            Err(error) => Some(Err(unavailable(doing)(error))),
        }))
    }

    /// Hears one tenant's alarms until `stop` and gives each that rings to `handler`, `at_once` at a time. An alarm
    /// that isn't settled rings again, also after a crash. Processes share the work. `heard` is told when the alarms
    /// can be heard, and when no longer.
    pub async fn hear_alarms<H, Fut>(
        &self,
        tenant: &TenantId,
        at_once: usize,
        stop: &CancellationToken,
        heard: impl Fn(bool),
        handler: H,
    ) where
        H: Fn(Rung) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Settled> + Send + 'static,
    {
        let config = definitions::alarms(tenant, ACK_WAIT, at_once);
        let errands = Errands { stream: definitions::TIMERS, config, at_once };
        let tenant = tenant.clone();
        self.run_errands(errands, stop, heard, move |errand| {
            let alarm = written::read(&errand.payload, &tenant);
            handler(Rung { alarm, tries: errand.tries })
        })
        .await;
    }

    /// Takes away the consumer that all tenants shared in a former version: `TIMERS` allows one consumer for each
    /// subject, so no tenant could have its own beside it. The alarms that it still holds go to the tenants' consumers.
    ///
    /// # Errors
    /// The former consumer may still be there.
    pub async fn end_former_alarms(&self) -> Result<(), LogError> {
        let doing = "taking away the alarms' former consumer";
        let delete = async {
            let stream = self.jetstream().get_stream_no_info(definitions::TIMERS).await.map_err(unavailable(doing))?;
            match stream.delete_consumer(FORMER).await {
                Ok(_) => Ok(()),
                Err(error) => match error.kind() {
                    ConsumerErrorKind::JetStream(gone) if gone.error_code().0 == code::CONSUMER_NOT_FOUND => Ok(()),
                    _ => Err(unavailable(doing)(error)),
                },
            }
        };
        within_limit(doing, delete).await
    }
}

/// Removes what the stream of alarms holds on this subject.
async fn purge(jetstream: &jetstream::Context, subject: String, doing: &'static str) -> Result<(), LogError> {
    let stream = jetstream.get_stream_no_info(definitions::TIMERS).await.map_err(unavailable(doing))?;
    stream.purge().filter(subject).await.map(drop).map_err(unavailable(doing))
}

fn unavailable<E: fmt::Display>(doing: &'static str) -> impl Fn(E) -> LogError {
    move |error| LogError::Unavailable { doing, reason: error.to_string() }
}

async fn within_limit<T>(doing: &'static str, call: impl Future<Output = Result<T, LogError>>) -> Result<T, LogError> {
    let answered = timeout(REQUEST_TIMEOUT, call).await;
    answered.unwrap_or(Err(LogError::TimedOut { doing, after: REQUEST_TIMEOUT }))
}
