//! `POST /api/v1/breaker/reset`: a person has looked, and what goes out by itself may go on.

use axum::extract::State;
use serde::Deserialize;
use steward_domain::{
    ids,
    tenant::{Refused, Tenant},
};
use steward_http::Problem;
use utoipa::ToSchema;

use super::{Answer, Command, humans::as_asked, openapi::Refuses};
use crate::{intake::Intake, outside::Note};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BreakerResetting, example = json!({ "note": "the token was mended" }))]
pub struct Reset {
    /// What was found.
    note: Option<Note>,
}

/// A person has looked: what goes out by itself may go on
///
/// So does everything that the breaker held meanwhile, at the channels' rate limits; each message is weighed again, so one
/// that the client has answered or that needs approval doesn't go. Cancel beforehand what is not to go.
#[utoipa::path(
    post,
    path = "/api/v1/breaker/reset",
    tag = "breaker",
    operation_id = "reset_breaker",
    request_body = Option<Reset>,
    responses((status = 200, description = "recorded", body = Answer), Refuses<Tenant>),
)]
pub async fn reset(State(intake): State<Intake>, command: Command<Reset>) -> Result<Answer, Problem> {
    let tenant = &command.caller.tenant;
    let by = command.caller.actor();
    let note = command.body.note.as_deref().unwrap_or_default();
    let aggregate = ids::tenant_aggregate(tenant);
    let carried_out = command.carry_out(&intake, &aggregate, |state: &Tenant| {
        Ok::<_, Refused>((as_asked(state.reset_breaker(&by, note), "breaker_closed", command.may_repeat())?, ()))
    });
    Ok(Answer::of_none(tenant.to_string(), carried_out.await?.position))
}
