//! The takeover table on Telegram: every way in by every way out, and what the bot does in between.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use serde_json::{Value, json};
use steward_tests::{
    Config, System, Telegram,
    config::OPERATOR,
    telegram::USERNAME,
    updates::{self, Person},
};

const SOON: Duration = Duration::from_secs(30);

/// Where the client is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    Private,
    Group,
    Business,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum In {
    Http,
    /// An operator's own message over HTTP.
    HttpMessage,
    /// `/human_active` where the client is.
    Command,
    /// `/human_active` in the operator's own chat with the bot.
    OwnChat,
    /// `HUMAN:` where the client is.
    Prefix,
    /// `HUMAN:` in the operator's own chat.
    OwnPrefix,
    /// One of ours writes to the client past Steward.
    Detected,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Out {
    Http,
    Command,
    OwnChat,
    Silence,
}

/// Every way in, with the places it exists in and what the log calls it.
const WAYS_IN: [(In, &[Place], &str); 7] = [
    (In::Http, &[Place::Private, Place::Group, Place::Business], "http"),
    (In::HttpMessage, &[Place::Private], "http"),
    (In::Command, &[Place::Group, Place::Business], "command"),
    (In::OwnChat, &[Place::Private, Place::Group, Place::Business], "command"),
    (In::Prefix, &[Place::Group, Place::Business], "prefix"),
    (In::OwnPrefix, &[Place::Private, Place::Business], "prefix"),
    (In::Detected, &[Place::Business], "detected"),
];

/// A client of their own for every row.
struct Row {
    id: i64,
    place: Place,
    conversation: String,
}

impl Row {
    fn client(&self) -> Person {
        Person::new(self.id, "en")
    }

    fn group(&self) -> i64 {
        -1_000_000 - self.id
    }

    /// The conversation's address, by which an operator names it.
    fn address(&self) -> String {
        match self.place {
            Place::Private => self.id.to_string(),
            Place::Group => self.group().to_string(),
            Place::Business => format!("bc:{}", self.id),
        }
    }

    /// Something written where the client is.
    fn written(&self, by: &Person, text: &str) -> Value {
        match self.place {
            Place::Private => updates::message(by, text),
            Place::Group => updates::group_message(self.group(), by, text),
            Place::Business => updates::business_message("bc", by, &self.client(), text),
        }
    }

    /// The client asks the bot for what it would answer.
    fn question(&self) -> Value {
        self.said("write to me in 3 hours")
    }

    /// The client's words to the bot.
    fn said(&self, text: &str) -> Value {
        let named = if self.place == Place::Group { format!("@{USERNAME} {text}") } else { text.to_owned() };
        self.written(&self.client(), &named)
    }

    async fn open(system: &System, id: i64, place: Place) -> Self {
        let mut row = Self { id, place, conversation: String::new() };
        system.telegram(&row.said("hello")).await.unwrap();
        row.conversation = system.conversation(row.address()).await.unwrap();
        row
    }

    async fn take_over(&self, system: &System, way: In) {
        let path = format!("/api/v1/conversations/{}", self.conversation);
        match way {
            In::Http => drop(system.post(&format!("{path}/takeover"), &json!({ "by": "anna" })).await.unwrap()),
            In::HttpMessage => {
                drop(system.post(&format!("{path}/messages"), &json!({ "text": "Anna" })).await.unwrap())
            }
            In::Command => system.telegram(&self.written(&operator(), "/human_active")).await.unwrap(),
            In::Prefix => system.telegram(&self.written(&operator(), "HUMAN: Anna here")).await.unwrap(),
            In::Detected => system.telegram(&self.written(&operator(), "Anna here")).await.unwrap(),
            In::OwnChat => self.in_own_chat(system, "/human_active", "").await,
            In::OwnPrefix => self.in_own_chat(system, "HUMAN:", " Anna here").await,
        }
    }

    async fn give_back(&self, system: &System, way: Out) {
        match way {
            Out::Http => {
                let path = format!("/api/v1/conversations/{}/release", self.conversation);
                system.post(&path, &json!({ "by": "anna" })).await.unwrap();
            }
            Out::Command => system.telegram(&self.written(&operator(), "/human_release")).await.unwrap(),
            Out::OwnChat => self.in_own_chat(system, "/human_release", "").await,
            // Nobody does anything.
            Out::Silence => {}
        }
    }

    async fn in_own_chat(&self, system: &System, command: &str, text: &str) {
        let words = format!("{command} {}{text}", self.address());
        system.telegram(&updates::message(&operator(), &words)).await.unwrap();
    }

    /// The first event of a type, once it is there.
    async fn until_event(&self, system: &System, type_name: &str) -> Value {
        let look = || async {
            let events = system.events(&self.conversation).await?;
            Ok(events.into_iter().find(|e| e["type"] == type_name))
        };
        system.until(SOON, look).await.unwrap_or_else(|e| panic!("{type_name} at {}: {e:#}", self.address()))
    }
}

fn operator() -> Person {
    Person::new(OPERATOR, "en")
}

/// Goes through the table with these ways out; while the human is active the client asks, and the bot keeps silent.
async fn through(release_after: &str, ways_out: &[Out]) {
    let telegram = Telegram::start().await.unwrap();
    let config = Config::telegram(&telegram).with(&format!("[defaults]\nhuman_release_after = \"{release_after}\""));
    let system = System::start(config).await.unwrap();
    let mut id = 100;
    for (way_in, places, via) in WAYS_IN {
        for place in places {
            for way_out in ways_out {
                // In a private chat with the bot there is only the client to write a command.
                if *place == Place::Private && *way_out == Out::Command {
                    continue;
                }
                id += 1;
                let row = Row::open(&system, id, *place).await;
                row.take_over(&system, way_in).await;
                let started = row.until_event(&system, "HumanTakeoverStarted").await;
                assert_eq!(started["data"]["via"], via, "{way_in:?} {place:?}");
                system.telegram(&row.question()).await.unwrap();
                row.until_event(&system, "DraftSuppressed").await;
                row.give_back(&system, *way_out).await;
                let ended = row.until_event(&system, "HumanTakeoverEnded").await;
                let expected = match way_out {
                    Out::Http => "http",
                    Out::Command | Out::OwnChat => "command",
                    Out::Silence => "silence",
                };
                assert_eq!(ended["data"]["via"], expected, "{way_in:?} {place:?} {way_out:?}");
                // What was suppressed stays so, and from now on the bot answers again.
                system.telegram(&row.question()).await.unwrap();
                let chat = if *place == Place::Group { row.group() } else { row.id };
                let answered = |all: &[steward_tests::telegram::Delivered]| {
                    let answers = all.iter().filter(|d| d.chat_id == chat.to_string() && !d.buttons.is_empty());
                    (answers.count() >= 1).then_some(())
                };
                telegram.until(SOON, answered).await.unwrap();
                let answers = telegram.delivered_to(chat).into_iter().filter(|d| !d.buttons.is_empty()).count();
                assert_eq!(answers, 1, "{way_in:?} {place:?} {way_out:?}: the draft was never sent");
            }
        }
    }
    println!("{} rows of the table", id - 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_in_is_given_back_by_every_command() {
    through("never", &[Out::Http, Out::Command, Out::OwnChat]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_in_ends_by_the_humans_silence() {
    through("2s", &[Out::Silence]).await;
}
