//! The sweep: compares what the log says is pending with the alarms that are set, and sets those that are missing.

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt as _;
use steward_log::{
    Log, LogError,
    definitions::{NOTES, TIMERS},
};
use steward_proto::{Event, Recorded};
use tokio_util::sync::CancellationToken;

use crate::{
    alarm::{Alarm, Alarms, Kind, unavailable},
    arming::alarm_set_by,
};

/// Between two sweeps.
const EVERY: Duration = Duration::from_secs(600);
/// What is still waiting so long after its time is decided whether its alarm is set or not: the alarm clock has failed it.
const OVERDUE: TimeDelta = TimeDelta::seconds(5);
const DOING: &str = "sweeping";
/// Key of the position before which nothing is pending.
const FLOOR: &str = "sweep_floor";
/// The events that set an alarm or make one needless.
const FILTERS: [&str; 15] = [
    "follow_up_scheduled",
    "follow_up_moved",
    "follow_up_due",
    "follow_up_cancelled",
    "follow_up_expired",
    "message_queued",
    "message_moved",
    "message_due",
    "message_cancelled",
    "message_expired",
    "send_deferred",
    "dispatch_deferred",
    "dispatch_started",
    "human_takeover_started",
    "human_takeover_ended",
];

pub async fn run(log: Log, alarms: Alarms, shutdown: CancellationToken) -> Result<(), LogError> {
    loop {
        let swept = tokio::select! {
            swept = sweep(&log, &alarms) => swept,
            () = shutdown.cancelled() => return Ok(()),
        };
        let wait = match swept {
            Ok(missing) => {
                tracing::debug!(missing, "swept: pending things compared with their alarms");
                EVERY
            }
            Err(error) => {
                tracing::warn!(%error, "the sweep was broken off; trying again");
                Duration::from_secs(2)
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = shutdown.cancelled() => return Ok(()),
        }
    }
}

/// The name of an alarm's schedule in eight bytes: a million of them must fit.
fn short(schedule_subject: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    schedule_subject.hash(&mut hasher);
    hasher.finish()
}

/// Positions of the events that set what waits now, and when it is due, by the short name of its schedule.
#[derive(Default)]
struct Waiting(HashMap<u64, (u64, DateTime<Utc>)>);

impl Waiting {
    fn note(&mut self, alarms: &Alarms, recorded: &Recorded) {
        if let Some(alarm) = alarm_set_by(alarms.decider().settings(), recorded) {
            self.0.insert(short(&alarm.schedule_subject()), (recorded.position, alarm.due_at));
            return;
        }
        let Some(aggregate) = recorded.subject.aggregate_id() else { return };
        let (kind, id) = match &recorded.event {
            Event::FollowUpDue(e) => (Kind::FollowUp, e.follow_up_id.as_str()),
            Event::FollowUpCancelled(e) => (Kind::FollowUp, e.follow_up_id.as_str()),
            Event::FollowUpExpired(e) => (Kind::FollowUp, e.follow_up_id.as_str()),
            Event::MessageDue(e) => (Kind::Message, e.message_id.as_str()),
            Event::MessageCancelled(e) => (Kind::Message, e.message_id.as_str()),
            Event::MessageExpired(e) => (Kind::Message, e.message_id.as_str()),
            Event::DispatchStarted(e) => (Kind::Message, e.message_id.as_str()),
            Event::HumanTakeoverEnded(_) => (Kind::Silence, aggregate.id()),
            _ => return,
        };
        self.0.remove(&short(&Alarm::subject_of(aggregate.tenant.as_str(), kind, id)));
    }
}

/// One sweep; how many alarms it set.
async fn sweep(log: &Log, alarms: &Alarms) -> Result<usize, LogError> {
    let bucket = log.jetstream().get_key_value(NOTES).await.map_err(unavailable(DOING))?;
    let floor = bucket.get(FLOOR).await.map_err(unavailable(DOING))?;
    let floor = floor.and_then(|f| std::str::from_utf8(&f).ok()?.parse().ok()).unwrap_or(1);

    // What is set is read first: an alarm that is set meanwhile is then at worst set twice, never missed.
    let set = schedules(log).await?;
    let head = log.last_position().await?;
    let mut waiting = Waiting::default();
    if floor <= head {
        let filters = FILTERS.iter().map(|f| format!("ev.*.conversation.*.{f}")).collect();
        let mut events = std::pin::pin!(log.past(floor, filters).await?);
        while let Some(next) = events.next().await {
            match next {
                Ok(tailed) => waiting.note(alarms, &tailed.recorded),
                Err(error @ LogError::Malformed { .. }) => tracing::debug!(%error, "no event, so nothing waits for it"),
                Err(error) => return Err(error),
            }
        }
    }
    let mut missing = 0;
    let overdue = Utc::now() - OVERDUE;
    for (_, (position, _)) in waiting.0.iter().filter(|(name, (_, due_at))| !set.contains(name) || *due_at < overdue) {
        let Some(recorded) = log.read(*position).await? else { continue };
        if let Some(alarm) = alarm_set_by(alarms.decider().settings(), &recorded) {
            alarms.set(alarm).await?;
            missing += 1;
        }
    }
    let floor = waiting.0.values().map(|(position, _)| *position).min().unwrap_or(head + 1);
    bucket.put(FLOOR, floor.to_string().into()).await.map_err(unavailable(DOING))?;
    Ok(missing)
}

/// The short names of all schedules that are set.
async fn schedules(log: &Log) -> Result<HashSet<u64>, LogError> {
    let stream = log.jetstream().get_stream_no_info(TIMERS).await.map_err(unavailable(DOING))?;
    let mut subjects = stream.info_with_subjects("sch.>").await.map_err(unavailable(DOING))?;
    let mut set = HashSet::new();
    while let Some(subject) = subjects.next().await {
        set.insert(short(&subject.map_err(unavailable(DOING))?.0));
    }
    Ok(set)
}
