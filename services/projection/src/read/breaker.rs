//! `GET /api/v1/breaker`: whether what goes out by itself has stopped, and why.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use steward_domain::{ids, kernel::Why, tenant::Tenant};
use steward_http::{Caller, Problem};
use steward_log::AtLeast;

use super::{answer::Answer, desk::Desk, params::Params, view::Time};
use crate::rows::Reason;

#[derive(Debug, Serialize)]
pub struct BreakerView {
    /// open or closed.
    pub state: &'static str,
    pub since: Option<Time>,
    pub reason: Option<Reason>,
}

/// Read from the log itself, so it is as new as the log.
pub async fn one(State(desk): State<Arc<Desk>>, caller: Caller, params: Params) -> Result<Answer, Problem> {
    params.finish(&[])?;
    let aggregate = ids::tenant_aggregate(&caller.tenant);
    let seen = desk.reads.log.load::<Tenant>(&aggregate, AtLeast::Latest).await?;
    let tripped = seen.state.breaker.as_ref();
    let reason = |why: &Why| Reason { code: why.code.clone(), text: why.text.clone(), event_id: None };
    let body = BreakerView {
        state: if tripped.is_some() { "open" } else { "closed" },
        since: tripped.map(|t| Time(t.at)),
        reason: tripped.map(|t| reason(&t.why)),
    };
    Ok(Answer::small(desk.reads.reached.now(), &body))
}
