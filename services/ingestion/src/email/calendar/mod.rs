//! Meetings in a mail: iCalendar objects that invite, move or call off (RFC 5545, 5546, 6047).

#[cfg(test)]
mod table;
mod zones;

use std::borrow::Cow;

use calcard::{
    Entry, Parser,
    common::PartialDateTime,
    icalendar::{
        ICalendarComponent, ICalendarEntry, ICalendarMethod, ICalendarParameterName, ICalendarPeriod,
        ICalendarProperty, ICalendarStatus, ICalendarValue, Uri,
    },
};
use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;
use steward_domain::recurrence::{Original, Zone};

use self::zones::{Found, Zones, date_time, date_time_of, day_of, rule_of};
use super::message::{LONGEST_ADDRESS, one_line};
use crate::{
    arrival::{Meeting, MeetingNews},
    outside::{self, OutsideId, OutsideName},
};

/// Meetings of one mail: a series and its exceptions.
const MOST: usize = 20;

/// Attendees that are named.
const MOST_ATTENDEES: usize = 200;

/// Occurrences that a series names beside its rule, of each kind: those that come last, of so many that are looked at.
const MOST_NAMED: usize = 500;
const MOST_LOOKED_AT: usize = 4_000;

/// A meeting that ends later than this after its beginning has no end that is believed.
const LONGEST: TimeDelta = TimeDelta::days(366);

/// What the calendar objects of a mail do to meetings. `zone` is that of times which name none.
pub fn news(calendars: &[String], zone: Tz) -> Vec<MeetingNews> {
    let mut news: Vec<MeetingNews> = Vec::new();
    for text in calendars {
        if news.len() == MOST {
            break;
        }
        // Most invitations carry the same object twice: to be shown, and as a file.
        for found in of_object(text, zone) {
            if news.len() < MOST && !news.contains(&found) {
                news.push(found);
            }
        }
    }
    news
}

fn of_object(text: &str, zone: Tz) -> Vec<MeetingNews> {
    let text = quoted_zones(text);
    let Entry::ICalendar(calendar) = Parser::new(&text).entry() else { return Vec::new() };
    let zones = Zones::of(&calendar, zone);
    let of_all = calendar.components.first().and_then(method);
    let events = calendar.components.iter().filter(|c| c.component_type.is_event());
    // Some calendars write the method into the event.
    let news = |event: &ICalendarComponent| match of_all.or_else(|| method(event)) {
        Some(ICalendarMethod::Cancel) => of_event(&zones, event, true),
        Some(ICalendarMethod::Request | ICalendarMethod::Publish | ICalendarMethod::Add) | None => {
            of_event(&zones, event, false)
        }
        // An attendee's answer or proposal changes no meeting.
        Some(_) => None,
    };
    events.take(MOST).filter_map(news).collect()
}

/// Exchange writes `TZID=tzone://Microsoft/Custom` without the quotes that a colon needs (RFC 5545 §3.2): here it gets them.
fn quoted_zones(text: &str) -> Cow<'_, str> {
    const NAME: &str = ";TZID=";
    if !(text.contains(NAME) && text.contains("://")) {
        return Cow::Borrowed(text);
    }
    let unfolded = text.replace("\r\n ", "").replace("\r\n\t", "").replace("\n ", "").replace("\n\t", "");
    let lines = unfolded.split_inclusive('\n').map(|line| {
        let quoted = line.split_once(NAME).and_then(|(head, rest)| {
            let (scheme, _) =
                rest.split_once("://").filter(|(scheme, _)| scheme.bytes().all(|b| b.is_ascii_alphabetic()))?;
            let (name, value) = rest.rsplit_once(':').filter(|(name, _)| name.len() > scheme.len())?;
            Some(format!("{head}{NAME}\"{name}\":{value}"))
        });
        quoted.map_or(Cow::Borrowed(line), Cow::Owned)
    });
    Cow::Owned(lines.collect())
}

