//! The test of a channel: its provider is asked, as `steward doctor` asks it, and what it says is shown.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use steward_domain::tenant::Role;
use steward_http::{ApiPath, Caller, Problem};

use super::{Dashboard, enter::from_ours, forms::SCRIPT, frame, viewer::Looks};

/// Longest wait for a provider.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many of a tenant's tests go on at once.
const AT_ONCE: usize = 2;

/// What the provider says.
#[derive(Serialize)]
struct Said {
    /// Nothing was recorded, so no position has to be waited for.
    position: u64,
    fine: bool,
    said: String,
}

/// # Errors
/// 403 for a reader; 404 if the tenant has no such channel; 429 if others are being tested.
pub async fn test(
    State(dashboard): State<Dashboard>,
    caller: Caller,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    from_ours(&headers)?;
    let looks = Looks::of(&headers);
    let w = looks.words().fixed();
    if caller.role < Role::Operator {
        return Err(Problem::forbidden("role", w.read_only));
    }
    let reads = &dashboard.desk.reads;
    let known = reads.channels.iter().any(|c| c.tenant == caller.tenant && c.id == id);
    let probe = reads.around.probe.as_ref().filter(|_| known);
    let probe = probe.ok_or_else(|| Problem::not_found("unknown_channel", "there is no such channel"))?;
    let _place = dashboard.tests.try_take(caller.tenant.as_str(), 1).map_err(|_| {
        Problem::too_many("too_many_reads", "other channels are being tested; try again in a few seconds")
    })?;
    let probed = tokio::time::timeout(PATIENCE, probe(id)).await;
    let (fine, text) = match probed {
        Ok(probed) => (probed.fine, probed.text),
        Err(_) => (false, looks.words().reason("no_answer", "").unwrap_or_default()),
    };
    let said = format!("{}: {text}", if fine { w.in_order } else { w.look_at_it });
    if headers.contains_key(SCRIPT) {
        return Ok(Json(Said { position: 0, fine, said }).into_response());
    }
    Ok(frame::problem(&looks, &said).into_response())
}

/// The places for tests: few, since each may take as long as a provider is patient.
pub fn places() -> crate::shares::Shares {
    crate::shares::Shares::new(4 * AT_ONCE, AT_ONCE)
}
