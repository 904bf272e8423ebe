//! `GET /api/v1/channels`: where a conversation can take place.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use steward_domain::channel::Capabilities;
use steward_http::{Caller, Problem};
use utoipa::{ToSchema, openapi::schema::Object};

use super::{
    answer::Answer,
    desk::Desk,
    openapi::Unread,
    params::Params,
    view::{List, one_of},
};

/// The configured channels
#[utoipa::path(
    get,
    path = "/api/v1/channels",
    tag = "channels",
    operation_id = "list_channels",
    responses((status = 200, description = "as of Steward-Position", body = List<ChannelView>), Unread),
)]
pub async fn list(State(desk): State<Arc<Desk>>, caller: Caller, params: Params) -> Result<Answer, Problem> {
    params.finish(&[])?;
    let own = desk.reads.channels.iter().filter(|c| c.tenant == caller.tenant);
    let items = own.map(|c| ChannelView {
        id: c.id.clone(),
        kind: c.kind.clone(),
        capabilities: CapabilitiesView::of(&c.kind),
    });
    let body = List { items: items.collect(), next_cursor: None };
    Ok(Answer::small(desk.reads.reached.now(), &body))
}

/// A configured channel.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Channel)]
pub struct ChannelView {
    pub id: String,
    #[schema(schema_with = kinds)]
    pub kind: String,
    pub capabilities: CapabilitiesView,
}

fn kinds() -> Object {
    one_of(["telegram", "whatsapp", "email", "web"])
}

/// What a kind of channel can do, for whoever sends messages over it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Capabilities)]
pub struct CapabilitiesView {
    /// Longest text of one message, in the channel's own units; longer texts go out in parts. `null`: any length.
    pub text_limit: Option<usize>,
    /// How long after the client's last word free text may be sent; `null`: always.
    pub window_seconds: Option<i64>,
    pub templates: bool,
    /// Most buttons below a text.
    pub buttons: usize,
    pub receipts: bool,
    pub edits: bool,
    /// What can say whether a send of unknown fate arrived.
    #[schema(schema_with = settlers)]
    pub unknown_settled_by: &'static str,
}

fn settlers() -> Object {
    one_of(["operator", "status", "message_id", "never"])
}

impl CapabilitiesView {
    fn of(kind: &str) -> Self {
        let can = Capabilities::of(kind);
        Self {
            text_limit: can.text.map(|limit| limit.most),
            window_seconds: can.window.map(|window| window.num_seconds()),
            templates: can.templates,
            buttons: can.buttons,
            receipts: can.receipts,
            edits: can.edits,
            unknown_settled_by: can.unknown.name(),
        }
    }
}
