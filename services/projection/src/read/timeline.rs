//! `GET /api/v1/conversations/{id}/timeline`: what happened, in words, each with its causes.

use std::{collections::HashSet, sync::Arc};

use axum::extract::State;
use serde_json::Value;
use steward_http::{Caller, Problem};

use super::{
    answer::{Answer, Fresh, Id},
    conversations,
    desk::Desk,
    list::{List, Page},
    openapi::{Paging, Unread},
    params::Params,
    view::{self, Time, TimelineEntry},
    words,
};
use crate::rows::{EventRow, hashed};

/// What happened and why, newest first
#[utoipa::path(
    get,
    path = "/api/v1/conversations/{id}/timeline",
    tag = "conversations",
    operation_id = "get_timeline",
    params(Fresh, Paging, ("type" = Option<String>, Query), ("follow_up_id" = Option<String>, Query, description = "only what names this follow-up"), ("message_id" = Option<String>, Query, description = "only what names this message")),
    responses((status = 200, description = "as of Steward-Position", body = view::List<TimelineEntry>), Unread),
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
    // A chain of causes is found by the id that its events hold as text in their payload.
    list.by_mention("follow_up_id");
    list.by_mention("message_id");
    let mut reading = desk.begin(&caller).await?;
    let snapshot = reading.snapshot().await?;
    conversations::find(&snapshot, &caller, &id).await?;
    let page: Page<EventRow> = list.page(&snapshot, "position", |e: &EventRow| e.position).await?;
    Ok(page.answer(&snapshot, |row| entry(&row)).await)
}

fn entry(row: &EventRow) -> TimelineEntry {
    let data = steward_proto::event_json(&row.type_name, &row.payload);
    TimelineEntry {
        position: row.position,
        at: Time(row.at),
        r#type: row.type_name.clone(),
        actor: row.actor.clone(),
        summary: words::summary(row),
        event_id: row.event_id,
        because: because(row, &data),
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
