//! Long polling (Bot API, `getUpdates`): updates are asked for where nobody can post them to us.
//!
//! Telegram forgets an update when a later one is asked for, so that is what happens only once it is durable. What is
//! asked for again after a crash is known by its id and makes no second event.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use steward_http::Trace;
use steward_log::Backoff;
use steward_settings::{Channel, Telegram};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    itself::Acquaintance,
    register::ALLOWED_UPDATES,
    take::{Known, take},
};
use crate::{intake::Intake, json::Object};

/// How long the Bot API holds a question open while there is nothing to tell, in seconds.
const HELD: u64 = 50;

/// Longest time from the question to the whole answer; a line that is dead longer than that is given up.
const PATIENCE: Duration = Duration::from_secs(HELD + 10);

/// Any other call ends within this.
const SHORT_PATIENCE: Duration = Duration::from_secs(10);

/// Waits after failures: 1, 2, 4 … 60 s.
const WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The Bot API never asks for more patience than a day.
const LONGEST_RETRY_AFTER: u64 = 86_400;

#[derive(Serialize)]
struct GetUpdates<'a> {
    /// The first update wanted; those before it are done with. Absent: the first that isn't done with.
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<i64>,
    timeout: u64,
    allowed_updates: &'a [&'a str],
}

#[derive(Deserialize)]
struct Answer {
    ok: bool,
    /// Updates, each as it came.
    result: Option<Vec<Box<RawValue>>>,
    error_code: Option<u16>,
    description: Option<String>,
    parameters: Option<Parameters>,
}

#[derive(Deserialize)]
struct Parameters {
    retry_after: Option<u64>,
}

/// Why there are no updates now. The token is never in it.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the Bot API can't be reached: {0}")]
    Unreachable(String),
    #[error("a webhook is set, and Telegram gives updates to one way only")]
    WebhookSet,
    #[error("the Bot API says: {description}")]
    Refused { description: String, retry_after: Option<Duration> },
    #[error("the log doesn't take them: {0}")]
    NotRecorded(String),
}

/// Asks for a channel's updates and records them until the shutdown.
pub async fn run(
    intake: Intake,
    channel: Channel,
    telegram: Telegram,
    acquaintance: Acquaintance,
    client: reqwest::Client,
    shutdown: CancellationToken,
) {
    let mut poller = Poller { intake, channel, telegram, acquaintance, client, shutdown, offset: None };
    let mut backoff = Backoff::new(WAIT, LONGEST_WAIT);
    tracing::info!(channel = poller.channel.id, "asking Telegram for updates");
    while !poller.shutdown.is_cancelled() {
        let failure = match poller.round().await {
            Ok(()) => {
                backoff.reset();
                continue;
            }
            Err(Failure::WebhookSet) => match poller.delete_webhook().await {
                Ok(()) => continue,
                Err(failure) => failure,
            },
            Err(failure) => failure,
        };
        let pause = match &failure {
            Failure::Refused { retry_after: Some(told), .. } => *told,
            _ => backoff.next_pause(),
        };
        tracing::warn!(channel = poller.channel.id, "no updates: {failure}; asking again in {} s", pause.as_secs());
        poller.shutdown.run_until_cancelled(tokio::time::sleep(pause)).await;
    }
}

struct Poller {
    intake: Intake,
    channel: Channel,
    telegram: Telegram,
    acquaintance: Acquaintance,
    client: reqwest::Client,
    shutdown: CancellationToken,
    /// One past the last durable update, until Telegram has been told.
    offset: Option<i64>,
}

impl Poller {
    /// Asks once and records what comes, in order. The shutdown ends it early.
    async fn round(&mut self) -> Result<(), Failure> {
        let began = Instant::now();
        let question = GetUpdates { offset: self.offset, timeout: HELD, allowed_updates: ALLOWED_UPDATES };
        let asked = self.call("getUpdates", &question, PATIENCE);
        let Some(answer) = self.shutdown.run_until_cancelled(asked).await else { return Ok(()) };
        let updates = answer?.result.unwrap_or_default();
        // Told, and nothing new: from here on Telegram remembers by itself. Update ids begin anew at random after a quiet
        // week, so an old offset would hide what comes then.
        self.offset = None;
        if updates.is_empty() && began.elapsed() < WAIT {
            // Not the Bot API's way: something between us answers for it, and would be asked without end.
            self.shutdown.run_until_cancelled(tokio::time::sleep(WAIT)).await;
        }
        for update in updates {
            if self.shutdown.is_cancelled() {
                return Ok(());
            }
            self.record(&update).await?;
        }
        Ok(())
    }

