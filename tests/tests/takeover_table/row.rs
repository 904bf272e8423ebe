//! One row of the table: a client of their own, taken over in one way and given back in another.

use std::{fmt::Debug, time::Duration};

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use crate::world::{Got, Post, World};

const SOON: Duration = Duration::from_secs(120);
/// What a human says who doesn't only give a command.
const WORDS: &str = "Anna here";
/// What the client asks for that the bot can do.
const WISH: &str = "write to me in 3 hours";

/// How a human comes to be active.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum How {
    Http,
    /// An operator's own message over HTTP.
    HttpMessage,
    /// `/human_active` where the client is.
    Command,
    /// `/human_active` to the bot alone.
    OwnChat,
    /// `HUMAN:` where the client is.
    Prefix,
    /// `HUMAN:` to the bot alone.
    OwnPrefix,
    /// One of ours is seen to write to the client past Steward.
    Detected,
    /// Somebody writes with the channel's own mailbox.
    SameMailbox,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum WayOut {
    Http,
    /// Over HTTP, the matter being settled.
    Resolved,
    Command,
    OwnChat,
    OwnResolved,
    Silence,
}

impl WayOut {
    pub const ALL: [Self; 6] =
        [Self::Http, Self::Resolved, Self::Command, Self::OwnChat, Self::OwnResolved, Self::Silence];
}

/// A way in, what the log is to say of it, and the ways out it is paired with.
#[derive(Debug, Clone, Copy)]
pub struct WayIn {
    pub channel: &'static str,
    pub how: How,
    pub via: &'static str,
    pub by: &'static str,
    /// The operator, by the channel's id of them.
    pub operator: &'static str,
    pub outs: &'static [WayOut],
    /// The client of the row of this number.
    pub client: fn(usize) -> Box<dyn Client>,
}

/// Somebody who writes to the bot, and the ways that people of ours have to them.
pub trait Client: Debug + Send + Sync {
    fn channel_id(&self) -> &'static str;

    /// Where they are, as an operator names them.
    fn address(&self) -> String;

    fn says(&self, text: &str) -> Post;

    /// An operator writes where the client reads it.
    fn written_to_them(&self, _text: &str) -> Post {
        panic!("nobody of ours writes to {self:?} past Steward")
    }

    /// An operator writes to the bot alone.
    fn written_alone(&self, text: &str) -> Post;

    fn written_with_our_mailbox(&self, _text: &str) -> Post {
        panic!("{self:?} has no mailbox")
    }

    /// Who gives back where the client reads it, if that isn't the operator's own id.
    fn gives_back_beside_them(&self) -> &'static str {
        ""
    }

    /// What has reached them; `None`: nothing leaves Steward.
    fn got(&self, world: &World) -> Option<Got>;
}

pub struct Row {
    way_in: WayIn,
    way_out: WayOut,
    client: Box<dyn Client>,
    conversation: String,
    /// What the bot said first.
    greeting: String,
    /// A follow-up that comes due under the human, and one that doesn't.
    missed: String,
    later: String,
    /// A message of the bot's that waits when the human comes.
    waiting: String,
}

impl Row {
    pub fn new(n: usize, way_in: &WayIn, way_out: WayOut) -> Self {
        let client = (way_in.client)(n);
        let none = String::new;
        let (conversation, greeting, missed, later, waiting) = (none(), none(), none(), none(), none());
        Self { way_in: *way_in, way_out, client, conversation, greeting, missed, later, waiting }
    }

    fn name(&self) -> String {
        format!("{:?} → {:?} at {:?}", self.way_in.how, self.way_out, self.client)
    }

    /// The steps of a row, in order.
    pub async fn step(&mut self, step: usize, world: &World) {
        match step {
            0 => self.opens(world).await,
            1 => {
                self.is_taken_over(world).await;
                self.bot_is_silent(world).await;
            }
            2 => self.is_given_back(world).await,
            _ => self.goes_on(world).await,
        }
    }

    /// The client writes and is answered; something is promised, and something waits to be sent.
    async fn opens(&mut self, world: &World) {
        world.post(self.client.says("hello")).await;
        let path = format!(
            "/api/v1/conversations?channel_id={}&external_id={}",
            self.client.channel_id(),
            self.client.address()
        );
        let system = &world.system;
        let look = || async { Ok(system.items(&path).await?.into_iter().next()) };
        let found = system.until(SOON, look).await.unwrap_or_else(|e| panic!("{}: {e:#}", self.name()));
        self.conversation = found["id"].as_str().unwrap().to_owned();
        let answered = self.until_event(world, "answered", |e| e["type"] == "DispatchSucceeded").await;
        self.greeting = answered["data"]["text"].as_str().unwrap().to_owned();
        let (due, never) = (Utc::now() + TimeDelta::hours(1), json!({ "cancel_on": "never" }));
        self.missed = system.schedule(&self.conversation, "missed", due, &never).await.unwrap();
        self.later = system.schedule(&self.conversation, "later", due, &never).await.unwrap();
        self.waiting = self.queue(world, "waiting", Some(&due.to_rfc3339())).await;
    }

