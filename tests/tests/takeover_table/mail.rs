//! Mail: an operator writes to the mailbox, or to the client with the mailbox in copy; or a person writes with the mailbox itself.

use std::sync::atomic::{AtomicU64, Ordering};

use steward_tests::{config::AGENT, mail::written};

use crate::{
    row::{Client, How, WayIn, WayOut},
    world::{Got, Post, World},
};

/// One of ours.
pub const BOSS: &str = "boss@example.com";
/// What our own mail server puts on top of what it has checked.
const CHECKED: &str = "Authentication-Results: mx.example.com; dmarc=pass header.from=example.com\r\n";

#[derive(Debug)]
struct Correspondent(String);

pub fn ways_in() -> Vec<WayIn> {
    let table = [
        (How::Http, "http", "anna"),
        (How::HttpMessage, "http", "local"),
        (How::OwnChat, "command", BOSS),
        (How::OwnPrefix, "prefix", BOSS),
        (How::Detected, "detected", BOSS),
        (How::SameMailbox, "detected", AGENT),
    ];
    let way = |(how, via, by)| WayIn {
        channel: "email",
        how,
        via,
        by,
        operator: BOSS,
        // A mail to the client is read by the client alone: commands go to the mailbox.
        outs: &[WayOut::Http, WayOut::Resolved, WayOut::OwnChat, WayOut::OwnResolved, WayOut::Silence],
        client: |n| Box::new(Correspondent(format!("ann{n}@example.org"))),
    };
    table.into_iter().map(way).collect()
}

/// A Message-ID that no other mail has.
fn id() -> String {
    static LAST: AtomicU64 = AtomicU64::new(0);
    format!("table-{}-{}@example.org", std::process::id(), LAST.fetch_add(1, Ordering::Relaxed))
}

impl Correspondent {
    fn to_them(&self, mail: &str) -> String {
        mail.replacen(&format!("To: {AGENT}"), &format!("To: {}", self.0), 1)
    }
}

impl Client for Correspondent {
    fn channel_id(&self) -> &'static str {
        "mail-main"
    }

    fn address(&self) -> String {
        self.0.clone()
    }

    fn says(&self, text: &str) -> Post {
        Post::Mail { from: self.0.clone(), raw: written(&self.0, &id(), "Hello", "", text) }
    }

    fn written_to_them(&self, text: &str) -> Post {
        let copied = written(BOSS, &id(), "Re: Hello", &format!("Cc: {AGENT}\r\n{CHECKED}"), text);
        Post::Mail { from: BOSS.to_owned(), raw: self.to_them(&copied) }
    }

    fn written_alone(&self, text: &str) -> Post {
        Post::Mail { from: BOSS.to_owned(), raw: written(BOSS, &id(), "Ours", CHECKED, text) }
    }

    fn written_with_our_mailbox(&self, text: &str) -> Post {
        Post::SentMail(self.to_them(&written(AGENT, &id(), "Re: Hello", "", text)))
    }

    fn got(&self, world: &World) -> Option<Got> {
        let texts = world.mail.taken_for(&self.0).iter().map(|mail| mail.text().trim().to_owned()).collect();
        Some(Got { texts, offers: None })
    }
}