    async fn record(&mut self, update: &RawValue) -> Result<(), Failure> {
        let Some(id) = Object::read(update.get()).ok().and_then(|u| u.int("update_id")) else {
            tracing::warn!(channel = self.channel.id, "an update without an id was left out");
            return Ok(());
        };
        let body = Bytes::copy_from_slice(update.get().as_bytes());
        let known = Known { telegram: &self.telegram, acquaintance: &self.acquaintance };
        match take(&self.intake, &self.channel, &known, body, &Trace::begin()).await {
            Ok(()) => {}
            Err(problem) if problem.status().is_server_error() => {
                return Err(Failure::NotRecorded(problem.detail().to_owned()));
            }
            // Asking for it again would bring the same, and hold up all that follow.
            Err(problem) => {
                tracing::warn!(channel = self.channel.id, id, "an update was left out: {}", problem.detail());
            }
        }
        self.offset = Some(id.saturating_add(1));
        Ok(())
    }

    /// What waits at Telegram stays there for us.
    async fn delete_webhook(&self) -> Result<(), Failure> {
        let question = serde_json::json!({ "drop_pending_updates": false });
        let asked = self.call("deleteWebhook", &question, SHORT_PATIENCE);
        if self.shutdown.run_until_cancelled(asked).await.transpose()?.is_some() {
            tracing::info!(channel = self.channel.id, "the webhook that was set is removed: this channel polls");
        }
        Ok(())
    }

    async fn call(&self, method: &str, body: &impl Serialize, patience: Duration) -> Result<Answer, Failure> {
        // The URL holds the token: it must not reach an error's text.
        let unreachable = |error: reqwest::Error| Failure::Unreachable(error.without_url().to_string());
        let url = format!("{}/bot{}/{method}", self.telegram.api_base, self.telegram.token.expose());
        let response = self.client.post(url).timeout(patience).json(body).send().await.map_err(unreachable)?;
        let status = response.status();
        let bytes = super::answer::read(response).await.map_err(Failure::Unreachable)?;
        read(status.as_u16(), &bytes)
    }
}

/// What the Bot API said.
fn read(status: u16, body: &[u8]) -> Result<Answer, Failure> {
    // `deleteWebhook` answers `true` where updates would be a list.
    #[derive(Deserialize)]
    struct Done {
        ok: bool,
    }
    let answer = match serde_json::from_slice::<Answer>(body) {
        Ok(answer) => answer,
        Err(_) if serde_json::from_slice::<Done>(body).is_ok_and(|d| d.ok) => return Ok(Answer::done()),
        Err(_) => return Err(Failure::Unreachable(format!("HTTP {status}, and not an answer of the Bot API"))),
    };
    if answer.ok {
        return Ok(answer);
    }
    let description = answer.description.unwrap_or_default();
    if answer.error_code.unwrap_or(status) == 409 && description.to_ascii_lowercase().contains("webhook") {
        return Err(Failure::WebhookSet);
    }
    let retry_after = answer.parameters.and_then(|p| p.retry_after);
    let retry_after = retry_after.map(|seconds| Duration::from_secs(seconds.clamp(1, LONGEST_RETRY_AFTER)));
    Err(Failure::Refused { description, retry_after })
}

impl Answer {
    fn done() -> Self {
        Self { ok: true, result: None, error_code: None, description: None, parameters: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_told_from_a_conflict_a_limit_and_a_gateways_page() {
        let updates =
            read(200, br#"{"ok":true,"result":[{"update_id":7,"message":{"text":"\ud83d"}},{"update_id":8}]}"#);
        let updates = updates.unwrap().result.unwrap();
        assert_eq!(updates[0].get(), r#"{"update_id":7,"message":{"text":"\ud83d"}}"#, "byte for byte");
        assert_eq!(updates.len(), 2);
        assert!(read(200, br#"{"ok":true,"result":true,"description":"Webhook was deleted"}"#).is_ok());

        let set = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";
        let conflict = |text: &str| {
            let body = serde_json::json!({ "ok": false, "error_code": 409, "description": text });
            read(409, body.to_string().as_bytes()).err().unwrap()
        };
        assert!(matches!(conflict(set), Failure::WebhookSet));
        let other = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running";
        assert!(matches!(conflict(other), Failure::Refused { retry_after: None, .. }));

        let limit = br#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 3","parameters":{"retry_after":3}}"#;
        assert!(matches!(
            read(429, limit),
            Err(Failure::Refused { retry_after: Some(told), .. }) if told == Duration::from_secs(3)
        ));
        for page in [&b"<html>Bad Gateway</html>"[..], b"", b"[]", b"{}"] {
            assert!(matches!(read(502, page), Err(Failure::Unreachable(_))));
        }
    }
}
