//! Messages on their way out: queued, held, approved, changed, cancelled, tried again, moved.

use axum::extract::State;
use serde::Deserialize;
use steward_domain::{
    conversation::{
        Author, Conversation, MessageState, OnReply,
        outbox::{Queue, ahead},
    },
    ids::{self, MessageId},
};
use steward_http::{ApiPath, Problem};
use utoipa::ToSchema;

use super::{
    Answer, Command, changed, conversation_id, decide,
    humans::as_asked,
    openapi::{self, Refuses},
    originals::{self, Said},
    read_id,
    when::instant,
};
use crate::{
    intake::Intake,
    outside::{Line, Words},
};

const UNKNOWN: &str = "unknown_message";

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewMessage, example = json!({ "conversation_id": "7b3d4e52-8f0c-5a51-9d0e-2f6a1c9b8e47", "text": "Your order is on its way." }))]
pub struct New {
    conversation_id: String,
    text: Words,
    #[schema(format = DateTime)]
    due_at: Option<String>,
    key: Option<Line>,
    /// What the client's next message does to it; if nothing is said, it cancels it.
    #[schema(schema_with = openapi::on_reply)]
    on_reply: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MessageMove, example = json!({ "due_at": "2030-01-15T09:00:00+08:00" }))]
pub struct Move {
    #[schema(format = DateTime)]
    due_at: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MessageChanges, example = json!({ "text": "Your order has left Singapore." }))]
pub struct Changes {
    text: Option<Words>,
    #[schema(format = DateTime)]
    due_at: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Approval, example = json!({ "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" }))]
pub struct Approve {
    /// `approval_hash` as it was read with the message.
    hash: Line,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Queues a message that nobody waits for, so policy applies to it
#[utoipa::path(
    post,
    path = "/api/v1/outbox",
    tag = "outbox",
    operation_id = "queue_message",
    request_body = New,
    responses((status = 201, description = "recorded", body = Answer), Refuses<Conversation>),
)]
pub async fn queue(State(intake): State<Intake>, command: Command<New>) -> Result<Answer, Problem> {
    let body = &command.body;
    let conversation = conversation_id(&body.conversation_id)?;
    let due_at = body.due_at.as_deref().map(instant).transpose()?;
    let on_reply = match body.on_reply.as_deref() {
        None => OnReply::Cancel,
        Some(name) => OnReply::of_name(name).ok_or_else(|| {
            let names = "`on_reply` must be \"cancel\", \"hold\", \"inject\" or \"keep\"";
            Problem::unprocessable("bad_body", names)
        })?,
    };
    let message_id = ids::message(conversation, command.unique());
    let said = Said::message(&body.text, due_at, on_reply.name(), body.key.as_deref().unwrap_or_default());
    let is_there = |state: &Conversation| state.outbox.contains_key(&message_id);
    originals::same(&intake, &command, (conversation, &message_id.to_string()), is_there, &said).await?;
    let position = decide(&intake, &command, conversation, |state| {
        if state.outbox.contains_key(&message_id) {
            return Ok(Vec::new());
        }
        due_at.map_or(Ok(()), |at| ahead(intake.log.clock().now(), at))?;
        state.queue(Queue {
            message_id,
            author: Author::Bot,
            author_id: String::new(),
            text: body.text.to_string(),
            due_at,
            on_reply,
            key: body.key.clone().unwrap_or_default().into_string(),
            turn_id: None,
            follow_up_id: None,
            proactive: true,
            buttons: Vec::new(),
        })
    })
    .await?;
    Ok(Answer::created(message_id.to_string(), conversation, position))
}

/// Takes back a message that waits
#[utoipa::path(
    post,
    path = "/api/v1/outbox/{id}/cancel",
    tag = "outbox",
    operation_id = "cancel_message",
    responses((status = 200, description = "recorded", body = Answer), Refuses<Conversation>),
)]
pub async fn cancel(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<Nothing>,
) -> Result<Answer, Problem> {
    let by = command.caller.actor();
    let id: MessageId = read_id(&id, UNKNOWN)?;
    changed(&intake, &command, (id.to_string(), id.conversation()), |state| {
        let done = matches!(state.outbox.get(&id).map(|m| &m.state), Some(MessageState::Cancelled(_)));
        as_asked(state.cancel_message_by(&id, &by), "not_queued", done && command.may_repeat())
    })
    .await
}

/// Sends again what failed, expired or is unknown
#[utoipa::path(
    post,
    path = "/api/v1/outbox/{id}/retry",
    tag = "outbox",
    operation_id = "retry_message",
    responses((status = 200, description = "recorded", body = Answer), Refuses<Conversation>),
)]
pub async fn retry(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<Nothing>,
) -> Result<Answer, Problem> {
    let by = command.caller.actor();
    let id: MessageId = read_id(&id, UNKNOWN)?;
    changed(&intake, &command, (id.to_string(), id.conversation()), |state| {
        let done = state.outbox.get(&id).is_some_and(|m| m.is_open() || m.is_sent());
        as_asked(state.retry_message(&id, &by), "not_retryable", done && command.may_repeat())
    })
    .await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Settlement, example = json!({ "outcome": "sent" }))]
