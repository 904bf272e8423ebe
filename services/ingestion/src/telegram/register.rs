//! Telling Telegram where its updates go: `setWebhook`.

use std::time::Duration;
use steward_settings::{Channel, ChannelKind, Mode, Settings, Telegram};

use serde::{Deserialize, Serialize};

use super::answer;

/// A call of the Bot API ends within this.
const PATIENCE: Duration = Duration::from_secs(10);

/// All kinds of Update; an empty list would leave out reactions and members (Bot API, `setWebhook`).
pub(super) const ALLOWED_UPDATES: &[&str] = &[
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "business_connection",
    "business_message",
    "edited_business_message",
    "deleted_business_messages",
    "message_reaction",
    "message_reaction_count",
    "inline_query",
    "chosen_inline_result",
    "callback_query",
    "shipping_query",
    "pre_checkout_query",
    "purchased_paid_media",
    "poll",
    "poll_answer",
    "my_chat_member",
    "chat_member",
    "chat_join_request",
    "chat_boost",
    "removed_chat_boost",
];

/// A webhook wasn't registered. Neither the token nor the secret is in it.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    #[error(
        "the webhook of channel `{channel_id}` isn't registered: the Bot API at {api_base} can't be reached: {reason}"
    )]
    Unreachable { channel_id: String, api_base: String, reason: String },
    #[error("the webhook of channel `{channel_id}` isn't registered: the Bot API says: {description}")]
    Refused { channel_id: String, description: String },
}

#[derive(Serialize)]
struct SetWebhook<'a> {
    url: String,
    secret_token: &'a str,
    allowed_updates: &'a [&'a str],
}

#[derive(Deserialize)]
struct Answer {
    ok: bool,
    #[serde(default)]
    description: String,
}

/// Registers the webhook of every Telegram channel that has one; one result per channel, by its id.
pub async fn register_webhooks(
    settings: &Settings,
    public_url: &str,
    client: &reqwest::Client,
) -> Vec<(String, Result<(), RegisterError>)> {
    let calls = with_webhook(settings).map(|(channel, telegram)| async move {
        (channel.id.clone(), register(channel, telegram, public_url, client).await)
    });
    futures::future::join_all(calls).await
}

/// The call to make by hand, one line per Telegram channel. `<token>` stands for the bot's token, `<secret_token>` for
/// the channel's secret.
pub fn registration_call(settings: &Settings) -> Option<String> {
    let lines: Vec<String> = with_webhook(settings)
        .map(|(channel, telegram)| {
            let body = SetWebhook {
                url: format!("https://<your public address>/webhooks/telegram/{}", channel.id),
                secret_token: "<secret_token>",
                allowed_updates: ALLOWED_UPDATES,
            };
            let json = serde_json::to_string(&body).expect("strings are JSON");
            format!(
                "curl -H 'Content-Type: application/json' -d '{json}' '{}/bot<token>/setWebhook'",
                telegram.api_base
            )
        })
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// All Telegram channels.
fn telegram_channels(settings: &Settings) -> impl Iterator<Item = (&Channel, &Telegram)> {
    settings.channels.iter().filter_map(|channel| match &channel.kind {
        ChannelKind::Telegram(telegram) => Some((channel, telegram)),
        _ => None,
    })
}

/// Those whose updates are posted to us.
fn with_webhook(settings: &Settings) -> impl Iterator<Item = (&Channel, &Telegram)> {
    telegram_channels(settings).filter(|(_, telegram)| telegram.mode == Mode::Webhook)
}

async fn register(
    channel: &Channel,
    telegram: &Telegram,
    public_url: &str,
    client: &reqwest::Client,
) -> Result<(), RegisterError> {
    let body = SetWebhook {
        url: format!("{}/webhooks/telegram/{}", public_url.trim_end_matches('/'), channel.id),
        secret_token: telegram.secret_token.expose(),
        allowed_updates: ALLOWED_UPDATES,
    };
    // The URL holds the token: it must not reach an error's text.
    let unreachable = |reason: String| RegisterError::Unreachable {
        channel_id: channel.id.clone(),
        api_base: telegram.api_base.clone(),
        reason,
    };
    let url = format!("{}/bot{}/setWebhook", telegram.api_base, telegram.token.expose());
    let response = client.post(url).timeout(PATIENCE).json(&body).send().await;
    let response = response.map_err(|error| unreachable(error.without_url().to_string()))?;
    let answer = answer::read(response).await.map_err(unreachable)?;
    let answer: Answer =
        serde_json::from_slice(&answer).map_err(|_| unreachable("it is not the Bot API that answers".to_owned()))?;
    if answer.ok {
        return Ok(());
    }
    Err(RegisterError::Refused { channel_id: channel.id.clone(), description: answer.description })
}