fn method(component: &ICalendarComponent) -> Option<&ICalendarMethod> {
    match component.property(&ICalendarProperty::Method)?.values.first()? {
        ICalendarValue::Method(method) => Some(method),
        _ => None,
    }
}

fn of_event(zones: &Zones<'_>, event: &ICalendarComponent, cancels: bool) -> Option<MeetingNews> {
    // A long one is kept by its hash, and its occurrences under that.
    let uid = OutsideId::from(one_line(event.uid()?));
    if uid.is_empty() {
        return None;
    }
    let one = event.property(&ICalendarProperty::RecurrenceId);
    let meeting_id = match one.and_then(|e| original(zones, e, date_time(e)?)) {
        Some(original) => uid.with(&format!("/{original}")),
        None => uid,
    };
    // The only range there is: this occurrence and all behind it (RFC 5545 §3.2.13).
    let onwards = one.is_some_and(|e| e.parameter(&ICalendarParameterName::Range).is_some());
    let sequence = event.property(&ICalendarProperty::Sequence).and_then(|e| e.values.first()?.as_integer());
    let sequence = sequence.and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
    if cancels || matches!(event.status(), Some(ICalendarStatus::Cancelled)) {
        return Some(MeetingNews::Cancelled { meeting_id, sequence, onwards });
    }
    let begin = event.property(&ICalendarProperty::Dtstart)?;
    let first = date_time(begin)?;
    let (starts_at, Found { zone, name }) = zones.moment(begin, first)?;
    let ends_at = match event.property(&ICalendarProperty::Dtend) {
        Some(end) => date_time(end).and_then(|value| zones.moment(end, value)).map(|(at, _)| at),
        None => event.property(&ICalendarProperty::Duration).and_then(|d| match d.values.first() {
            Some(ICalendarValue::Duration(length)) => starts_at.checked_add_signed(length.to_time_delta()?),
            _ => None,
        }),
    };
    // Times of no calendar that people keep: nothing is promised for them.
    let starts_at = outside::time(starts_at)?;
    let ends_at = ends_at.filter(|end| *end >= starts_at && *end - starts_at <= LONGEST);
    let whole_days = day_of(first).filter(|_| first.hour.is_none()).map(|day| {
        // By the calendar's clock: a day at whose end clocks change is a day too.
        let end = ends_at.map_or(day, |end| zone.local(end).date());
        (day, u32::try_from((end - day).num_days()).unwrap_or(0).max(1))
    });
    let meeting = Meeting {
        meeting_id,
        sequence,
        starts_at,
        ends_at,
        timezone: name,
        title: text(event, &ICalendarProperty::Summary),
        location: text(event, &ICalendarProperty::Location),
        organizer: event.property(&ICalendarProperty::Organizer).and_then(address).unwrap_or_default(),
        attendees: event.properties(&ICalendarProperty::Attendee).filter_map(address).take(MOST_ATTENDEES).collect(),
        rule: event
            .property(&ICalendarProperty::Rrule)
            .and_then(rule_of)
            // A piece of a rule would be another rule.
            .filter(|rule| rule.len() <= OutsideName::LONGEST)
            .unwrap_or_default()
            .into(),
        whole_days,
        excluded: named(zones, event, &ICalendarProperty::Exdate),
        added: named(zones, event, &ICalendarProperty::Rdate),
        offsets: match zone {
            Zone::Iana(_) => Vec::new(),
            Zone::Own(offsets) => offsets,
        },
        onwards,
    };
    let meeting = Box::new(meeting);
    // The first version of a meeting has the sequence 0 (RFC 5546 §2.1.4).
    Some(if sequence == 0 { MeetingNews::Booked(meeting) } else { MeetingNews::Moved(meeting) })
}

