//! Which reminders a meeting has: promised, moved and taken back as its calendar says.
//!
//! Of a series, the occurrences of the next two months are promised, each reminder by its own key; as one is used up, the
//! next is promised ([`meeting_of`] tells the worker whose it was).

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use steward_language::time::is_too_far;
use steward_proto::{Event, v1};
use uuid::Uuid;

use super::{
    super::{CancelOn, Conversation, FollowUp, Refused, follow_ups::AT_ONCE, follow_ups::NewFollowUp},
    Meeting, Starts, occurrence_of,
};
use crate::{
    ids::{self, ConversationId},
    kernel::Why,
    recurrence::{Original, Rule, Zone, day_before},
};

/// Occurrences of a series are promised so far ahead, and one that is further if there is none.
const HORIZON: TimeDelta = TimeDelta::days(60);
/// Occurrences that begin later are never reminded of ([`is_too_far`]), so a series is walked no further than that.
const FURTHEST: TimeDelta = TimeDelta::days(2 * 366 + 3);
/// Of a series of years the next occurrence is looked for so far, where none is nearer: from one 29 February to the next it may be
/// eight years.
const FURTHEST_NEXT: TimeDelta = TimeDelta::days(8 * 366);
/// Occurrences of a series that are promised at once, at most.
const MOST_AHEAD: usize = 64;
/// Occurrences that are looked at to find those.
const MOST_SEEN: usize = 1_000;
/// Where a meeting is nearer than every configured reminder: the first of these minutes before it that is ahead, else at once.
const NEAR: [i64; 2] = [60, 15];

/// What reminders are made of.
#[derive(Debug, Clone, Copy)]
pub struct Reminding<'a> {
    pub conversation: ConversationId,
    /// A meeting, or one occurrence of it: the reminders of all its occurrences are made right.
    pub meeting_id: &'a str,
    pub now: DateTime<Utc>,
    /// The calendar has just said something: what passed before it could be promised is promised at once.
    pub news: bool,
    /// So many hours before the meeting, each a reminder; none: nothing is reminded of.
    pub hours: &'a [u32],
    /// Local hour of the day before, for what lasts whole days.
    pub day_hour: u32,
    pub timezone: Tz,
    pub language: &'a str,
    /// Follow-ups that may be open: beyond that no reminder is promised.
    pub most_open: usize,
}

/// What a reminder is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    pub title: String,
    pub starts: Starts,
    /// What clocks at the meeting's own place show of its time beside UTC; `None`: it names no place.
    pub offset: Option<TimeDelta>,
}

/// An occurrence with what its reminders are promised by.
struct Coming<'a> {
    id: String,
    word: &'a Meeting,
    occurrence: Occurrence,
    told_at: DateTime<Utc>,
    /// The next of a series whose occurrences lie further apart than anything else is promised ahead.
    far: bool,
}

/// A reminder that ought to stand.
struct Wanted {
    key: String,
    due_at: DateTime<Utc>,
    sequence: u32,
    occurrence: Occurrence,
    reason: String,
    /// It may still be promised although its time has passed.
    late: bool,
    /// It may be further ahead than anything else.
    far: bool,
}

/// The meeting whose reminder has this key.
pub fn meeting_of(key: &str) -> Option<&str> {
    let (meeting_id, _) = key.strip_prefix("meeting:")?.rsplit_once(':')?;
    Some(meeting_id)
}

