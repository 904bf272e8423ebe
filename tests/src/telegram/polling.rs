//! `getUpdates`: a question is held open while there are no updates, and ended when a later one is asked.

use std::time::Duration;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{Fault, Shared, faults::refusal, line::Cutter, methods::result};

/// Telegram's own words.
const WEBHOOK_SET: &str =
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";
const OTHER_QUESTION: &str =
    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running";

pub async fn get_updates(shared: &Shared, cutter: &Cutter, body: &Value) -> Response {
    let mut changes = shared.asked.subscribe();
    let (fault, mine) = {
        let mut state = shared.state();
        state.question += 1;
        state.told = body["offset"].as_i64().is_some_and(|offset| offset > 0);
        (state.polling_faults.pop_front(), state.question)
    };
    shared.asked.send_modify(|n| *n += 1);
    if let Some(answer) = fault.as_ref().and_then(Fault::answer) {
        return answer;
    }
    if fault.is_some() {
        cutter.cut();
        return Response::new(Body::empty());
    }
    let limit = body["limit"].as_u64().unwrap_or(100).clamp(1, 100);
    let held = Duration::from_secs(body["timeout"].as_u64().unwrap_or(0).min(50));
    // Updates before the offset are done with.
    if let Some(offset) = body["offset"].as_i64().filter(|offset| *offset > 0) {
        shared.state().updates.retain(|update| update["update_id"].as_i64().is_some_and(|id| id >= offset));
        shared.asked.send_modify(|n| *n += 1);
    }
    let answer = async {
        loop {
            changes.borrow_and_update();
            {
                let state = shared.state();
                if !state.webhook.is_empty() {
                    return refusal(409, WEBHOOK_SET, None);
                }
                if state.question != mine {
                    return refusal(409, OTHER_QUESTION, None);
                }
                if state.ended == mine {
                    return result(json!([]));
                }
                if !state.updates.is_empty() {
                    let limit = usize::try_from(limit).expect("a hundred at most");
                    let updates: Vec<Value> = state.updates.iter().take(limit).cloned().collect();
                    return result(json!(updates));
                }
            }
            changes.changed().await.expect("the sender lives as long as this stand-in");
        }
    };
    tokio::time::timeout(held, answer).await.unwrap_or_else(|_| result(json!([])))
}

pub fn delete_webhook(shared: &Shared, body: &Value) -> Response {
    {
        let mut state = shared.state();
        state.webhook.clear();
        if body["drop_pending_updates"] == true {
            state.updates.clear();
        }
    }
    shared.asked.send_modify(|n| *n += 1);
    axum::Json(json!({ "ok": true, "result": true, "description": "Webhook was deleted" })).into_response()
}

pub fn webhook_info(shared: &Shared) -> Response {
    let state = shared.state();
    let pending = state.updates.len();
    result(json!({ "url": state.webhook, "has_custom_certificate": false, "pending_update_count": pending }))
}