pub struct Settle {
    /// sent: it arrived. not_sent: it didn't.
    #[schema(schema_with = openapi::outcome)]
    outcome: String,
}

/// Says what became of a message whose fate is unknown
#[utoipa::path(
    post,
    path = "/api/v1/outbox/{id}/settle",
    tag = "outbox",
    operation_id = "settle_message",
    request_body = Settle,
    responses((status = 200, description = "recorded", body = Answer), Refuses<Conversation>),
)]
pub async fn settle(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<Settle>,
) -> Result<Answer, Problem> {
    let arrived = match command.body.outcome.as_str() {
        "sent" => true,
        "not_sent" => false,
        _ => return Err(Problem::unprocessable("bad_body", "`outcome` must be \"sent\" or \"not_sent\"")),
    };
    let by = command.caller.actor();
    let id: MessageId = read_id(&id, UNKNOWN)?;
    changed(&intake, &command, (id.to_string(), id.conversation()), |state| {
        as_asked(state.settle_message(&id, arrived, &by), "not_unknown", command.may_repeat())
    })
    .await
}

/// Moves a message that waits
#[utoipa::path(
    post,
    path = "/api/v1/outbox/{id}/move",
    tag = "outbox",
    operation_id = "move_message",
    request_body = Move,
    responses((status = 200, description = "recorded", body = Answer), Refuses<Conversation>),
)]
pub async fn reschedule(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<Move>,
) -> Result<Answer, Problem> {
    let due_at = instant(&command.body.due_at)?;
    let by = command.caller.actor();
    let id: MessageId = read_id(&id, UNKNOWN)?;
    changed(&intake, &command, (id.to_string(), id.conversation()), |state| {
        state.move_message(intake.log.clock().now(), &id, due_at, &by)
    })
    .await
}

/// Gives a message that waits other words, another time, or both
#[utoipa::path(
    patch,
    path = "/api/v1/outbox/{id}",
    tag = "outbox",
    operation_id = "change_message",
    request_body = Changes,
    responses((status = 200, description = "recorded", body = Answer), Refuses<Conversation>),
)]
pub async fn change(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<Changes>,
) -> Result<Answer, Problem> {
    let Changes { text, due_at } = &command.body;
    if text.is_none() && due_at.is_none() {
        return Err(Problem::unprocessable("bad_body", "nothing to change: give at least one of `text` and `due_at`"));
    }
    let due_at = due_at.as_deref().map(instant).transpose()?;
    let by = command.caller.actor();
    let id: MessageId = read_id(&id, UNKNOWN)?;
    changed(&intake, &command, (id.to_string(), id.conversation()), |state| {
        let mut events = Vec::new();
        if let Some(text) = text {
            events.extend(state.edit_message(&id, text, &by)?);
        }
        if let Some(due_at) = due_at {
            events.extend(state.move_message(intake.log.clock().now(), &id, due_at, &by)?);
        }
        Ok(events)
    })
    .await
}

/// Keeps a waiting message until a person lets it go
#[utoipa::path(
    post,
    path = "/api/v1/outbox/{id}/hold",
    tag = "outbox",
    operation_id = "hold_message",
    responses((status = 200, description = "recorded", body = Answer), Refuses<Conversation>),
)]
pub async fn hold(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<Nothing>,
) -> Result<Answer, Problem> {
    let by = command.caller.actor();
    let id: MessageId = read_id(&id, UNKNOWN)?;
    changed(&intake, &command, (id.to_string(), id.conversation()), |state| {
        as_asked(state.hold_message(&id, &by), "already_held", command.may_repeat())
    })
    .await
}

/// Lets a held message go, exactly as its `approval_hash` names it
#[utoipa::path(
    post,
    path = "/api/v1/outbox/{id}/approve",
    tag = "outbox",
    operation_id = "approve_message",
    request_body = Approve,
    responses((status = 200, description = "recorded", body = Answer), Refuses<Conversation>),
)]
pub async fn approve(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<Approve>,
) -> Result<Answer, Problem> {
    let (by, hash) = (command.caller.actor(), &*command.body.hash);
    let id: MessageId = read_id(&id, UNKNOWN)?;
    changed(&intake, &command, (id.to_string(), id.conversation()), |state| {
        // A repeat may come when the message is long gone.
        let done = state.outbox.get(&id).is_some_and(|m| {
            m.approved == hash && !matches!(m.state, MessageState::Held { .. }) && command.may_repeat()
        });
        if done { Ok(Vec::new()) } else { state.approve_message(&id, hash, &by) }
    })
    .await
}
