//! What every read has in common: how fresh it must be, the id in its path, the position in its answer.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{FromRequestParts, Path},
    http::{HeaderName, HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::stream;
use serde::Serialize;
use steward_http::{Caller, Problem};

use super::desk::Desk;
use crate::{error::ProjectionError, shares::Share};

/// The log position that an answer reflects.
pub const POSITION: HeaderName = HeaderName::from_static("steward-position");
/// The position that a reader wants to see.
const AFTER: HeaderName = HeaderName::from_static("steward-after");
/// How long a reader waits for it.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Longer than any id that Steward makes, in bytes.
const LONGEST_ID: usize = 512;

/// What the body is handed over in, in bytes: whoever reads slowly keeps the rest, and its share, here.
const CHUNK: usize = 64 * 1024;

/// Extracting it waits until the read models have reached `Steward-After`.
pub struct Fresh;

impl FromRequestParts<Arc<Desk>> for Fresh {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Self, Problem> {
        let Some(after) = parts.headers.get(AFTER) else { return Ok(Self) };
        let position = after.to_str().ok().and_then(|text| text.trim().parse().ok()).ok_or_else(|| {
            Problem::bad_request(
                "bad_position",
                "`Steward-After` is no position: send the number that a command answered",
            )
        })?;
        let reached = &desk.reads.reached;
        if reached.now() >= position {
            return Ok(Self);
        }
        let caller = Caller::from_request_parts(parts, desk).await?;
        let _place = desk.wait(&caller)?;
        if reached.wait(position, LONGEST_WAIT).await {
            return Ok(Self);
        }
        Err(Problem::timeout(
            "not_reached",
            format!(
                "the read models have reached {}, not {position}, within {} s; check the position, or ask again later",
                reached.now(),
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
            Ok(Path(id)) if !id.contains('\0') && id.len() <= LONGEST_ID => Ok(Self(id)),
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
    /// JSON.
    pub body: Bytes,
    /// Of the memory for answers, until it is sent.
    pub share: Option<Share>,
}

impl Answer {
    /// One that needs no share.
    pub fn small(position: u64, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("a view can be written");
        Self { position, body: body.into(), share: None }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let Self { position, body, share } = self;
        let length = body.len();
        let chunks = stream::unfold((body, share), |(mut rest, share)| async move {
            let chunk = rest.split_to(CHUNK.min(rest.len()));
            (!chunk.is_empty()).then_some((Ok::<_, Infallible>(chunk), (rest, share)))
        });
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (header::CONTENT_LENGTH, HeaderValue::from(length)),
            (POSITION, HeaderValue::from(position)),
        ];
        (headers, Body::from_stream(chunks)).into_response()
    }
}

impl From<ProjectionError> for Problem {
    fn from(error: ProjectionError) -> Self {
        tracing::warn!(%error, "a read failed");
        Self::unavailable("read_models_away", "the read models can't be read now; try again in a few seconds")
    }
}
