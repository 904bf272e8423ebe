//! Messages on their way out: queued, cancelled, tried again, moved.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use steward_domain::{
    conversation::{Author, Conversation, MessageState, OnReply, Refused, outbox::Queue},
    ids,
};
use steward_http::{ApiPath, Problem};
use steward_proto::{Event, to_timestamp, v1};

use super::{
    Answer, Command, conversation_id, conversation_of, decide,
    humans::{ahead, as_asked},
    when::instant,
};
use crate::intake::Intake;

const UNKNOWN: &str = "unknown_message";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct New {
    conversation_id: String,
    text: String,
    due_at: Option<String>,
    key: Option<String>,
    on_reply: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Move {
    due_at: String,
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
            Problem::unprocessable("bad_body", "`on_reply` must be \"cancel\" or \"keep\"; nothing else is served yet")
        })?,
    };
    let message_id = ids::message(conversation, command.unique());
    let position = decide(&intake, &command, conversation, |state| {
        if state.outbox.contains_key(&message_id) {
            return Ok(Vec::new());
        }
        due_at.map_or(Ok(()), ahead)?;
        state.queue(Queue {
            message_id: message_id.clone(),
            author: Author::Bot,
            author_id: String::new(),
            text: body.text.clone(),
            due_at,
            on_reply,
            key: body.key.clone().unwrap_or_default(),
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
    let conversation = conversation_of(&id, UNKNOWN)?;
    let by = command.caller.actor();
    let position = decide(&intake, &command, conversation, |state| {
        let done = matches!(state.outbox.get(&id).map(|m| &m.state), Some(MessageState::Cancelled(_)));
        as_asked(state.cancel_message_by(&id, &by), "not_queued", done && command.may_repeat())
    })
    .await?;
    command.done(&intake);
    Ok(Answer::changed(id, conversation, position))
}

/// `POST /api/v1/outbox/{id}/retry`
pub async fn retry(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<Nothing>,
) -> Result<Answer, Problem> {
    let conversation = conversation_of(&id, UNKNOWN)?;
    let by = command.caller.actor();
    let position = decide(&intake, &command, conversation, |state| {
        let done = state.outbox.get(&id).is_some_and(|m| m.is_open() || m.state == MessageState::Sent);
        as_asked(state.retry_message(&id, &by), "not_retryable", done && command.may_repeat())
    })
    .await?;
    command.done(&intake);
    Ok(Answer::changed(id, conversation, position))
}

/// `POST /api/v1/outbox/{id}/move`
pub async fn reschedule(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<Move>,
) -> Result<Answer, Problem> {
    let conversation = conversation_of(&id, UNKNOWN)?;
    let due_at = instant(&command.body.due_at)?;
    let by = command.caller.actor();
    let position = decide(&intake, &command, conversation, |state| moved(state, &id, due_at, &by)).await?;
    command.done(&intake);
    Ok(Answer::changed(id, conversation, position))
}

fn moved(state: &Conversation, id: &str, due_at: DateTime<Utc>, by: &str) -> Result<Vec<Event>, Refused> {
    state.readable()?;
    let Some(message) = state.outbox.get(id) else {
        return Err(Refused::new(UNKNOWN, format!("there is no message `{id}` in this conversation's outbox")));
    };
    match message.state {
        MessageState::Queued { not_before } if not_before == Some(due_at) => Ok(Vec::new()),
        MessageState::Queued { .. } => {
            ahead(due_at)?;
            let due_at = Some(to_timestamp(due_at));
            Ok(vec![v1::MessageMoved { message_id: id.to_owned(), due_at, by: by.to_owned() }.into()])
        }
        _ => Err(Refused::new(
            "not_queued",
            "only a message that waits can be moved; this one is being sent or has ended",
        )),
    }
}
