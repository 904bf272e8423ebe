//! Messages of a conversation, of all conversations, and of the outbox.

use std::{collections::HashMap, sync::Arc};

use axum::extract::State;
use steward_domain::ids::MessageId;
use steward_http::{Caller, Problem};

use super::{MessageRow, MessageView, OutgoingView};
use crate::{
    models::conversations::{at, read as conversations, row::ConversationRow},
    read::{
        Desk, Params,
        answer::{Answer, Fresh, Id, unknown},
        list::{List, Page, part_key, read_rows},
        openapi::{Paging, Unread},
        snapshot::Snapshot,
        view,
    },
    rows::{columns, hashed},
};

/// The states of a message in the outbox.
pub const OUTBOX_STATES: [&str; 11] =
    ["queued", "held", "deferred", "claimed", "sent", "delivered", "read", "failed", "unknown", "cancelled", "expired"];

pub const DIRECTIONS: [&str; 2] = ["in", "out"];
pub const AUTHORS: [&str; 3] = ["client", "bot", "human"];

/// The outbox holds the messages that were ever queued in Steward, which those seen outside never were.
const QUEUED_HERE: &str = "direction = 'out' AND on_reply <> ''";

fn filters(list: &mut List) -> Result<(), Problem> {
    list.by("follow_up_id");
    list.by("turn_id");
    list.by("key");
    list.by_one_of("direction", &DIRECTIONS)?;
    list.by_one_of("author", &AUTHORS)?;
    list.of_conversations_by("channel_id");
    list.of_contact("conversation_id");
    Ok(())
}

/// All messages, newest first
#[utoipa::path(
    get,
    path = "/api/v1/messages",
    tag = "messages",
    operation_id = "list_messages",
    params(Fresh, Paging, ("conversation_id" = Option<String>, Query), ("state" = Option<String>, Query, description = "one or several, separated by commas: received, queued, held, deferred, claimed, sent, delivered, read, failed, unknown, cancelled, expired"), ("follow_up_id" = Option<String>, Query), ("turn_id" = Option<String>, Query), ("key" = Option<String>, Query), ("direction" = Option<String>, Query, description = "in, out"), ("author" = Option<String>, Query, description = "client, bot, human"), ("channel_id" = Option<String>, Query), ("contact_id" = Option<String>, Query, description = "also of the contacts merged into it")),
    responses((status = 200, description = "as of Steward-Position", body = view::List<MessageView>), Unread),
)]
pub async fn list(State(desk): State<Arc<Desk>>, caller: Caller, _: Fresh, params: Params) -> Result<Answer, Problem> {
    let mut list = List::new(&caller, params);
    list.by_hashed("conversation_id");
    list.by_state(&[&["received"], &OUTBOX_STATES[..]].concat(), |_| Vec::new())?;
    filters(&mut list)?;
    let mut reading = desk.begin(&caller).await?;
    let snapshot = reading.snapshot().await?;
    let page: Page<MessageRow> = list.page(&snapshot, "position", |m: &MessageRow| m.position).await?;
    Ok(page.answer(&snapshot, MessageView::from).await)
}

/// Its messages, newest first
#[utoipa::path(
    get,
    path = "/api/v1/conversations/{id}/messages",
    tag = "conversations",
    operation_id = "list_messages_of_conversation",
    params(Fresh, Paging, ("at" = Option<String>, Query, description = "as it was after the event at this position of the log, or at this time (RFC 3339); with it, nothing but paging can be asked for"), ("state" = Option<String>, Query, description = "one or several, separated by commas: received, queued, held, deferred, claimed, sent, delivered, read, failed, unknown, cancelled, expired"), ("follow_up_id" = Option<String>, Query), ("turn_id" = Option<String>, Query), ("key" = Option<String>, Query), ("direction" = Option<String>, Query, description = "in, out"), ("author" = Option<String>, Query, description = "client, bot, human"), ("channel_id" = Option<String>, Query), ("contact_id" = Option<String>, Query, description = "also of the contacts merged into it")),
    responses((status = 200, description = "as of Steward-Position", body = view::List<MessageView>), Unread),
)]
pub async fn of_conversation(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    _: Fresh,
    Id(id): Id,
    mut params: Params,
) -> Result<Answer, Problem> {
    if let Some(at) = at::asked(&mut params)? {
        let mut reading = desk.begin(&caller).await?;
        let snapshot = reading.snapshot().await?;
        conversations::find(&snapshot, &caller, &id).await?;
        let view = |row: MessageRow, _: Option<&ConversationRow>| MessageView::from(row);
        let of = (params, Some(id), at);
        return at::list(&snapshot, &caller, of, at::Then::messages, |m| m.position, view).await;
    }
    let mut reading = desk.begin(&caller).await?;
    let snapshot = reading.snapshot().await?;
    let page = page_of_conversation(&snapshot, &caller, &id, params).await?;
    Ok(page.answer(&snapshot, MessageView::from).await)
}

/// A page of a conversation's messages.
///
/// # Errors
/// 400 for a bad parameter; 404 if there is no such conversation; 503 when Postgres doesn't answer.
pub async fn page_of_conversation(
    snapshot: &Snapshot<'_>,
    caller: &Caller,
    id: &str,
    params: Params,
) -> Result<Page<MessageRow>, Problem> {
    let mut list = List::new(caller, params);
    list.by_state(&[&["received"], &OUTBOX_STATES[..]].concat(), |_| Vec::new())?;
    filters(&mut list)?;
    list.only(&hashed::is("conversation_id", "{}"), Box::new(id.to_owned()));
    conversations::find(snapshot, caller, id).await?;
    list.page(snapshot, "position", |m: &MessageRow| m.position).await
}

