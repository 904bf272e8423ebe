//! What can be found out about a bot by asking the Bot API.

use std::time::Duration;

use steward_settings::{Channel, Telegram};

use super::answer;
use crate::ways::{
    Asking,
    Checked::{self, Fine, Notice, Wrong},
};

/// The answer is waited for so long; whoever asks about all channels has about ten seconds.
const PATIENCE: Duration = Duration::from_secs(3);

/// What it says of a webhook isn't longer, in bytes.
const LONGEST: usize = 64 << 10;

/// Another's words, for a terminal: some of them, and nothing that steers it.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[derive(serde::Deserialize)]
struct WebhookAnswer {
    ok: bool,
    description: Option<String>,
    result: Option<WebhookInfo>,
}

#[derive(serde::Deserialize)]
struct WebhookInfo {
    #[serde(default)]
    url: String,
    #[serde(default)]
    pending_update_count: u64,
    last_error_message: Option<String>,
}

/// What the Bot API says of the bot's webhook.
pub async fn webhook(telegram: &Telegram, channel: &Channel, asking: &Asking<'_>) -> Checked {
    let url = format!("{}/bot{}/getWebhookInfo", telegram.api_base, telegram.token.expose());
    let answer = async {
        let answer = asking.client.get(url).timeout(PATIENCE).send().await;
        // The URL holds the token.
        answer::beginning(answer.map_err(|problem| problem.without_url().to_string())?, LONGEST).await
    };
    let info = match answer.await.map(|body| serde_json::from_slice(&body)) {
        Ok(Ok(WebhookAnswer { ok: true, result: Some(info), .. })) => info,
        Ok(Err(_)) => {
            return Wrong(format!(
                "what answers at {} isn't the Bot API: check the channel's api_base",
                telegram.api_base
            ));
        }
        Ok(Ok(answer)) => {
            return Wrong(format!(
                "the Bot API refuses the bot ({}): check the channel's token",
                answer.description.map_or_else(|| "no reason given".to_owned(), |said| shown(&said))
            ));
        }
        Err(problem) => {
            return Wrong(format!("the Bot API at {} can't be reached: {problem}", telegram.api_base));
        }
    };
    let wanted = asking.public_url.map(|url| format!("{url}/webhooks/telegram/{}", channel.id));
    match wanted {
        _ if info.url.is_empty() => Wrong(
            "no webhook is registered: set server.public_url and start, or make the call that `steward up` prints"
                .to_owned(),
        ),
        Some(wanted) if info.url != wanted => Wrong(format!(
            "updates go to {}, not to {wanted}: another system uses this bot, or ingestion hasn't started since",
            shown(&info.url)
        )),
        _ => match info.last_error_message {
            Some(error) => Notice(format!(
                "{} updates wait; Telegram's last attempt failed: {}",
                info.pending_update_count,
                shown(&error)
            )),
            None => Fine(format!("updates go to {}, {} wait", shown(&info.url), info.pending_update_count)),
        },
    }
}
