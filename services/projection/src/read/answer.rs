//! What every read has in common: how fresh it must be, the id in its path, the position in its answer.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{FromRequestParts, Path},
    http::{HeaderName, HeaderValue, request::Parts},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use steward_http::Problem;

use super::Reads;
use crate::error::ProjectionError;

/// The log position that an answer reflects.
pub const POSITION: HeaderName = HeaderName::from_static("steward-position");
/// The position that a reader wants to see.
const AFTER: HeaderName = HeaderName::from_static("steward-after");
/// How long a reader waits for it.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Extracting it waits until the read models have reached `Steward-After`.
pub struct Fresh;

impl FromRequestParts<Arc<Reads>> for Fresh {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, reads: &Arc<Reads>) -> Result<Self, Problem> {
        let Some(after) = parts.headers.get(AFTER) else { return Ok(Self) };
        let position = after.to_str().ok().and_then(|text| text.trim().parse().ok()).ok_or_else(|| {
            Problem::bad_request(
                "bad_position",
                "`Steward-After` is no position: send the number that a command answered",
            )
        })?;
        if reads.reached.wait(position, LONGEST_WAIT).await {
            return Ok(Self);
        }
        Err(Problem::timeout(
            "not_reached",
            format!(
                "the read models have reached {}, not {position}, within {} s; check the position, or ask again later",
                reads.reached.now(),
                LONGEST_WAIT.as_secs()
            ),
        ))
    }
}

/// The id in the path. One that is no text names nothing.
pub struct Id(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(id)) if !id.contains('\0') => Ok(Self(id)),
            _ => {
                Err(Problem::not_found("unknown_id", "nothing has an id like the one in the path; ids come from lists"))
            }
        }
    }
}

/// There is no such thing, or it is another tenant's.
pub fn unknown(thing: &str, id: &str) -> Problem {
    Problem::not_found("unknown_id", format!("there is no {thing} `{id}`; the ids are in the list"))
}

/// A body and the position it reflects.
pub struct Answer {
    pub position: u64,
    pub body: Value,
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Json(self.body).into_response();
        response.headers_mut().insert(POSITION, HeaderValue::from(self.position));
        response
    }
}

impl From<ProjectionError> for Problem {
    fn from(error: ProjectionError) -> Self {
        tracing::warn!(%error, "a read failed");
        Self::unavailable("read_models_away", "the read models can't be read now; try again in a few seconds")
    }
}
