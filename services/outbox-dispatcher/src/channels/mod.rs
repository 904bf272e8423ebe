//! Ways out: one module per kind of channel, each turning one part of a message into one request and its answer.

mod answer;
mod broken;
mod email;
mod telegram;
mod whatsapp;

use chrono::{DateTime, Utc};
use steward_domain::settings::{Channel, ChannelKind};
use steward_proto::v1;

pub use email::Mailer;
pub use telegram::Bot;
pub use whatsapp::Number;

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
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outbound {
    /// The conversation's address on its channel.
    pub external_id: String,
    pub message_id: String,
    pub part: usize,
    pub parts: usize,
    pub text: String,
    /// The claim that this is the attempt of.
    pub claim_id: String,
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

/// One way out, ready to send.
#[derive(Debug, Clone)]
pub enum Way {
    /// The log itself is the delivery: readers of the live stream see the message at once.
    Web,
    Telegram(Bot),
    Email(Mailer),
    WhatsApp(Number),
}

impl Way {
    /// `client` has the time-outs of [`http_client`].
    pub fn of(channel: &Channel, client: &reqwest::Client) -> Option<Self> {
        match &channel.kind {
            ChannelKind::Web => Some(Self::Web),
            ChannelKind::Telegram(telegram) => Some(Self::Telegram(Bot::new(telegram, client.clone()))),
            ChannelKind::Email(email) => Mailer::new(email).map(Self::Email),
            ChannelKind::WhatsApp(whatsapp) => Some(Self::WhatsApp(Number::new(whatsapp, client.clone()))),
        }
    }

    /// Sends one part. Ends within the client's time-out; cancelling it leaves the fate unknown.
    pub async fn send(&self, out: &Outbound) -> Sent {
        match self {
            Self::Web => Sent::Accepted { provider_message_id: out.message_id.clone(), answer: String::new() },
            Self::Telegram(bot) => bot.send(out, Utc::now()).await,
            Self::Email(mailer) => mailer.send(out).await,
            Self::WhatsApp(number) => number.send(out, Utc::now()).await,
        }
    }

    /// Sends at the same time, at most.
    pub fn at_once(&self) -> usize {
        match self {
            Self::Email(_) => email::AT_ONCE,
            _ => AT_ONCE,
        }
    }

    /// The longest that [`Self::send`] takes.
    pub fn request_timeout(&self) -> std::time::Duration {
        match self {
            Self::Email(_) => email::LONGEST,
            _ => REQUEST_TIMEOUT,
        }
    }
}

/// Requests at one provider at the same time. At thirty a second, four seconds each.
const AT_ONCE: usize = 128;

/// Longest time from the first byte to the whole answer.
pub const REQUEST_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(6);

/// The client that all HTTP channels share: no redirects (one would be a second request), idle lines closed before the
/// provider closes them, so that a reused line rarely breaks under a request.
pub fn http_client() -> reqwest::Result<reqwest::Client> {
    steward_http::client_builder()
        .timeout(REQUEST_TIMEOUT)
        .connect_timeout(std::time::Duration::from_secs(3))
        .redirect(reqwest::redirect::Policy::none())
        .pool_idle_timeout(std::time::Duration::from_secs(20))
        .tcp_nodelay(true)
        .build()
}
