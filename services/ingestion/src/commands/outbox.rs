//! Messages on their way out: queued, held, approved, changed, cancelled, tried again, moved.

use axum::extract::State;
use chrono::Utc;
use serde::Deserialize;
use steward_domain::{
    conversation::{
        Author, MessageState, OnReply,
        outbox::{Queue, ahead},
    },
    ids,
};
use steward_http::{ApiPath, Problem};

use super::{Answer, Command, changed, conversation_id, decide, humans::as_asked, when::instant};
use crate::{
    intake::Intake,
    outside::{Line, Words},
};

const UNKNOWN: &str = "unknown_message";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct New {
    conversation_id: String,
    text: Words,
    due_at: Option<String>,
    key: Option<Line>,
    on_reply: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Move {
    due_at: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    text: Option<Words>,
    due_at: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approve {
    /// `approval_hash` as it was read with the message.
    hash: Line,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// `POST /api/v1/outbox`: a message nobody waits for, so policy applies to it.
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
    let position = decide(&intake, &command, conversation, |state| {
        if state.outbox.contains_key(&message_id) {
            return Ok(Vec::new());
        }
        due_at.map_or(Ok(()), |at| ahead(Utc::now(), at))?;
        state.queue(Queue {
            message_id: message_id.clone(),
            author: Author::Bot,
            author_id: String::new(),
            text: body.text.to_string(),
            due_at,
            on_reply,
            key: body.key.clone().unwrap_or_default().into_string(),
            turn_id: String::new(),
            follow_up_id: String::new(),
            proactive: true,
            buttons: Vec::new(),
        })
    })
    .await?;
    command.done(&intake);
    Ok(Answer::created(message_id, conversation, position))
}

/// `POST /api/v1/outbox/{id}/cancel`
pub async fn cancel(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<Nothing>,
) -> Result<Answer, Problem> {
    let by = command.caller.actor();
    changed(&intake, &command, (&id, UNKNOWN), |state| {
        let done = matches!(state.outbox.get(&id).map(|m| &m.state), Some(MessageState::Cancelled(_)));
        as_asked(state.cancel_message_by(&id, &by), "not_queued", done && command.may_repeat())
    })
    .await
}

/// `POST /api/v1/outbox/{id}/retry`
pub async fn retry(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<Nothing>,
) -> Result<Answer, Problem> {
    let by = command.caller.actor();
    changed(&intake, &command, (&id, UNKNOWN), |state| {
        let done = state.outbox.get(&id).is_some_and(|m| m.is_open() || m.is_sent());
        as_asked(state.retry_message(&id, &by), "not_retryable", done && command.may_repeat())
    })
    .await
}

/// `POST /api/v1/outbox/{id}/move`
pub async fn reschedule(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<Move>,
) -> Result<Answer, Problem> {
    let due_at = instant(&command.body.due_at)?;
    let by = command.caller.actor();
    changed(&intake, &command, (&id, UNKNOWN), |state| state.move_message(Utc::now(), &id, due_at, &by)).await
}

/// `PATCH /api/v1/outbox/{id}`: other words, another time, or both.
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
    changed(&intake, &command, (&id, UNKNOWN), |state| {
        let mut events = Vec::new();
        if let Some(text) = text {
            events.extend(state.edit_message(&id, text, &by)?);
        }
        if let Some(due_at) = due_at {
            events.extend(state.move_message(Utc::now(), &id, due_at, &by)?);
        }
        Ok(events)
    })
    .await
}

/// `POST /api/v1/outbox/{id}/hold`
pub async fn hold(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<Nothing>,
) -> Result<Answer, Problem> {
    let by = command.caller.actor();
    changed(&intake, &command, (&id, UNKNOWN), |state| {
        as_asked(state.hold_message(&id, &by), "already_held", command.may_repeat())
    })
    .await
}

/// `POST /api/v1/outbox/{id}/approve`: lets a held message go, exactly as its hash names it.
pub async fn approve(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<Approve>,
) -> Result<Answer, Problem> {
    let (by, hash) = (command.caller.actor(), &*command.body.hash);
    changed(&intake, &command, (&id, UNKNOWN), |state| {
        // A repeat may come when the message is long gone.
        let done = state.outbox.get(&id).is_some_and(|m| {
            m.approved == hash && !matches!(m.state, MessageState::Held { .. }) && command.may_repeat()
        });
        if done { Ok(Vec::new()) } else { state.approve_message(&id, hash, &by) }
    })
    .await
}
