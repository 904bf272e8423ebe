//! `GET /api/v1/breaker`: whether what goes out by itself has stopped, and why.

use std::sync::Arc;

use axum::extract::State;
use serde_json::json;
use steward_domain::{ids, tenant::Tenant};
use steward_http::{Caller, Problem};
use steward_log::AtLeast;

use super::{answer::Answer, desk::Desk, params::Params, show};

/// Read from the log itself, so it is as new as the log.
pub async fn one(State(desk): State<Arc<Desk>>, caller: Caller, params: Params) -> Result<Answer, Problem> {
    params.finish(&[])?;
    let aggregate = ids::tenant_aggregate(&caller.tenant);
    let seen = desk.reads.log.load::<Tenant>(&aggregate, AtLeast::Latest).await?;
    let tripped = seen.state.breaker.as_ref();
    let body = json!({
        "state": if tripped.is_some() { "open" } else { "closed" },
        "since": tripped.map(|t| show::time(t.at)),
        "reason": tripped.map(|t| json!({ "code": t.why.code, "text": t.why.text, "event_id": null })),
    });
    Ok(Answer::small(desk.reads.reached.now(), &body))
}
