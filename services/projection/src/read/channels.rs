//! `GET /api/v1/channels`: where a conversation can take place.

use std::sync::Arc;

use axum::extract::State;
use steward_domain::channel::Capabilities;
use steward_http::{Caller, Problem};

use super::{
    answer::Answer,
    desk::Desk,
    openapi::Unread,
    params::Params,
    view::{self, Channel},
};

/// The configured channels
#[utoipa::path(
    get,
    path = "/api/v1/channels",
    tag = "channels",
    operation_id = "list_channels",
    responses((status = 200, description = "as of Steward-Position", body = view::List<Channel>), Unread),
)]
pub async fn list(State(desk): State<Arc<Desk>>, caller: Caller, params: Params) -> Result<Answer, Problem> {
    params.finish(&[])?;
    let own = desk.reads.channels.iter().filter(|c| c.tenant == caller.tenant);
    let items = own.map(|c| Channel { id: c.id.clone(), kind: c.kind.clone(), capabilities: capabilities(&c.kind) });
    Ok(Answer::small(desk.reads.reached.now(), &view::List { items: items.collect(), next_cursor: None }))
}

/// What this kind of channel can do, for whoever writes to be sent over it.
fn capabilities(kind: &str) -> view::Capabilities {
    let can = Capabilities::of(kind);
    view::Capabilities {
        text_limit: can.text.map(|limit| limit.most),
        window_seconds: can.window.map(|window| window.num_seconds()),
        templates: can.templates,
        buttons: can.buttons,
        receipts: can.receipts,
        edits: can.edits,
        unknown_settled_by: can.unknown.name(),
    }
}
