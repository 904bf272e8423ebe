//! How a call to the Bot API can go wrong.
//!
//! The bodies are those of the Bot API and the gateways before it (recorded by aiogram, telebot, java-telegram-bot-api
//! and teloxide).

use std::time::Duration;

use axum::{
    Json,
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use serde_json::json;

/// What happens to a `sendMessage`.
#[derive(Debug, Clone)]
pub enum Fault {
    /// 429: nothing was sent, and may be tried again after this many seconds.
    RetryAfter(u64),
    /// The Bot API itself answers with a 5xx and `ok: false`.
    ServerError(u16),
    /// A gateway answers with its own page: nobody knows what became of the call.
    GatewayPage(u16),
    /// 403: the user has blocked the bot.
    Blocked,
    /// 403: the account is gone.
    Deactivated,
    /// 400: no such chat.
    ChatNotFound,
    /// 400: the group has become a supergroup, which has this id.
    MigratedTo(i64),
    /// Any other refusal of the Bot API's own.
    Refused { code: u16, description: &'static str },
    /// The connection is cut, and nobody gets the message.
    DropBefore,
    /// The message is delivered, then the connection is cut.
    DropAfter,
    /// The message is delivered, and the answer comes this much later.
    Hang(Duration),
    /// Nobody gets the message, and no answer comes for this long.
    HangBefore(Duration),
    /// The message is delivered, but the answer is cut off in the middle of the JSON.
    Truncated,
}

/// An error in the Bot API's form.
pub fn refusal(code: u16, description: &str, parameters: Option<serde_json::Value>) -> Response {
    let mut body = json!({ "ok": false, "error_code": code, "description": description });
    if let Some(parameters) = parameters {
        body["parameters"] = parameters;
    }
    (StatusCode::from_u16(code).expect("a status code"), Json(body)).into_response()
}

impl Fault {
    /// The answer, for faults that answer at once without delivering.
    pub(super) fn answer(&self) -> Option<Response> {
        Some(match self {
            Self::RetryAfter(seconds) => refusal(
                429,
                &format!("Too Many Requests: retry after {seconds}"),
                Some(json!({ "retry_after": seconds })),
            ),
            Self::ServerError(code) => refusal(*code, "Internal Server Error", None),
            Self::GatewayPage(code) => {
                let status = StatusCode::from_u16(*code).expect("a status code");
                let page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad \
                            Gateway</h1></center>\r\n<hr><center>nginx/1.18.0</center>\r\n</body>\r\n</html>\r\n";
                (status, [(header::SERVER, "nginx/1.18.0")], Html(page)).into_response()
            }
            Self::Blocked => refusal(403, "Forbidden: bot was blocked by the user", None),
            Self::Deactivated => refusal(403, "Forbidden: user is deactivated", None),
            Self::ChatNotFound => refusal(400, "Bad Request: chat not found", None),
            Self::MigratedTo(chat) => refusal(
                400,
                "Bad Request: group chat was upgraded to a supergroup chat",
                Some(json!({ "migrate_to_chat_id": chat })),
            ),
            Self::Refused { code, description } => refusal(*code, description, None),
            Self::DropBefore | Self::DropAfter | Self::Hang(_) | Self::HangBefore(_) | Self::Truncated => return None,
        })
    }
}
