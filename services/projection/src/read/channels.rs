//! `GET /api/v1/channels`: where a conversation can take place.

use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};
use steward_domain::channel::Capabilities;
use steward_http::{Caller, Problem};

use super::{answer::Answer, desk::Desk, params::Params};

pub async fn list(State(desk): State<Arc<Desk>>, caller: Caller, params: Params) -> Result<Answer, Problem> {
    params.finish(&[])?;
    let own = desk.reads.channels.iter().filter(|c| c.tenant == caller.tenant);
    let items: Vec<_> =
        own.map(|c| json!({ "id": c.id, "kind": c.kind, "capabilities": capabilities(&c.kind) })).collect();
    Ok(Answer::small(desk.reads.reached.now(), &json!({ "items": items, "next_cursor": null })))
}

/// What this kind of channel can do, for whoever writes to be sent over it.
fn capabilities(kind: &str) -> Value {
    let can = Capabilities::of(kind);
    json!({
        "text_limit": can.text.map(|limit| limit.most),
        "window_seconds": can.window.map(|window| window.num_seconds()),
        "templates": can.templates,
        "buttons": can.buttons,
        "receipts": can.receipts,
        "edits": can.edits,
        "unknown_settled_by": can.unknown.name(),
    })
}
