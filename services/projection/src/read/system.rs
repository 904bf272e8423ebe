//! `GET /api/v1/system`: how this process is, and how far its read models are.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use steward_http::{Caller, Problem};
use steward_log::Condition;
use utoipa::{ToSchema, openapi::schema::Object};

use super::{answer::Answer, desk::Desk, openapi::Unread, params::Params, view::one_of};

/// How this process is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = System)]
pub struct SystemView {
    pub version: &'static str,
    /// The position that the read models have reached.
    pub position: u64,
    /// The age of the oldest event that they don't reflect yet.
    pub lag_seconds: f64,
    /// The parts of this process. Other processes of the same Steward aren't among them.
    pub parts: Vec<PartView>,
}

/// A part of the process.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SystemPart)]
pub struct PartView {
    pub name: String,
    #[schema(schema_with = states)]
    pub state: &'static str,
    /// What is wrong, and what is done about it; `null` if nothing is.
    pub text: Option<String>,
}

fn states() -> Object {
    one_of(["well", "behind", "dead"])
}

/// How this process is, part by part
#[utoipa::path(
    get,
    path = "/api/v1/system",
    tag = "process",
    operation_id = "get_system",
    responses((status = 200, description = "as of Steward-Position", body = SystemView), Unread),
)]
pub async fn one(State(desk): State<Arc<Desk>>, _: Caller, params: Params) -> Result<Answer, Problem> {
    params.finish(&[])?;
    let seen = seen(&desk);
    Ok(Answer::small(seen.position, &seen))
}

pub fn seen(desk: &Desk) -> SystemView {
    let reached = &desk.reads.reached;
    let parts = desk.reads.log.health().conditions().into_iter().map(|(name, condition)| {
        let (state, text) = match condition {
            Condition::Well => ("well", None),
            Condition::Behind(text) => ("behind", Some(text)),
            Condition::Dead(text) => ("dead", Some(text)),
        };
        PartView { name, state, text }
    });
    SystemView {
        version: env!("CARGO_PKG_VERSION"),
        position: reached.now(),
        lag_seconds: reached.lag().as_secs_f64(),
        parts: parts.collect(),
    }
}
