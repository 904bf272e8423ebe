//! `GET /api/v1/events`: the log itself.

use std::sync::Arc;

use axum::extract::State;
use steward_http::{Caller, Problem};

use super::{EventRow, view::EventView};
use crate::{
    read::{
        Desk, Params,
        answer::{Answer, Fresh},
        list::{List, Page},
        openapi::{Paging, Unread},
        snapshot::Snapshot,
        view,
    },
    rows::hashed,
};

/// The log itself, newest first
#[utoipa::path(
    get,
    path = "/api/v1/events",
    tag = "events",
    operation_id = "list_events",
    params(Fresh, Paging, ("conversation_id" = Option<String>, Query), ("contact_id" = Option<String>, Query), ("type" = Option<String>, Query), ("actor" = Option<String>, Query), ("causation_id" = Option<String>, Query, description = "an event's id, a UUID"), ("correlation_id" = Option<String>, Query, description = "an event's id, a UUID")),
    responses((status = 200, description = "as of Steward-Position", body = view::List<EventView>), Unread),
)]
pub async fn list(State(desk): State<Arc<Desk>>, caller: Caller, _: Fresh, params: Params) -> Result<Answer, Problem> {
    let mut reading = desk.begin(&caller).await?;
    let snapshot = reading.snapshot().await?;
    let page = page(&snapshot, &caller, params).await?;
    Ok(page.answer(&snapshot, EventView::from).await)
}

/// A page of the log.
///
/// # Errors
/// 400 for a bad parameter; 503 when Postgres doesn't answer.
pub async fn page(snapshot: &Snapshot<'_>, caller: &Caller, params: Params) -> Result<Page<EventRow>, Problem> {
    let mut list = List::new(caller, params);
    list.by_condition(
        "conversation_id",
        &format!("aggregate = 'conversation' AND {}", hashed::is("aggregate_id", "{}")),
    );
    list.by_condition("contact_id", &format!("aggregate = 'contact' AND {}", hashed::is("aggregate_id", "{}")));
    list.by_condition("type", &hashed::is("type_name", "{}"));
    list.by_condition("actor", "actor = {}");
    for name in ["causation_id", "correlation_id"] {
        list.by_id(name)?;
    }
    list.page(snapshot, "position", |e: &EventRow| e.position).await
}
