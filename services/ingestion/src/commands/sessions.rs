//! `POST` and `DELETE /api/v1/sessions`, `DELETE /api/v1/sessions/{id}`: who is in the dashboard with a key.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use steward_domain::{
    ids,
    tenant::{Refused, Role, Tenant},
};
use steward_http::{ApiPath, Problem, create_session};
use steward_proto::v1;
use utoipa::ToSchema;

use super::{Answer, OwnCommand, openapi::Refuses, outbox::Nothing, shown_once};
use crate::intake::Intake;

/// The only answer that holds the session's text.
#[derive(Serialize, ToSchema)]
#[schema(as = SessionBegun)]
pub struct WithSession {
    id: String,
    /// Always null.
    conversation_id: Option<String>,
    /// Send it as `Steward-After` to read your own write.
    position: u64,
    /// What goes into the cookie `steward_session`. Only its hash is kept.
    secret: String,
}

impl IntoResponse for WithSession {
    fn into_response(self) -> Response {
        shown_once(StatusCode::CREATED, self)
    }
}

/// Begins a session of the caller's key
///
/// Needs a key of any role. A browser that sends the session's text in the cookie `steward_session` is let in as with the key, until the
/// session is ended, the key is revoked, or 30 days are over. A key has at most 20 sessions, a tenant 1,000: one more ends the
/// oldest. The text is shown in this answer only; a repeat with the same `Idempotency-Key` begins no second one.
/// A session itself begins no other.
#[utoipa::path(
    post,
    path = "/api/v1/sessions",
    tag = "sessions",
    operation_id = "begin_session",
    responses((status = 201, description = "begun; its text is shown only here", body = WithSession), Refuses<Tenant>),
)]
pub async fn begin(
    State(intake): State<Intake>,
    OwnCommand(command): OwnCommand<Nothing>,
) -> Result<WithSession, Problem> {
    let Some(key_id) = command.caller.key_id.clone() else { return Err(Refused::NoKeyNeeded.into()) };
    if command.caller.session.is_some() {
        return Err(Refused::OfASession.into());
    }
    let tenant = &command.caller.tenant;
    let (text, hash) = create_session(tenant);
    let id = format!("ses_{}", command.unique().simple());
    let begun = v1::SessionBegun { session_id: id.clone(), key_id, hash };
    let by = command.caller.actor();
    let aggregate = ids::tenant_aggregate(tenant);
    let decision = |state: &Tenant| Ok::<_, Refused>((state.begin_session(begun.clone(), &by)?, ()));
    let position = command.carry_out(&intake, &aggregate, decision).await?.position;
    Ok(WithSession { id, conversation_id: None, position, secret: text })
}

/// Ends a session
///
/// One of the caller's key; of any key of the tenant with a key of role admin. Within seconds the browser is let in nowhere.
#[utoipa::path(
    delete,
    path = "/api/v1/sessions/{id}",
    tag = "sessions",
    operation_id = "end_session",
    responses((status = 200, description = "recorded", body = Answer), Refuses<Tenant>),
)]
pub async fn end(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    OwnCommand(command): OwnCommand<Nothing>,
) -> Result<Answer, Problem> {
    if let Some(answer) = command.answered(&intake) {
        return Ok(answer);
    }
    let by = command.caller.actor();
    let of_any = command.caller.role == Role::Admin;
    // Where nobody brings a key there are no sessions.
    let of_key = (!of_any).then(|| command.caller.key_id.clone().unwrap_or_default());
    let aggregate = ids::tenant_aggregate(&command.caller.tenant);
    let decision = |state: &Tenant| Ok::<_, Refused>((state.end_session(&id, of_key.as_deref(), &by)?, ()));
    let position = command.carry_out(&intake, &aggregate, decision).await?.position;
    Ok(command.answer(&intake, Answer::of_none(id, position)))
}

/// Ends all sessions of the caller's key, but the one that asks
#[utoipa::path(
    delete,
    path = "/api/v1/sessions",
    tag = "sessions",
    operation_id = "end_other_sessions",
    responses((status = 200, description = "recorded; `id` is the key's", body = Answer), Refuses<Tenant>),
)]
pub async fn end_others(
    State(intake): State<Intake>,
    OwnCommand(command): OwnCommand<Nothing>,
) -> Result<Answer, Problem> {
    if let Some(answer) = command.answered(&intake) {
        return Ok(answer);
    }
    let Some(key_id) = command.caller.key_id.clone() else { return Err(Refused::NoKeyNeeded.into()) };
    let (by, own) = (command.caller.actor(), command.caller.session.clone());
    let aggregate = ids::tenant_aggregate(&command.caller.tenant);
    let decision = |state: &Tenant| Ok::<_, Refused>((state.end_sessions(&key_id, own.as_deref(), &by), ()));
    let position = command.carry_out(&intake, &aggregate, decision).await?.position;
    Ok(command.answer(&intake, Answer::of_none(key_id, position)))
}
