//! The call that sends, checked as the Cloud API checks it.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Body,
    extract::{ConnectInfo, Path, State as Extracted},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
    routing::post,
};
use bytes::Bytes;
use chrono::Utc;
use serde_json::{Value, json};

use super::{ACCESS_TOKEN, Call, Fault, PHONE_NUMBER_ID, Shared, Taken, faults::refusal};
use crate::telegram::line::Cutter;

/// Routes the path `/{version}/{phone_number_id}/messages`.
pub fn router(shared: Arc<Shared>) -> Router {
    Router::new().route("/{version}/{number}/messages", post(handle)).with_state(shared)
}

async fn handle(
    Extracted(shared): Extracted<Arc<Shared>>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    Path((version, number)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let at = Utc::now();
    let Ok(body) = serde_json::from_slice::<Value>(&body) else { return refusal(100) };
    shared.state().calls.push(Call { body: body.clone(), at });
    shared.changed.send_modify(|n| *n += 1);
    let bearer = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if bearer != format!("Bearer {ACCESS_TOKEN}") {
        return refusal(190);
    }
    if number != PHONE_NUMBER_ID || !version.starts_with('v') || body["messaging_product"] != "whatsapp" {
        return refusal(100);
    }
    if body["status"] == "read" {
        return match body["message_id"].as_str() {
            Some(_) => Json(json!({ "success": true })).into_response(),
            None => refusal(100),
        };
    }
    send(&shared, &cutter, &body).await
}

async fn send(shared: &Shared, cutter: &Cutter, body: &Value) -> Response {
    let Some(to) = body["to"].as_str().or_else(|| body["recipient"].as_str()).filter(|to| !to.is_empty()) else {
        return refusal(131_008);
    };
    let fault = shared.state().fault(to);
    if let Some(answer) = fault.as_ref().and_then(Fault::answer) {
        return answer;
    }
    if let Some(Fault::DropBefore) = fault {
        cutter.cut();
        return Response::new(Body::empty());
    }
    let text = match checked(body) {
        Ok(text) => text,
        Err(code) => return refusal(code),
    };
    {
        let state = shared.state();
        let template = body["type"] == "template";
        if !template && state.closed.contains(to) {
            return refusal(131_047);
        }
        if template && !state.templates.contains(body["template"]["name"].as_str().unwrap_or_default()) {
            return refusal(132_001);
        }
    }
    let id = shared.take(to, text, body);
    match fault {
        Some(Fault::DropAfter) => {
            cutter.cut();
            return Response::new(Body::empty());
        }
        Some(Fault::Hang(time)) => tokio::time::sleep(time).await,
        _ => {}
    }
    let answer = json!({
        "messaging_product": "whatsapp",
        "contacts": [{ "input": to, "wa_id": to }],
        "messages": [{ "id": id, "message_status": "accepted" }],
    });
    if let Some(Fault::Truncated) = fault {
        let whole = answer.to_string();
        return ([(header::CONTENT_TYPE, "application/json")], whole[..40].to_owned()).into_response();
    }
    Json(answer).into_response()
}

/// The words that the client gets to read, or the code of the error.
fn checked(body: &Value) -> Result<String, i64> {
    let within = |text: &Value, most: usize| {
        let text = text.as_str().unwrap_or_default();
        if text.is_empty() || text.chars().count() > most { Err(100) } else { Ok(text.to_owned()) }
    };
    if body["biz_opaque_callback_data"].as_str().is_some_and(|data| data.len() > 512) {
        return Err(100);
    }
    match body["type"].as_str() {
        Some("text") => within(&body["text"]["body"], 4096),
        Some("interactive") => {
            let interactive = &body["interactive"];
            let buttons = interactive["action"]["buttons"].as_array().map(Vec::as_slice).unwrap_or_default();
            if interactive["type"] != "button" || buttons.is_empty() || buttons.len() > 3 {
                return Err(131_009);
            }
            for button in buttons {
                within(&button["reply"]["title"], 20)?;
                within(&button["reply"]["id"], 256)?;
            }
            within(&interactive["body"]["text"], 1024)
        }
        Some("template") => {
            let parameters = body["template"]["components"][0]["parameters"].as_array().cloned().unwrap_or_default();
            let texts: Vec<&str> = parameters.iter().filter_map(|p| p["text"].as_str()).collect();
            if texts.iter().any(|t| t.is_empty() || t.contains(['\n', '\t']) || t.contains("     ")) {
                return Err(132_012);
            }
            within(&body["template"]["language"]["code"], 10)?;
            Ok(texts.join(" | "))
        }
        _ => Err(131_009),
    }
}

impl Shared {
    fn take(&self, to: &str, text: String, body: &Value) -> String {
        let id = super::notifications::wamid();
        let taken = Taken {
            to: to.to_owned(),
            text,
            id: id.clone(),
            reference: body["biz_opaque_callback_data"].as_str().unwrap_or_default().to_owned(),
            body: body.clone(),
            at: Utc::now(),
        };
        self.state().taken.push(taken);
        self.changed.send_modify(|n| *n += 1);
        id
    }
}
