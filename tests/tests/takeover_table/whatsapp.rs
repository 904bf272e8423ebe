//! WhatsApp: an operator writes to the client in the business app, which is echoed, or from their own number to the bot.

use steward_tests::whatsapp::{OPERATOR, notifications};

use crate::{
    row::{Client, How, WayIn, WayOut},
    world::{Got, Post, World},
};

/// What the business app writes from.
const APP: &str = "15550783881";

#[derive(Debug)]
struct Number(String);

pub fn ways_in() -> Vec<WayIn> {
    let table = [
        (How::Http, "http", "anna"),
        (How::HttpMessage, "http", "local"),
        (How::Command, "command", APP),
        (How::OwnChat, "command", OPERATOR),
        (How::Prefix, "prefix", APP),
        (How::OwnPrefix, "prefix", OPERATOR),
        (How::Detected, "detected", APP),
    ];
    let way = |(how, via, by)| WayIn {
        channel: "whatsapp",
        how,
        via,
        by,
        operator: OPERATOR,
        outs: &WayOut::ALL,
        client: |n| Box::new(Number(format!("34600{:06}", 200_000 + n))),
    };
    table.into_iter().map(way).collect()
}

impl Client for Number {
    fn channel_id(&self) -> &'static str {
        "wa-main"
    }

    fn address(&self) -> String {
        self.0.clone()
    }

    fn says(&self, text: &str) -> Post {
        Post::WhatsApp(notifications::text(&self.0, text))
    }

    fn written_to_them(&self, text: &str) -> Post {
        Post::WhatsApp(notifications::echo(&self.0, text))
    }

    fn written_alone(&self, text: &str) -> Post {
        Post::WhatsApp(notifications::text(OPERATOR, text))
    }

    fn gives_back_beside_them(&self) -> &'static str {
        APP
    }

    fn got(&self, world: &World) -> Option<Got> {
        let all = world.whatsapp.taken_for(&self.0);
        let offers = Some(all.iter().filter(|t| t.body["type"] == "interactive").count());
        Some(Got { texts: all.into_iter().map(|t| t.text).collect(), offers })
    }
}
