//! The sweep: compares what the log says is pending with the alarms that are set, and sets those that are missing.
//!
//! It holds a bounded number of alarms in memory. Where more are pending, it reads the log several times, each time for
//! another slice of them. Missing alarms are set for each tenant in turn.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt as _;
use steward_log::{AlarmName, Log, LogError};
use steward_proto::{Event, Recorded, TenantId};
use tokio_util::sync::CancellationToken;

use crate::{
    alarm::{Alarms, Kind},
    arming::alarm_set_by,
    near::HORIZON,
};

/// The time between two sweeps.
const EVERY: Duration = Duration::from_secs(600);
/// What still waits this long after its time is decided whether its alarm is set or not: the alarm clock has failed.
const OVERDUE: TimeDelta = TimeDelta::seconds(10);
/// How many alarms are in memory at once, each of some 60 bytes.
const AT_ONCE: usize = 500_000;
/// How many alarms are set at the same time.
const SETTING: usize = 64;
/// The key of the note that says before which position nothing is pending.
const FLOOR: &str = "sweep_floor";
/// The events that set an alarm, or make one needless.
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
    // What is overdue or near when this process begins nobody may have in hand, and the alarm clock rings late for it.
    let mut within = HORIZON;
    loop {
        let swept = tokio::select! {
            swept = sweep(&log, &alarms, within) => swept,
            () = shutdown.cancelled() => return Ok(()),
        };
        let wait = match swept {
            Ok(missing) => {
                tracing::debug!(missing, "swept: pending things compared with their alarms");
                within = -OVERDUE;
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

/// An alarm's name as a hash of eight bytes, because many of them must fit into memory.
fn short(name: &AlarmName) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

/// One of several parts of all alarms, which are about equal.
#[derive(Debug, Clone, Copy)]
struct Slice {
    nth: u64,
    of: u64,
}

impl Slice {
    fn holds(self, name: u64) -> bool {
        name % self.of == self.nth
    }
}

/// A thing that waits now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pending {
    /// The position of the event that set its alarm.
    position: u64,
    due_at: DateTime<Utc>,
    /// Its tenant, by the place in the list of the tenants met.
    tenant: u32,
}

/// A slice of the things that wait now, by the short names of their alarms.
struct Waiting {
    slice: Slice,
    pending: HashMap<u64, Pending>,
    tenants: HashMap<TenantId, u32>,
}

impl Waiting {
    fn new(slice: Slice) -> Self {
        Self { slice, pending: HashMap::new(), tenants: HashMap::new() }
    }

    fn note(&mut self, alarms: &Alarms, recorded: &Recorded) {
        let Some(aggregate) = recorded.subject.aggregate_id() else { return };
        if let Some(alarm) = alarm_set_by(&alarms.decider().settings(), recorded) {
            let name = short(&alarm.name);
            if self.slice.holds(name) {
                let next = u32::try_from(self.tenants.len()).unwrap_or(u32::MAX);
                let tenant = *self.tenants.entry(aggregate.tenant.clone()).or_insert(next);
                let pending = Pending { position: recorded.position, due_at: alarm.due_at, tenant };
                self.pending.insert(name, pending);
            }
            return;
        }
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
        self.pending.remove(&short(&kind.name(&aggregate, id)));
    }

    /// Positions of the events whose alarms are to be set, because they are missing or due before this time: the soonest
    /// of each tenant first, and the tenants in turn.
    fn to_set(&self, set: &HashSet<u64>, before: DateTime<Utc>) -> Vec<u64> {
        let mut of_each: HashMap<u32, Vec<&Pending>> = HashMap::new();
        for (name, pending) in &self.pending {
            if !set.contains(name) || pending.due_at < before {
                of_each.entry(pending.tenant).or_default().push(pending);
            }
        }
        let mut lines: VecDeque<_> = of_each.into_values().collect();
        for line in &mut lines {
            line.sort_unstable_by_key(|pending| std::cmp::Reverse(pending.due_at));
        }
        let mut in_turn = Vec::new();
        while let Some(mut line) = lines.pop_front() {
            if let Some(soonest) = line.pop() {
                in_turn.push(soonest.position);
                lines.push_back(line);
            }
        }
        in_turn
    }
}

/// Makes one sweep; returns how many alarms it set. What is due `within` this time is set whether its alarm is set or not, and
/// decided if its time is over.
async fn sweep(log: &Log, alarms: &Alarms, within: TimeDelta) -> Result<usize, LogError> {
    let floor = log.note(FLOOR).await?.and_then(|floor| floor.parse().ok()).unwrap_or(1);

    let (mut slices, mut missing) = (vec![Slice { nth: 0, of: 1 }], 0);
    let mut lowest = u64::MAX;
    while let Some(slice) = slices.pop() {
        // The alarms that are set are read first: one that is set meanwhile is then at worst set twice, and never
        // missed.
        let set = schedules(log, alarms, slice).await?;
        let head = log.last_position().await?;
        let waiting = match set {
            Some(_) => read(log, alarms, slice, floor, head).await?,
            None => None,
        };
        let (Some(set), Some(waiting)) = (set, waiting) else {
            slices.extend([slice.nth, slice.nth + slice.of].map(|nth| Slice { nth, of: slice.of * 2 }));
            continue;
        };
        missing += set_missing(log, alarms, waiting.to_set(&set, log.clock().now() + within)).await?;
        let first = waiting.pending.values().map(|pending| pending.position).min();
        lowest = lowest.min(first.unwrap_or(head + 1));
    }
    log.set_note(FLOOR, lowest.to_string()).await?;
    Ok(missing)
}

/// Reads what waits of a slice; `None` if that is too much at once.
async fn read(log: &Log, alarms: &Alarms, slice: Slice, floor: u64, head: u64) -> Result<Option<Waiting>, LogError> {
    let mut waiting = Waiting::new(slice);
    if floor > head {
        return Ok(Some(waiting));
    }
    let filters = FILTERS.iter().map(|f| format!("ev.*.conversation.*.{f}")).collect();
    let mut events = std::pin::pin!(log.past(floor, filters).await?);
    while let Some(next) = events.next().await {
        match next {
            Ok(tailed) => waiting.note(alarms, &tailed.recorded),
            Err(error @ LogError::Malformed { .. }) => tracing::debug!(%error, "no event, so nothing waits for it"),
            Err(error) => return Err(error),
        }
        if waiting.pending.len() > AT_ONCE {
            return Ok(None);
        }
    }
    Ok(Some(waiting))
}

/// Sets the alarms of these events. One that can't be set keeps no other from being set.
async fn set_missing(log: &Log, alarms: &Alarms, positions: Vec<u64>) -> Result<usize, LogError> {
    let setting = futures::stream::iter(positions).map(|position| async move {
        let recorded = match log.read(position).await {
            Ok(Some(recorded)) => recorded,
            Ok(None) | Err(LogError::Malformed { .. }) => return Ok(0),
            Err(error) => return Err(error),
        };
        let Some(alarm) = alarm_set_by(&alarms.decider().settings(), &recorded) else { return Ok(0) };
        match alarms.set(alarm).await {
            Ok(()) => Ok(1),
            Err(error) if error.is_transient() || matches!(error, LogError::ShutDown) => Err(error),
            Err(error) => {
                tracing::error!(%error, position, "an alarm can't be set");
                Ok(0)
            }
        }
    });
    let mut setting = std::pin::pin!(setting.buffered(SETTING));
    let mut set = 0;
    while let Some(one) = setting.next().await {
        set += one?;
    }
    Ok(set)
}

/// The short names of the alarms of a slice that are set; `None` if they are too many at once.
async fn schedules(log: &Log, alarms: &Alarms, slice: Slice) -> Result<Option<HashSet<u64>>, LogError> {
    let mut names = std::pin::pin!(log.alarms_set().await?);
    let mut set = HashSet::new();
    while let Some(name) = names.next().await {
        let name = name?;
        alarms.hear_of(&name.aggregate.tenant);
        let name = short(&name);
        if slice.holds(name) {
            set.insert(name);
        }
        if set.len() > AT_ONCE {
            return Ok(None);
        }
    }
    Ok(Some(set))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short_of(n: u64) -> u64 {
        let tenant = TenantId::new("t").unwrap();
        let conversation = steward_domain::ids::conversation_aggregate(
            &tenant,
            steward_domain::ids::ConversationId::new(uuid::Uuid::nil()),
        );
        short(&Kind::Message.name(&conversation, &n.to_string()))
    }

    #[test]
    fn slices_are_parts_of_the_whole_that_share_nothing() {
        let halves = [0, 1].map(|nth| Slice { nth, of: 2 });
        let quarters = halves.map(|s| [s.nth, s.nth + s.of].map(|nth| Slice { nth, of: s.of * 2 }));
        for name in (0..1_000).map(short_of) {
            for (half, its_quarters) in halves.iter().zip(&quarters) {
                let held = its_quarters.iter().filter(|quarter| quarter.holds(name)).count();
                assert_eq!(held, usize::from(half.holds(name)));
            }
        }
    }

    #[test]
    fn what_is_missing_is_set_for_each_tenant_in_turn_the_soonest_first() {
        let mut waiting = Waiting::new(Slice { nth: 0, of: 1 });
        let due = |seconds| DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
        for position in 0..100 {
            waiting.pending.insert(position, Pending { position, due_at: due(1_000 - position as i64), tenant: 0 });
        }
        for position in [200, 201] {
            waiting.pending.insert(position, Pending { position, due_at: due(position as i64), tenant: 1 });
        }
        let set: HashSet<u64> = (0..50).collect();
        let order = waiting.to_set(&set, due(0));
        assert_eq!(order.len(), 52);
        let place = |position| order.iter().position(|p| *p == position).unwrap();
        assert!(place(200) < 2 && place(201) < 4, "{order:?}");
        assert!(place(99) < place(98));
        assert_eq!(waiting.to_set(&(0..300).collect(), due(202)).len(), 2, "what is overdue is set although it is set");
    }
}
