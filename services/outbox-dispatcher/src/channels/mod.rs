//! Ways out: one module per kind of channel, each turning one part of a message into one request and its answer.

mod telegram;

use chrono::{DateTime, Utc};
use steward_domain::settings::{Channel, ChannelKind};

pub use telegram::Bot;

/// What came of one attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Sent {
    /// The provider took it and named it.
    Accepted { provider_message_id: String },
    /// Nothing left, or the provider itself refused for now.
    Deferred { code: &'static str, text: String, retry_at: Option<DateTime<Utc>> },
    /// The recipient's address is another one from now on; nothing was sent.
    Moved { external_id: String },
    /// The provider refused for good.
    Refused { code: &'static str, text: String, provider_code: String },
    /// The request began and no answer of the provider's own came back.
    Unknown { text: String },
}

/// One way out, ready to send.
#[derive(Debug, Clone)]
pub enum Way {
    /// The log itself is the delivery: readers of the live stream see the message at once.
    Web,
    Telegram(Bot),
}

impl Way {
    /// `client` has the time-outs of [`http_client`].
    pub fn of(channel: &Channel, client: &reqwest::Client) -> Self {
        match &channel.kind {
            ChannelKind::Web => Self::Web,
            ChannelKind::Telegram(telegram) => Self::Telegram(Bot::new(telegram, client.clone())),
        }
    }

    /// Sends one part. Ends within the client's time-out; cancelling it leaves the fate unknown.
    pub async fn send(&self, external_id: &str, message_id: &str, text: &str) -> Sent {
        match self {
            Self::Web => Sent::Accepted { provider_message_id: message_id.to_owned() },
            Self::Telegram(bot) => bot.send(external_id, text, Utc::now()).await,
        }
    }
}

/// Longest time from the first byte to the whole answer.
pub const REQUEST_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(6);

/// The client that all HTTP channels share: no redirects (one would be a second request), idle lines closed before the
/// provider closes them, so that a reused line rarely breaks under a request.
pub fn http_client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .timeout(REQUEST_TIMEOUT)
        .connect_timeout(std::time::Duration::from_secs(3))
        .redirect(reqwest::redirect::Policy::none())
        .pool_idle_timeout(std::time::Duration::from_secs(20))
        .tcp_nodelay(true)
        .build()
}
