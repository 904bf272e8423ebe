//! A human takes a conversation over, gives it back, writes in it.

use axum::extract::State;
use serde::Deserialize;
use steward_domain::{
    conversation::{
        Author, Conversation, OnReply, Refused,
        outbox::{Queue, ahead},
    },
    ids,
    kernel::Refusal,
};
use steward_http::{ApiPath, Problem};
use steward_proto::Event;
use utoipa::ToSchema;

use super::{
    Answer, Command, conversation_id, decide,
    openapi::Refuses,
    originals::{self, Said},
    when::instant,
};
use crate::{
    intake::Intake,
    outside::{Line, Note, Words},
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "by": "anna", "note": "she asked for a person" }))]
pub struct TakeOver {
    /// Who.
    by: Line,
    note: Option<Note>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "by": "anna" }))]
pub struct Release {
    /// Who.
    by: Line,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HumanMessage, example = json!({ "text": "This is Anna, I have looked into it." }))]
pub struct Write {
    text: Words,
    /// Later.
    #[schema(format = DateTime)]
    send_at: Option<String>,
}

fn named(by: &str) -> Result<&str, Problem> {
    match by.trim() {
        "" => Err(Problem::unprocessable("bad_body", "`by` must name the human, for example \"anna\"")),
        by => Ok(by),
    }
}

/// A human takes over
#[utoipa::path(
    post,
    path = "/api/v1/conversations/{id}/takeover",
    tag = "conversations",
    operation_id = "take_over",
    request_body = TakeOver,
    responses((status = 200, description = "recorded", body = Answer), Refuses<Conversation>),
)]
pub async fn take_over(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<TakeOver>,
) -> Result<Answer, Problem> {
    let conversation = conversation_id(&id)?;
    let by = named(&command.body.by)?;
    let note = command.body.note.as_deref().unwrap_or_default();
    let position = decide(&intake, &command, conversation, |state| {
        as_asked(state.take_over(by, "http", note), "already_taken_over", command.may_repeat())
    })
    .await?;
    Ok(Answer::changed(conversation.to_string(), conversation, position))
}

/// The bot has it again
#[utoipa::path(
    post,
    path = "/api/v1/conversations/{id}/release",
    tag = "conversations",
    operation_id = "release_conversation",
    request_body = Release,
    responses((status = 200, description = "recorded", body = Answer), Refuses<Conversation>),
)]
pub async fn release(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<Release>,
) -> Result<Answer, Problem> {
    give_back(&intake, &id, &command, "http").await
}

/// The human's matter is settled; the bot has it again
#[utoipa::path(
    post,
    path = "/api/v1/conversations/{id}/resolve",
    tag = "conversations",
    operation_id = "resolve_conversation",
    request_body = Release,
    responses((status = 200, description = "recorded", body = Answer), Refuses<Conversation>),
)]
pub async fn resolve(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<Release>,
) -> Result<Answer, Problem> {
    give_back(&intake, &id, &command, "resolve").await
}

async fn give_back(intake: &Intake, id: &str, command: &Command<Release>, via: &str) -> Result<Answer, Problem> {
    let conversation = conversation_id(id)?;
    let by = named(&command.body.by)?;
    let position = decide(intake, command, conversation, |state| {
        known(state)?;
        as_asked(state.release(by, via), "not_taken_over", command.may_repeat())
    })
    .await?;
    Ok(Answer::changed(conversation.to_string(), conversation, position))
}

/// A human writes
///
/// A message at once begins a takeover, one for later doesn't.
#[utoipa::path(
    post,
    path = "/api/v1/conversations/{id}/messages",
    tag = "conversations",
    operation_id = "write_as_human",
    request_body = Write,
    responses((status = 201, description = "recorded", body = Answer), Refuses<Conversation>),
)]
pub async fn write(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<Write>,
) -> Result<Answer, Problem> {
    let conversation = conversation_id(&id)?;
    let due_at = command.body.send_at.as_deref().map(instant).transpose()?;
    let message_id = ids::message(conversation, command.unique());
    let by = &command.caller.name;
    let said = Said::message(&command.body.text, due_at, OnReply::Keep.name(), "");
    let is_there = |state: &Conversation| state.outbox.contains_key(&message_id);
    originals::same(&intake, &command, (conversation, &message_id.to_string()), is_there, &said).await?;
    let position = decide(&intake, &command, conversation, |state| {
        if state.outbox.contains_key(&message_id) {
            return Ok(Vec::new());
        }
        due_at.map_or(Ok(()), |at| ahead(intake.log.clock().now(), at))?;
        let queued = state.queue(Queue {
            message_id,
            author: Author::Human,
            author_id: by.clone(),
            text: command.body.text.to_string(),
            due_at,
            on_reply: OnReply::Keep,
            key: String::new(),
            turn_id: None,
            follow_up_id: None,
            proactive: false,
            buttons: Vec::new(),
        })?;
        let mut events =
            if due_at.is_some() || state.human_active() { Vec::new() } else { state.take_over(by, "http", "")? };
        events.extend(queued);
        Ok(events)
    })
    .await?;
    Ok(Answer::created(message_id.to_string(), conversation, position))
}

/// What a repeated command asks for is done already.
pub fn as_asked<R: Refusal>(
    decided: Result<Vec<Event>, R>,
    done: &'static str,
    may_repeat: bool,
) -> Result<Vec<Event>, R> {
    match decided {
        Err(refused) if may_repeat && refused.code() == done => Ok(Vec::new()),
        decided => decided,
    }
}

/// Refuses to speak of the state of a conversation that never began.
pub fn known(state: &Conversation) -> Result<(), Refused> {
    if state.place.is_some() {
        return Ok(());
    }
    Err(Refused::UnknownConversation)
}
