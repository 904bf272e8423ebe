//! The methods of the Bot API that Steward calls, with the checks that Telegram makes.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Body,
    extract::{ConnectInfo, Path, Query, State as Extracted},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
    routing::any,
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::{Call, Delivered, Fault, Shared, faults::refusal, line::Cutter, polling};

/// Longest text of a message, in UTF-16 code units (Bot API, `sendMessage`).
const LONGEST: usize = 4096;

/// Routes the paths `/bot{token}/{method}`.
pub fn router(shared: Arc<Shared>) -> Router {
    Router::new().route("/{bot}/{method}", any(handle)).with_state(shared)
}

async fn handle(
    Extracted(shared): Extracted<Arc<Shared>>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    Path((bot, method)): Path<(String, String)>,
    Query(query): Query<Map<String, Value>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let at = Utc::now();
    let Some(token) = bot.strip_prefix("bot") else { return refusal(404, "Not Found", None) };
    let mut arguments = query;
    match read_body(&headers, &body) {
        Ok(fields) => arguments.extend(fields),
        Err(description) => return refusal(400, description, None),
    }
    let body = Value::Object(arguments);
    let (latency, right) = {
        let mut state = shared.state();
        state.calls.push(Call { method: method.clone(), token: token.to_owned(), body: body.clone(), at });
        (state.latency, state.token.as_ref().is_none_or(|t| t == token))
    };
    shared.called.send_modify(|n| *n += 1);
    if !right {
        return refusal(401, "Unauthorized", None);
    }
    // The names of methods aren't case-sensitive.
    match method.to_lowercase().as_str() {
        "sendmessage" => {
            let answer = send_message(&shared, &cutter, &body, at).await;
            // This is the answer's way back: the recipient has the message before the sender knows.
            tokio::time::sleep(latency).await;
            answer
        }
        "getme" => match shared.state().username.clone() {
            Some(name) => result(json!({ "id": 1, "is_bot": true, "first_name": "Steward", "username": name })),
            None => refusal(500, "Internal Server Error", None),
        },
        "setwebhook" => set_webhook(&shared, &body),
        "deletewebhook" => polling::delete_webhook(&shared, &body),
        "getupdates" => polling::get_updates(&shared, &cutter, &body).await,
        "sendchataction" => chat_action(&body),
        "answercallbackquery" => match body["callback_query_id"].as_str() {
            Some(id) if !id.is_empty() => result(json!(true)),
            _ => {
                refusal(400, "Bad Request: query is too old and response timeout expired or query ID is invalid", None)
            }
        },
        "setmycommands" => result(json!(true)),
        "getwebhookinfo" => polling::webhook_info(&shared),
        _ => refusal(404, "Not Found", None),
    }
}

pub(super) fn result(result: Value) -> Response {
    Json(json!({ "ok": true, "result": result })).into_response()
}

/// Arguments come as JSON or as a form.
fn read_body(headers: &HeaderMap, body: &[u8]) -> Result<Map<String, Value>, &'static str> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/json") {
        return serde_json::from_slice(body).map_err(|_| "Bad Request: can't parse JSON object");
    }
    if kind.starts_with("application/x-www-form-urlencoded") {
        let form: Result<Query<Map<String, Value>>, _> = format!("http://x/?{}", String::from_utf8_lossy(body))
            .parse()
            .map_err(|_| "Bad Request: can't parse form")
            .and_then(|uri| Query::try_from_uri(&uri).map_err(|_| "Bad Request: can't parse form"));
        return form.map(|Query(fields)| fields);
    }
    Err("Bad Request: unsupported Content-Type")
}

fn set_webhook(shared: &Shared, body: &Value) -> Response {
    let url = body["url"].as_str().unwrap_or_default();
    if !url.is_empty() && !url.starts_with("https://") {
        return refusal(400, "Bad Request: bad webhook: HTTPS url must be provided for webhook", None);
    }
    let secret = body["secret_token"].as_str().unwrap_or_default();
    if secret.len() > 256 || !secret.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
        return refusal(400, "Bad Request: secret token contains unallowed characters", None);
    }
    url.clone_into(&mut shared.state().webhook);
    Json(json!({ "ok": true, "result": true, "description": "Webhook was set" })).into_response()
}

/// The chat that a call names.
fn chat_of(body: &Value) -> Result<String, &'static str> {
    match &body["chat_id"] {
        Value::String(s) if !s.is_empty() => Ok(s.clone()),
        Value::Number(n) => Ok(n.to_string()),
        _ => Err("Bad Request: chat_id is empty"),
    }
}

