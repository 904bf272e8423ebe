//! `POST /api/v1/keys`, `DELETE /api/v1/keys/{id}`: who may use the API.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use steward_domain::{
    ids,
    tenant::{Refused, Role, Tenant},
};
use steward_http::{ApiPath, Problem, create_key};
use steward_proto::{to_timestamp, v1};
use utoipa::ToSchema;

use super::{AdminCommand, Answer, openapi::Refuses, outbox::Nothing, shown_once};
use crate::intake::Intake;

/// Longest name of a key, in bytes.
const LONGEST_NAME: usize = 128;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewKey, example = json!({ "name": "Kim", "role": "operator" }))]
pub struct Wanted {
    /// Whose key it is: events name this as the actor of what is done with it. At most 128 bytes.
    name: String,
    /// admin, operator or reader.
    role: String,
}

/// The only answer that holds the key.
#[derive(Serialize, ToSchema)]
#[schema(as = KeyMade)]
pub struct WithKey {
    id: String,
    /// Always null.
    conversation_id: Option<String>,
    /// Send it as `Steward-After` to read your own write.
    position: u64,
    /// What the API takes as `Authorization: Bearer …`. Only its hash is kept.
    secret: String,
}

impl IntoResponse for WithKey {
    fn into_response(self) -> Response {
        shown_once(StatusCode::CREATED, self)
    }
}

/// Makes a key of the caller's tenant
///
/// Needs a key of role admin. The key is shown in this answer only; a repeat with the same `Idempotency-Key` makes no second one,
/// and doesn't show the first again.
#[utoipa::path(
    post,
    path = "/api/v1/keys",
    tag = "keys",
    operation_id = "create_key",
    request_body = Wanted,
    responses((status = 201, description = "made; the key is shown only here", body = WithKey), Refuses<Tenant>),
)]
pub async fn create(
    State(intake): State<Intake>,
    AdminCommand(command): AdminCommand<Wanted>,
) -> Result<WithKey, Problem> {
    let name = command.body.name.trim();
    let role = Role::of_name(&command.body.role)
        .ok_or_else(|| Problem::unprocessable("bad_body", "`role` must be admin, operator or reader"))?;
    if name.is_empty() || name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
        let detail = format!("`name` must have 1 to {LONGEST_NAME} bytes without control characters");
        return Err(Problem::unprocessable("bad_body", detail));
    }
    let tenant = &command.caller.tenant;
    let key = create_key(tenant);
    let id = format!("key_{}", command.unique().simple());
    let created = v1::ApiKeyCreated {
        key_id: id.clone(),
        role: role.name().to_owned(),
        hash: key.hash,
        name: name.to_owned(),
        created_at: Some(to_timestamp(intake.log.clock().now())),
    };
    let aggregate = ids::tenant_aggregate(tenant);
    let carried_out = command
        .carry_out(&intake, &aggregate, |state: &Tenant| Ok::<_, Refused>((state.create_key(created.clone())?, ())));
    let position = carried_out.await?.position;
    Ok(WithKey { id, conversation_id: None, position, secret: key.text })
}

/// Takes a key out of force
///
/// Needs a key of role admin. Within seconds it is refused everywhere.
#[utoipa::path(
    delete,
    path = "/api/v1/keys/{id}",
    tag = "keys",
    operation_id = "revoke_key",
    responses((status = 200, description = "recorded", body = Answer), Refuses<Tenant>),
)]
pub async fn revoke(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    AdminCommand(command): AdminCommand<Nothing>,
) -> Result<Answer, Problem> {
    if let Some(answer) = command.answered(&intake) {
        return Ok(answer);
    }
    let by = command.caller.actor();
    let aggregate = ids::tenant_aggregate(&command.caller.tenant);
    let carried_out =
        command.carry_out(&intake, &aggregate, |state: &Tenant| Ok::<_, Refused>((state.revoke_key(&id, &by)?, ())));
    let position = carried_out.await?.position;
    Ok(command.answer(&intake, Answer::of_none(id, position)))
}