    async fn is_taken_over(&self, world: &World) {
        let (client, path) = (&self.client, format!("/api/v1/conversations/{}", self.conversation));
        let post = match self.way_in.how {
            How::Http => Post::Http(format!("{path}/takeover"), json!({ "by": "anna" })),
            How::HttpMessage => Post::Http(format!("{path}/messages"), json!({ "text": WORDS })),
            How::Command => client.written_to_them("/human_active"),
            How::Prefix => client.written_to_them(&format!("HUMAN: {WORDS}")),
            How::Detected => client.written_to_them(WORDS),
            How::OwnChat => client.written_alone(&format!("/human_active {}", client.address())),
            How::OwnPrefix => client.written_alone(&format!("HUMAN: {} {WORDS}", client.address())),
            How::SameMailbox => client.written_with_our_mailbox(WORDS),
        };
        world.post(post).await;
        let started = self.until_event(world, "taken over", |e| e["type"] == "HumanTakeoverStarted").await;
        let (via, by) = (&started["data"]["via"], &started["data"]["by"]);
        assert_eq!((via, by), (&json!(self.way_in.via), &json!(self.way_in.by)), "{}", self.name());
    }

    /// Whatever the bot has to say: what waited, what comes due, what is queued only now, what it would answer.
    async fn bot_is_silent(&self, world: &World) {
        let system = &world.system;
        self.comes_due(world, &self.missed).await;
        // The human says what the bot would say, too.
        let messages = format!("/api/v1/conversations/{}/messages", self.conversation);
        system.post(&messages, &json!({ "text": self.greeting })).await.unwrap();
        world.post(self.client.says(WISH)).await;
        let claimed = self.queue(world, "claimed", None).await;
        // All of it ends for the human's sake: the draft, what came due, what waited, what was queued just now.
        let for_the_human = |e: &Value, kind: &str| e["type"] == kind && e["data"]["reason"]["code"] == "human_active";
        let refused = |e: &&Value, field: &str, id: &str| e["data"][field] == id;
        let all = |events: &[Value]| {
            let of = |kind: &'static str| events.iter().filter(move |e| for_the_human(e, kind));
            of("DraftSuppressed").count() == 1
                && of("FollowUpCancelled").any(|e| refused(&e, "follow_up_id", &self.missed))
                && [&self.waiting, &claimed]
                    .iter()
                    .all(|id| of("MessageCancelled").any(|e| refused(&e, "message_id", id)))
        };
        self.until_events(world, "silent", all).await;
        for message in [&self.waiting, &claimed] {
            let evidence = system.get(&format!("/api/v1/outbox/{message}/evidence")).await.unwrap();
            let (ending, attempts) = (&evidence["ending"], &evidence["attempts"]);
            let so = (&ending["state"], &ending["reason"]["code"], attempts);
            assert_eq!(so, (&json!("cancelled"), &json!("human_active"), &json!([])), "{}: {evidence}", self.name());
        }
    }

    async fn is_given_back(&self, world: &World) {
        let (client, path) = (&self.client, format!("/api/v1/conversations/{}", self.conversation));
        let anna = json!({ "by": "anna" });
        let post = match self.way_out {
            WayOut::Http => Some(Post::Http(format!("{path}/release"), anna)),
            WayOut::Resolved => Some(Post::Http(format!("{path}/resolve"), anna)),
            WayOut::Command => Some(client.written_to_them("/human_release")),
            WayOut::OwnChat => Some(client.written_alone(&format!("/human_release {}", client.address()))),
            WayOut::OwnResolved => Some(client.written_alone(&format!("/human_resolve {}", client.address()))),
            // Nobody does anything.
            WayOut::Silence => None,
        };
        if let Some(post) = post {
            world.post(post).await;
        }
        let beside = Some(client.gives_back_beside_them()).filter(|by| !by.is_empty());
        let expected = match self.way_out {
            WayOut::Http => ("http", "anna"),
            WayOut::Resolved => ("resolve", "anna"),
            WayOut::Command => ("command", beside.unwrap_or(self.way_in.operator)),
            WayOut::OwnChat => ("command", self.way_in.operator),
            WayOut::OwnResolved => ("resolve", self.way_in.operator),
            WayOut::Silence => ("silence", "service:scheduler"),
        };
        let ended = self.until_event(world, "given back", |e| e["type"] == "HumanTakeoverEnded").await;
        let (via, by) = (&ended["data"]["via"], &ended["data"]["by"]);
        assert_eq!((via, by), (&json!(expected.0), &json!(expected.1)), "{}", self.name());
        assert_eq!(ended["data"]["cancelled_follow_up_ids"], json!([self.missed]), "{}", self.name());
    }

