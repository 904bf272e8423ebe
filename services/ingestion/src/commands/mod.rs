//! Commands over HTTP: decided on the state they meet, answered with what they made and where it stands in the log.

pub mod brain;
pub mod breaker;
mod carry_out;
pub mod contacts;
pub mod dead_letters;
pub mod follow_ups;
pub mod humans;
pub mod keys;
pub mod memory;
mod openapi;
mod originals;
pub mod outbox;
mod repeats;
mod request;
pub mod sessions;
pub mod web;
pub mod webhooks;
mod when;

use std::str::FromStr;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use steward_domain::{
    conversation::{Conversation, Refused},
    ids::{self, ConversationId},
};
use steward_http::Problem;
use steward_proto::Event;
use utoipa::ToSchema;

pub use openapi::name_key;
pub use repeats::Repeats;
pub use request::{AdminCommand, Command, OwnCommand};

use crate::intake::Intake;

/// An answer that holds what no other will show: nobody on the way keeps it.
fn shown_once(status: StatusCode, answer: impl Serialize) -> Response {
    let mut response = (status, Json(answer)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What every command answers.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Done, example = json!({ "id": "7b3d4e52-8f0c-5a51-9d0e-2f6a1c9b8e47", "conversation_id": null, "position": 42 }))]
pub struct Answer {
    #[serde(skip)]
    status: StatusCode,
    /// What was made or changed.
    id: String,
    /// `None` for what belongs to no single conversation.
    conversation_id: Option<String>,
    /// Its log position: send it as `Steward-After` to read your own write.
    position: u64,
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        (self.status, Json(self)).into_response()
    }
}

impl Answer {
    fn created(id: String, conversation: ConversationId, position: u64) -> Self {
        Self { status: StatusCode::CREATED, id, conversation_id: Some(conversation.to_string()), position }
    }

    fn changed(id: String, conversation: ConversationId, position: u64) -> Self {
        Self { status: StatusCode::OK, id, conversation_id: Some(conversation.to_string()), position }
    }

    /// The same, of what this command made.
    fn made_of_none(id: String, position: u64) -> Self {
        Self { status: StatusCode::CREATED, ..Self::of_none(id, position) }
    }

    /// Of what belongs to no single conversation.
    fn of_none(id: String, position: u64) -> Self {
        Self { status: StatusCode::OK, id, conversation_id: None, position }
    }
}

/// A conversation's id as a caller gives it.
fn conversation_id(text: &str) -> Result<ConversationId, Problem> {
    text.parse().map_err(|_| {
        Problem::not_found(
            "unknown_conversation",
            "there is no such conversation; GET /api/v1/conversations lists them",
        )
    })
}

/// A follow-up's or message's id as a caller gives it; `unknown`: the code of the refusal of what is none.
fn read_id<T: FromStr>(id: &str, unknown: &'static str) -> Result<T, Problem> {
    id.parse().map_err(|_| {
        Problem::not_found(unknown, "there is nothing with this id; take ids from the lists under /api/v1")
    })
}

/// Changes a follow-up or a message, named by its id: decides on the conversation that it is of, and answers with it.
async fn changed<T>(
    intake: &Intake,
    command: &Command<T>,
    (id, conversation): (String, ConversationId),
    decision: impl FnMut(&Conversation) -> Result<Vec<Event>, Refused>,
) -> Result<Answer, Problem> {
    let position = decide(intake, command, conversation, decision).await?;
    Ok(Answer::changed(id, conversation, position))
}

/// Decides on one of the caller's conversations; returns the position to wait for.
async fn decide<T>(
    intake: &Intake,
    command: &Command<T>,
    conversation: ConversationId,
    mut decision: impl FnMut(&Conversation) -> Result<Vec<Event>, Refused>,
) -> Result<u64, Problem> {
    let aggregate = ids::conversation_aggregate(&command.caller.tenant, conversation);
    let decision = |state: &Conversation| Ok::<_, Refused>((decision(state)?, ()));
    Ok(command.carry_out(intake, &aggregate, decision).await?.position)
}

/// Reads a body as each command would.
#[cfg(any(test, feature = "fuzzing"))]
pub fn bodies(body: &[u8]) {
    fn read<T: serde::de::DeserializeOwned>(body: &[u8]) {
        let _ = steward_http::ApiJson::<T>::read(body);
    }
    read::<brain::Chosen>(body);
    read::<web::Message>(body);
    read::<follow_ups::New>(body);
    read::<follow_ups::Changes>(body);
    read::<outbox::New>(body);
    read::<humans::TakeOver>(body);
    read::<contacts::Changes>(body);
    read::<memory::NewGoal>(body);
    read::<memory::NewMilestone>(body);
    read::<memory::NewFact>(body);
    read::<webhooks::Wanted>(body);
}
