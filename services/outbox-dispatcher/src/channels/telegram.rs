//! Telegram, outward: sends by `sendMessage`, says what the answer means, and shows signs beside messages.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use steward_log::Clock;
use steward_proto::v1;
use steward_settings::Telegram;

use super::{Outbound, Sent, Sign, Way, answer, broken::broken};

/// A bot that can send.
#[derive(Clone)]
pub struct Bot {
    send_message: String,
    send_chat_action: String,
    answer_callback_query: String,
    client: reqwest::Client,
}

/// Most bytes of what a button brings back (Bot API, `InlineKeyboardButton.callback_data`).
const CALLBACK_DATA: usize = 64;

/// How long a sign may take; it isn't worth a longer wait.
const SIGN_TIMEOUT: Duration = Duration::from_secs(3);

impl std::fmt::Debug for Bot {
    /// Leaves the URLs out, which hold the token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bot").finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct SendMessage<'a> {
    #[serde(flatten)]
    to: Address<'a>,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_markup: Option<Keyboard<'a>>,
}

/// The address of a conversation (a chat id, `{business connection}:{chat}` or `{chat}/{topic}`), as the Bot API takes
/// it.
#[derive(Serialize)]
struct Address<'a> {
    chat_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    business_connection_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_thread_id: Option<i64>,
}

#[derive(Serialize)]
struct Keyboard<'a> {
    inline_keyboard: Vec<Vec<Key<'a>>>,
}

#[derive(Serialize)]
struct Key<'a> {
    text: &'a str,
    callback_data: &'a str,
}

#[derive(Serialize)]
struct ChatAction<'a> {
    #[serde(flatten)]
    to: Address<'a>,
    action: &'static str,
}

#[derive(Serialize)]
struct PressAnswered<'a> {
    callback_query_id: &'a str,
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

/// The bot's way out.
pub fn way_of(telegram: &Telegram, client: &reqwest::Client) -> Option<Bot> {
    Some(Bot::of(telegram, client))
}

impl Bot {
    fn of(telegram: &Telegram, client: &reqwest::Client) -> Self {
        let url = |method: &str| format!("{}/bot{}/{method}", telegram.api_base, telegram.token.expose());
        Self {
            send_message: url("sendMessage"),
            send_chat_action: url("sendChatAction"),
            answer_callback_query: url("answerCallbackQuery"),
            client: client.clone(),
        }
    }

    async fn send_part(&self, out: &Outbound, now: DateTime<Utc>) -> Sent {
        let body = SendMessage {
            to: Address::of(&out.external_id),
            text: &out.text,
            reply_markup: Keyboard::of(&out.buttons),
        };
        let response = match self.client.post(&self.send_message).json(&body).send().await {
            Ok(response) => response,
            Err(error) => return broken(&error),
        };
        let status = response.status().as_u16();
        match answer::read(response).await {
            Ok(bytes) => answered(status, &bytes, now),
            Err(unread) => Sent::Unknown { text: unread.to_string() },
        }
    }

    async fn sign(&self, url: &str, body: &impl Serialize) -> Option<Duration> {
        let response = self.client.post(url).timeout(SIGN_TIMEOUT).json(body).send().await.ok()?;
        if response.status().as_u16() != 429 {
            return None;
        }
        let answer: Answer = serde_json::from_slice(&answer::read(response).await.ok()?).ok()?;
        let seconds = answer.parameters.and_then(|p| p.retry_after).unwrap_or(1);
        Some(Duration::from_secs(seconds.clamp(1, 86_400).unsigned_abs()))
    }
}

impl Way for Bot {
    fn send<'a>(&'a self, out: &'a Outbound, clock: &'a Clock) -> BoxFuture<'a, Sent> {
        Box::pin(self.send_part(out, clock.now()))
    }

    fn signs(&self) -> &'static [Sign] {
        &[Sign::PressArrived, Sign::Typing]
    }

    fn show<'a>(&'a self, sign: Sign, what: &'a str) -> BoxFuture<'a, Option<Duration>> {
        Box::pin(async move {
            match sign {
                // The client's app learns that the press arrived.
                Sign::PressArrived => {
                    self.sign(&self.answer_callback_query, &PressAnswered { callback_query_id: what }).await
                }
                Sign::Typing => {
                    let action = ChatAction { to: Address::of(what), action: "typing" };
                    self.sign(&self.send_chat_action, &action).await
                }
                Sign::Read => None,
            }
        })
    }
}

impl<'a> Address<'a> {
    fn of(external_id: &'a str) -> Self {
        let (business_connection_id, chat) = match external_id.split_once(':') {
            Some((connection, chat)) => (Some(connection), chat),
            None => (None, external_id),
        };
        let (chat_id, message_thread_id) = match chat.split_once('/') {
            Some((chat, topic)) => (chat, topic.parse().ok()),
            None => (chat, None),
        };
        Self { chat_id, business_connection_id, message_thread_id }
    }
}

impl<'a> Keyboard<'a> {
    /// The buttons one below the other, so that long titles stay whole; `None` if Telegram would take none of them.
    fn of(buttons: &'a [v1::Button]) -> Option<Self> {
        let taken = |b: &&v1::Button| !b.title.trim().is_empty() && (1..=CALLBACK_DATA).contains(&b.id.len());
        let row = |b: &'a v1::Button| Key { text: &b.title, callback_data: &b.id };
        let inline_keyboard: Vec<_> = buttons.iter().filter(taken).map(|b| vec![row(b)]).collect();
        (!inline_keyboard.is_empty()).then_some(Self { inline_keyboard })
    }
}

/// What the provider's answer means. A page that isn't the Bot API's own answer proves nothing.
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
        // The message is fine; a wrong token is ours to mend.
        401 | 404 => Sent::Deferred { code: "unauthorized", text: description, retry_at: None },
        403 => Sent::Refused { code: "blocked", text: description, provider_code },
        _ if gone(&description) => Sent::Refused { code: "blocked", text: description, provider_code },
        _ => Sent::Refused { code: "provider_refused", text: description, provider_code },
    }
}

/// Whether a 400 says that the chat is gone for good.
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
    fn an_address_names_its_business_connection_and_its_topic() {
        let json = |id| serde_json::to_value(Address::of(id)).unwrap();
        assert_eq!(json("42"), serde_json::json!({ "chat_id": "42" }));
        assert_eq!(json("bc1:42"), serde_json::json!({ "chat_id": "42", "business_connection_id": "bc1" }));
        assert_eq!(json("-1001/33"), serde_json::json!({ "chat_id": "-1001", "message_thread_id": 33 }));
    }

    #[test]
    fn a_button_that_telegram_would_refuse_does_not_cost_the_message() {
        let button = |id: &str, title: &str| v1::Button { id: id.to_owned(), title: title.to_owned() };
        let buttons = [button("a", "Yes"), button(&"x".repeat(65), "Long"), button("", "No id"), button("b", " ")];
        let keyboard = serde_json::to_value(Keyboard::of(&buttons)).unwrap();
        assert_eq!(keyboard, serde_json::json!({ "inline_keyboard": [[{ "text": "Yes", "callback_data": "a" }]] }));
        assert!(Keyboard::of(&buttons[1..]).is_none() && Keyboard::of(&[]).is_none());
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
