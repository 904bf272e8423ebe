//! Telegram, outward: one `sendMessage` and what its answer means.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use steward_domain::settings::Telegram;

use super::{
    Outbound, Sent,
    broken::{broken, plain},
};

/// A bot that can send.
#[derive(Clone)]
pub struct Bot {
    send_message: String,
    client: reqwest::Client,
}

impl std::fmt::Debug for Bot {
    /// Without the URL: it holds the token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bot").finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct SendMessage<'a> {
    chat_id: &'a str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    business_connection_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_thread_id: Option<i64>,
}

/// The Bot API's answer, `ok` or not (Bot API, "Making requests").
#[derive(Deserialize)]
struct Answer {
    ok: bool,
    result: Option<ResultMessage>,
    error_code: Option<u16>,
    description: Option<String>,
    parameters: Option<Parameters>,
}

#[derive(Deserialize)]
struct ResultMessage {
    message_id: Option<i64>,
}

#[derive(Deserialize)]
struct Parameters {
    retry_after: Option<i64>,
    migrate_to_chat_id: Option<i64>,
}

impl Bot {
    pub fn new(telegram: &Telegram, client: reqwest::Client) -> Self {
        Self { send_message: format!("{}/bot{}/sendMessage", telegram.api_base, telegram.token), client }
    }

    /// The address is a chat id, `{business connection}:{chat}` or `{chat}/{topic}`.
    pub async fn send(&self, out: &Outbound, now: DateTime<Utc>) -> Sent {
        let external_id = out.external_id.as_str();
        let (business_connection_id, chat) = match external_id.split_once(':') {
            Some((connection, chat)) => (Some(connection), chat),
            None => (None, external_id),
        };
        let (chat_id, message_thread_id) = match chat.split_once('/') {
            Some((chat, topic)) => (chat, topic.parse().ok()),
            None => (chat, None),
        };
        let body = SendMessage { chat_id, text: &out.text, business_connection_id, message_thread_id };
        let response = match self.client.post(&self.send_message).json(&body).send().await {
            Ok(response) => response,
            Err(error) => return broken(&error),
        };
        let status = response.status().as_u16();
        match response.bytes().await {
            Ok(bytes) => answered(status, &bytes, now),
            Err(error) => Sent::Unknown { text: format!("the answer broke off: {}", plain(&error)) },
        }
    }
}

/// What the provider said. A page that isn't the Bot API's own answer proves nothing.
fn answered(status: u16, body: &[u8], now: DateTime<Utc>) -> Sent {
    let Ok(answer) = serde_json::from_slice::<Answer>(body) else {
        return Sent::Unknown { text: format!("HTTP {status}, and not an answer of the Bot API") };
    };
    if answer.ok {
        let id = answer.result.and_then(|m| m.message_id);
        let provider_message_id = id.map(|id| id.to_string()).unwrap_or_default();
        return Sent::Accepted { answer: format!("ok, message_id {provider_message_id}"), provider_message_id };
    }
    let code = answer.error_code.unwrap_or(status);
    let description = answer.description.unwrap_or_default();
    let parameters = answer.parameters;
    if let Some(chat) = parameters.as_ref().and_then(|p| p.migrate_to_chat_id) {
        return Sent::Moved { external_id: chat.to_string() };
    }
    let provider_code = code.to_string();
    match code {
        429 => {
            let seconds = parameters.and_then(|p| p.retry_after).unwrap_or(1).clamp(0, 86_400);
            let retry_at = Some(now + TimeDelta::seconds(seconds));
            Sent::Deferred { code: "rate_limited", text: description, retry_at }
        }
        500.. => Sent::Deferred { code: "provider_down", text: description, retry_at: None },
        // A wrong token is ours to mend; the message is fine.
        401 | 404 => Sent::Deferred { code: "unauthorized", text: description, retry_at: None },
        403 => Sent::Refused { code: "blocked", text: description, provider_code },
        _ if gone(&description) => Sent::Refused { code: "blocked", text: description, provider_code },
        _ => Sent::Refused { code: "provider_refused", text: description, provider_code },
    }
}

/// 400s that say the chat is gone for good.
fn gone(description: &str) -> bool {
    let description = description.to_ascii_lowercase();
    ["chat not found", "user is deactivated", "bot was kicked", "peer_id_invalid", "user_deactivated"]
        .iter()
        .any(|sign| description.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Sent {
        answered(status, body.as_bytes(), DateTime::UNIX_EPOCH)
    }

    #[test]
    fn only_the_bot_apis_own_answer_counts() {
        assert_eq!(
            read(200, r#"{"ok":true,"result":{"message_id":7}}"#),
            Sent::Accepted { provider_message_id: "7".to_owned(), answer: "ok, message_id 7".to_owned() }
        );
        for (status, page) in [(502, "<html>Bad Gateway</html>"), (200, "<html></html>"), (500, "{}"), (504, "")] {
            assert!(matches!(read(status, page), Sent::Unknown { .. }), "{page}");
        }
    }

    #[test]
    fn a_rate_limit_says_when_to_come_back() {
        let body = r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 3","parameters":{"retry_after":3}}"#;
        let Sent::Deferred { code, retry_at, .. } = read(429, body) else { panic!("deferred") };
        assert_eq!((code, retry_at.unwrap().timestamp()), ("rate_limited", 3));
    }

    #[test]
    fn a_blocked_bot_a_gone_chat_and_a_bad_request_are_refusals_of_their_own() {
        let refused = |body| match read(400, body) {
            Sent::Refused { code, .. } => code,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            refused(r#"{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked by the user"}"#),
            "blocked"
        );
        assert_eq!(refused(r#"{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}"#), "blocked");
        assert_eq!(
            refused(r#"{"ok":false,"error_code":400,"description":"Bad Request: message is too long"}"#),
            "provider_refused"
        );
    }

    #[test]
    fn a_group_that_moved_names_its_new_address() {
        let body = r#"{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-1001}}"#;
        assert_eq!(read(400, body), Sent::Moved { external_id: "-1001".to_owned() });
    }
}