impl Conversation {
    /// What has to change for the reminders of a meeting to be right: promised, moved or taken back. At most [`AT_ONCE`]
    /// events: after so many, what is left is decided next.
    ///
    /// `text` is what a reminder says that goes out at the time given.
    pub fn remind_of_meeting(
        &self,
        r: &Reminding<'_>,
        text: impl Fn(&Occurrence, DateTime<Utc>) -> String,
    ) -> Result<Vec<Event>, Refused> {
        let known = occurrence_of(r.meeting_id).filter(|(uid, _)| self.meetings.contains_key(*uid));
        let uid = known.map_or(r.meeting_id, |(uid, _)| uid);
        if !self.meetings.contains_key(uid) {
            return Ok(Vec::new());
        }
        let mut standing: BTreeMap<&str, &FollowUp> = self
            .follow_ups
            .values()
            .filter(|f| f.is_pending() && belongs(&f.key, uid))
            .map(|f| (f.key.as_str(), f.as_ref()))
            .collect();
        let mut events = Vec::new();
        let (open, mut made) = (self.open_follow_ups(), 0);
        for w in self.wanted(uid, r) {
            if events.len() + 2 > AT_ONCE {
                return Ok(events);
            }
            match standing.remove(w.key.as_str()) {
                // It is about to be sent.
                Some(f) if w.due_at <= r.now && f.due_at == w.due_at => {}
                Some(f) if w.due_at > r.now => {
                    let rule = (String::new(), String::new());
                    let by = ("calendar", None);
                    events.extend(match w.far {
                        true => self.move_however_far(&f.id, w.due_at, rule, by)?,
                        false => self.move_follow_up(r.now, &f.id, w.due_at, rule, by)?,
                    });
                    events.extend(self.change_follow_up_text(&f.id, text(&w.occurrence, w.due_at), "calendar")?);
                }
                Some(f) => {
                    let why = Why::new("meeting_moved", "the meeting was moved too near for this reminder", "");
                    events.extend(self.cancel(&f.id, why, None)?);
                }
                None if w.due_at > r.now || w.late => {
                    let unique = Uuid::new_v5(&r.conversation.uuid(), format!("{}:{}", w.key, w.sequence).as_bytes());
                    let follow_up_id = ids::follow_up(r.conversation, unique);
                    // This very reminder was promised and has ended: the calendar says nothing new.
                    if self.follow_ups.contains_key(&follow_up_id) || open + made >= r.most_open {
                        continue;
                    }
                    made += 1;
                    let due_at = w.due_at.max(r.now);
                    let new = NewFollowUp {
                        follow_up_id,
                        due_at,
                        timezone: r.timezone.name().to_owned(),
                        phrase: String::new(),
                        rule: "meeting".to_owned(),
                        intention: "remind".to_owned(),
                        text: text(&w.occurrence, due_at),
                        cancel_on: CancelOn::Never,
                        action: v1::Action::default(),
                        reason: w.reason,
                        key: w.key,
                        asked_by: String::new(),
                        turn_id: None,
                        language: r.language.to_owned(),
                        context: String::new(),
                        asked_in: None,
                        topic: String::new(),
                        by: "calendar".to_owned(),
                    };
                    events.extend(match w.far {
                        true => self.schedule_however_far(new)?,
                        false => self.schedule(r.now, true, new)?,
                    });
                }
                None => {}
            }
        }
        for (key, f) in standing {
            if events.len() >= AT_ONCE {
                break;
            }
            events.extend(self.cancel(&f.id, self.why_not(key, uid, r), None)?);
        }
        Ok(events)
    }

    fn why_not(&self, key: &str, uid: &str, r: &Reminding<'_>) -> Why {
        let off = ("meeting_cancelled", "the meeting was called off");
        let id = meeting_of(key).unwrap_or(uid);
        let one = self.meetings.get(id).or_else(|| self.meetings.get(uid));
        let (code, text) = match one.and_then(|m| m.starts) {
            None => off,
            Some(starts) if is_too_far(r.now, starts.around()) => {
                ("meeting_moved", "the meeting was moved more than two years ahead")
            }
            Some(_) if id != uid && !self.meetings.contains_key(id) => {
                ("meeting_cancelled", "the meeting doesn't take place then any more")
            }
            Some(_) => ("meeting_moved", "the meeting was moved too near for this reminder"),
        };
        Why::new(code, text, "")
    }

    /// The reminders that a meeting and its exceptions ought to have, nearest meeting first.
    fn wanted(&self, uid: &str, r: &Reminding<'_>) -> Vec<Wanted> {
        let mut coming = self.coming(uid, r);
        coming.sort_by_key(|c| c.occurrence.starts.around());
        coming.iter().flat_map(|c| reminders_of(c, r)).collect()
    }

