//! Meetings in a mail: iCalendar objects that invite, move or call off (RFC 5545, 5546, 6047).

use calcard::{
    Entry, Parser,
    common::{PartialDateTime, timezone::Tz as CalendarTz},
    icalendar::{
        ICalendar, ICalendarComponent, ICalendarEntry, ICalendarMethod, ICalendarParameterName, ICalendarProperty,
        ICalendarStatus, ICalendarValue, Uri,
    },
};
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

use super::message::{LONGEST_ADDRESS, one_line};
use crate::{
    arrival::{Meeting, MeetingNews},
    outside::{self, OutsideId, OutsideName},
};

/// Meetings of one mail: a series and its exceptions.
const MOST: usize = 20;

/// Attendees that are named.
const MOST_ATTENDEES: usize = 200;

/// A meeting that ends later than this after its beginning has no end that is believed.
const LONGEST: TimeDelta = TimeDelta::days(366);

/// What the calendar objects of a mail do to meetings. `zone` is that of times which name none.
pub fn news(calendars: &[String], zone: Tz) -> Vec<MeetingNews> {
    let mut news: Vec<MeetingNews> = Vec::new();
    for text in calendars {
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
    let Entry::ICalendar(calendar) = Parser::new(text).entry() else { return Vec::new() };
    let method = calendar.components.first().and_then(|c| c.property(&ICalendarProperty::Method));
    let cancels = match method.and_then(|m| m.values.first()) {
        Some(ICalendarValue::Method(ICalendarMethod::Cancel)) => true,
        Some(ICalendarValue::Method(ICalendarMethod::Request | ICalendarMethod::Publish | ICalendarMethod::Add))
        | None => false,
        // An attendee's answer or proposal changes no meeting.
        Some(_) => return Vec::new(),
    };
    let events = calendar.components.iter().filter(|c| c.component_type.is_event());
    events.take(MOST).filter_map(|event| of_event(&calendar, event, cancels, zone)).collect()
}

fn of_event(calendar: &ICalendar, event: &ICalendarComponent, cancels: bool, zone: Tz) -> Option<MeetingNews> {
    let times = Times { calendar, zone };
    let uid = one_line(event.uid()?);
    if uid.is_empty() {
        return None;
    }
    let meeting_id = match event.property(&ICalendarProperty::RecurrenceId).and_then(|e| times.at(e)) {
        Some((one, _)) => format!("{uid}/{}", one.format("%Y%m%dT%H%M%SZ")),
        None => uid,
    };
    let meeting_id = OutsideId::from(meeting_id);
    let sequence = event.property(&ICalendarProperty::Sequence).and_then(|e| e.values.first()?.as_integer());
    let sequence = sequence.and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
    if cancels || matches!(event.status(), Some(ICalendarStatus::Cancelled)) {
        return Some(MeetingNews::Cancelled { meeting_id, sequence });
    }
    let (starts_at, timezone) = times.at(event.property(&ICalendarProperty::Dtstart)?)?;
    let ends_at = match event.property(&ICalendarProperty::Dtend) {
        Some(end) => times.at(end).map(|(at, _)| at),
        None => event.property(&ICalendarProperty::Duration).and_then(|d| match d.values.first() {
            Some(ICalendarValue::Duration(length)) => starts_at.checked_add_signed(length.to_time_delta()?),
            _ => None,
        }),
    };
    // Times of no calendar that people keep: nothing is promised for them.
    let starts_at = outside::time(starts_at)?;
    let meeting = Meeting {
        meeting_id,
        sequence,
        starts_at,
        ends_at: ends_at.filter(|end| *end >= starts_at && *end - starts_at <= LONGEST),
        timezone,
        title: text(event, &ICalendarProperty::Summary),
        location: text(event, &ICalendarProperty::Location),
        organizer: event.property(&ICalendarProperty::Organizer).and_then(address).unwrap_or_default(),
        attendees: event.properties(&ICalendarProperty::Attendee).filter_map(address).take(MOST_ATTENDEES).collect(),
        rule: event
            .property(&ICalendarProperty::Rrule)
            .and_then(|r| match r.values.first()? {
                ICalendarValue::RecurrenceRule(rule) => Some(rule.to_string()),
                _ => None,
            })
            // A piece of a rule would be another rule.
            .filter(|rule| rule.len() <= OutsideName::LONGEST)
            .unwrap_or_default()
            .into(),
    };
    let meeting = Box::new(meeting);
    // The first version of a meeting has the sequence 0 (RFC 5546 §2.1.4).
    Some(if sequence == 0 { MeetingNews::Booked(meeting) } else { MeetingNews::Moved(meeting) })
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

/// Reads times by the zones that the object defines, the IANA's, and Outlook's.
struct Times<'a> {
    calendar: &'a ICalendar,
    zone: Tz,
}

impl Times<'_> {
    /// The moment, and the zone to show it in.
    fn at(&self, entry: &ICalendarEntry) -> Option<(DateTime<Utc>, Tz)> {
        let ICalendarValue::PartialDateTime(value) = entry.values.first()? else { return None };
        let local = local_time(value)?;
        if value.tz_hour.is_some() {
            let minutes = i64::from(value.tz_hour?) * 60 + i64::from(value.tz_minute.unwrap_or(0));
            let offset = TimeDelta::minutes(if value.tz_minus { -minutes } else { minutes });
            return Some((local.checked_sub_signed(offset)?.and_utc(), Tz::UTC));
        }
        let named = entry.parameter(&ICalendarParameterName::Tzid).and_then(|p| p.as_text());
        match named.and_then(|name| self.calendar.build_tz_resolver().resolve(name)) {
            Some(CalendarTz::Tz(zone)) => Some((in_zone(local, zone)?, zone)),
            Some(CalendarTz::Fixed(offset)) => Some((offset.from_local_datetime(&local).earliest()?.to_utc(), Tz::UTC)),
            Some(CalendarTz::Floating) | None => Some((in_zone(local, self.zone)?, self.zone)),
        }
    }
}

/// A day alone begins at midnight.
fn local_time(value: &PartialDateTime) -> Option<NaiveDateTime> {
    let date = NaiveDate::from_ymd_opt(i32::from(value.year?), u32::from(value.month?), u32::from(value.day?))?;
    let part = |n: Option<u8>| u32::from(n.unwrap_or(0));
    // A leap second is the next minute's first.
    date.and_hms_opt(part(value.hour), part(value.minute), part(value.second).min(59))
}

/// A local time that the clocks skip is an hour later, one that they show twice is the first.
fn in_zone(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    let found = zone.from_local_datetime(&local).earliest();
    let found = found.or_else(|| zone.from_local_datetime(&local.checked_add_signed(TimeDelta::hours(1))?).earliest());
    found.map(|at| at.to_utc())
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
        let gone = Some(MeetingNews::Cancelled { meeting_id: "u1@example.com".into(), sequence: 3 });
        assert_eq!(one("METHOD:CANCEL\r\n", &format!("{start}\nSEQUENCE:3")), gone);
        assert_eq!(one("METHOD:REQUEST\r\n", &format!("{start}\nSEQUENCE:3\nSTATUS:CANCELLED")), gone);
        assert_eq!(one("METHOD:REPLY\r\n", start), None);
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