/// The occurrences that all entries of this name list.
fn named(zones: &Zones<'_>, event: &ICalendarComponent, name: &ICalendarProperty) -> Vec<Original> {
    let values = event.properties(name).flat_map(|e| e.values.iter().map(move |v| (e, v)));
    let mut named: Vec<Original> = values
        .take(MOST_LOOKED_AT)
        .filter_map(|(e, v)| {
            let at = match v {
                ICalendarValue::Period(
                    ICalendarPeriod::Range { start, .. } | ICalendarPeriod::Duration { start, .. },
                ) => start,
                v => date_time_of(v)?,
            };
            original(zones, e, at)
        })
        .collect();
    named.sort_unstable();
    named.dedup();
    named.split_off(named.len().saturating_sub(MOST_NAMED))
}

/// The occurrence that a value names: by its day, if it has no time.
fn original(zones: &Zones<'_>, entry: &ICalendarEntry, value: &PartialDateTime) -> Option<Original> {
    if value.hour.is_none() {
        return Some(Original::On(day_of(value).filter(of_a_calendar)?));
    }
    let (at, _) = zones.moment(entry, value)?;
    Some(Original::At(outside::time(at)?))
}

fn of_a_calendar(day: &NaiveDate) -> bool {
    outside::time(day.and_time(chrono::NaiveTime::MIN).and_utc()).is_some()
}

fn text(event: &ICalendarComponent, property: &ICalendarProperty) -> OutsideName {
    let value = event.property(property).and_then(|e| e.values.first()).and_then(ICalendarValue::as_text);
    one_line(value.unwrap_or_default()).into()
}