    /// What is ahead of a meeting: of a series, as far as it is promised.
    fn coming(&self, uid: &str, r: &Reminding<'_>) -> Vec<Coming<'_>> {
        let Some(meeting) = self.meetings.get(uid) else { return Vec::new() };
        let exceptions: BTreeMap<Original, (&String, &Meeting)> = self
            .meetings
            .iter()
            .filter_map(|(id, m)| occurrence_of(id).filter(|(of, _)| *of == uid).map(|(_, o)| (o, (id, m))))
            .collect();
        let own_zone = meeting.zone();
        let series = meeting.series(&own_zone);
        // A day earlier: of what lasts whole days, the day is elsewhere's too; and what was moved may be ahead again.
        let from = own_zone.local(r.now).checked_sub_days(Days::new(1)).unwrap_or_default();
        // What is further ahead isn't reminded of.
        let furthest = from.checked_add_signed(FURTHEST).unwrap_or(from).date();
        let listed = series.as_ref().map(|series| series.those_of(exceptions.keys().copied(), furthest));
        let mut coming = Vec::new();
        for (original, (id, exception)) in &exceptions {
            // The series has been called off since, or no longer has this occurrence.
            let overtaken = match &listed {
                None => meeting.sequence >= exception.sequence,
                Some(listed) => meeting.sequence > exception.sequence && !listed.contains(original),
            };
            if let Some(starts) = exception.starts.filter(|_| !overtaken) {
                let title = if exception.title.is_empty() { &meeting.title } else { &exception.title };
                coming.push(Coming {
                    id: (*id).clone(),
                    word: exception,
                    occurrence: occurrence(title, starts, exception),
                    told_at: exception.told_at,
                    far: false,
                });
            }
        }
        let (Some(series), Some(starts)) = (series, meeting.starts) else { return coming };
        let mut promised = 0;
        let beyond = from.checked_add_signed(FURTHEST_NEXT).unwrap_or(from).date();
        let behind = furthest.succ_opt().unwrap_or(furthest).and_time(NaiveTime::MIN);
        let near = series.between(from, furthest).take(MOST_SEEN).map(|original| (original, false));
        let yearly = series.rule.as_ref().is_some_and(Rule::is_yearly);
        let far = yearly.then(|| series.between(behind, beyond).take(1)).into_iter().flatten();
        for (original, far) in near.chain(far.map(|original| (original, true))) {
            if exceptions.keys().any(|o| series.same(original, *o)) {
                continue;
            }
            // The last word that was said of "this one and all behind it".
            let onwards = exceptions.iter().rev().find(|(o, (_, m))| m.onwards && **o < original);
            let (word, starts, title) = match onwards {
                None => (meeting, starts.of(original), &meeting.title),
                Some((from, (_, m))) => {
                    let Some(shifted) = m.starts.and_then(|there| shifted(*from, there, original, &own_zone)) else {
                        continue;
                    };
                    (*m, shifted, if m.title.is_empty() { &meeting.title } else { &m.title })
                }
            };
            let at = starts.around();
            if promised >= MOST_AHEAD || (promised > 0 && at > r.now + HORIZON) {
                break;
            }
            let id = if meeting.is_series() { format!("{uid}/{original}") } else { uid.to_owned() };
            if starts.is_ahead(r.now, r.timezone) {
                let occurrence = occurrence(title, starts, word);
                let one = Coming { id, word, occurrence, told_at: word.told_at, far };
                // One whose last reminder is used up has nothing more that would bring the next.
                if reminders_of(&one, r).iter().any(|reminder| reminder.due_at > r.now) {
                    promised += 1;
                }
                coming.push(one);
            }
        }
        coming
    }
}

impl Starts {
    /// The same of another occurrence.
    fn of(self, original: Original) -> Self {
        match (self, original) {
            (_, Original::At(at)) => Self::At(at),
            (Self::On { days, .. }, Original::On(day)) => Self::On { day, days },
            (Self::At(_), Original::On(day)) => Self::On { day, days: 1 },
        }
    }

