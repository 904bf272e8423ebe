//! `GET /api/v1/channels`: where a conversation can take place.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use steward_domain::channel::Capabilities;
use steward_http::{Caller, Problem};

use super::{answer::Answer, desk::Desk, params::Params};

pub async fn list(State(desk): State<Arc<Desk>>, caller: Caller, params: Params) -> Result<Answer, Problem> {
    params.finish(&[])?;
    let own = desk.reads.channels.iter().filter(|c| c.tenant == caller.tenant);
    let items = own.map(|c| ChannelView {
        id: c.id.clone(),
        kind: c.kind.clone(),
        capabilities: CapabilitiesView::of(&c.kind),
    });
    let body = ChannelsView { items: items.collect(), next_cursor: None };
    Ok(Answer::small(desk.reads.reached.now(), &body))
}

/// All of them on one page.
#[derive(Debug, Serialize)]
pub struct ChannelsView {
    pub items: Vec<ChannelView>,
    pub next_cursor: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct ChannelView {
    pub id: String,
    /// telegram, whatsapp, email, web.
    pub kind: String,
    pub capabilities: CapabilitiesView,
}

/// What a kind of channel can do, for whoever writes to be sent over it.
#[derive(Debug, Serialize)]
pub struct CapabilitiesView {
    /// Longest text, in the channel's own units; `null`: any length.
    pub text_limit: Option<usize>,
    /// How long after the client's last word free text may be sent; `null`: always.
    pub window_seconds: Option<i64>,
    pub templates: bool,
    /// Most buttons below a text.
    pub buttons: usize,
    pub receipts: bool,
    pub edits: bool,
    pub unknown_settled_by: &'static str,
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
