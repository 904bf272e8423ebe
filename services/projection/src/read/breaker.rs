//! `GET /api/v1/breaker`: whether what goes out by itself has stopped, and why.

use std::sync::Arc;

use axum::extract::State;
use steward_domain::{ids, tenant::Tenant};
use steward_http::{Caller, Problem};
use steward_log::AtLeast;

use super::{
    answer::Answer,
    desk::Desk,
    openapi::Unread,
    params::Params,
    view::{Breaker, Reason, Time},
};

/// Whether what goes out by itself has stopped, and why
///
/// Read from the log itself, so it is as new as the log.
#[utoipa::path(
    get,
    path = "/api/v1/breaker",
    tag = "breaker",
    operation_id = "get_breaker",
    responses((status = 200, description = "as of Steward-Position", body = Breaker), Unread),
)]
pub async fn one(State(desk): State<Arc<Desk>>, caller: Caller, params: Params) -> Result<Answer, Problem> {
    params.finish(&[])?;
    let aggregate = ids::tenant_aggregate(&caller.tenant);
    let seen = desk.reads.log.load::<Tenant>(&aggregate, AtLeast::Latest).await?;
    let tripped = seen.state.breaker.as_ref();
    let body = Breaker {
        state: if tripped.is_some() { "open" } else { "closed" },
        since: tripped.map(|t| Time(t.at)),
        reason: tripped.map(|t| Reason { code: t.why.code.clone(), text: t.why.text.clone(), event_id: None }),
    };
    Ok(Answer::small(desk.reads.reached.now(), &body))
}
