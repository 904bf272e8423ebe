//! Which zone a calendar's time is in: the IANA's by its name, the calendar's own definition, an offset in a name.

use std::{cell::OnceCell, collections::BTreeMap};

use calcard::{
    common::{PartialDateTime, timezone::Tz as CalendarTz},
    icalendar::{
        ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarEntry, ICalendarParameterName,
        ICalendarProperty, ICalendarValue,
    },
};
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use steward_domain::recurrence::{Original, Rule, Series, Zone};

/// Definitions of zones that are read of one object.
const MOST_ZONES: usize = 20;
/// Changes of the clocks that are kept of a calendar's own zone.
const MOST_CHANGES: usize = 48;
/// Parts of a definition that are read, and changes that one of them may give.
const MOST_PARTS: usize = 32;
const MOST_OF_PART: usize = 512;
/// Changes are worked out once for these years, however many times are read by them.
const YEARS: (i32, i32) = (1969, 2100);
/// Two moments are looked at in each month of so many years, to see whether a definition is what its name says.
const YEARS_COMPARED: i64 = 6;

/// A zone, and what shows that it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub zone: Zone,
    /// For people, if the zone isn't the IANA's: nothing else has its clock.
    pub name: Tz,
}

impl Found {
    fn iana(zone: Tz) -> Self {
        Self { zone: Zone::Iana(zone), name: zone }
    }

    /// An offset from UTC that never changes. Whole hours have an IANA name.
    fn fixed(seconds: i32) -> Self {
        let hours = seconds / 3600;
        let name = if seconds % 3600 == 0 && hours != 0 {
            // POSIX counts westwards: `Etc/GMT-5` is five hours ahead.
            format!("Etc/GMT{}{}", if hours > 0 { '-' } else { '+' }, hours.abs())
        } else {
            "UTC".to_owned()
        };
        match name.parse() {
            Ok(zone) if seconds == 0 || zone != Tz::UTC => Self::iana(zone),
            _ => Self { zone: Zone::Own(vec![(DateTime::<Utc>::UNIX_EPOCH, seconds)]), name: Tz::UTC },
        }
    }
}

/// A zone as the object defines it.
struct Definition<'a> {
    component: &'a ICalendarComponent,
    /// Worked out when the first time is read by it; `None`: it can't be read.
    parts: OnceCell<Option<Vec<Part>>>,
}

/// Standard or daylight time.
struct Part {
    first: NaiveDateTime,
    /// Seconds ahead of UTC before and after it begins.
    from: i32,
    to: i32,
    /// When it begins, in order, and at least once.
    onsets: Vec<DateTime<Utc>>,
}

/// The zones of one object.
pub struct Zones<'a> {
    defined: BTreeMap<&'a str, Definition<'a>>,
    calendar: &'a ICalendar,
    /// Of times that name none.
    floating: Found,
}

