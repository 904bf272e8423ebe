//! `GET /api/v1/runs/{id}/traces/{sha256}`: what a model was asked or answered, where it is too large for the run's events.

use std::sync::Arc;

use axum::extract::State;
use steward_domain::tenant::Role;
use steward_http::{ApiPath, Caller, Problem};

use super::{
    answer::{Answer, Fresh, unknown},
    desk::Desk,
    openapi::UnreadByRole,
    params::Params,
};
use crate::rows::hashed;

/// What a model was asked or answered; needs a key of role operator
///
/// The events of a run name such bodies by their SHA-256 (request_trace, answer_trace). They are kept as long as `[tenants.NAME]
/// traces` says, else `[brain] traces`; after that there is nothing under that name. A request stands as it went over the wire.
#[utoipa::path(
    get,
    path = "/api/v1/runs/{id}/traces/{sha256}",
    tag = "brain",
    operation_id = "get_trace",
    params(Fresh),
    responses((status = 200, description = "the body, as JSON", body = serde_json::Value), UnreadByRole),
)]
pub async fn one(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    _: Fresh,
    ApiPath((run, sha256)): ApiPath<(String, String)>,
    params: Params,
) -> Result<Answer, Problem> {
    params.finish(&[])?;
    caller.need(Role::Operator)?;
    let nothing = || unknown("trace", &sha256);
    let is_hash = sha256.len() == 64 && sha256.bytes().all(|b| b.is_ascii_hexdigit());
    if !is_hash || run.contains('\0') {
        return Err(nothing());
    }
    let mut reading = desk.begin(&caller).await?;
    let body = desk.reads.log.get_trace(&caller.tenant, &sha256).await?.ok_or_else(nothing)?;
    let snapshot = reading.snapshot().await?;
    // Only what an event of this very run names.
    let sql = format!(
        "SELECT 1 FROM {}.events WHERE tenant = $1 AND aggregate = 'run' AND {} AND position($3::bytea IN payload) > 0 LIMIT 1",
        snapshot.schema,
        hashed::is("aggregate_id", "$2"),
    );
    let named = snapshot
        .query(&sql, &[Box::new(caller.tenant.to_string()), Box::new(run), Box::new(sha256.clone().into_bytes())])
        .await?;
    if named.is_empty() {
        return Err(nothing());
    }
    Ok(snapshot.answer_bytes(body.into()))
}
