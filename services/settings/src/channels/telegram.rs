//! The keys of a Telegram bot.

use serde::{Deserialize, Serialize};

use super::{Kind, RateLimit};
use crate::{Secret, error::KeyProblem, written};

/// A Telegram bot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Telegram {
    /// How updates come in.
    #[serde(default)]
    pub mode: Mode,
    pub token: Secret,
    pub secret_token: Secret,
    /// The base URL of the Bot API, without a trailing slash.
    #[serde(default = "api_base", deserialize_with = "written::web_url")]
    pub api_base: String,
}

/// How Telegram's updates come in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// They are posted to the webhook.
    #[default]
    Webhook,
    /// Steward asks for them.
    Polling,
}

fn api_base() -> String {
    "https://api.telegram.org".to_owned()
}

impl Kind for Telegram {
    /// Telegram's documented limits: 30 messages a second in all and one a second in one chat, where it bears short
    /// bursts.
    const RATE: RateLimit = RateLimit { per_second: 30, burst: 30, per_chat_per_second: 1, per_chat_burst: 3 };

    fn check(&self) -> Result<(), KeyProblem> {
        // What the Bot API's setWebhook takes as `secret_token`.
        let secret = self.secret_token.expose();
        if secret.len() > 256 || !secret.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
            return Err(KeyProblem::new(
                "secret_token",
                "found other characters, expected 1 to 256 letters, digits, `_` or `-`",
            ));
        }
        // The token becomes part of a path.
        if !self.token.expose().bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b':' | b'_' | b'-')) {
            return Err(KeyProblem::new(
                "token",
                "found other characters, expected a bot token as BotFather gives it: digits, `:`, letters, digits, `_` and `-`",
            ));
        }
        Ok(())
    }
}
