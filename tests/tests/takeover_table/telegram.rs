//! Telegram: alone with the bot, in a group, and in a business chat.

use serde_json::Value;
use steward_tests::{
    config::OPERATOR,
    telegram::USERNAME,
    updates::{self, Person},
};

use crate::{
    row::{Client, How, WayIn, WayOut},
    world::{Got, Post, World},
};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    Private,
    Group,
    Business,
}

#[derive(Debug)]
struct Chat {
    id: i64,
    place: Place,
}

pub fn ways_in() -> Vec<WayIn> {
    const EVERYWHERE: &[Place] = &[Place::Private, Place::Group, Place::Business];
    const SHARED: &[Place] = &[Place::Group, Place::Business];
    let table: [(How, &[Place], &str, &str); 7] = [
        (How::Http, EVERYWHERE, "http", "anna"),
        (How::HttpMessage, &[Place::Private], "http", "local"),
        (How::Command, SHARED, "command", "7001"),
        (How::OwnChat, EVERYWHERE, "command", "7001"),
        (How::Prefix, SHARED, "prefix", "7001"),
        (How::OwnPrefix, &[Place::Private, Place::Business], "prefix", "7001"),
        (How::Detected, &[Place::Business], "detected", "7001"),
    ];
    let ways = |(how, places, via, by): (How, &'static [Place], &'static str, &'static str)| {
        places.iter().map(move |place| WayIn {
            channel: "telegram",
            how,
            via,
            by,
            operator: "7001",
            outs: match place {
                // In a private chat with the bot there is only the client to write a command.
                Place::Private => {
                    &[WayOut::Http, WayOut::Resolved, WayOut::OwnChat, WayOut::OwnResolved, WayOut::Silence]
                }
                _ => &WayOut::ALL,
            },
            client: match place {
                Place::Private => |n| Box::new(Chat { id: number(n), place: Place::Private }),
                Place::Group => |n| Box::new(Chat { id: number(n), place: Place::Group }),
                Place::Business => |n| Box::new(Chat { id: number(n), place: Place::Business }),
            },
        })
    };
    table.into_iter().flat_map(ways).collect()
}

fn number(n: usize) -> i64 {
    100 + n as i64
}

fn operator() -> Person {
    Person::new(OPERATOR, "en")
}

impl Chat {
    fn client(&self) -> Person {
        Person::new(self.id, "en")
    }

    fn group(&self) -> i64 {
        -1_000_000 - self.id
    }

    /// Something written where the client is.
    fn written(&self, by: &Person, text: &str) -> Value {
        match self.place {
            Place::Private => updates::message(by, text),
            Place::Group => updates::group_message(self.group(), by, text),
            Place::Business => updates::business_message("bc", by, &self.client(), text),
        }
    }
}

impl Client for Chat {
    fn channel_id(&self) -> &'static str {
        "tg-main"
    }

    fn address(&self) -> String {
        match self.place {
            Place::Private => self.id.to_string(),
            Place::Group => self.group().to_string(),
            Place::Business => format!("bc:{}", self.id),
        }
    }

    fn says(&self, text: &str) -> Post {
        let named = if self.place == Place::Group { format!("@{USERNAME} {text}") } else { text.to_owned() };
        Post::Telegram(self.written(&self.client(), &named))
    }

    fn written_to_them(&self, text: &str) -> Post {
        Post::Telegram(self.written(&operator(), text))
    }

    fn written_alone(&self, text: &str) -> Post {
        Post::Telegram(updates::message(&operator(), text))
    }

    fn got(&self, world: &World) -> Option<Got> {
        let chat = if self.place == Place::Group { self.group() } else { self.id };
        let all = world.telegram.delivered_to(chat);
        let offers = Some(all.iter().filter(|d| !d.buttons.is_empty()).count());
        Some(Got { texts: all.into_iter().map(|d| d.text).collect(), offers })
    }
}
