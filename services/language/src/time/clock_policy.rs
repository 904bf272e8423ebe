//! Which hour a clock and a part of day mean together: "5" is 17:00, "5 in the morning" is 05:00, "evening" is the hour set for it.

use chrono::{NaiveTime, Timelike};

use super::{
    Grain, TimeContext,
    phrase::{Clock, Meridiem, Part, Phrase},
    resolve::{END_OF_DAY_HOUR, Unclear},
};

/// "First thing", "a primera hora".
const FIRST_HOUR: u32 = 9;
/// "At lunch", "в обед".
const LUNCH_HOUR: u32 = 13;

/// A time of day that a phrase says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimeOfDay {
    pub time: NaiveTime,
    pub grain: Grain,
    /// Days after the day named: "12 at night" on Friday begins Saturday.
    pub carry: u64,
    /// After midnight, so "tonight at 2" is tomorrow's.
    pub small_hours: bool,
    /// The half of the day was said, not guessed.
    pub decided: bool,
}

/// The time of day of `phrase`; `None` when it names none.
pub fn time_of_day(
    phrase: &Phrase,
    clock: Option<&Clock>,
    context: &TimeContext,
) -> Result<Option<TimeOfDay>, Unclear> {
    if let Some(clock) = clock {
        return clock_time(clock, phrase.part);
    }
    let at = |hour: u32, grain| {
        NaiveTime::from_hms_opt(hour.min(23), 0, 0).map(|time| TimeOfDay {
            time,
            grain,
            carry: 0,
            small_hours: false,
            decided: true,
        })
    };
    if phrase.end_of_day {
        return Ok(at(END_OF_DAY_HOUR, Grain::Hour));
    }
    let hours = &context.parts_of_day;
    let hour = match phrase.part {
        None => return Ok(None),
        Some(Part::Dawn) => return Err(Unclear { rule: "loose_time", readings: Vec::new() }),
        Some(Part::Morning) => hours.morning,
        Some(Part::FirstThing) => FIRST_HOUR,
        Some(Part::Noon) => hours.noon,
        Some(Part::Lunch) => LUNCH_HOUR,
        Some(Part::Afternoon) => hours.afternoon,
        Some(Part::Evening | Part::EveningOrNight) => hours.evening,
        Some(Part::Night) => hours.night,
    };
    Ok(at(hour, Grain::PartOfDay))
}

/// The time of day that a clock and a part of day mean together.
pub fn clock_time(clock: &Clock, part: Option<Part>) -> Result<Option<TimeOfDay>, Unclear> {
    let written = clock.hour;
    let decided = clock.meridiem.is_some() || part.is_some() || clock.as_written || !(1..=12).contains(&written);
    let (hour, carry) = match (clock.meridiem, part) {
        (Some(Meridiem::Am), _) => (written % 12, 0),
        (Some(Meridiem::Pm), _) => (if written < 12 { written + 12 } else { written }, 0),
        (None, Some(part)) if (1..=12).contains(&written) => match in_part(written, part) {
            Some(found) => found,
            None => return Err(Unclear { rule: "hour_and_part_disagree", readings: Vec::new() }),
        },
        (None, _) if clock.as_written => (written, 0),
        (None, _) if (1..=7).contains(&written) => (written + 12, 0),
        (None, _) => (written, 0),
    };
    let grain = match (clock.minute, clock.second) {
        (_, Some(_)) => Grain::Second,
        (Some(_), None) => Grain::Minute,
        (None, None) => Grain::Hour,
    };
    let time = NaiveTime::from_hms_opt(hour, clock.minute.unwrap_or(0), clock.second.unwrap_or(0));
    Ok(time.map(|time| TimeOfDay {
        time,
        grain,
        carry,
        small_hours: time.hour() < 5 && matches!(part, Some(Part::Night | Part::EveningOrNight)) && carry == 0,
        decided,
    }))
}

/// The hour from 0 to 23 that `hour` of a twelve-hour face means in `part`, and the days it carries over.
fn in_part(hour: u32, part: Part) -> Option<(u32, u64)> {
    let afternoon = if hour < 12 { hour + 12 } else { 12 };
    Some(match part {
        Part::Dawn => (hour % 12, 0),
        // noon in Spain, midnight in English, nothing in Russian
        Part::Morning | Part::FirstThing if hour == 12 => return None,
        Part::Morning | Part::FirstThing => (hour, 0),
        Part::Noon | Part::Lunch | Part::Afternoon if hour >= 9 => (hour, 0),
        Part::Noon | Part::Lunch | Part::Afternoon => (afternoon, 0),
        Part::Evening | Part::EveningOrNight | Part::Night if hour == 12 => (0, 1),
        Part::Evening => (afternoon, 0),
        Part::EveningOrNight | Part::Night if hour <= 4 => (hour, 0),
        Part::EveningOrNight | Part::Night => (afternoon, 0),
    })
}
