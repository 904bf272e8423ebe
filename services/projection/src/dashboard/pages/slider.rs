//! The time slider: a conversation's events from the first to now, with long silences cut.

use chrono::{DateTime, Datelike as _, TimeDelta, Utc};
use steward_http::Problem;

use super::super::{viewer::Viewer, when::Clock};
use crate::{
    models::conversations::moments::{self, Happened},
    read::snapshot::Snapshot,
};

/// How far apart two events stand at least, and at most: what is silent for longer is cut to that.
const CLOSEST: TimeDelta = TimeDelta::seconds(20);
const CUT: TimeDelta = TimeDelta::minutes(30);

/// How long a silence is that is told, and how many of them are.
const SILENCE: TimeDelta = TimeDelta::hours(1);
const TOLD: usize = 6;

/// The width of the bar, in its own units.
const WIDTH: i64 = 1_000;

/// The time that is looked at, and the events before and behind it.
pub struct Slider {
    /// Each event as `position:place:day`, with an `m` behind it if it is a message.
    pub events: String,
    pub place: i64,
    pub earlier: Option<u64>,
    pub later: Option<u64>,
    pub said: String,
    /// How much was said since.
    pub since: String,
    pub ticks: Vec<Ticks>,
    pub silences: Vec<Silence>,
}

/// The ticks of one state and height, as a path.
pub struct Ticks {
    pub state: &'static str,
    pub path: String,
}

/// A silence that was cut.
pub struct Silence {
    pub place: i64,
    pub length: String,
}

impl Slider {
    /// The slider for a moment, or only the way one event back from now.
    ///
    /// # Errors
    /// 503 when Postgres doesn't answer.
    pub async fn of(
        snapshot: &Snapshot<'_>,
        viewer: &Viewer,
        (id, at): (&str, Option<u64>),
        clock: Clock,
    ) -> Result<Option<Self>, Problem> {
        let Some(at) = at else {
            let events = moments::latest(snapshot, &viewer.caller, id).await?;
            return Ok((!events.is_empty()).then(|| Self::closed(&events)));
        };
        let events = moments::around(snapshot, &viewer.caller, id, at).await?;
        let since = moments::messages_since(snapshot, &viewer.caller, id, at).await?;
        Ok((!events.is_empty()).then(|| Self::open(&events, at, since, viewer, clock)))
    }

    fn closed(events: &[Happened]) -> Self {
        let earlier = events.len().checked_sub(2).map(|i| events[i].position);
        let (ticks, silences) = (Vec::new(), Vec::new());
        let (said, since, events) = (String::new(), String::new(), String::new());
        Self { events, place: WIDTH, earlier, later: None, said, since, ticks, silences }
    }

    fn open(events: &[Happened], at: u64, since: u64, viewer: &Viewer, clock: Clock) -> Self {
        let places = places(&events.iter().map(|e| e.at).collect::<Vec<_>>());
        let here = events.iter().rposition(|e| e.position <= at).unwrap_or_default();
        let moment = events[here].at;
        let day = |at: DateTime<Utc>| at.with_timezone(&clock.zone).date_naive().num_days_from_ce();
        let first = day(events[0].at);
        let told = events.iter().zip(&places).map(|(e, place)| {
            let m = if is_message(&e.type_name) { "m" } else { "" };
            format!("{}:{place}:{}{m}", e.position, day(e.at) - first)
        });
        let told: Vec<String> = told.collect();
        let said = format!("{}, {}", clock.date(moment), clock.seconds(moment));
        Self {
            events: told.join(" "),
            place: places[here],
            earlier: here.checked_sub(1).map(|i| events[i].position),
            later: events.get(here + 1).map(|e| e.position),
            said: viewer.words.looking_at(&said),
            since: if since > 0 { viewer.words.new_since(since) } else { String::new() },
            ticks: ticks(events, &places),
            silences: silences(events, &places, viewer),
        }
    }
}

/// Where each event stands between 0 and [`WIDTH`]: as far from the one before as time passed, within limits.
fn places(times: &[DateTime<Utc>]) -> Vec<i64> {
    let steps = times.windows(2).map(|pair| (pair[1] - pair[0]).clamp(CLOSEST, CUT).num_seconds());
    let mut far = vec![0];
    for step in steps {
        far.push(far.last().copied().unwrap_or_default() + step);
    }
    let whole = far.last().copied().unwrap_or_default().max(1);
    far.iter().map(|far| far * WIDTH / whole).collect()
}

fn is_message(type_name: &str) -> bool {
    matches!(type_name, "ClientResponded" | "HumanResponded" | "MessageQueued" | "FollowUpDue")
}

