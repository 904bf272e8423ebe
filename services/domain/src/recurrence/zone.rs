//! Zones as calendars have them: the IANA's, or one that the calendar defines itself.

use chrono::{DateTime, NaiveDateTime, Offset as _, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

/// Turns local times into moments and back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Zone {
    Iana(Tz),
    /// From each moment on, so many seconds more than UTC; sorted, and never empty. Before the first it is the first's.
    Own(Vec<(DateTime<Utc>, i32)>),
}

impl Zone {
    /// What clocks show then.
    pub fn local(&self, at: DateTime<Utc>) -> NaiveDateTime {
        at.naive_utc().checked_add_signed(self.offset(at)).unwrap_or(at.naive_utc())
    }

    /// How much more than UTC clocks show then.
    pub fn offset(&self, at: DateTime<Utc>) -> TimeDelta {
        let seconds = match self {
            Self::Iana(zone) => zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc(),
            Self::Own(offsets) => {
                let next = offsets.partition_point(|(from, _)| *from <= at);
                offsets.get(next.saturating_sub(1)).map_or(0, |(_, seconds)| *seconds)
            }
        };
        TimeDelta::seconds(i64::from(seconds))
    }

    /// When clocks show this: of two such moments the first. What they skip is counted from before the skip (RFC 5545 §3.3.5).
    pub fn utc(&self, local: NaiveDateTime) -> DateTime<Utc> {
        // No zone is further than two days from UTC, and none changes twice in so short a time.
        let near = |days| local.and_utc().checked_add_signed(TimeDelta::days(days)).unwrap_or(local.and_utc());
        let (before, after) = (self.offset(near(-2)), self.offset(near(2)));
        let with = |offset| local.checked_sub_signed(offset).unwrap_or(local).and_utc();
        let shows = |at: &DateTime<Utc>| self.local(*at) == local;
        let found = [with(before.max(after)), with(before.min(after))].into_iter().find(shows);
        found.unwrap_or_else(|| with(before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn skipped_and_doubled_times_are_read_by_the_rule() {
        let own = Zone::Own(vec![(at("2026-10-25T01:00:00Z"), 3600), (at("2027-03-28T01:00:00Z"), 7200)]);
        for zone in [Zone::Iana(Tz::Europe__Berlin), own] {
            for (local, utc) in [
                ("2026-12-01T12:00:00", "2026-12-01T11:00:00Z"),
                ("2027-03-28T02:30:00", "2027-03-28T01:30:00Z"),
                ("2027-03-28T03:00:00", "2027-03-28T01:00:00Z"),
                ("2027-06-01T12:00:00", "2027-06-01T10:00:00Z"),
            ] {
                assert_eq!(zone.utc(local.parse().unwrap()), at(utc), "{zone:?} {local}");
            }
        }
        let berlin = Zone::Iana(Tz::Europe__Berlin);
        assert_eq!(berlin.utc("2026-10-25T02:30:00".parse().unwrap()), at("2026-10-25T00:30:00Z"));
    }
}
