//! Meetings that a calendar tells of: what is known of each. Which reminders follow from it is decided in [`reminding`].

pub mod reminding;

use std::str::FromStr as _;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use steward_proto::{from_timestamp, v1};

pub use self::reminding::{Occurrence, Reminding, meeting_of};
use super::Conversation;
use crate::recurrence::{Original, Rule, Series, Zone};

/// How many meetings a conversation remembers, each exception of a series among them: those that are over first are
/// forgotten first.
const KEPT: usize = 64;
/// Characters of a meeting's title that are kept.
const LONGEST_TITLE: usize = 500;
/// Exceptions of one kind that are kept of a series, nearest first.
const EXCEPTIONS_KEPT: usize = 256;
/// Changes of a calendar's own zone that are kept.
const OFFSETS_KEPT: usize = 64;

/// When a meeting begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Starts {
    At(DateTime<Utc>),
    /// It lasts so many whole days, wherever one is.
    On {
        day: NaiveDate,
        days: u32,
    },
}

/// A meeting by its calendar's latest word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meeting {
    /// The calendar's own count of changes (RFC 5545, SEQUENCE): an older one that arrives late changes nothing.
    pub sequence: u32,
    /// `None`: it is called off.
    pub starts: Option<Starts>,
    /// IANA; empty: the calendar gave none.
    pub timezone: String,
    pub title: String,
    /// When it was first said to begin then: what lay behind already isn't reminded of.
    pub told_at: DateTime<Utc>,
    /// RRULE; empty: it happens once.
    rule: String,
    excluded: Vec<Original>,
    added: Vec<Original>,
    /// The calendar's own zone, if no other has its clock.
    offsets: Vec<(DateTime<Utc>, i32)>,
    /// Of one occurrence: it holds for all behind it too.
    onwards: bool,
}

impl Meeting {
    fn of(m: &v1::Meeting, at: DateTime<Utc>) -> Self {
        let day = NaiveDate::from_str(&m.day).ok().filter(|_| m.days > 0);
        let starts = match day {
            Some(day) => Some(Starts::On { day, days: m.days }),
            None => from_timestamp(m.starts_at.as_ref()).map(Starts::At),
        };
        let of_zone = |o: &v1::ZoneOffset| Some((from_timestamp(o.from.as_ref())?, o.seconds));
        Self {
            sequence: m.sequence,
            starts,
            timezone: m.timezone.clone(),
            title: m.title.chars().take(LONGEST_TITLE).collect(),
            told_at: at,
            rule: m.rule.clone(),
            excluded: ahead(&m.excluded, at),
            added: ahead(&m.added, at),
            offsets: m.offsets.iter().take(OFFSETS_KEPT).filter_map(of_zone).collect(),
            onwards: m.onwards,
        }
    }

    /// Its zone; of a time that names none, UTC.
    fn zone(&self) -> Zone {
        if self.offsets.is_empty() {
            Zone::Iana(self.timezone.parse().unwrap_or(Tz::UTC))
        } else {
            Zone::Own(self.offsets.clone())
        }
    }

    fn is_series(&self) -> bool {
        !self.rule.is_empty() || !self.added.is_empty()
    }

    /// All of its occurrences, if it isn't called off. `zone` is its own.
    fn series<'a>(&'a self, zone: &'a Zone) -> Option<Series<'a>> {
        let first = match self.starts? {
            Starts::At(at) => Original::At(at),
            Starts::On { day, .. } => Original::On(day),
        };
        Some(Series { zone, first, rule: Rule::parse(&self.rule), excluded: &self.excluded, added: &self.added })
    }

    /// After that it may be forgotten: of a series, never before a single one that is ahead.
    fn over_at(&self, id: &str, now: DateTime<Utc>) -> DateTime<Utc> {
        let begins = match self.starts {
            Some(starts) => starts.around(),
            // A cancelled occurrence must be known as long as its series would bring it.
            None => occurrence_of(id).map_or(DateTime::<Utc>::MIN_UTC, |(_, original)| match original {
                Original::At(at) => at,
                Original::On(day) => Starts::On { day, days: 1 }.around(),
            }),
        };
        if self.is_series() && self.starts.is_some() { begins.max(now) } else { begins }
    }
}

impl Starts {
    /// The moment, or where the day begins in UTC.
    fn around(self) -> DateTime<Utc> {
        match self {
            Self::At(at) => at,
            Self::On { day, .. } => day.and_time(chrono::NaiveTime::MIN).and_utc(),
        }
    }
}

/// The exceptions that may still matter.
fn ahead(named: &[String], now: DateTime<Utc>) -> Vec<Original> {
    let mut named: Vec<Original> = named.iter().filter_map(|text| text.parse().ok()).collect();
    named.retain(|original| match original {
        Original::At(at) => *at > now - TimeDelta::days(2),
        Original::On(day) => *day > (now - TimeDelta::days(2)).date_naive(),
    });
    named.sort_unstable();
    named.dedup();
    named.truncate(EXCEPTIONS_KEPT);
    named
}

/// The series and the occurrence that a meeting's id names, if it is that of one of many: `uid/20261210T150000Z`.
fn occurrence_of(meeting_id: &str) -> Option<(&str, Original)> {
    let (uid, original) = meeting_id.rsplit_once('/')?;
    Some((uid, original.parse().ok()?))
}

impl Conversation {
    pub(super) fn meeting_set(&mut self, meeting: Option<&v1::Meeting>, at: DateTime<Utc>) {
        let Some(m) = meeting else { return };
        self.take_news(&m.meeting_id, Meeting::of(m, at), at);
    }

    pub(super) fn meeting_called_off(&mut self, e: &v1::MeetingCancelled, at: DateTime<Utc>) {
        let old = self.meetings.get(&e.meeting_id);
        let (timezone, title) = old.map(|m| (m.timezone.clone(), m.title.clone())).unwrap_or_default();
        let none = v1::Meeting { sequence: e.sequence, timezone, title, onwards: e.onwards, ..v1::Meeting::default() };
        self.take_news(&e.meeting_id, Meeting::of(&none, at), at);
    }

    fn take_news(&mut self, meeting_id: &str, mut news: Meeting, at: DateTime<Utc>) {
        if let Some(known) = self.meetings.get(meeting_id) {
            if known.sequence > news.sequence {
                return;
            }
            if known.starts == news.starts {
                news.told_at = known.told_at;
            }
        }
        self.meetings.insert(meeting_id.to_owned(), news);
        if self.meetings.len() > KEPT {
            let first = self.meetings.iter().min_by_key(|(id, m)| m.over_at(id, at)).map(|(id, _)| id.clone());
            self.meetings.remove(&first.unwrap_or_default());
        }
    }
}
