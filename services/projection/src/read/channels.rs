//! `GET /api/v1/channels`: where a conversation can take place.

use std::sync::Arc;

use axum::extract::State;
use serde_json::json;
use steward_http::{Caller, Problem};

use super::{Reads, answer::Answer, params::Params};

pub async fn list(State(reads): State<Arc<Reads>>, caller: Caller, params: Params) -> Result<Answer, Problem> {
    params.finish(&[])?;
    let own = reads.channels.iter().filter(|c| c.tenant == caller.tenant);
    let items: Vec<_> = own.map(|c| json!({ "id": c.id, "kind": c.kind })).collect();
    Ok(Answer { position: reads.reached.now(), body: json!({ "items": items, "next_cursor": null }) })
}
