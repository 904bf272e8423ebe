//! Promises by day: a week with its hours, and a month. What is to come, and what was kept.

use std::collections::HashMap;

use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, NaiveTime, TimeZone as _, Timelike as _, Utc, Weekday};
use chrono_tz::Tz;
use steward_http::Problem;

use super::{
    super::{Dashboard, viewer::Viewer},
    Chip, called,
    conversation::Promise,
    promises::{Filters, Zone},
    zone_of,
};
use crate::{
    models::conversations::{
        follow_ups::{FollowUpView, read as follow_ups},
        read,
        view::ConversationView,
    },
    read::{Params, snapshot::Snapshot},
};

/// Most promises that are shown at once.
const MOST: &str = "600";

/// The hours that a week shows one by one; those before them are the night.
const HOURS: std::ops::Range<u32> = 6..24;

/// How many promises a day of a month shows; the others unfold.
const OF_A_DAY: usize = 3;

/// Some days of promises.
pub struct Calendar {
    pub title: String,
    pub days: Vec<Day>,
    pub before: String,
    pub after: String,
    pub is_month: bool,
    /// The names of the hours, of a week.
    pub hours: Vec<String>,
    /// The names of the weekdays, of a month.
    pub weekdays: Vec<(&'static str, &'static str)>,
    pub with_cancelled: bool,
    /// Leads to the same with what was cancelled, or without.
    pub turned: String,
}

pub struct Day {
    pub name: String,
    /// 2026-11-28.
    pub date: String,
    pub today: bool,
    /// Of the month that is shown.
    pub within: bool,
    pub week: String,
    pub slots: Vec<Slot>,
    pub entries: Vec<Entry>,
    /// What has no room, of a month's day.
    pub more: Vec<Entry>,
}

/// An hour of a day; without one the night.
pub struct Slot {
    pub hour: Option<u32>,
    pub entries: Vec<Entry>,
}

pub struct Entry {
    pub id: String,
    pub time: String,
    pub exact: String,
    pub who: String,
    pub title: String,
    pub chip: Chip,
    pub path: String,
    pub conversation: String,
    /// The zone that it stands in.
    pub zone: &'static str,
    /// It may be moved.
    pub pending: bool,
}

/// Which days are shown.
#[derive(Clone)]
pub struct Wanted {
    pub day: NaiveDate,
    pub is_month: bool,
    pub zone: Zone,
    pub cancelled: bool,
    pub filters: Filters,
}

impl Wanted {
    fn path(&self, day: NaiveDate, cancelled: bool) -> String {
        let view = if self.is_month { "month" } else { "week" };
        let zone = if self.zone == Zone::Theirs { "&zone=client" } else { "" };
        let cancelled = if cancelled { "&cancelled=1" } else { "" };
        format!("/promises?view={view}&day={day}{zone}{cancelled}{}", self.filters.query())
    }

    /// The first day shown, and how many are.
    fn span(&self) -> (NaiveDate, u64) {
        let first = if self.is_month { self.day.with_day(1).unwrap_or(self.day) } else { self.day };
        let monday = first - Days::new(u64::from(first.weekday().num_days_from_monday()));
        (monday, if self.is_month { 42 } else { 7 })
    }
}

impl Calendar {
    /// # Errors
    /// 503 when Postgres doesn't answer.
    pub async fn of(
        viewer: &Viewer,
        dashboard: &Dashboard,
        snapshot: &Snapshot<'_>,
        wanted: &Wanted,
    ) -> Result<Self, Problem> {
        let (first, count) = wanted.span();
        let mut days = days(viewer, wanted);
        let (found, people) = read_all(viewer, snapshot, wanted).await?;
        for f in &found {
            let Some(c) = people.get(&f.conversation_id) else { continue };
            let theirs = zone_of(c, dashboard);
            let zone = if wanted.zone == Zone::Theirs { theirs } else { viewer.zone };
            let local = f.due_at.0.with_timezone(&zone);
            let place = (local.date_naive() - first).num_days();
            let Some(day) = usize::try_from(place).ok().and_then(|place| days.get_mut(place)) else { continue };
            let who = called(c, viewer);
            let p = Promise::of(f, None, c, (viewer, theirs, &who), &found);
            let entry = Entry {
                id: f.id.clone(),
                time: viewer.clock().at(zone).hour(f.due_at.0),
                exact: p.due_at,
                title: p.title,
                chip: p.chip,
                path: format!("/inbox/{}?tab=all&why={}#why", c.id, p.why),
                conversation: c.id.clone(),
                zone: zone.name(),
                pending: p.pending,
                who,
            };
            match day.slots.iter_mut().find(|slot| {
                slot.hour.is_none_or(|hour| hour == local.hour()) && (slot.hour.is_some() || local.hour() < HOURS.start)
            }) {
                Some(slot) => slot.entries.push(entry),
                None if day.entries.len() < OF_A_DAY => day.entries.push(entry),
                None => day.more.push(entry),
            }
        }
        let words = viewer.words;
        let (before, after) = match wanted.is_month {
            true => (wanted.day - Months::new(1), wanted.day + Months::new(1)),
            false => (wanted.day - Days::new(7), wanted.day + Days::new(7)),
        };
        let weekday = |n| {
            let day = Weekday::try_from(n).unwrap_or(Weekday::Mon);
            (words.weekday(day), words.short_weekday(day))
        };
        let last = first + Days::new(count - 1);
        Ok(Self {
            title: match wanted.is_month {
                true => words.month_of(wanted.day),
                false => format!("{} – {}", words.date(first, false), words.date(last, true)),
            },
            days,
            before: wanted.path(before, wanted.cancelled),
            after: wanted.path(after, wanted.cancelled),
            hours: if wanted.is_month {
                Vec::new()
            } else {
                HOURS.map(|hour| viewer.clock().whole_hour(hour)).collect()
            },
            weekdays: if wanted.is_month { (0..7).map(weekday).collect() } else { Vec::new() },
            is_month: wanted.is_month,
            with_cancelled: wanted.cancelled,
            turned: wanted.path(wanted.day, !wanted.cancelled),
        })
    }
}

