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
    },
    rows::hashed,
};

pub async fn list(State(desk): State<Arc<Desk>>, caller: Caller, _: Fresh, params: Params) -> Result<Answer, Problem> {
    let mut list = List::new(&caller, params);
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
    let mut reading = desk.begin(&caller).await?;
    let snapshot = reading.snapshot().await?;
    let page: Page<EventRow> = list.page(&snapshot, "position", |e: &EventRow| e.position).await?;
    Ok(page.answer(&snapshot, EventView::from).await)
}