/// `mailto:ana@example.com` as `ana@example.com`.
fn address(entry: &ICalendarEntry) -> Option<OutsideId> {
    let value = match entry.values.first()? {
        ICalendarValue::Uri(Uri::Location(uri)) => uri.as_str(),
        value => value.as_text()?,
    };
    let bare = value.get(..7).filter(|s| s.eq_ignore_ascii_case("mailto:")).map_or(value, |_| &value[7..]);
    let bare = one_line(bare).to_lowercase();
    (bare.contains('@') && bare.len() <= LONGEST_ADDRESS).then(|| bare.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(method: &str, event: &str) -> String {
        let event = event.replace('\n', "\r\n");
        format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{method}BEGIN:VEVENT\r\nUID:u1@example.com\r\nDTSTAMP:20261101T000000Z\r\n{event}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        )
    }

    fn one(method: &str, event: &str) -> Option<MeetingNews> {
        let mut news = news(&[object(method, event)], Tz::Asia__Makassar);
        assert!(news.len() <= 1);
        news.pop()
    }

    fn booked(event: &str) -> Meeting {
        match one("METHOD:REQUEST\r\n", event) {
            Some(MeetingNews::Booked(meeting)) => *meeting,
            other => panic!("{event}: {other:?}"),
        }
    }

    fn utc(meeting: &Meeting) -> String {
        meeting.starts_at.to_rfc3339()
    }

    #[test]
    fn an_invitation_says_when_where_and_who() {
        let meeting = booked(
            "DTSTART;TZID=Europe/Moscow:20261201T150000\nDTEND;TZID=Europe/Moscow:20261201T160000\nSUMMARY:Call\\, the first\nLOCATION:Zoom\nORGANIZER;CN=Ana:mailto:Ana@Example.com\nATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:bob@example.com\nRRULE:FREQ=WEEKLY;COUNT=3",
        );
        assert_eq!(
            (meeting.meeting_id.as_str(), meeting.title.as_str(), meeting.location.as_str()),
            ("u1@example.com", "Call, the first", "Zoom")
        );
        assert_eq!((utc(&meeting).as_str(), meeting.timezone), ("2026-12-01T12:00:00+00:00", Tz::Europe__Moscow));
        assert_eq!(
            (meeting.organizer.as_str(), meeting.attendees),
            ("ana@example.com", vec![OutsideId::from("bob@example.com")])
        );
        assert_eq!(meeting.ends_at.unwrap().to_rfc3339(), "2026-12-01T13:00:00+00:00");
        assert!(meeting.rule.contains("FREQ=WEEKLY"), "{}", meeting.rule);
    }

    #[test]
    fn a_time_is_read_in_its_own_zone() {
        for (start, at) in [
            ("DTSTART:20261201T120000Z", "2026-12-01T12:00:00+00:00"),
            ("DTSTART;TZID=W. Europe Standard Time:20261201T120000", "2026-12-01T11:00:00+00:00"),
            ("DTSTART;TZID=Nowhere/Else:20261201T120000", "2026-12-01T04:00:00+00:00"),
            ("DTSTART:20261201T120000", "2026-12-01T04:00:00+00:00"),
            ("DTSTART;VALUE=DATE:20261201", "2026-11-30T16:00:00+00:00"),
            // The clocks skip 02:30 that night.
            ("DTSTART;TZID=Europe/Berlin:20270328T023000", "2027-03-28T01:30:00+00:00"),
        ] {
            assert_eq!(utc(&booked(start)), at, "{start}");
        }
    }

    #[test]
    fn a_change_a_cancellation_and_an_answer_are_told_apart() {
        let start = "DTSTART:20261201T120000Z";
        assert!(
            matches!(one("METHOD:REQUEST\r\n", &format!("{start}\nSEQUENCE:2")), Some(MeetingNews::Moved(m)) if m.sequence == 2)
        );
        assert!(matches!(one("", start), Some(MeetingNews::Booked(_))));
        let gone = Some(MeetingNews::Cancelled { meeting_id: "u1@example.com".into(), sequence: 3, onwards: false });
        assert_eq!(one("METHOD:CANCEL\r\n", &format!("{start}\nSEQUENCE:3")), gone);
        assert_eq!(one("METHOD:REQUEST\r\n", &format!("{start}\nSEQUENCE:3\nSTATUS:CANCELLED")), gone);
        assert_eq!(one("METHOD:REPLY\r\n", start), None);
        // However long the name is, an occurrence is told to be one of its series.
        let (long, moved) = ("u".repeat(600), format!("{start}\nRECURRENCE-ID:20261201T120000Z"));
        let [series, one_of_it] = [start, moved.as_str()].map(|event| {
            let object = object("METHOD:REQUEST\r\n", event).replace("u1@example.com", &long);
            match news(&[object], Tz::UTC).remove(0) {
                MeetingNews::Booked(meeting) => meeting.meeting_id.into_string(),
                other => panic!("{other:?}"),
            }
        });
        assert_eq!(one_of_it, format!("{series}/20261201T120000Z"));
        let one_of_many = one("METHOD:CANCEL\r\n", &format!("{start}\nRECURRENCE-ID:20261201T120000Z"));
        assert!(
            matches!(one_of_many, Some(MeetingNews::Cancelled { meeting_id, .. }) if meeting_id == "u1@example.com/20261201T120000Z")
        );
    }

    #[test]
    fn times_that_no_calendar_keeps_are_no_meeting() {
        for start in ["DTSTART:99991231T235959Z", "DTSTART:00010101T000000Z", "DTSTART:22000101T000000Z"] {
            assert_eq!(one("METHOD:REQUEST\r\n", start), None, "{start}");
        }
        let start = "DTSTART:20261201T120000Z";
        for end in ["DURATION:-P9999W", "DTEND:20261101T000000Z", "DTEND:20401101T000000Z", "DURATION:P99999W"] {
            assert_eq!(booked(&format!("{start}\n{end}")).ends_at, None, "{end}");
        }
        let long = format!("{start}\nRRULE:FREQ=DAILY;BYMONTHDAY={}1", "1,".repeat(400));
        assert_eq!(booked(&long).rule, "");
    }

    #[test]
    fn what_is_no_calendar_says_nothing() {
        for text in
            ["", "BEGIN:VCALENDAR", "BEGIN:VEVENT\r\nUID:x", "hello", &object("METHOD:REQUEST\r\n", "DTSTART:soon")]
        {
            assert_eq!(news(&[text.to_owned()], Tz::UTC), Vec::new(), "{text}");
        }
    }
}