/// The state in whose colour an event is shown.
fn state(type_name: &str) -> &'static str {
    match type_name {
        "FollowUpScheduled" | "FollowUpMoved" | "MessageQueued" | "FollowUpDue" => "queued",
        "MessageHeld" => "held",
        "DispatchDeferred" | "SendDeferred" => "deferred",
        "DispatchStarted" => "claimed",
        "DispatchSucceeded" | "FollowUpDone" => "sent",
        "DeliveryReported" => "delivered",
        "DispatchFailed" | "FollowUpFailed" => "failed",
        "DispatchUnknown" => "unknown",
        "FollowUpCancelled" | "MessageCancelled" | "DraftSuppressed" => "cancelled",
        "FollowUpExpired" | "MessageExpired" => "expired",
        "HumanTakeoverStarted" | "HumanTakeoverEnded" | "HumanResponded" | "HumanRequested" => "human",
        _ => "",
    }
}

/// The ticks, by state: of messages tall, of all else short. Of those that would stand on each other one is drawn.
fn ticks(events: &[Happened], places: &[i64]) -> Vec<Ticks> {
    let mut drawn: Vec<Ticks> = Vec::new();
    let mut last: Vec<(&'static str, bool, i64)> = Vec::new();
    for (e, place) in events.iter().zip(places) {
        let (state, tall) = (state(&e.type_name), is_message(&e.type_name));
        match last.iter_mut().find(|(s, t, _)| (*s, *t) == (state, tall)) {
            Some((_, _, before)) if *before == *place => continue,
            Some((_, _, before)) => *before = *place,
            None => last.push((state, tall, *place)),
        }
        let stroke = if tall { format!("M{place} 2v18") } else { format!("M{place} 12v8") };
        match drawn.iter_mut().find(|ticks| ticks.state == state) {
            Some(ticks) => ticks.path.push_str(&stroke),
            None => drawn.push(Ticks { state, path: stroke }),
        }
    }
    drawn
}

/// The longest silences, each where it was cut.
fn silences(events: &[Happened], places: &[i64], viewer: &Viewer) -> Vec<Silence> {
    let mut found: Vec<(TimeDelta, i64)> = events
        .windows(2)
        .zip(places.windows(2))
        .map(|(pair, at)| (pair[1].at - pair[0].at, i64::midpoint(at[0], at[1])))
        .filter(|(length, _)| *length >= SILENCE)
        .collect();
    found.sort_by_key(|(length, _)| std::cmp::Reverse(*length));
    let mut told: Vec<(TimeDelta, i64)> = Vec::new();
    for one in found {
        // What would stand on another isn't told.
        if told.len() < TOLD && told.iter().all(|(_, place)| (place - one.1).abs() > WIDTH / 10) {
            told.push(one);
        }
    }
    let length = |passed: TimeDelta| match passed.num_days() {
        0 => viewer.words.hours(passed.num_hours()),
        days => viewer.words.days(days),
    };
    told.into_iter().map(|(passed, place)| Silence { place, length: length(passed) }).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn after(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[test]
    fn long_silences_are_cut_and_nothing_stands_on_another() {
        let week = 7 * 24 * 3600;
        let places = places(&[after(0), after(0), after(60), after(week), after(week + 1_740)]);
        assert_eq!(places[0], 0);
        assert_eq!(*places.last().unwrap(), WIDTH);
        assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "{places:?}");
        // The week takes as much as half an hour, and so a little more than 29 minutes.
        let (silence, talk) = (places[3] - places[2], places[4] - places[3]);
        assert!(silence >= talk && silence - talk < WIDTH / 20, "{places:?}");
    }

    #[test]
    fn a_single_event_has_a_place() {
        assert_eq!(places(&[after(5)]), [0]);
    }

    #[test]
    fn messages_are_tall_and_each_state_is_one_path() {
        let event = |position, type_name: &str| Happened {
            position,
            at: after(position.cast_signed()),
            type_name: type_name.to_owned(),
        };
        let events = [
            event(1, "ClientResponded"),
            event(2, "MessageQueued"),
            event(3, "FollowUpScheduled"),
            event(4, "MessageQueued"),
        ];
        let ticks = ticks(&events, &[0, 300, 600, 600]);
        let paths: Vec<_> = ticks.iter().map(|t| (t.state, t.path.as_str())).collect();
        assert_eq!(paths, [("", "M0 2v18"), ("queued", "M300 2v18M600 12v8M600 2v18")]);
    }
}
