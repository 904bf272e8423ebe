//! Short talks, decided from the first word to the last by the pure deciders: what is pending afterwards, what is sent, what is said.
//!
//! A row of the tables in `tests/fixtures/talks` is `effect => what the client says next`. It is said after each of the requests
//! that the table begins with, so the effect counts from the promise: its day, its hour. What a talk should come to is worked
//! out from those alone, never by reading the words.
#![cfg(test)]

use std::{fs, path::Path};

use chrono::{DateTime, Days, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::{Europe::Madrid, Tz};
use steward_domain::{
    contact::Contact,
    conversation::{
        Conversation,
        follow_ups::{Alarmed, Ring},
        turns::{Inputs, StartTurn, TurnStart},
    },
    ids::{self, ConversationId, FollowUpId, TurnId},
};
use steward_language::Language;
use steward_proto::{Cause, Event, Fold as _, NewEvent, Recorded, to_timestamp, v1};
use steward_settings::Settings;
use uuid::Uuid;

use crate::{
    brain::Decision,
    input::turn_input,
    outcome::Turn,
    rules,
    truth::{Backing, check},
};

const ZONE: Tz = Madrid;

const HERE: ConversationId = ConversationId::new(Uuid::from_u128(0xc1));

fn local(text: &str) -> DateTime<Utc> {
    instant(text.parse().unwrap())
}

fn instant(local: NaiveDateTime) -> DateTime<Utc> {
    ZONE.from_local_datetime(&local).single().unwrap().to_utc()
}

/// A conversation and its clock.
struct Talk {
    state: Conversation,
    now: DateTime<Utc>,
    position: u64,
    /// The last reply; empty: none.
    said: String,
    settings: Settings,
}

impl Talk {
    /// Wednesday, 18 November 2026, 09:00 in Madrid.
    fn new(language: Language) -> Self {
        let mut settings = Settings::default();
        settings.defaults.timezone = ZONE;
        settings.defaults.language = language;
        let (state, now) = (Conversation::default(), local("2026-11-18T09:00:00"));
        Self { state, now, position: 0, said: String::new(), settings }
    }

    fn record(&mut self, event: impl Into<Event>) {
        let event = event.into();
        self.position += 1;
        let subject = format!("ev.t.conversation.{HERE}.{}", event.subject_token()).parse().unwrap();
        let NewEvent { metadata, event } = NewEvent::new(Uuid::now_v7(), self.now, &Cause::outside("test", ""), event);
        let payload = event.encode();
        self.state.evolve(&Recorded { position: self.position, subject, metadata, event, payload });
    }

    /// The client writes, a minute after what was before; the turn that answers is decided and recorded.
    fn says(&mut self, text: &str) {
        self.now += TimeDelta::minutes(1);
        let source = v1::Source {
            external_id: "client".to_owned(),
            channel: "web".to_owned(),
            key: self.position.to_string(),
            sent_at: Some(to_timestamp(self.now)),
            ..Default::default()
        };
        self.record(v1::ClientResponded {
            source: Some(source),
            message_id: ids::message(HERE, Uuid::from_u128(self.position.into())).to_string(),
            kind: "text".to_owned(),
            text: text.to_owned(),
            ..Default::default()
        });
        let start = StartTurn {
            turn_id: TurnId::new(Uuid::from_u128(self.position.into())),
            now: self.now,
            lease_until: self.now + TimeDelta::seconds(3),
            worker: String::new(),
            brain: "rules".to_owned(),
            model: String::new(),
            follow_up_id: None,
            inputs: Inputs::default(),
        };
        let TurnStart::Started(started) = self.state.start_turn(&start).unwrap() else { panic!("nothing to answer") };
        let input = turn_input(&self.state, &Contact::default(), &self.settings, 0, self.now);
        let decisions = rules::decide(&input);
        let turn = Turn {
            id: start.turn_id,
            conversation: HERE,
            follow_up_id: None,
            through: started.through_position,
            zone: ZONE.name().to_owned(),
            brain: "rules".to_owned(),
            model: String::new(),
            started: (*started).clone(),
            now: self.now,
            claimed: true,
            failure: None,
            spent: Default::default(),
            ids: decisions.iter().map(|_| Uuid::now_v7()).collect(),
        };
        self.record(*started);
        self.said.clear();
        for decision in &decisions {
            if let Decision::Reply { text, .. } = decision {
                assert_eq!(check(text, &Backing::of(&input, &decisions)), [], "{text}");
                self.said.clone_from(text);
            }
        }
        let (events, rest) = turn.next(&self.state, &decisions, &Turn::bulk(&decisions), 0).unwrap();
        assert_eq!(rest, None);
        events.into_iter().for_each(|event| self.record(event));
    }

    /// When what is pending is due, in order, to the minute.
    fn pending(&self) -> Vec<NaiveDateTime> {
        self.state.pending().iter().map(|f| minute(f.due_at)).collect()
    }

    /// What goes out when the time of each has come.
    fn sent(&mut self) -> Vec<NaiveDateTime> {
        let mut sent = Vec::new();
        let ids: Vec<(FollowUpId, DateTime<Utc>)> = self.state.pending().iter().map(|f| (f.id, f.due_at)).collect();
        for (id, due_at) in ids {
            self.now = self.now.max(due_at);
            let ring = Ring { id, now: self.now, late_limit: self.settings.defaults.late_limit };
            let message_id = ids::message_of_follow_up(HERE, &id);
            let Alarmed::Decided(events) = self.state.follow_up_due(&ring, message_id).unwrap() else {
                panic!("{id} isn't due")
            };
            for event in events {
                if matches!(&event, Event::FollowUpDue(due) if due.message.is_some()) {
                    sent.push(minute(due_at));
                }
                self.record(event);
            }
        }
        sent
    }
}

fn minute(at: DateTime<Utc>) -> NaiveDateTime {
    let local = at.with_timezone(&ZONE).naive_local();
    local
        .date()
        .and_time(NaiveTime::from_hms_opt(chrono::Timelike::hour(&local), chrono::Timelike::minute(&local), 0).unwrap())
}

/// What a talk should come to, and a word that the last reply must hold.
struct Expected {
    pending: Vec<NaiveDateTime>,
    opted_out: bool,
    /// `None`: whatever it says; else whether it must say something.
    says: Option<bool>,
}

/// `keep`, `gone`, `lost`, `ask`, `out`, `at 18:00`, `on 2026-11-23`, `to 2026-11-23T09:00`, `by 60m`, `by -1d`.
fn expected(effect: &str, due: NaiveDateTime) -> Expected {
    let one = |at: NaiveDateTime| Expected { pending: vec![at], opted_out: false, says: Some(true) };
    let none = |opted_out| Expected { pending: Vec::new(), opted_out, says: Some(true) };
    let (kind, value) = effect.split_once(' ').unwrap_or((effect, ""));
    match kind {
        "keep" => Expected { says: None, ..one(due) },
        "ask" => one(due),
        "gone" | "lost" => none(false),
        "out" => none(true),
        "at" => one(due.date().and_time(NaiveTime::parse_from_str(value, "%H:%M").unwrap())),
        "on" => one(value.parse::<chrono::NaiveDate>().unwrap().and_time(due.time())),
        "to" => one(format!("{value}:00").parse().unwrap()),
        "by" => {
            let (amount, unit) = value.split_at(value.len() - 1);
            let amount: i64 = amount.parse().unwrap();
            one(match unit {
                "m" => due + TimeDelta::minutes(amount),
                _ if amount < 0 => due - Days::new(amount.unsigned_abs()),
                _ => due + Days::new(amount.unsigned_abs()),
            })
        }
        other => panic!("no such effect: {other}"),
    }
}

/// Holds every talk of a language's table; says how many there were.
fn assert_talks(language: Language) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/talks/{language}.txt"));
    let table = fs::read_to_string(path).unwrap();
    let rows: Vec<(&str, &str)> = table
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .map(|line| line.split_once(" => ").unwrap_or_else(|| panic!("a row is `effect => text`: {line}")))
        .collect();
    let (requests, rest): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(effect, _)| effect.starts_with("request "));
    let (whole, follow): (Vec<_>, Vec<_>) = rest.into_iter().partition(|(effect, _)| effect.starts_with("talk "));
    let (mut talks, mut wrong) = (0, Vec::new());
    let mut judge = |talk: &mut Talk, said: &str, expected: &Expected, written: &str| {
        talks += 1;
        let pending = talk.pending();
        let reply = talk.said.clone();
        let silent = expected.says == Some(true) && reply.is_empty();
        let sent = talk.sent();
        if pending != expected.pending || sent != pending || talk.state.opted_out != expected.opted_out || silent {
            wrong.push(format!(
                "{said}\n   expected {written}: {:?}\n   got      {pending:?}, sent {sent:?}, {reply:?}",
                expected.pending
            ));
        }
    };
    for (request, due) in requests.iter().map(|(effect, text)| (text, &effect["request ".len()..])) {
        let due: NaiveDateTime = format!("{due}:00").parse().unwrap();
        for (effect, next) in &follow {
            let (effect, only) = effect.split_once(" of ").unwrap_or((effect, ""));
            if !only.is_empty() && !request.contains(only) {
                continue;
            }
            let mut talk = Talk::new(language);
            talk.says(request);
            assert_eq!(talk.pending(), [due], "{request}: {}", talk.said);
            talk.says(next);
            // a reminder outlives whatever the client writes
            let lost = effect == "lost" && talk.state.pending().iter().any(|f| f.intention == "remind");
            let effect = if lost { "keep" } else { effect };
            judge(&mut talk, &format!("{request} | {next}"), &expected(effect, due), effect);
        }
    }
    for (effect, said) in &whole {
        let mut talk = Talk::new(language);
        said.split(" | ").for_each(|text| talk.says(text));
        let times = effect["talk ".len()..].split(' ').filter(|t| *t != "-");
        let pending = times.map(|t| format!("{t}:00").parse().unwrap()).collect();
        let opted_out = talk.state.opted_out;
        judge(&mut talk, said, &Expected { pending, opted_out, says: None }, effect);
    }
    println!("{language}: {talks} talks, {} wrong", wrong.len());
    assert!(talks >= 200, "{language}: only {talks} talks");
    assert!(wrong.is_empty(), "{} of {talks} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn talks_in_english_come_to_what_was_said() {
    assert_talks(Language::En);
}

