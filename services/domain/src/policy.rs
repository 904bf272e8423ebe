//! When something proactive may go out: quiet hours and the cap of a day.

use chrono::{DateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use crate::settings::{Policy, QuietHours};

/// Why and until when a proactive message must wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutOff {
    /// `quiet_hours` or `frequency_cap`.
    pub code: &'static str,
    pub until: DateTime<Utc>,
}

/// Whether policy puts off a proactive message at `now`. `sent` are the times of the proactive messages already sent, oldest first.
pub fn put_off<'a>(
    policy: &Policy,
    zone: Tz,
    now: DateTime<Utc>,
    sent: impl DoubleEndedIterator<Item = &'a DateTime<Utc>>,
) -> Option<PutOff> {
    if let Some(until) = policy.quiet_hours.and_then(|quiet| quiet_until(quiet, zone, now)) {
        return Some(PutOff { code: "quiet_hours", until });
    }
    let cap = policy.daily_cap? as usize;
    let day = TimeDelta::hours(24);
    let recent: Vec<_> = sent.filter(|at| now - **at < day).collect();
    if recent.len() < cap {
        return None;
    }
    // A cap of zero never frees a place: look again in a day.
    let until = recent.len().checked_sub(cap.max(1)).and_then(|i| recent.get(i)).map_or(now + day, |at| **at + day);
    Some(PutOff { code: "frequency_cap", until })
}

/// Whether the day's cap is reached by messages sent or claimed at these times.
pub fn at_cap<'a>(policy: &Policy, now: DateTime<Utc>, times: impl Iterator<Item = &'a DateTime<Utc>>) -> bool {
    let recent = within_the_day(now, times);
    policy.daily_cap.is_some_and(|cap| recent >= cap as usize)
}

/// How many of these times are of the last 24 hours.
pub fn within_the_day<'a>(now: DateTime<Utc>, times: impl Iterator<Item = &'a DateTime<Utc>>) -> usize {
    times.filter(|at| now - **at < TimeDelta::hours(24)).count()
}

/// How many of these times are of the last hour.
pub fn within_the_hour<'a>(now: DateTime<Utc>, times: impl Iterator<Item = &'a DateTime<Utc>>) -> usize {
    times.filter(|at| now - **at < TimeDelta::hours(1)).count()
}

/// The end of the quiet hours that `now` falls into.
fn quiet_until(quiet: QuietHours, zone: Tz, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let local = now.with_timezone(&zone);
    let time = local.time();
    let inside = if quiet.from <= quiet.to {
        (quiet.from..quiet.to).contains(&time)
    } else {
        time >= quiet.from || time < quiet.to
    };
    if !inside {
        return None;
    }
    let day = if time < quiet.to { local.date_naive() } else { local.date_naive().succ_opt()? };
    Some(first_at(zone, day.and_time(quiet.to)))
}

/// The first instant that shows this wall-clock time, or the first after the gap that swallows it.
fn first_at(zone: Tz, wall: chrono::NaiveDateTime) -> DateTime<Utc> {
    let mut wall = wall;
    loop {
        match zone.from_local_datetime(&wall) {
            chrono::LocalResult::Single(at) | chrono::LocalResult::Ambiguous(at, _) => return at.with_timezone(&Utc),
            chrono::LocalResult::None => wall += TimeDelta::minutes(1),
        }
    }
}

/// Reads `22:00-08:00`.
pub fn parse_quiet_hours(text: &str) -> Option<QuietHours> {
    let (from, to) = text.split_once('-')?;
    let time = |s: &str| NaiveTime::parse_from_str(s.trim(), "%H:%M").ok();
    let quiet = QuietHours { from: time(from)?, to: time(to)? };
    (quiet.from != quiet.to).then_some(quiet)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn quiet_hours_end_in_the_contacts_morning() {
        let policy = Policy { quiet_hours: parse_quiet_hours("22:00-08:00"), ..Policy::default() };
        let zone = Tz::Europe__Madrid;
        let none: [DateTime<Utc>; 0] = [];
        let put_off = |now| put_off(&policy, zone, at(now), none.iter());
        assert_eq!(put_off("2026-11-21T22:30:00Z").unwrap().until, at("2026-11-22T07:00:00Z"));
        assert_eq!(put_off("2026-11-21T05:00:00Z").unwrap().until, at("2026-11-21T07:00:00Z"));
        assert_eq!(put_off("2026-11-21T07:00:00Z"), None);
    }

    #[test]
    fn the_cap_frees_a_place_a_day_after_the_oldest() {
        let policy = Policy { daily_cap: Some(2), ..Policy::default() };
        let sent = [at("2026-11-20T01:00:00Z"), at("2026-11-20T13:00:00Z"), at("2026-11-21T09:00:00Z")];
        let result = put_off(&policy, Tz::UTC, at("2026-11-21T10:00:00Z"), sent.iter());
        assert_eq!(result, Some(PutOff { code: "frequency_cap", until: at("2026-11-21T13:00:00Z") }));
        assert_eq!(put_off(&policy, Tz::UTC, at("2026-11-21T13:00:01Z"), sent.iter()), None);
    }
}
