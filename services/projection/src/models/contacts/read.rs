//! `GET /api/v1/contacts/{id}`.

use std::sync::Arc;

use axum::extract::State;
use steward_http::{Caller, Problem};

use super::{ContactRow, view::ContactView};
use crate::{
    models::{ConversationRow, of_contacts},
    read::{
        Desk, Params,
        answer::{Answer, Fresh, Id, unknown},
        list::read_rows,
        openapi::Unread,
    },
    rows::{columns, hashed},
};

/// Most conversations shown with a contact; the list of conversations has all of them.
const CONVERSATIONS: u32 = 100;

/// Most contacts shown as one person.
const IDENTITIES: u32 = 100;

/// One contact
#[utoipa::path(
    get,
    path = "/api/v1/contacts/{id}",
    tag = "contacts",
    operation_id = "get_contact",
    params(Fresh),
    responses((status = 200, description = "as of Steward-Position", body = ContactView), Unread),
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
        "SELECT {} FROM {}.contacts WHERE tenant = $1 AND (({}) OR (merged_into IS NOT NULL AND {})) \
         ORDER BY id <> $2, created_position LIMIT {IDENTITIES}",
        columns::<ContactRow>(),
        snapshot.schema,
        hashed::is("id", "$2"),
        hashed::is("merged_into", "$2")
    );
    let rows = snapshot.query(&sql, &[Box::new(caller.tenant.to_string()), Box::new(id.clone())]).await?;
    let (own, merged): (Vec<_>, Vec<_>) = read_rows::<ContactRow>(&rows)?.into_iter().partition(|c| c.id == id);
    let row = own.first().ok_or_else(|| unknown("contact", &id))?;
    let people: Vec<String> = own.iter().chain(&merged).map(|c| c.id.clone()).collect();
    let sql = format!(
        "SELECT {} FROM {}.conversations WHERE tenant = $1 AND {} ORDER BY created_position DESC LIMIT {CONVERSATIONS}",
        columns::<ConversationRow>(),
        snapshot.schema,
        hashed::is_any("contact_id", "$2")
    );
    let rows = snapshot.query(&sql, &[Box::new(caller.tenant.to_string()), Box::new(people.clone())]).await?;
    let remembered = of_contacts(&snapshot, &caller, &people).await?;
    Ok(snapshot.answer(&ContactView::of(row, &merged, &read_rows(&rows)?, remembered)))
}
