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
        snapshot::{Snapshot, Value},
        view,
    },
    rows::{columns, hashed},
};

/// The log itself, newest first
#[utoipa::path(
    get,
    path = "/api/v1/events",
    tag = "events",
    operation_id = "list_events",
    params(Fresh, Paging, ("conversation_id" = Option<String>, Query), ("contact_id" = Option<String>, Query), ("type" = Option<String>, Query, description = "one or several, separated by commas"), ("actor" = Option<String>, Query, description = "as it stands in the event, or how it begins with a * behind it: operator:*"), ("causation_id" = Option<String>, Query, description = "an event's id, a UUID"), ("correlation_id" = Option<String>, Query, description = "an event's id, a UUID")),
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
    list.by_condition("type", &hashed::is_any("type_name", "string_to_array({}, ',')"));
    list.by_condition(
        "actor",
        "(actor = {}::text OR right({}::text, 1) = '*' AND starts_with(actor, left({}::text, -1)))",
    );
    for name in ["causation_id", "correlation_id"] {
        list.by_id(name)?;
    }
    list.page(snapshot, "position", |e: &EventRow| e.position).await
}

/// How far from an event of another aggregate its causes and effects are looked for, in positions.
const NEAR: u64 = 2_000;

/// An event with what led to it, and what it led to.
pub struct Linked {
    pub event: EventRow,
    pub causes: Vec<EventRow>,
    pub effects: Vec<EventRow>,
}

/// The caller's event at a position; `None` if there is none. What it is linked to is looked for among the events of the same
/// aggregate, and of all others nearby.
///
/// # Errors
/// 503 when Postgres doesn't answer.
pub async fn linked(snapshot: &Snapshot<'_>, caller: &Caller, position: u64) -> Result<Option<Linked>, Problem> {
    // No event has a position beyond what a row can hold.
    if i64::try_from(position).is_err() || position == i64::MAX.cast_unsigned() {
        return Ok(None);
    }
    let at = [("limit", "1".to_owned()), ("before", position.saturating_add(1).to_string())];
    let at = at.into_iter().chain([("after", position.saturating_sub(1).to_string())]);
    let Some(event) = page(snapshot, caller, Params::of(at)).await?.into_parts().0.pop() else { return Ok(None) };
    let sql = format!(
        "SELECT {} FROM {}.events WHERE tenant = $1 AND (event_id = $2 OR causation_id = $3) AND event_id <> $3 \
         AND ({} OR position BETWEEN $5 AND $6) ORDER BY position LIMIT 60",
        columns::<EventRow>(),
        snapshot.schema,
        hashed::is("aggregate_id", "$4"),
    );
    let near = |position: u64| i64::try_from(position).unwrap_or(i64::MAX);
    let values: [Value; 6] = [
        Box::new(caller.tenant.to_string()),
        Box::new(event.causation_id),
        Box::new(event.event_id),
        Box::new(event.aggregate_id.clone()),
        Box::new(near(position.saturating_sub(NEAR))),
        Box::new(near(position.saturating_add(NEAR))),
    ];
    let rows = snapshot.rows::<EventRow>(&sql, "position", &values).await?.items;
    let (causes, effects) = rows.into_iter().partition(|row| row.event_id == event.causation_id);
    Ok(Some(Linked { event, causes, effects }))
}