impl<'a> Zones<'a> {
    /// `zone` is that of times for which the object has none either.
    pub fn of(calendar: &'a ICalendar, zone: Tz) -> Self {
        let named = |c: &'a ICalendarComponent| {
            let name = c.property(&ICalendarProperty::Tzid)?.values.first()?.as_text()?;
            Some((name.trim(), Definition { component: c, parts: OnceCell::new() }))
        };
        let defined = calendar.timezones().take(MOST_ZONES).filter_map(named).collect();
        let mut zones = Self { defined, calendar, floating: Found::iana(zone) };
        let said = calendar.components.first().and_then(|c| {
            let own = |e: &&ICalendarEntry| matches!(&e.name, ICalendarProperty::Other(n) if n.eq_ignore_ascii_case("X-WR-TIMEZONE"));
            c.entries.iter().find(own)?.values.first()?.as_text()
        });
        let around = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap_or_default().and_time(chrono::NaiveTime::MIN);
        if let Some(found) = said.and_then(|name| zones.named(name, around)) {
            zones.floating = found;
        }
        zones
    }

    /// The zone of an entry's times, around this one.
    pub fn of_entry(&self, entry: &ICalendarEntry, around: NaiveDateTime) -> Found {
        let name = entry.parameter(&ICalendarParameterName::Tzid).and_then(|p| p.as_text());
        name.and_then(|name| self.named(name, around)).unwrap_or_else(|| self.floating.clone())
    }

    /// The moment that a time of an entry names, and its zone.
    pub fn moment(&self, entry: &ICalendarEntry, value: &PartialDateTime) -> Option<(DateTime<Utc>, Found)> {
        let local = local_time(value)?;
        if let Some(offset) = offset_of(value) {
            let at = local.checked_sub_signed(TimeDelta::seconds(i64::from(offset)))?.and_utc();
            return Some((at, Found::fixed(0)));
        }
        let found = self.of_entry(entry, local);
        Some((found.zone.utc(local), found))
    }

    /// `Area/City` is the IANA's, whose rules are newer than any copy of them. Any other name means what the object defines
    /// under it; only without a definition does it mean what it says.
    fn named(&self, name: &str, around: NaiveDateTime) -> Option<Found> {
        let name = name.trim();
        let by_city = |name: &str| name.parse::<Tz>().ok().filter(|zone| zone.name().contains('/'));
        if let Some(zone) = by_city(name) {
            return Some(Found::iana(zone));
        }
        if let Some(definition) = self.defined.get(name)
            && let Some(found) = self.defined_by(definition, name, around)
        {
            return Some(found);
        }
        if let Some(seconds) = offset_in(name) {
            return Some(Found::fixed(seconds));
        }
        match name.parse::<CalendarTz>() {
            Ok(CalendarTz::Tz(zone)) => Some(Found::iana(zone)),
            Ok(CalendarTz::Fixed(offset)) => Some(Found::fixed(offset.local_minus_utc())),
            Ok(CalendarTz::Floating) | Err(()) => None,
        }
    }

    /// A definition by its parts: an IANA zone if one with its name has the same clock, else what it says.
    fn defined_by(&self, definition: &Definition<'_>, name: &str, around: NaiveDateTime) -> Option<Found> {
        let parts = definition.parts.get_or_init(|| self.parts(definition.component)).as_ref()?;
        let changes = changes(parts, around)?;
        let own = Zone::Own(changes.clone());
        let meant = definition.component.timezone().map(|(_, zone)| zone).or_else(|| name.parse().ok());
        if let Some(CalendarTz::Tz(zone)) = meant
            && same_clock(&own, &Zone::Iana(zone), around)
        {
            return Some(Found::iana(zone));
        }
        let (_, first) = *changes.first()?;
        if changes.iter().all(|(_, seconds)| *seconds == first) {
            return Some(Found::fixed(first));
        }
        Some(Found { zone: own, name: Tz::UTC })
    }

    /// The parts of a definition.
    fn parts(&self, definition: &ICalendarComponent) -> Option<Vec<Part>> {
        let components = definition.component_ids.iter().filter_map(|id| self.calendar.components.get(*id as usize));
        let said = components.filter(|part| {
            matches!(part.component_type, ICalendarComponentType::Standard | ICalendarComponentType::Daylight)
        });
        said.take(MOST_PARTS).map(Part::of).collect()
    }
}

impl Part {
    fn of(part: &ICalendarComponent) -> Option<Self> {
        let value = |name| part.property(&name).and_then(date_time);
        let first = value(ICalendarProperty::Dtstart).and_then(local_time)?;
        let from = value(ICalendarProperty::Tzoffsetfrom).and_then(offset_of)?;
        let to = value(ICalendarProperty::Tzoffsetto).and_then(offset_of)?;
        let zone = Zone::Own(vec![(DateTime::<Utc>::UNIX_EPOCH, from)]);
        let rule = part.property(&ICalendarProperty::Rrule).and_then(rule_of).and_then(|rule| Rule::parse(&rule));
        let added: Vec<Original> = part
            .properties(&ICalendarProperty::Rdate)
            .flat_map(|e| e.values.iter())
            .take(MOST_OF_PART)
            .filter_map(|v| local_time(date_time_of(v)?))
            .map(|local| Original::At(zone.utc(local)))
            .collect();
        let begins = zone.utc(first);
        let series = Series { zone: &zone, first: Original::At(begins), rule, excluded: &[], added: &added };
        let year = |year| NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default();
        let there = series.between(year(YEARS.0).and_time(chrono::NaiveTime::MIN), year(YEARS.1));
        let there = there.take(MOST_OF_PART).filter_map(|o| if let Original::At(at) = o { Some(at) } else { None });
        // One that began before those years has begun.
        let mut onsets: Vec<DateTime<Utc>> = std::iter::once(begins).chain(there).collect();
        onsets.sort_unstable();
        onsets.dedup();
        Some(Self { first, from, to, onsets })
    }
}

