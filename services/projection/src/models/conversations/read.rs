//! `GET /api/v1/conversations`, and one conversation.

use std::{collections::HashMap, sync::Arc};

use axum::extract::State;
use steward_http::{Caller, Problem};

use super::{at, attention, beside, row::ConversationRow, view::ConversationView};
use crate::{
    models::{ContactRow, Met},
    read::{
        Desk, Params,
        answer::{Answer, Fresh, Id, unknown},
        list::{Found, List, Page, Way, read_rows},
        openapi::{Paging, Unread},
        snapshot::{Snapshot, Value},
        view,
    },
    rows::{columns, hashed},
};

/// The ways to sort conversations.
pub const SORTS: [&str; 3] = ["created", "latest", "attention"];

/// Conversations, newest first; `channel_id` and `external_id` find one by its outside id
#[utoipa::path(
    get,
    path = "/api/v1/conversations",
    tag = "conversations",
    operation_id = "list_conversations",
    params(Fresh, Paging, ("channel_id" = Option<String>, Query), ("external_id" = Option<String>, Query), ("contact_id" = Option<String>, Query, description = "also of the contacts merged into it"), ("conversation_id" = Option<String>, Query), ("owner" = Option<String>, Query, description = "bot, human"), ("attention" = Option<String>, Query, description = "only those that need a person, for one of these reasons, separated by commas: asked_for_person, failed, unknown, held"), ("q" = Option<String>, Query, description = "part of the name, the title or the address"), ("sort" = Option<String>, Query, description = "created (default): the newest first; latest: whose last message is newest first; attention: only those that need a person, the most pressing first, then who waits longest")),
    responses((status = 200, description = "as of Steward-Position", body = view::List<ConversationView>), Unread),
)]
pub async fn list(State(desk): State<Arc<Desk>>, caller: Caller, _: Fresh, params: Params) -> Result<Answer, Problem> {
    let mut reading = desk.begin(&caller).await?;
    let snapshot = reading.snapshot().await?;
    let page = page(&snapshot, &caller, params).await?;
    Ok(page.answer(&snapshot, |view| view).await)
}

/// A page of conversations, with all that is shown of each.
///
/// # Errors
/// 400 for a bad parameter; 503 when Postgres doesn't answer.
pub async fn page(snapshot: &Snapshot<'_>, caller: &Caller, params: Params) -> Result<Page<ConversationView>, Problem> {
    let mut list = List::new(caller, params);
    list.by("channel_id");
    list.by_hashed("external_id");
    list.of_contact("id");
    list.by_condition("conversation_id", &hashed::is("id", "{}"));
    let owners = list.some_of("owner", &["bot", "human"])?;
    match owners.as_deref().map(|owners| owners.iter().any(|owner| owner == "human")) {
        Some(true) if owners.as_ref().is_some_and(|owners| owners.len() == 1) => {
            list.only_fixed("takeover_since IS NOT NULL");
        }
        Some(false) => list.only_fixed("takeover_since IS NULL"),
        _ => {}
    }
    if let Some(codes) = list.some_of("attention", &attention::CODES)? {
        let ranks = attention::CODES.iter().enumerate().filter(|(_, code)| codes.iter().any(|c| c == *code));
        let ranks: Vec<i32> = ranks.map(|(rank, _)| rank as i32).collect();
        list.only(&attention::among("{}"), Box::new(ranks));
    }
    if let Some(words) = list.given("q") {
        list.only(&found_by("{}"), Box::new(words.to_lowercase()));
    }
    let sorts = list.some_of("sort", &SORTS)?;
    let sort = sorts.and_then(|sorts| sorts.first().cloned()).unwrap_or_default();
    let (from, order, way) = match sort.as_str() {
        "latest" => (String::from("conversations"), "latest_position", Way::Falling),
        "attention" => (attention::pressing(), "pressing", Way::Rising),
        _ => (String::from("conversations"), "created_position", Way::Falling),
    };
    let Found { items, more } = list.found::<ConversationRow>(snapshot, &from, order, way).await?;
    let beside = beside::All::of(snapshot, caller, &items).await?;
    let orders = items.iter().map(|c| match sort.as_str() {
        "latest" => c.latest_position,
        "attention" => attention::place(beside.waits(c)),
        _ => c.created_position,
    });
    let orders = orders.collect();
    let items = with(snapshot, caller, items, beside).await?;
    Ok(Page::of(Found { items, more }, orders))
}

