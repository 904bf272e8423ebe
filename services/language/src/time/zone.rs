//! From a wall clock to an instant: the first instant after a spring gap, the first of the two in an autumn overlap.

use std::fmt;

use chrono::{DateTime, Duration, FixedOffset, LocalResult, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;

/// The longest gap a zone ever made: a whole day left out (Samoa, December 2011).
const LONGEST_GAP_MINUTES: i64 = 24 * 60 + 1;

/// The clock a phrase is read by: the contact's zone, or an offset the phrase itself names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wall {
    Zone(Tz),
    Offset(FixedOffset),
}

impl fmt::Display for Wall {
    /// `Europe/Moscow`, `UTC+3`, `UTC-03:30`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zone(zone) => f.write_str(zone.name()),
            Self::Offset(offset) => {
                let minutes = offset.local_minus_utc() / 60;
                let (sign, ahead) = (if minutes < 0 { '-' } else { '+' }, minutes.abs());
                match (ahead / 60, ahead % 60) {
                    (0, 0) => f.write_str("UTC"),
                    (hours, 0) => write!(f, "UTC{sign}{hours}"),
                    (hours, minutes) => write!(f, "UTC{sign}{hours:02}:{minutes:02}"),
                }
            }
        }
    }
}

impl Wall {
    /// What the clock shows at `instant`.
    pub fn local(self, instant: DateTime<Utc>) -> NaiveDateTime {
        match self {
            Self::Zone(zone) => instant.with_timezone(&zone).naive_local(),
            Self::Offset(offset) => instant.with_timezone(&offset).naive_local(),
        }
    }

    /// The instant at which the clock shows `local`; `None` only outside the calendar.
    pub fn instant(self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        match self {
            Self::Zone(zone) => in_zone(zone, local),
            Self::Offset(offset) => offset.from_local_datetime(&local).single().map(|t| t.to_utc()),
        }
    }
}

fn in_zone(zone: Tz, local: NaiveDateTime) -> Option<DateTime<Utc>> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(one) => Some(one.to_utc()),
        LocalResult::Ambiguous(first, _) => Some(first.to_utc()),
        LocalResult::None => {
            // transitions fall on whole minutes: the first minute that exists again is the end of the gap
            let minute = local.checked_sub_signed(Duration::seconds(i64::from(chrono::Timelike::second(&local))))?;
            (1..=LONGEST_GAP_MINUTES)
                .find_map(|m| zone.from_local_datetime(&(minute + Duration::minutes(m))).earliest())
                .map(|t| t.to_utc())
        }
    }
}