/// Messages that were queued here, newest first
#[utoipa::path(
    get,
    path = "/api/v1/outbox",
    tag = "outbox",
    operation_id = "list_outbox",
    params(Fresh, Paging, ("at" = Option<String>, Query, description = "of one conversation (`conversation_id`), as it was after the event at this position of the log, or at this time (RFC 3339); with it, nothing but the conversation and paging can be asked for"), ("conversation_id" = Option<String>, Query), ("state" = Option<String>, Query, description = "one or several, separated by commas: queued, held, deferred, claimed, sent, delivered, read, failed, unknown, cancelled, expired"), ("follow_up_id" = Option<String>, Query), ("turn_id" = Option<String>, Query), ("key" = Option<String>, Query), ("direction" = Option<String>, Query, description = "in, out"), ("author" = Option<String>, Query, description = "client, bot, human"), ("channel_id" = Option<String>, Query), ("contact_id" = Option<String>, Query, description = "also of the contacts merged into it")),
    responses((status = 200, description = "as of Steward-Position", body = view::List<OutgoingView>), Unread),
)]
pub async fn outbox(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    _: Fresh,
    mut params: Params,
) -> Result<Answer, Problem> {
    if let Some(at) = at::asked(&mut params)? {
        let mut reading = desk.begin(&caller).await?;
        let snapshot = reading.snapshot().await?;
        let queued = |then: &at::Then| {
            let mut rows = then.messages();
            rows.retain(|m| m.direction == "out" && !m.on_reply.is_empty());
            rows
        };
        return at::list(&snapshot, &caller, (params, None, at), queued, |m| m.position, OutgoingView::of).await;
    }
    let mut reading = desk.begin(&caller).await?;
    let snapshot = reading.snapshot().await?;
    let (page, own) = outbox_page(&snapshot, &caller, params).await?;
    let view = move |row: MessageRow| {
        let conversation = own.get(&row.conversation_id);
        OutgoingView::of(row, conversation)
    };
    Ok(page.answer(&snapshot, view).await)
}

/// A page of the outbox, with the conversations that its messages are of.
///
/// # Errors
/// 400 for a bad parameter; 503 when Postgres doesn't answer.
pub async fn outbox_page(
    snapshot: &Snapshot<'_>,
    caller: &Caller,
    params: Params,
) -> Result<(Page<MessageRow>, HashMap<String, ConversationRow>), Problem> {
    let mut list = List::new(caller, params);
    list.by_hashed("conversation_id");
    list.by_state(&OUTBOX_STATES, |_| Vec::new())?;
    filters(&mut list)?;
    list.only_fixed(QUEUED_HERE);
    let page: Page<MessageRow> = list.page(snapshot, "position", |m: &MessageRow| m.position).await?;
    let own = conversations::of_rows(snapshot, caller, page.items.iter().map(|m| m.conversation_id.as_str())).await?;
    Ok((page, own))
}

/// A page of what is done in the outbox and changed at this position or later, what changed last first.
///
/// # Errors
/// 400 for a bad parameter; 503 when Postgres doesn't answer.
pub async fn done_page(
    snapshot: &Snapshot<'_>,
    caller: &Caller,
    (params, since): (Params, u64),
) -> Result<(Page<MessageRow>, HashMap<String, ConversationRow>), Problem> {
    let mut list = List::new(caller, params);
    list.only_fixed(QUEUED_HERE);
    list.only_fixed("state IN ('sent', 'delivered', 'read', 'cancelled', 'expired')");
    list.only("changed_position >= {}", Box::new(i64::try_from(since).unwrap_or(i64::MAX)));
    let page: Page<MessageRow> = list.page(snapshot, "changed_position", |m: &MessageRow| m.changed_position).await?;
    let own = conversations::of_rows(snapshot, caller, page.items.iter().map(|m| m.conversation_id.as_str())).await?;
    Ok((page, own))
}

/// One message that was queued here
#[utoipa::path(
    get,
    path = "/api/v1/outbox/{id}",
    tag = "outbox",
    operation_id = "get_outbox_message",
    params(Fresh),
    responses((status = 200, description = "as of Steward-Position", body = OutgoingView), Unread),
)]
pub async fn outbox_one(
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
    let own = conversations::of_rows(&snapshot, &caller, std::iter::once(row.conversation_id.as_str())).await?;
    let conversation = own.get(&row.conversation_id);
    Ok(snapshot.answer(&OutgoingView::of(row, conversation)))
}

/// The caller's message of this id, if it was ever in the outbox.
///
/// # Errors
/// 404 if there is no such message.
pub async fn find(snapshot: &Snapshot<'_>, caller: &Caller, id: &str) -> Result<MessageRow, Problem> {
    let sql = format!(
        "SELECT {} FROM {}.messages WHERE tenant = $1 AND {} AND {} AND {QUEUED_HERE}",
        columns::<MessageRow>(),
        snapshot.schema,
        hashed::is("conversation_id", "$2"),
        hashed::is("id", "$3")
    );
    let rows = snapshot.query(&sql, &part_key(caller, id, id.parse().ok().map(MessageId::conversation))).await?;
    read_rows(&rows)?.pop().ok_or_else(|| unknown("message in the outbox", id))
}