/// From when on clocks show how much more than UTC, beginning shortly before `around`.
fn changes(parts: &[Part], around: NaiveDateTime) -> Option<Vec<(DateTime<Utc>, i32)>> {
    let begin = around.checked_sub_signed(TimeDelta::days(2 * 366))?.and_utc();
    let mut changes = Vec::new();
    for part in parts {
        let next = part.onsets.partition_point(|at| *at < begin);
        // What ended long ago counts too, if nothing came after it.
        let next = next.min(part.onsets.len().saturating_sub(1));
        changes.extend(part.onsets[next..].iter().take(MOST_CHANGES).map(|at| (*at, part.to)));
    }
    changes.sort_unstable();
    changes.dedup_by_key(|(at, _)| *at);
    changes.truncate(MOST_CHANGES);
    let (first, _) = *changes.first()?;
    // A part that has begun by then says all; else clocks showed what they are said to have shown before.
    if first > around.and_utc() {
        let before = parts.iter().min_by_key(|part| part.first)?.from;
        changes.insert(0, (DateTime::<Utc>::UNIX_EPOCH, before));
    }
    Some(changes)
}

fn same_clock(one: &Zone, other: &Zone, around: NaiveDateTime) -> bool {
    let step = |n: i64| around.and_utc().checked_add_signed(TimeDelta::days(15 * n));
    (0..YEARS_COMPARED * 24).filter_map(step).all(|at| one.offset(at) == other.offset(at))
}

/// `UTC+5`, `GMT+0500`, `+05:30`, `(UTC+05:00) Wherever`, as seconds ahead of UTC. An hour more or less than the sign says
/// isn't guessed: `Etc/GMT-5`, which counts the other way, is the IANA's and never comes here.
fn offset_in(name: &str) -> Option<i32> {
    let name = name.strip_prefix('(').map_or(name, |rest| rest.split(')').next().unwrap_or(rest)).trim();
    let upper = name.to_ascii_uppercase();
    let bare = upper.strip_prefix("UTC").or_else(|| upper.strip_prefix("GMT")).unwrap_or(&upper).trim();
    let (sign, digits) = bare
        .strip_prefix('-')
        .or_else(|| bare.strip_prefix('−'))
        .map_or_else(|| bare.strip_prefix('+').map(|digits| (1, digits)), |digits| Some((-1, digits)))?;
    let (hours, minutes) = match digits.split_once(':') {
        Some((hours, minutes)) => (hours, minutes),
        None if digits.len() == 4 && digits.is_ascii() => digits.split_at(2),
        None => (digits, "0"),
    };
    let number = |text: &str, most: i32| -> Option<i32> {
        let plain = !text.is_empty() && text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|n| plain && *n <= most)
    };
    Some(sign * (number(hours, 15)? * 3600 + number(minutes, 59)? * 60))
}

/// The value of an entry that has one time.
pub fn date_time(entry: &ICalendarEntry) -> Option<&PartialDateTime> {
    date_time_of(entry.values.first()?)
}

pub fn date_time_of(value: &ICalendarValue) -> Option<&PartialDateTime> {
    match value {
        ICalendarValue::PartialDateTime(value) => Some(value),
        _ => None,
    }
}

/// A rule as the domain reads it.
pub fn rule_of(entry: &ICalendarEntry) -> Option<String> {
    match entry.values.first()? {
        ICalendarValue::RecurrenceRule(rule) => Some(rule.to_string()),
        _ => None,
    }
}

fn offset_of(value: &PartialDateTime) -> Option<i32> {
    let seconds = i32::from(value.tz_hour?) * 3600 + i32::from(value.tz_minute.unwrap_or(0)) * 60;
    Some(if value.tz_minus { -seconds } else { seconds })
}

pub fn day_of(value: &PartialDateTime) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(i32::from(value.year?), u32::from(value.month?), u32::from(value.day?))
}

/// A day alone begins at midnight.
pub fn local_time(value: &PartialDateTime) -> Option<NaiveDateTime> {
    let part = |n: Option<u8>| u32::from(n.unwrap_or(0));
    // A leap second is the next minute's first.
    day_of(value)?.and_hms_opt(part(value.hour), part(value.minute), part(value.second).min(59))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_in_a_name_counts_as_it_says() {
        for (name, minutes) in [
            ("UTC+5", Some(300)),
            ("GMT+0500", Some(300)),
            ("GMT -3", Some(-180)),
            ("+05:30", Some(330)),
            ("(UTC+05:00) Ashgabat, Tashkent", Some(300)),
            ("(GMT-03:30) Newfoundland", Some(-210)),
            ("UTC", None),
            ("GMT+99", None),
            ("UTC+5x", None),
            ("Moscow+1", None),
            ("+", None),
            ("", None),
        ] {
            assert_eq!(offset_in(name), minutes.map(|m: i32| m * 60), "{name}");
        }
    }
}
