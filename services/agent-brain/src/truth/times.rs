//! Whether a time said is the time decided: what is said of it must be so, what isn't said may be anything.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike, Utc};
use steward_language::time::{Grain, Moment, Said, Wall};

use super::Backing;

/// "In an hour" is said some time after it was decided.
const SAID_LATER: TimeDelta = TimeDelta::seconds(90);

/// Whether `said` is true of `when`.
pub(super) fn fits(said: &Said, when: DateTime<Utc>, backing: &Backing) -> bool {
    // Too loose to be true or false: "later", "soon".
    !said.contradicts
        && (said.readings.is_empty() || said.readings.iter().any(|moment| fits_one(said, moment, when, backing)))
}

fn fits_one(said: &Said, moment: &Moment, when: DateTime<Utc>, backing: &Backing) -> bool {
    let wall = moment.elsewhere.unwrap_or(Wall::Zone(backing.zone));
    let (due, told) = (wall.local(when), wall.local(moment.at));
    if said.by {
        let end = if said.clock { told } else { told.date().and_hms_opt(23, 59, 59).unwrap_or(told) };
        return due <= end && when + SAID_LATER >= backing.now;
    }
    if said.clock {
        let counted = moment.rule == "in_duration";
        let near = (when - moment.at).abs() <= SAID_LATER;
        // The day is said or it isn't; then the hour alone is what is said.
        let clock = minute(due) == minute(told);
        return counted && near || clock && (!said.day && moment.elsewhere.is_none() || due.date() == told.date());
    }
    let day = fits_day(moment, told, due, wall.local(backing.now).date());
    match &said.hours {
        Some(hours) => hours.contains(&due.hour()) && (day || !said.day),
        None => day,
    }
}

fn minute(at: NaiveDateTime) -> (u32, u32) {
    (at.hour(), at.minute())
}

fn fits_day(moment: &Moment, told: NaiveDateTime, due: NaiveDateTime, today: NaiveDate) -> bool {
    let week = |day: NaiveDate| (day.iso_week().year(), day.iso_week().week());
    match moment.grain {
        Grain::Week => week(told.date()) == week(due.date()),
        Grain::Month => (told.year(), told.month()) == (due.year(), due.month()),
        Grain::Year => told.year() == due.year(),
        _ if moment.rule == "week_start" => week(told.date()) == week(due.date()) && due.date() >= today,
        _ => told.date() == due.date(),
    }
}
