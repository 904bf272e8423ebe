//! The web channel: whoever keeps the page tells who writes; an operator is one whom the configuration names.

use serde_json::json;

use crate::{
    row::{Client, How, WayIn, WayOut},
    world::{Got, Post, World},
};

/// The channel with an operator.
pub const CHANNEL: &str = "web-desk";
/// One of ours.
pub const OPERATOR: &str = "desk-anna";

#[derive(Debug)]
struct Visitor(String);

pub fn ways_in() -> Vec<WayIn> {
    let table = [
        (How::Http, "http", "anna"),
        (How::HttpMessage, "http", "local"),
        (How::OwnChat, "command", OPERATOR),
        (How::OwnPrefix, "prefix", OPERATOR),
    ];
    let way = |(how, via, by)| WayIn {
        channel: "web",
        how,
        via,
        by,
        operator: OPERATOR,
        // Nobody but the client and Steward writes in it.
        outs: &[WayOut::Http, WayOut::Resolved, WayOut::OwnChat, WayOut::OwnResolved, WayOut::Silence],
        client: |n| Box::new(Visitor(format!("visitor-{n}"))),
    };
    table.into_iter().map(way).collect()
}

fn posted(by: &str, text: &str) -> Post {
    let body = json!({ "channel_id": CHANNEL, "contact": { "id": by, "language": "en" }, "text": text });
    Post::Http("/api/v1/messages".to_owned(), body)
}

impl Client for Visitor {
    fn channel_id(&self) -> &'static str {
        CHANNEL
    }

    fn address(&self) -> String {
        self.0.clone()
    }

    fn says(&self, text: &str) -> Post {
        posted(&self.0, text)
    }

    fn written_alone(&self, text: &str) -> Post {
        posted(OPERATOR, text)
    }

    /// The page reads what is sent from the log.
    fn got(&self, _: &World) -> Option<Got> {
        None
    }
}
