//! `GET /api/v1/follow-ups`, and one follow-up.

use std::{collections::HashMap, sync::Arc};

use axum::extract::State;
use steward_domain::ids::FollowUpId;
use steward_http::{Caller, Problem};

use super::{FollowUpRow, FollowUpView};
use crate::{
    models::conversations::{at, read as conversations, row::ConversationRow},
    read::{
        Desk, Params,
        answer::{Answer, Fresh, Id, unknown},
        list::{List, Page, Way, part_key, read_rows},
        openapi::{Paging, Unread},
        snapshot::Snapshot,
        view,
    },
    rows::{columns, hashed},
};

pub const CANCEL_ON: [&str; 2] = ["client_response", "never"];

/// The states that a reader sees.
pub const STATES: [&str; 7] = ["pending", "sent", "done", "cancelled", "expired", "failed", "unknown"];

/// Who makes promises.
pub const MADE_BY: [&str; 3] = ["client", "bot", "person"];

/// Says who made a promise: whoever asked for it counts, then who gave it.
fn made_by(maker: &str) -> &'static str {
    match maker {
        "client" => "asked_in <> ''",
        "person" => "(asked_in = '' AND starts_with(by, 'operator'))",
        _ => "(asked_in = '' AND NOT starts_with(by, 'operator'))",
    }
}

/// Promises, newest first
#[utoipa::path(
    get,
    path = "/api/v1/follow-ups",
    tag = "follow-ups",
    operation_id = "list_follow_ups",
    params(Fresh, Paging, ("at" = Option<String>, Query, description = "of one conversation (`conversation_id`), as it was after the event at this position of the log, or at this time (RFC 3339); with it, nothing but the conversation and paging can be asked for"), ("current" = Option<bool>, Query, description = "true: without those that another one renewed"), ("due_after" = Option<String>, Query, description = "due at this time or later, RFC 3339"), ("due_before" = Option<String>, Query, description = "due before this time, RFC 3339"), ("sort" = Option<String>, Query, description = "newest (default); due: only pending ones, those due first first"), ("conversation_id" = Option<String>, Query), ("state" = Option<String>, Query, description = "one or several, separated by commas: pending, sent, done, cancelled, expired, failed, unknown"), ("key" = Option<String>, Query), ("intention" = Option<String>, Query), ("cancel_on" = Option<String>, Query, description = "client_response, never"), ("channel_id" = Option<String>, Query), ("made_by" = Option<String>, Query, description = "client (asked for it), bot, person (one of ours); one or several, separated by commas"), ("q" = Option<String>, Query, description = "part of the client's name or address, or of the group's title"), ("contact_id" = Option<String>, Query, description = "also of the contacts merged into it")),
    responses((status = 200, description = "as of Steward-Position", body = view::List<FollowUpView>), Unread),
)]
pub async fn list(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    _: Fresh,
    mut params: Params,
) -> Result<Answer, Problem> {
    let at = at::asked(&mut params)?;
    let mut reading = desk.begin(&caller).await?;
    let snapshot = reading.snapshot().await?;
    if let Some(at) = at {
        return at::list(
            &snapshot,
            &caller,
            (params, None, at),
            at::Then::follow_ups,
            |f| f.position,
            FollowUpView::of,
        )
        .await;
    }
    let (page, own) = page(&snapshot, &caller, params).await?;
    let view = move |row: FollowUpRow| {
        let conversation = own.get(&row.conversation_id);
        FollowUpView::of(row, conversation)
    };
    Ok(page.answer(&snapshot, view).await)
}

/// A page of promises, with the conversations that they are of.
///
/// # Errors
/// 400 for a bad parameter; 503 when Postgres doesn't answer.
pub async fn page(
    snapshot: &Snapshot<'_>,
    caller: &Caller,
    params: Params,
) -> Result<(Page<FollowUpRow>, HashMap<String, ConversationRow>), Problem> {
    let mut list = List::new(caller, params);
    list.by_hashed("conversation_id");
    list.by_state(&STATES, |state| if state == "pending" { vec!["pending", "due"] } else { Vec::new() })?;
    list.by("key");
    list.by("intention");
    list.by_one_of("cancel_on", &CANCEL_ON)?;
    list.of_conversations_by("channel_id");
    list.of_contact("conversation_id");
    if let Some(makers) = list.some_of("made_by", &MADE_BY)? {
        let made: Vec<&str> = makers.iter().map(|maker| made_by(maker)).collect();
        list.only_fixed(&format!("({})", made.join(" OR ")));
    }
    if let Some(words) = list.given("q") {
        let theirs = format!("{{schema}}.conversations WHERE tenant = $1 AND {}", conversations::found_by("{}"));
        list.only(&hashed::is_in("conversation_id", "id", &theirs), Box::new(words.to_lowercase()));
    }
    if list.some_of("current", &["true", "false"])?.is_some_and(|said| said == ["true"]) {
        list.only_fixed("renewed_by = ''");
    }
    for (name, condition) in [("due_after", "due_at >= {}"), ("due_before", "due_at < {}")] {
        if let Some(time) = list.time(name)? {
            list.only(condition, Box::new(time));
        }
    }
    let by_due = list.some_of("sort", &["newest", "due"])?.is_some_and(|sorts| sorts == ["due"]);
    let page: Page<FollowUpRow> = if by_due {
        list.only_fixed("state IN ('pending', 'due')");
        let found = list.found(snapshot, "follow_ups", DUE_ORDER, Way::Rising).await?;
        let orders = found.items.iter().map(due_order).collect();
        Page::of(found, orders)
    } else {
        list.page(snapshot, "position", |f: &FollowUpRow| f.position).await?
    };
    let own = conversations::of_rows(snapshot, caller, page.items.iter().map(|f| f.conversation_id.as_str())).await?;
    Ok((page, own))
}

/// The order by the due time, to the second; of those due within one, which are few, by the position's last digits.
const DUE_ORDER: &str = "(floor(greatest(extract(epoch FROM due_at), 0))::bigint * 1048576 + (position & 1048575))";

fn due_order(f: &FollowUpRow) -> u64 {
    (f.due_at.timestamp().max(0).cast_unsigned() << 20) + (f.position & 0xf_ffff)
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