/// Conversations with all that is shown of each.
///
/// # Errors
/// 503 when Postgres doesn't answer.
pub async fn views(
    snapshot: &Snapshot<'_>,
    caller: &Caller,
    rows: Vec<ConversationRow>,
) -> Result<Vec<ConversationView>, Problem> {
    let beside = beside::All::of(snapshot, caller, &rows).await?;
    with(snapshot, caller, rows, beside).await
}

async fn with(
    snapshot: &Snapshot<'_>,
    caller: &Caller,
    rows: Vec<ConversationRow>,
    mut beside: beside::All,
) -> Result<Vec<ConversationView>, Problem> {
    let contacts = contacts_of(snapshot, caller, &rows).await?;
    let view = |row: ConversationRow| {
        let (met, beside) = (Met::of(&contacts, &row.contact_id), beside.take(&row));
        ConversationView::of(row, met, beside)
    };
    Ok(rows.into_iter().map(view).collect())
}

/// Says that a conversation's name, title or address holds the words in the parameter `words`, which are in small letters.
pub fn found_by(words: &str) -> String {
    // Without an index to use it goes through all rows, so each is looked at once, and nothing is hashed for it.
    let holds = |columns: &str| format!("position({words}::text IN lower(concat_ws(chr(1), {columns}))) > 0");
    let own = holds("person_name, person_username, title, external_id");
    let named = holds("said_name, username, set_name");
    format!("({own} OR contact_id IN (SELECT id FROM {{schema}}.contacts WHERE tenant = $1 AND {named}))")
}

/// One conversation
#[utoipa::path(
    get,
    path = "/api/v1/conversations/{id}",
    tag = "conversations",
    operation_id = "get_conversation",
    params(Fresh, ("at" = Option<String>, Query, description = "as it was after the event at this position of the log, or at this time (RFC 3339)")),
    responses((status = 200, description = "as of Steward-Position", body = ConversationView), Unread),
)]
pub async fn one(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    _: Fresh,
    Id(id): Id,
    mut params: Params,
) -> Result<Answer, Problem> {
    let at = at::asked(&mut params)?;
    params.finish(&["at"])?;
    let mut reading = desk.begin(&caller).await?;
    let snapshot = reading.snapshot().await?;
    let at = match at {
        Some(moment) => Some(moment.position(&snapshot, &caller, &id).await?),
        None => None,
    };
    Ok(snapshot.answer(&whole(&snapshot, &caller, &id, at).await?))
}

/// A conversation with all that is shown of it, as it is or as it was.
///
/// # Errors
/// 404 if there is no such conversation; 503 when Postgres doesn't answer.
pub async fn whole(
    snapshot: &Snapshot<'_>,
    caller: &Caller,
    id: &str,
    at: Option<u64>,
) -> Result<ConversationView, Problem> {
    let now = find(snapshot, caller, id).await?;
    let (row, beside) = match at {
        Some(at) => at::Then::of(snapshot, caller, id, at).await?.conversation(id)?,
        None => {
            let beside = beside::All::of(snapshot, caller, std::slice::from_ref(&now)).await?.take(&now);
            (now, beside)
        }
    };
    let contacts = contacts_of(snapshot, caller, std::slice::from_ref(&row)).await?;
    let met = Met::of(&contacts, &row.contact_id);
    Ok(ConversationView::of(row, met, beside))
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