    /// Whether it is still to come, or is today, for somebody in that zone.
    fn is_ahead(self, now: DateTime<Utc>, zone: Tz) -> bool {
        match self {
            Self::At(at) => at > now,
            Self::On { day, .. } => day >= now.with_timezone(&zone).date_naive(),
        }
    }
}

fn occurrence(title: &str, starts: Starts, word: &Meeting) -> Occurrence {
    let offset = match starts {
        Starts::At(at) if word.timezone != "UTC" || !word.offsets.is_empty() => Some(word.zone().offset(at)),
        _ => None,
    };
    Occurrence { title: title.to_owned(), starts, offset }
}

/// Where an occurrence goes when an earlier one, and all behind it, were moved.
fn shifted(from: Original, there: Starts, original: Original, zone: &Zone) -> Option<Starts> {
    match (from, there, original) {
        (Original::At(from), Starts::At(there), Original::At(at)) => {
            // By the clock: an hour later stays an hour later behind a change of the clocks.
            let by = zone.local(there) - zone.local(from);
            Some(Starts::At(zone.utc(zone.local(at).checked_add_signed(by)?)))
        }
        (Original::On(from), Starts::On { day, days }, Original::On(at)) => {
            Some(Starts::On { day: at.checked_add_signed(day - from)?, days })
        }
        (_, there, original) => Some(there.of(original)),
    }
}

fn reminders_of(coming: &Coming<'_>, r: &Reminding<'_>) -> Vec<Wanted> {
    let unread = !coming.word.rule.is_empty() && Rule::parse(&coming.word.rule).is_none();
    let alone =
        if unread { "; its rule isn't one that is reminded of again, so this is all of its series" } else { "" };
    let wanted = |name: String, due_at, reason: String, late| Wanted {
        key: format!("meeting:{}:{name}", coming.id),
        due_at,
        sequence: coming.word.sequence,
        occurrence: coming.occurrence.clone(),
        reason: reason + alone,
        late,
        far: coming.far,
    };
    if r.hours.is_empty() || (!coming.far && is_too_far(r.now, coming.occurrence.starts.around())) {
        return Vec::new();
    }
    let start = match coming.occurrence.starts {
        Starts::At(at) => at,
        Starts::On { day, .. } => {
            let hour = |day: NaiveDate| day.and_hms_opt(r.day_hour, 0, 0).map(|at| Zone::Iana(r.timezone).utc(at));
            let (before, same) = (hour(day_before(day)), hour(day));
            // Said after that hour: on the day itself.
            let due = before.filter(|at| *at > coming.told_at).or(same.filter(|at| *at > coming.told_at));
            let reason = "a meeting lasts all of the next day".to_owned();
            return due.map(|due| wanted("day".to_owned(), due, reason, false)).into_iter().collect();
        }
    };
    if start <= r.now {
        return Vec::new();
    }
    let before = |length: TimeDelta| start.checked_sub_signed(length).filter(|due| *due > coming.told_at);
    let mut hours = r.hours.to_vec();
    hours.sort_unstable();
    hours.dedup();
    let fitting = hours.into_iter().rev().filter_map(|h| Some((h, before(TimeDelta::hours(i64::from(h)))?)));
    let mut reminders: Vec<Wanted> =
        fitting.map(|(h, due)| wanted(h.to_string(), due, format!("a meeting begins {h} h later"), false)).collect();
    if reminders.is_empty() {
        let due = NEAR.iter().find_map(|minutes| before(TimeDelta::minutes(*minutes))).unwrap_or(coming.told_at);
        reminders.push(wanted("near".to_owned(), due, "a meeting begins soon".to_owned(), false));
    }
    // What was to be said before the start and couldn't be promised in time is said once.
    if let Some(last) = reminders.last_mut() {
        last.late = r.news;
    }
    reminders
}

/// Whether a reminder is one of this meeting's, or of one of its occurrences.
fn belongs(key: &str, uid: &str) -> bool {
    meeting_of(key).is_some_and(|id| id == uid || occurrence_of(id).is_some_and(|(of, _)| of == uid))
}