fn days(viewer: &Viewer, wanted: &Wanted) -> Vec<Day> {
    let today = viewer.now.with_timezone(&viewer.zone).date_naive();
    let (first, count) = wanted.span();
    let day = |n| {
        let day = first + Days::new(n);
        let hours = std::iter::once(None).chain(HOURS.map(Some));
        let slots = hours.map(|hour| Slot { hour, entries: Vec::new() });
        Day {
            name: if wanted.is_month { day.day().to_string() } else { viewer.words.date(day, false) },
            date: day.to_string(),
            today: day == today,
            within: !wanted.is_month || day.month() == wanted.day.month(),
            week: Wanted { is_month: false, ..wanted.clone() }.path(day, wanted.cancelled),
            slots: if wanted.is_month { Vec::new() } else { slots.collect() },
            entries: Vec::new(),
            more: Vec::new(),
        }
    };
    (0..count).map(day).collect()
}

/// The promises of these days, those due first first, and the conversations that they are of.
async fn read_all(
    viewer: &Viewer,
    snapshot: &Snapshot<'_>,
    wanted: &Wanted,
) -> Result<(Vec<FollowUpView>, HashMap<String, ConversationView>), Problem> {
    let (first, count) = wanted.span();
    // In other zones a day begins and ends up to a day apart.
    let apart = Days::new(u64::from(wanted.zone == Zone::Theirs));
    let from = begins(first - apart, viewer.zone);
    let until = begins(first + Days::new(count) + apart, viewer.zone);
    let states = if wanted.cancelled { ",cancelled" } else { "" };
    let states = match wanted.filters.state() {
        Some(state) => state.to_owned(),
        None => format!("pending,sent,done,failed,unknown,expired{states}"),
    };
    let mut asked = vec![
        ("limit", MOST.to_owned()),
        ("current", "true".to_owned()),
        ("state", states),
        ("due_after", from.to_rfc3339()),
        ("due_before", until.to_rfc3339()),
    ];
    asked.extend(wanted.filters.asked());
    let (page, own) = follow_ups::page(snapshot, &viewer.caller, Params::of(asked)).await?;
    let people = read::views(snapshot, &viewer.caller, own.into_values().collect()).await?;
    let mut found: Vec<FollowUpView> = page.into_parts().0.into_iter().map(|row| FollowUpView::of(row, None)).collect();
    found.sort_by_key(|f| f.due_at.0);
    Ok((found, people.into_iter().map(|c| (c.id.clone(), c)).collect()))
}

fn begins(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let local = day.and_time(NaiveTime::MIN);
    zone.from_local_datetime(&local).earliest().map_or_else(|| local.and_utc(), |at| at.to_utc())
}

/// When a promise is due that is put on another day, or at another hour of it: what isn't said stays. A time that a clock change
/// skips is the first one after it.
pub fn moved(due_at: DateTime<Utc>, zone: Tz, day: NaiveDate, hour: Option<u32>) -> Option<DateTime<Utc>> {
    let old = due_at.with_timezone(&zone).time();
    let time = match hour {
        Some(hour) => old.with_hour(hour)?,
        None => old,
    };
    let local = day.and_time(time);
    let later = || zone.from_local_datetime(&(local + chrono::TimeDelta::hours(1))).earliest();
    zone.from_local_datetime(&local).earliest().or_else(later).map(|at| at.to_utc())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_move_keeps_what_isnt_said() {
        let zone: Tz = "Europe/Madrid".parse().unwrap();
        let due: DateTime<Utc> = "2026-11-28T08:15:00Z".parse().unwrap();
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        // 9:15 there, on another day; and at another hour, with its minutes.
        assert_eq!(moved(due, zone, day("2026-12-02"), None).unwrap().to_rfc3339(), "2026-12-02T08:15:00+00:00");
        assert_eq!(moved(due, zone, day("2026-11-28"), Some(18)).unwrap().to_rfc3339(), "2026-11-28T17:15:00+00:00");
        // In summer the same hour is another instant.
        assert_eq!(moved(due, zone, day("2027-07-01"), None).unwrap().to_rfc3339(), "2027-07-01T07:15:00+00:00");
        // There is no 2:15 in the night in which clocks go forward.
        let night: DateTime<Utc> = "2026-11-28T01:15:00Z".parse().unwrap();
        assert_eq!(moved(night, zone, day("2027-03-28"), None).unwrap().to_rfc3339(), "2027-03-28T01:15:00+00:00");
        assert_eq!(moved(due, zone, day("2026-12-02"), Some(24)), None);
    }
}