#[test]
fn talks_in_russian_come_to_what_was_said() {
    assert_talks(Language::Ru);
}

#[test]
fn talks_in_spanish_come_to_what_was_said() {
    assert_talks(Language::Es);
}

#[test]
fn a_question_is_answered_by_a_time_within_a_day_and_by_the_next_words_alone() {
    for (request, answer, said) in [
        ("remind me to call mom", "tomorrow", "call mom"),
        ("напомни позвонить маме", "завтра", "позвонить маме"),
        ("recuérdame llamar a mamá", "mañana", "llamar a mamá"),
    ] {
        let asked = |hours: i64, between: &[&str]| {
            let mut talk = Talk::new(Language::En);
            talk.says(request);
            assert!(talk.pending().is_empty() && talk.said.contains('?'), "{request}: {}", talk.said);
            between.iter().for_each(|text| talk.says(text));
            talk.now += TimeDelta::hours(hours);
            talk.says(answer);
            talk
        };
        let talk = asked(2, &[]);
        assert_eq!(talk.pending(), ["2026-11-19T10:00:00".parse().unwrap()], "{request}: {}", talk.said);
        assert!(talk.said.contains(said), "{}", talk.said);
        assert!(asked(25, &[]).pending().is_empty(), "{request}: a day is over");
        assert!(asked(2, &["👍"]).pending().is_empty(), "{request}: other words came in between");
    }
}

#[test]
fn who_opted_out_is_told_once_and_is_written_to_again_when_they_ask() {
    for (stop, request) in
        [("STOP", "ping me tomorrow"), ("больше не пишите", "напиши завтра"), ("BAJA", "escríbeme mañana")]
    {
        let mut talk = Talk::new(Language::En);
        talk.says(request);
        talk.says(stop);
        assert!(talk.state.opted_out && talk.pending().is_empty() && !talk.said.is_empty(), "{stop}: {}", talk.said);
        talk.says(stop);
        assert!(talk.state.opted_out && talk.said.is_empty(), "{stop}: {}", talk.said);
        talk.says(request);
        assert!(!talk.state.opted_out && talk.pending().len() == 1, "{request}: {}", talk.said);
        assert_eq!(talk.sent().len(), 1, "{request}");
    }
}
