//! `GET /api/v1/conversations`, and one conversation.

use std::{collections::HashMap, sync::Arc};

use axum::extract::State;
use steward_http::{Caller, Problem};

use super::{row::ConversationRow, view::ConversationView};
use crate::{
    models::{ContactRow, Met},
    read::{
        Desk, Params,
        answer::{Answer, Fresh, Id, unknown},
        list::{List, Page, read_rows},
        openapi::{Paging, Unread},
        snapshot::{Snapshot, Value},
        view,
    },
    rows::{columns, hashed},
};

/// Conversations, newest first; `channel_id` and `external_id` find one by its outside id
#[utoipa::path(
    get,
    path = "/api/v1/conversations",
    tag = "conversations",
    operation_id = "list_conversations",
    params(Fresh, Paging, ("channel_id" = Option<String>, Query), ("external_id" = Option<String>, Query), ("contact_id" = Option<String>, Query, description = "also of the contacts merged into it"), ("conversation_id" = Option<String>, Query)),
    responses((status = 200, description = "as of Steward-Position", body = view::List<ConversationView>), Unread),
)]
pub async fn list(State(desk): State<Arc<Desk>>, caller: Caller, _: Fresh, params: Params) -> Result<Answer, Problem> {
    let mut list = List::new(&caller, params);
    list.by("channel_id");
    list.by_hashed("external_id");
    list.of_contact("id");
    list.by_condition("conversation_id", &hashed::is("id", "{}"));
    let mut reading = desk.begin(&caller).await?;
    let snapshot = reading.snapshot().await?;
    let page: Page<ConversationRow> =
        list.page(&snapshot, "created_position", |c: &ConversationRow| c.created_position).await?;
    let contacts = contacts_of(&snapshot, &caller, &page.items).await?;
    let view = move |row: ConversationRow| {
        let met = Met::of(&contacts, &row.contact_id);
        ConversationView::of(row, met)
    };
    Ok(page.answer(&snapshot, view).await)
}

/// One conversation
#[utoipa::path(
    get,
    path = "/api/v1/conversations/{id}",
    tag = "conversations",
    operation_id = "get_conversation",
    params(Fresh),
    responses((status = 200, description = "as of Steward-Position", body = ConversationView), Unread),
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
    let row = find(&snapshot, &caller, &id).await?;
    let contacts = contacts_of(&snapshot, &caller, std::slice::from_ref(&row)).await?;
    let met = Met::of(&contacts, &row.contact_id);
    Ok(snapshot.answer(&ConversationView::of(row, met)))
}

/// The caller's conversation of this id.
///
/// # Errors
/// 404 if there is no such conversation.
pub async fn find(snapshot: &Snapshot<'_>, caller: &Caller, id: &str) -> Result<ConversationRow, Problem> {
    let sql = format!(
        "SELECT {} FROM {}.conversations WHERE tenant = $1 AND {}",
        columns::<ConversationRow>(),
        snapshot.schema,
        hashed::is("id", "$2")
    );
    let rows = snapshot.query(&sql, &[Box::new(caller.tenant.to_string()), Box::new(id.to_owned())]).await?;
    read_rows(&rows)?.pop().ok_or_else(|| unknown("conversation", id))
}

/// The conversations of these rows, by id.
///
/// # Errors
/// 503 when Postgres doesn't answer.
pub async fn of_rows<'a>(
    snapshot: &Snapshot<'_>,
    caller: &Caller,
    ids: impl Iterator<Item = &'a str>,
) -> Result<HashMap<String, ConversationRow>, Problem> {
    let ids: std::collections::BTreeSet<String> = ids.map(str::to_owned).collect();
    let select = format!(
        "SELECT {} FROM {}.conversations WHERE tenant = $1 AND {}",
        columns::<ConversationRow>(),
        snapshot.schema,
        hashed::is_any("id", "$2")
    );
    let ids: Vec<String> = ids.into_iter().collect();
    let values: [Value; 2] = [Box::new(caller.tenant.to_string()), Box::new(ids)];
    let rows = snapshot.rows::<ConversationRow>(&select, "position DESC", &values).await?;
    Ok(rows.items.into_iter().map(|row| (row.id.clone(), row)).collect())
}

/// The contacts of these conversations, and the contacts that stand for them.
async fn contacts_of(
    snapshot: &Snapshot<'_>,
    caller: &Caller,
    conversations: &[ConversationRow],
) -> Result<HashMap<String, ContactRow>, Problem> {
    let ids: Vec<String> = conversations.iter().map(|c| c.contact_id.clone()).collect();
    let sql = format!(
        "WITH own AS MATERIALIZED (SELECT {columns} FROM {schema}.contacts WHERE tenant = $1 AND {named}) \
         SELECT {columns} FROM own UNION SELECT {columns} FROM {schema}.contacts WHERE tenant = $1 AND {survivors}",
        columns = columns::<ContactRow>(),
        schema = snapshot.schema,
        named = hashed::is_any("id", "$2"),
        survivors = hashed::is_in("id", "merged_into", "own"),
    );
    let values: [Value; 2] = [Box::new(caller.tenant.to_string()), Box::new(ids)];
    let rows = snapshot.rows::<ContactRow>(&sql, "position DESC", &values).await?;
    Ok(rows.items.into_iter().map(|row| (row.id.clone(), row)).collect())
}
