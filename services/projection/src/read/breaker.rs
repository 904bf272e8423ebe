//! `GET /api/v1/breaker`: whether what goes out by itself has stopped, and why.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use steward_domain::{ids, kernel::Why, tenant::Tenant};
use steward_http::{Caller, Problem};
use steward_log::AtLeast;
use utoipa::{ToSchema, openapi::schema::Object};

use super::{
    answer::Answer,
    desk::Desk,
    openapi::Unread,
    params::Params,
    view::{Time, one_of},
};
use crate::rows::Reason;

/// Whether what goes out by itself has stopped, and why.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Breaker)]
pub struct BreakerView {
    #[schema(schema_with = states)]
    pub state: &'static str,
    pub since: Option<Time>,
    pub reason: Option<Reason>,
}

fn states() -> Object {
    one_of(["open", "closed"])
}

/// Whether what goes out by itself has stopped, and why
///
/// Read from the log itself, so it is as new as the log.
#[utoipa::path(
    get,
    path = "/api/v1/breaker",
    tag = "breaker",
    operation_id = "get_breaker",
    responses((status = 200, description = "as of Steward-Position", body = BreakerView), Unread),
)]
pub async fn one(State(desk): State<Arc<Desk>>, caller: Caller, params: Params) -> Result<Answer, Problem> {
    params.finish(&[])?;
    Ok(Answer::small(desk.reads.reached.now(), &now(&desk, &caller).await?))
}

/// # Errors
/// 503 when the log doesn't answer.
pub async fn now(desk: &Desk, caller: &Caller) -> Result<BreakerView, Problem> {
    let aggregate = ids::tenant_aggregate(&caller.tenant);
    let seen = desk.reads.log.load::<Tenant>(&aggregate, AtLeast::Latest).await?;
    let tripped = seen.state.breaker.as_ref();
    let reason = |why: &Why| Reason { code: why.code.clone(), text: why.text.clone(), event_id: None };
    Ok(BreakerView {
        state: if tripped.is_some() { "open" } else { "closed" },
        since: tripped.map(|t| Time(t.at)),
        reason: tripped.map(|t| reason(&t.why)),
    })
}
