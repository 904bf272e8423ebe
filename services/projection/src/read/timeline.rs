//! `GET /api/v1/conversations/{id}/timeline`: what happened, in words, with the causes of each event.

use std::{collections::HashSet, sync::Arc};

use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use steward_http::{Caller, Problem};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    answer::{Answer, Fresh, Id},
    desk::Desk,
    list::{List, Page},
    openapi::{Paging, Unread},
    params::Params,
    view::{self, Time},
    words,
};
use crate::{
    models::{EventRow, own_conversation},
    rows::hashed,
};

/// What happened and why, newest first
#[utoipa::path(
    get,
    path = "/api/v1/conversations/{id}/timeline",
    tag = "conversations",
    operation_id = "get_timeline",
    params(Fresh, Paging, ("type" = Option<String>, Query), ("follow_up_id" = Option<String>, Query, description = "only what names this follow-up"), ("message_id" = Option<String>, Query, description = "only what names this message")),
    responses((status = 200, description = "as of Steward-Position", body = view::List<EntryView>), Unread),
)]
pub async fn of_conversation(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    _: Fresh,
    Id(id): Id,
    params: Params,
) -> Result<Answer, Problem> {
    let mut list = List::new(&caller, params);
    list.by_condition("type", "type_name = {}");
    list.only(&format!("aggregate = 'conversation' AND {}", hashed::is("aggregate_id", "{}")), Box::new(id.clone()));
    // The events of a chain of causes are found by the id, which their payloads hold as text.
    list.by_mention("follow_up_id");
    list.by_mention("message_id");
    let mut reading = desk.begin(&caller).await?;
    let snapshot = reading.snapshot().await?;
    own_conversation(&snapshot, &caller, &id).await?;
    let page: Page<EventRow> = list.page(&snapshot, "position", |e: &EventRow| e.position).await?;
    Ok(page.answer(&snapshot, EntryView::of).await)
}

/// An event, told in words.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TimelineEntry)]
pub struct EntryView {
    pub position: u64,
    pub at: Time,
    #[serde(rename = "type")]
    pub type_name: String,
    pub actor: String,
    /// What happened, in one sentence.
    pub summary: String,
    #[schema(value_type = String)]
    pub event_id: Uuid,
    /// The ids of the events that led to this one.
    pub because: Vec<String>,
}

impl EntryView {
    fn of(row: EventRow) -> Self {
        let data = steward_proto::event_json(&row.type_name, &row.payload);
        Self {
            summary: words::summary(&row),
            because: because(&row, &data),
            position: row.position,
            at: Time(row.at),
            type_name: row.type_name,
            actor: row.actor,
            event_id: row.event_id,
        }
    }
}

/// The events that led to this one: what it answers, and what its reason names.
fn because(row: &EventRow, data: &Value) -> Vec<String> {
    let own = row.event_id.to_string();
    let mut seen = HashSet::from([own]);
    let reason = data.pointer("/reason/event_id").and_then(Value::as_str).unwrap_or_default();
    [row.causation_id.to_string().as_str(), reason]
        .into_iter()
        .filter(|id| !id.is_empty() && seen.insert((*id).to_owned()))
        .map(str::to_owned)
        .collect()
}
