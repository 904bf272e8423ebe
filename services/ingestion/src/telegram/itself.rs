//! Who a bot is: its id stands in its token, its username is asked for once (Bot API, `getMe`).

use std::{sync::Arc, time::Duration};
use steward_settings::Telegram;

use serde::Deserialize;
use steward_log::Backoff;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::answer;

/// A call of the Bot API ends within this.
const PATIENCE: Duration = Duration::from_secs(10);

/// An update that may name the bot waits so long for the first answer, and no longer.
const FIRST_ANSWER: Duration = Duration::from_secs(1);

/// Waits between attempts.
const WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// A bot, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Itself {
    pub id: Option<i64>,
    /// Without its `@`.
    pub username: Option<String>,
}

/// What is known of a bot's username.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Username {
    /// Nobody asks.
    Unasked,
    /// The first answer is still to come.
    Asked,
    /// It was asked for in vain, so far.
    Unknown,
    Known(String),
}

/// What is known of a channel's bot. Cheap to clone; clones are one.
#[derive(Clone)]
pub struct Acquaintance(Arc<watch::Sender<Username>>);

impl Default for Acquaintance {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Username::Unasked)))
    }
}

#[derive(Deserialize)]
struct Answer {
    result: Option<User>,
}

#[derive(Deserialize)]
struct User {
    username: Option<String>,
}

impl Acquaintance {
    /// The bot, as it is known now.
    pub fn itself(&self, telegram: &Telegram) -> Itself {
        let username = match &*self.0.borrow() {
            Username::Known(username) => Some(username.clone()),
            _ => None,
        };
        Itself { id: telegram.token.expose().split_once(':').and_then(|(id, _)| id.parse().ok()), username }
    }

    /// Waits for the first answer, if one is still to come.
    pub async fn asked(&self) {
        let mut changes = self.0.subscribe();
        // Not answered in time is as good as unknown.
        let _ = tokio::time::timeout(FIRST_ANSWER, changes.wait_for(|known| *known != Username::Asked)).await;
    }

    /// Asks for the username until it is known, or the shutdown.
    pub async fn ask(
        self,
        channel_id: String,
        telegram: Telegram,
        client: reqwest::Client,
        shutdown: CancellationToken,
    ) {
        let known = self.0;
        known.send_replace(Username::Asked);
        let mut backoff = Backoff::new(WAIT, LONGEST_WAIT);
        loop {
            let pause = backoff.next_pause();
            match shutdown.run_until_cancelled(get_me(&telegram, &client)).await {
                None => return,
                Some(Ok(username)) => {
                    known.send_replace(Username::Known(username));
                    return;
                }
                Some(Err(problem)) => {
                    known.send_replace(Username::Unknown);
                    tracing::warn!(
                        channel = channel_id,
                        "the bot's username isn't known ({problem}), so in groups it hears only commands and answers to \
                         it; asking again in {} s",
                        pause.as_secs()
                    );
                }
            }
            if shutdown.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return;
            }
        }
    }
}

/// The username, or why it isn't known; never with the token, which stands in the URL.
async fn get_me(telegram: &Telegram, client: &reqwest::Client) -> Result<String, String> {
    let url = format!("{}/bot{}/getMe", telegram.api_base, telegram.token.expose());
    let failed = |reason: String| format!("the Bot API can't be asked: {reason}");
    let response = client.post(url).timeout(PATIENCE).send().await;
    let response = response.map_err(|error| failed(error.without_url().to_string()))?;
    let answer = answer::read(response).await.map_err(failed)?;
    let answer: Answer = serde_json::from_slice(&answer).map_err(|_| failed("another answers".to_owned()))?;
    let username = answer.result.and_then(|user| user.username).filter(|name| !name.is_empty());
    username.ok_or_else(|| "the Bot API doesn't name it; is the token right?".to_owned())
}
