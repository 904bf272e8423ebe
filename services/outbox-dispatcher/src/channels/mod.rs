//! Ways out: a module for each kind of channel, which sends one part of a message by one request.

mod answer;
mod broken;

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
    /// The provider took the part and named it. `answer` is what it said, shortened, for the evidence.
    Accepted { provider_message_id: String, answer: String },
    /// Nothing left, or the provider itself refused for now.
    Deferred { code: &'static str, text: String, retry_at: Option<DateTime<Utc>> },
    /// The recipient has another address from now on; nothing was sent.
    Moved { external_id: String },
    /// The provider refused for good.
    Refused { code: &'static str, text: String, provider_code: String },
    /// The request began, and no answer of the provider's own came back.
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
    /// The claim under which this attempt is made.
    pub claim_id: ClaimId,
    /// The buttons to offer below the text.
    pub buttons: Vec<v1::Button>,
    /// The template to send instead, because the channel takes no free text now.
    pub template: Option<TemplateCall>,
    /// The conversation's latest incoming mail, which this message answers.
    pub thread: Thread,
    /// Whether nobody waits for the message.
    pub proactive: bool,
    /// Whether one of ours wrote it.
    pub by_human: bool,
    /// How often this part has been claimed, this claim included.
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
    /// The provider's code of the language: `ru`, `en_US`.
    pub language: String,
    pub parameters: Vec<String>,
}

/// The thread that a mail belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Thread {
    pub subject: String,
    /// Message-IDs, the oldest first; the last is that of the mail which is answered.
    pub references: Vec<String>,
}

/// A way out: sends parts of messages over one channel.
pub trait Way: Send + Sync {
    /// Sends one part. Ends within [`Self::request_timeout`]; cancelling it leaves the fate unknown.
    fn send<'a>(&'a self, out: &'a Outbound, clock: &'a Clock) -> BoxFuture<'a, Sent>;

    /// How many sends may be under way at the same time.
    fn at_once(&self) -> usize {
        AT_ONCE
    }

    /// The longest time that [`Self::send`] takes.
    fn request_timeout(&self) -> Duration {
        REQUEST_TIMEOUT
    }

    /// The templates that may go out when the channel takes no free text.
    fn templates(&self) -> &[Template] {
        &[]
    }

    /// The signs that the provider can show beside messages; no others are asked of it.
    fn signs(&self) -> &'static [Sign] {
        &[]
    }

    /// Shows a sign about `what`. Returns how long to be quiet, if the provider found it too much.
    fn show<'a>(&'a self, _sign: Sign, _what: &'a str) -> BoxFuture<'a, Option<Duration>> {
        Box::pin(std::future::ready(None))
    }
}

/// A sign beside messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// A press of a button has arrived. The sign is about the press, by the provider's id.
    PressArrived,
    /// "Typing…" in a chat, for some seconds or until a message comes. The sign is about the chat, by its address.
    Typing,
    /// A message was read, and those before it. The sign is about the message, by the provider's id.
    Read,
}

macro_rules! ways {
    ($($module:ident: $kind:ident,)*) => {
        $(mod $module;)*

        /// A channel's way out; `None` if its settings name none. `client` has the time-outs of [`http_client`].
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

/// How many requests one provider gets at the same time: at thirty a second, each may take four seconds.
const AT_ONCE: usize = 128;

/// Longest time from the first byte of a request to the end of its answer.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(6);

/// The client that all HTTP channels share. It follows no redirects, since one would be a second request. It closes
/// idle connections before the provider does, so that a connection used again rarely breaks under a request.
pub fn http_client() -> reqwest::Result<reqwest::Client> {
    steward_http::client_builder()
        .timeout(REQUEST_TIMEOUT)
        .connect_timeout(Duration::from_secs(3))
        .redirect(reqwest::redirect::Policy::none())
        .pool_idle_timeout(Duration::from_secs(20))
        .tcp_nodelay(true)
        .build()
}