    /// The bot answers again, without repeating the human, and keeps what is due later.
    async fn goes_on(&self, world: &World) {
        let system = &world.system;
        self.comes_due(world, &self.later).await;
        world.post(self.client.says("hello")).await;
        let repeated = self.until_event(world, "its repetition suppressed", |e| {
            e["type"] == "DraftSuppressed" && e["data"]["reason"]["code"] == "said_by_human"
        });
        assert_eq!(repeated.await["data"]["text"], self.greeting, "{}", self.name());
        world.post(self.client.says(WISH)).await;
        // The greeting by the bot and by the human, an answer, what was due later, and what the human said through us.
        let through_us = matches!(self.way_in.how, How::HttpMessage | How::OwnPrefix);
        let expected = 4 + usize::from(through_us);
        let is_sent = |e: &&Value| e["type"] == "DispatchSucceeded";
        let all = |events: &[Value]| events.iter().filter(is_sent).count() >= expected;
        let events = self.until_events(world, "answered and told what was due later", all).await;
        let promised = |e: &&Value| e["type"] == "FollowUpScheduled" && e["data"]["by"] == "client";
        assert_eq!(events.iter().filter(promised).count(), 1, "{}: the draft's promise was made", self.name());
        let sent = events.iter().filter(is_sent).map(|e| e["data"]["text"].as_str().unwrap().to_owned()).collect();
        let got = self.client.got(world).unwrap_or(Got { texts: sent, offers: None });
        let count = |text: &str| got.texts.iter().filter(|t| t.as_str() == text).count();
        assert_eq!(got.texts.len(), expected, "{}: {:?}", self.name(), got.texts);
        assert_eq!(count(&self.greeting), 2, "{}: {:?}", self.name(), got.texts);
        assert_eq!((count("later"), count(WORDS)), (1, usize::from(through_us)), "{}: {:?}", self.name(), got.texts);
        for never in ["missed", "waiting", "claimed"] {
            assert_eq!(count(never), 0, "{}: {never}", self.name());
        }
        // The draft was never sent: one confirmation, where the client asked twice.
        assert_eq!(got.offers.unwrap_or(1), 1, "{}: {:?}", self.name(), got.texts);
        for (follow_up, state) in [(&self.missed, "cancelled"), (&self.later, "sent")] {
            assert_eq!(system.follow_up(follow_up).await.unwrap()["state"], state, "{}", self.name());
        }
    }

    /// A follow-up is moved to a time as near as a machine that is this busy lets it.
    async fn comes_due(&self, world: &World, follow_up: &str) {
        let path = format!("/api/v1/follow-ups/{follow_up}");
        for seconds in [1, 2, 4, 8] {
            let body = json!({ "due_at": (Utc::now() + TimeDelta::seconds(seconds)).to_rfc3339() });
            let answer = world.system.command(reqwest::Method::PATCH, &path, &body).await.unwrap();
            if answer.body["code"] != "past" {
                answer.success().unwrap_or_else(|e| panic!("{}: {e:#}", self.name()));
                return;
            }
        }
        panic!("{}: a command takes more than eight seconds", self.name());
    }

    /// A message of the bot's that nobody waits for; its id.
    async fn queue(&self, world: &World, text: &str, due_at: Option<&str>) -> String {
        let mut body = json!({ "conversation_id": self.conversation, "text": text, "on_reply": "keep" });
        if let Some(due_at) = due_at {
            body["due_at"] = json!(due_at);
        }
        world.system.post("/api/v1/outbox", &body).await.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// The first event of this conversation that is so, once it is there.
    async fn until_event(&self, world: &World, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let events = self.until_events(world, what, |events| events.iter().any(&is_so)).await;
        events.into_iter().find(is_so).unwrap()
    }

    /// The events of this conversation, once they are so.
    async fn until_events(&self, world: &World, what: &str, are_so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let system = &world.system;
        let look = || async { Ok(Some(system.events(&self.conversation).await?).filter(|events| are_so(events))) };
        if let Some(events) = look().await.unwrap() {
            return events;
        }
        match system.until_in(&self.conversation, SOON, look).await {
            Ok(events) => events,
            Err(error) => {
                let events = system.events(&self.conversation).await.unwrap();
                let events: Vec<_> = events.iter().map(|e| (&e["type"], &e["data"]["reason"])).collect();
                panic!("{} isn't {what}: {error:#}: {events:?}", self.name())
            }
        }
    }
}
