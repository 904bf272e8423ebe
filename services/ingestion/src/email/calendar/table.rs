//! The table of calendars (`tests/fixtures/calendar/occurrences.jsonl`): what is reminded of is what another library finds in
//! the same calendars. `occurrences.py` beside it makes the table.

use std::{collections::BTreeSet, path::Path};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use steward_domain::{
    conversation::{
        Conversation, FollowUpState,
        follow_ups::{Alarmed, Ring},
        meetings::{Reminding, Starts, meeting_of},
    },
    ids::{self, ConversationId},
};
use steward_proto::{Event, Fold as _, Metadata, Recorded, SCHEMA_VERSION, v1};
use uuid::Uuid;

use super::news;
use crate::arrival::MeetingNews;

#[derive(Deserialize)]
struct Row {
    name: String,
    zone: String,
    now: DateTime<Utc>,
    mails: Vec<String>,
    starts: Vec<String>,
}

impl Row {
    fn zone(&self) -> Tz {
        self.zone.parse().unwrap()
    }
}

fn conversation() -> ConversationId {
    ConversationId::new(Uuid::from_u128(1))
}

fn rows() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/calendar/occurrences.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A conversation into which calendars come, and whose reminders come due.
struct World {
    state: Conversation,
    now: DateTime<Utc>,
    zone: Tz,
    position: u64,
}

impl World {
    fn new(row: &Row) -> Self {
        let mut world = Self { state: Conversation::default(), now: row.now, zone: row.zone(), position: 0 };
        let source = v1::Source { channel_id: "mail".to_owned(), channel: "email".to_owned(), ..Default::default() };
        world.record(v1::UpdateKept { source: Some(source), ..Default::default() }.into());
        world
    }

    fn record(&mut self, event: Event) {
        self.position += 1;
        let event_id = Uuid::from_u128(u128::from(self.position));
        let subject = format!("ev.default.conversation.c1.{}", event.subject_token()).parse().unwrap();
        let metadata = Metadata {
            event_id,
            type_name: event.type_name().to_owned(),
            schema_version: SCHEMA_VERSION,
            at: self.now,
            causation_id: event_id,
            correlation_id: event_id,
            actor: "test".to_owned(),
            traceparent: String::new(),
        };
        let payload = event.encode();
        self.state.evolve(&Recorded { position: self.position, subject, metadata, event, payload });
    }

    /// A mail's calendar, and what the brain makes of each of its news.
    fn comes_in(&mut self, calendar: &str) {
        for news in news(&[calendar.to_owned()], self.zone) {
            let (event, id) = match news {
                MeetingNews::Booked(m) | MeetingNews::Moved(m) => {
                    let id = m.meeting_id.to_string();
                    (Event::from(v1::MeetingBooked { meeting: Some((*m).into()), ..Default::default() }), id)
                }
                MeetingNews::Cancelled { meeting_id, sequence, onwards } => {
                    let id = meeting_id.to_string();
                    let meeting_id = id.clone();
                    (v1::MeetingCancelled { meeting_id, sequence, onwards, ..Default::default() }.into(), id)
                }
            };
            self.record(event);
            self.remind(&id, true);
        }
    }

    /// One reminder an hour before, whose text is the start.
    fn remind(&mut self, meeting_id: &str, news: bool) {
        let reminding = Reminding {
            conversation: conversation(),
            meeting_id,
            now: self.now,
            news,
            hours: &[1],
            day_hour: 10,
            timezone: self.zone,
            language: "en",
            most_open: 1_000,
        };
        let events = self.state.remind_of_meeting(&reminding, |o, _| match o.starts {
            Starts::At(at) => at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            Starts::On { day, .. } => day.to_string(),
        });
        for event in events.unwrap() {
            self.record(event);
        }
    }

    fn promised(&self) -> Vec<String> {
        let pending = self.state.pending();
        let mut texts: Vec<String> = pending.iter().map(|f| f.text.clone()).collect();
        texts.sort();
        texts
    }

    /// The next reminder comes due, and the brain hears of it. Its text, unless none is left.
    fn goes_on(&mut self) -> Option<String> {
        let next = self.state.pending().first().map(|f| (f.id, f.key.clone(), f.due_at, f.text.clone()));
        let (id, key, due_at, text) = next?;
        self.now = due_at;
        let message_id = ids::message_of_follow_up(conversation(), &id);
        let ring = Ring { id, now: self.now, late_limit: std::time::Duration::from_secs(3600) };
        let Ok(Alarmed::Decided(events)) = self.state.follow_up_due(&ring, message_id) else {
            panic!("{text} isn't due")
        };
        for event in events {
            self.record(event);
        }
        self.remind(meeting_of(&key).unwrap(), false);
        Some(text)
    }
}

fn within(row: &Row, start: &str) -> bool {
    let day = |d: NaiveDate| d.and_time(chrono::NaiveTime::MIN).and_local_timezone(row.zone()).unwrap().to_utc();
    let at = start.parse::<DateTime<Utc>>().unwrap_or_else(|_| day(start.parse().unwrap()));
    at <= row.now + TimeDelta::days(60)
}

#[test]
fn what_is_reminded_of_is_what_another_library_finds() {
    let rows = rows();
    assert!(rows.len() >= 120);
    let mut wrong = Vec::new();
    for row in &rows {
        let mut world = World::new(row);
        for mail in &row.mails {
            world.comes_in(mail);
        }
        let promised = world.promised();
        if promised != row.starts {
            wrong.push(format!("{}:\n  expected {:?}\n  promised {promised:?}", row.name, row.starts));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn every_occurrence_is_reminded_of_once_as_time_goes_on() {
    for row in &rows() {
        let mut world = World::new(row);
        for mail in &row.mails {
            world.comes_in(mail);
        }
        let (mut said, mut seen) = (Vec::new(), BTreeSet::new());
        while said.len() < 150 {
            let Some(text) = world.goes_on() else { break };
            assert!(seen.insert(text.clone()), "{}: {text} was reminded of twice", row.name);
            said.push(text);
        }
        let expected: Vec<&String> = row.starts.iter().filter(|start| within(row, start)).collect();
        let of_these: Vec<&String> = said.iter().filter(|start| within(row, start)).collect();
        assert_eq!(of_these, expected, "{}", row.name);
        // Endless, with never more than two years from one to the next.
        let [mail] = row.mails.as_slice() else { continue };
        let event = mail.split_once("BEGIN:VEVENT").map_or("", |(_, event)| event);
        let endless = event.contains("RRULE") && !event.contains("COUNT") && !event.contains("UNTIL");
        if endless && !event.contains(":20240229") {
            assert!(said.len() >= 4, "{}: it ended with {said:?}", row.name);
        }
        let open = |s: &FollowUpState| matches!(s, FollowUpState::Pending);
        assert!(world.state.follow_ups.values().filter(|f| open(&f.state)).count() <= 64, "{}", row.name);
    }
}

#[test]
fn the_same_mails_again_change_nothing() {
    for row in &rows() {
        let mut world = World::new(row);
        for mail in &row.mails {
            world.comes_in(mail);
        }
        let (before, position) = (world.promised(), world.position);
        let last = row.mails.last().unwrap();
        world.comes_in(last);
        let told = news(std::slice::from_ref(last), row.zone()).len() as u64;
        assert_eq!((world.promised(), world.position), (before, position + told), "{}", row.name);
    }
}
