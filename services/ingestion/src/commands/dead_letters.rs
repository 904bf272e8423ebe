//! `POST /api/v1/dead-letters/{consumer}/{position}/retry`: an event that a service gave up on is tried again.

use axum::{extract::State, http::StatusCode};
use steward_http::{ApiPath, Problem, openapi::Code};
use steward_log::LogError;

use super::{
    Answer, Command,
    openapi::{Refuses, Rule, Ruled},
    outbox::Nothing,
};
use crate::{intake::Intake, patience::in_time};

/// The service whose letters aren't tried again one by one: the read models went on without these events.
const READ_MODELS: &str = "projection";

/// Marks the command about a dead letter.
pub struct Letter;

impl Ruled for Letter {
    const RULES: &'static [Rule] = &[];
    const BEFORE: &'static [Code] = &[
        Code::new(StatusCode::NOT_FOUND, "unknown_letter", "there is no such dead letter of your tenant's"),
        Code::new(
            StatusCode::CONFLICT,
            "needs_rebuild",
            "`steward rebuild` tries the events again that the read models lack",
        ),
    ];
}

/// Has an event tried again that a service gave up on
///
/// The letter goes away when the service is done with the event; `position` in the answer is the event's. Asked again, it is
/// tried once more.
#[utoipa::path(
    post,
    path = "/api/v1/dead-letters/{consumer}/{position}/retry",
    tag = "process",
    operation_id = "retry_dead_letter",
    responses((status = 200, description = "it will be tried", body = Answer), Refuses<Letter>),
)]
pub async fn retry(
    State(intake): State<Intake>,
    ApiPath((consumer, position)): ApiPath<(String, String)>,
    command: Command<Nothing>,
) -> Result<Answer, Problem> {
    if let Some(answer) = command.answered(&intake) {
        return Ok(answer);
    }
    let unknown = || {
        Problem::not_found(
            "unknown_letter",
            "there is no such dead letter; GET /api/v1/system lists those of your tenant under `dead_letters`",
        )
    };
    let position: u64 = position.parse().map_err(|_| unknown())?;
    let letter = match intake.log.dead_letter(&consumer, position).await {
        Ok(Some(letter)) if letter.is_of(&command.caller.tenant) => letter,
        // What can't be part of a subject names no consumer.
        Ok(_) | Err(LogError::Text(_)) => return Err(unknown()),
        Err(error) => return Err(error.into()),
    };
    if letter.consumer == READ_MODELS {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "needs_rebuild",
            "the read models went on without this event; `steward rebuild` tries all such events again, in their order",
        ));
    }
    in_time(intake.log.retry_dead_letter(&consumer, position)).await?;
    Ok(command.answer(&intake, Answer::of_none(format!("{consumer}/{position}"), position)))
}
