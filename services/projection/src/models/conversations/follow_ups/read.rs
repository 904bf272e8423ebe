//! `GET /api/v1/follow-ups`, and one follow-up.

use std::sync::Arc;

use axum::extract::State;
use steward_domain::ids::FollowUpId;
use steward_http::{Caller, Problem};

use super::{FollowUpRow, FollowUpView};
use crate::{
    models::conversations::read as conversations,
    read::{
        Desk, Params,
        answer::{Answer, Fresh, Id, unknown},
        list::{List, Page, part_key, read_rows},
        openapi::{Paging, Unread},
        view,
    },
    rows::{columns, hashed},
};

pub const CANCEL_ON: [&str; 2] = ["client_response", "never"];

/// The states that a reader sees.
pub const STATES: [&str; 7] = ["pending", "sent", "done", "cancelled", "expired", "failed", "unknown"];

/// Promises, newest first
#[utoipa::path(
    get,
    path = "/api/v1/follow-ups",
    tag = "follow-ups",
    operation_id = "list_follow_ups",
    params(Fresh, Paging, ("conversation_id" = Option<String>, Query), ("state" = Option<String>, Query, description = "one or several, separated by commas: pending, sent, done, cancelled, expired, failed, unknown"), ("key" = Option<String>, Query), ("intention" = Option<String>, Query), ("cancel_on" = Option<String>, Query, description = "client_response, never"), ("channel_id" = Option<String>, Query), ("contact_id" = Option<String>, Query, description = "also of the contacts merged into it")),
    responses((status = 200, description = "as of Steward-Position", body = view::List<FollowUpView>), Unread),
)]
pub async fn list(State(desk): State<Arc<Desk>>, caller: Caller, _: Fresh, params: Params) -> Result<Answer, Problem> {
    let mut list = List::new(&caller, params);
    list.by_hashed("conversation_id");
    list.by_state(&STATES, |state| if state == "pending" { vec!["pending", "due"] } else { Vec::new() })?;
    list.by("key");
    list.by("intention");
    list.by_one_of("cancel_on", &CANCEL_ON)?;
    list.of_conversations_by("channel_id");
    list.of_contact("conversation_id");
    let mut reading = desk.begin(&caller).await?;
    let snapshot = reading.snapshot().await?;
    let page: Page<FollowUpRow> = list.page(&snapshot, "position", |f: &FollowUpRow| f.position).await?;
    let own = conversations::of_rows(&snapshot, &caller, page.items.iter().map(|f| f.conversation_id.as_str())).await?;
    let view = move |row: FollowUpRow| {
        let conversation = own.get(&row.conversation_id);
        FollowUpView::of(row, conversation)
    };
    Ok(page.answer(&snapshot, view).await)
}

/// One promise
#[utoipa::path(
    get,
    path = "/api/v1/follow-ups/{id}",
    tag = "follow-ups",
    operation_id = "get_follow_up",
    params(Fresh),
    responses((status = 200, description = "as of Steward-Position", body = FollowUpView), Unread),
)]
pub async fn one(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    _: Fresh,
    Id(id): Id,
    params: Params,
) -> Result<Answer, Problem> {
    params.finish(&[])?;
    let mut reading = desk.begin(&caller).await?;
    let snapshot = reading.snapshot().await?;
    let sql = format!(
        "SELECT {} FROM {}.follow_ups WHERE tenant = $1 AND {} AND {}",
        columns::<FollowUpRow>(),
        snapshot.schema,
        hashed::is("conversation_id", "$2"),
        hashed::is("id", "$3")
    );
    let rows = snapshot.query(&sql, &part_key(&caller, &id, id.parse().ok().map(FollowUpId::conversation))).await?;
    let row: FollowUpRow = read_rows(&rows)?.pop().ok_or_else(|| unknown("follow-up", &id))?;
    let own = conversations::of_rows(&snapshot, &caller, std::iter::once(row.conversation_id.as_str())).await?;
    let conversation = own.get(&row.conversation_id);
    Ok(snapshot.answer(&FollowUpView::of(row, conversation)))
}
