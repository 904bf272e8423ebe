//! Ways out: one module per kind of channel, each turning one part of a message into one request and its answer.

mod answer;
mod broken;
mod email;
mod telegram;
mod whatsapp;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use steward_domain::{
    ids::{ClaimId, MessageId},
    settings::Template,
};
use steward_log::Clock;
use steward_proto::v1;
use steward_settings::{Channel, ChannelKind};

/// What came of one attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Sent {
    /// The provider took it and named it. `answer` is what it said, shortened, for the evidence.
    Accepted { provider_message_id: String, answer: String },
    /// Nothing left, or the provider itself refused for now.
    Deferred { code: &'static str, text: String, retry_at: Option<DateTime<Utc>> },
    /// The recipient's address is another one from now on; nothing was sent.
    Moved { external_id: String },
    /// The provider refused for good.
    Refused { code: &'static str, text: String, provider_code: String },
    /// The request began and no answer of the provider's own came back.
    Unknown { text: String },
}

/// One part of a message, with what a channel may need to send it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbound {
    /// The conversation's address on its channel.
    pub external_id: String,
    pub message_id: MessageId,
    pub part: usize,
    pub parts: usize,
    pub text: String,
    /// The claim that this is the attempt of.
    pub claim_id: ClaimId,
    /// Offered below the text.
    pub buttons: Vec<v1::Button>,
    /// It goes out as this template, because the channel takes no free text now.
    pub template: Option<TemplateCall>,
    /// The conversation's latest mail in, which this one answers.
    pub thread: Thread,
    /// Nobody waits for it.
    pub proactive: bool,
    /// One of ours wrote it.
    pub by_human: bool,
    /// How many claims of this part there have been, this one included.
    pub attempt: u32,
}

#[cfg(test)]
impl Outbound {
    /// A message of no words, for tests to fill in.
    pub fn empty() -> Self {
        use steward_domain::ids::{self, ConversationId};
        use uuid::Uuid;

        Self {
            external_id: String::new(),
            message_id: ids::message(ConversationId::new(Uuid::from_u128(1)), Uuid::from_u128(2)),
            part: 0,
            parts: 0,
            text: String::new(),
            claim_id: ClaimId::new(Uuid::from_u128(3)),
            buttons: Vec::new(),
            template: None,
            thread: Thread::default(),
            proactive: false,
            by_human: false,
            attempt: 0,
        }
    }
}

/// A template with its placeholders filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateCall {
    pub name: String,
    /// The provider's code: `ru`, `en_US`.
    pub language: String,
    pub parameters: Vec<String>,
}

/// Where a mail belongs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Thread {
    pub subject: String,
    /// Message-IDs, oldest first; the last is the mail that is answered.
    pub references: Vec<String>,
}

/// A way out: what one kind of channel does with a part of a message, ready to do it.
pub trait Way: Send + Sync {
    /// Sends one part. Ends within [`Self::request_timeout`]; cancelling it leaves the fate unknown.
    fn send<'a>(&'a self, out: &'a Outbound, clock: &'a Clock) -> BoxFuture<'a, Sent>;

    /// Sends at the same time, at most.
    fn at_once(&self) -> usize {
        AT_ONCE
    }

    /// The longest that [`Self::send`] takes.
    fn request_timeout(&self) -> Duration {
        REQUEST_TIMEOUT
    }

    /// What may go out when the channel takes no free text.
    fn templates(&self) -> &[Template] {
        &[]
    }

    /// The signs that it can give beside messages; the others are never asked of it.
    fn signs(&self) -> &'static [Sign] {
        &[]
    }

    /// Shows a sign about `what`. How long to be quiet, if it was too much.
    fn show<'a>(&'a self, _sign: Sign, _what: &'a str) -> BoxFuture<'a, Option<Duration>> {
        Box::pin(std::future::ready(None))
    }
}

/// A sign beside messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// That a press of a button arrived; about the press, by the provider's id.
    PressArrived,
    /// "Typing…" in a chat, for some seconds or until a message comes; about the chat's address.
    Typing,
    /// That a message was read, and those before it; about the message, by the provider's id.
    Read,
}

macro_rules! ways {
    ($($module:ident: $kind:ident,)*) => {
        /// A channel's way out; `None`: its settings name none. `client` has the time-outs of [`http_client`].
        pub fn way_of(channel: &Channel, client: &reqwest::Client) -> Option<Arc<dyn Way>> {
            match &channel.kind {
                ChannelKind::Web => Some(Arc::new(Web)),
                $(ChannelKind::$kind(settings) => Some(Arc::new($module::way_of(settings, client)?)),)*
            }
        }
    };
}

steward_settings::each_kind!(ways);

/// The log itself is the delivery: readers of the live stream see the message at once.
struct Web;

impl Way for Web {
    fn send<'a>(&'a self, out: &'a Outbound, _clock: &'a Clock) -> BoxFuture<'a, Sent> {
        let provider_message_id = out.message_id.to_string();
        Box::pin(std::future::ready(Sent::Accepted { provider_message_id, answer: String::new() }))
    }
}

/// Requests at one provider at the same time. At thirty a second, four seconds each.
const AT_ONCE: usize = 128;

/// Longest time from the first byte to the whole answer.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(6);

/// The client that all HTTP channels share: no redirects (one would be a second request), idle lines closed before the
/// provider closes them, so that a reused line rarely breaks under a request.
pub fn http_client() -> reqwest::Result<reqwest::Client> {
    steward_http::client_builder()
        .timeout(REQUEST_TIMEOUT)
        .connect_timeout(Duration::from_secs(3))
        .redirect(reqwest::redirect::Policy::none())
        .pool_idle_timeout(Duration::from_secs(20))
        .tcp_nodelay(true)
        .build()
}