fn chat_action(body: &Value) -> Response {
    if let Err(description) = chat_of(body) {
        return refusal(400, description, None);
    }
    match body["action"].as_str() {
        Some("typing" | "upload_photo" | "upload_document" | "record_voice" | "find_location") => result(json!(true)),
        _ => refusal(400, "Bad Request: wrong parameter action in request", None),
    }
}

/// The buttons of an inline keyboard, which must have a text and at most 64 bytes of data each, as Telegram demands.
fn buttons_of(body: &Value) -> Result<Vec<(String, String)>, &'static str> {
    if body["reply_markup"].is_null() {
        return Ok(Vec::new());
    }
    let unreadable = "Bad Request: can't parse inline keyboard button";
    let rows = body["reply_markup"]["inline_keyboard"].as_array().ok_or(unreadable)?;
    let mut buttons = Vec::new();
    for row in rows {
        for button in row.as_array().ok_or(unreadable)? {
            let text = button["text"].as_str().filter(|t| !t.trim().is_empty()).ok_or(unreadable)?;
            let data = button["callback_data"].as_str().ok_or(unreadable)?;
            if !(1..=64).contains(&data.len()) {
                return Err("Bad Request: BUTTON_DATA_INVALID");
            }
            buttons.push((text.to_owned(), data.to_owned()));
        }
    }
    Ok(buttons)
}

async fn send_message(shared: &Shared, cutter: &Cutter, body: &Value, at: DateTime<Utc>) -> Response {
    let chat_id = match chat_of(body) {
        Ok(chat_id) => chat_id,
        Err(description) => return refusal(400, description, None),
    };
    let fault = {
        let mut state = shared.state();
        let of_chat = state.faults_of_chat.get_mut(&chat_id).and_then(std::collections::VecDeque::pop_front);
        of_chat.or_else(|| state.faults.pop_front())
    };
    if let Some(answer) = fault.as_ref().and_then(Fault::answer) {
        return answer;
    }
    match fault {
        Some(Fault::DropBefore) => {
            cutter.cut();
            return Response::new(Body::empty());
        }
        Some(Fault::HangBefore(time)) => {
            tokio::time::sleep(time).await;
            cutter.cut();
            return Response::new(Body::empty());
        }
        _ => {}
    }
    // Telegram looks at what is left after parsing, so surrounding white space doesn't count.
    let text = body["text"].as_str().unwrap_or_default().trim();
    if text.is_empty() {
        return refusal(400, "Bad Request: message text is empty", None);
    }
    if text.encode_utf16().count() > LONGEST {
        return refusal(400, "Bad Request: message is too long", None);
    }
    if shared.state().unknown_chats.contains(&chat_id) {
        return refusal(400, "Bad Request: chat not found", None);
    }
    let buttons = match buttons_of(body) {
        Ok(buttons) => buttons,
        Err(description) => return refusal(400, description, None),
    };
    let message_id = deliver(shared, &chat_id, text, buttons, at);
    match fault {
        Some(Fault::DropAfter) => {
            cutter.cut();
            return Response::new(Body::empty());
        }
        Some(Fault::Hang(time)) => tokio::time::sleep(time).await,
        _ => {}
    }
    let chat = chat_id.parse::<i64>().map_or_else(|_| json!({ "username": chat_id }), |id| json!({ "id": id }));
    let mut message = json!({
        "message_id": message_id,
        "from": { "id": 1, "is_bot": true, "first_name": "Steward", "username": "steward_test_bot" },
        "chat": chat,
        "date": at.timestamp(),
        "text": text,
    });
    message["chat"]["type"] = json!(if chat_id.starts_with('-') { "supergroup" } else { "private" });
    if let Some(Fault::Truncated) = fault {
        let whole = json!({ "ok": true, "result": message }).to_string();
        let half = whole[..whole.char_indices().nth(20).expect("longer than that").0].to_owned();
        return ([(header::CONTENT_TYPE, "application/json")], half).into_response();
    }
    result(message)
}

fn deliver(shared: &Shared, chat_id: &str, text: &str, buttons: Vec<(String, String)>, at: DateTime<Utc>) -> i64 {
    let message_id = {
        let mut state = shared.state();
        state.last_message_id += 1;
        let message_id = state.last_message_id;
        let (chat_id, text) = (chat_id.to_owned(), text.to_owned());
        state.delivered.push(Delivered { chat_id, text, buttons, message_id, at });
        message_id
    };
    shared.delivered.send_modify(|n| *n += 1);
    message_id
}
