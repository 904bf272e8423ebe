//! What all reads share: the position that a reader wants to see, the id in the path, the position of the answer.

use std::{convert::Infallible, future, sync::Arc, time::Duration};

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
use steward_log::Log;
use tokio::time::sleep;

use super::desk::Desk;
use crate::{error::ProjectionError, shares::Share};

/// The log position that an answer reflects.
pub const POSITION: HeaderName = HeaderName::from_static("steward-position");
/// The position that a reader wants the answer to reflect.
const AFTER: HeaderName = HeaderName::from_static("steward-after");
/// The last position that there can be: the read models keep them as numbers with a sign.
pub const LAST_POSITION: u64 = i64::MAX.cast_unsigned();
/// How long a reader waits for that position.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// What isn't reached after this time may be beyond the log's end. The log isn't asked for each that waits a moment, nor as often
/// as somebody sends positions that there are not.
const DOUBTED_AFTER: Duration = Duration::from_secs(1);

/// Longest id in a path, in bytes; Steward's own ids are shorter.
const LONGEST_ID: usize = 512;

/// How many bytes of a body are handed over at once. Whoever reads slowly keeps the rest of the body, and its share of
/// the memory, here.
const CHUNK: usize = 64 * 1024;

/// Waits, when it is extracted, until the read models have reached `Steward-After`.
pub struct Fresh;

impl FromRequestParts<Arc<Desk>> for Fresh {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Self, Problem> {
        let Some(after) = parts.headers.get(AFTER) else { return Ok(Self) };
        let position = after.to_str().ok().and_then(|text| text.trim().parse().ok());
        let position = position.filter(|position| *position <= LAST_POSITION).ok_or_else(|| {
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
        let why = tokio::select! {
            biased;
            there = reached.wait(position, LONGEST_WAIT) => {
                if there {
                    return Ok(Self);
                }
                format!("not reached within {} s; ask again later", LONGEST_WAIT.as_secs())
            }
            end = end_before(&desk.reads.log, position) => {
                format!("beyond the log's end, which is {end}; send the number that a command answered")
            }
        };
        Err(Problem::timeout(
            "not_reached",
            format!("the read models have reached {}, and {position} is {why}", reached.now()),
        ))
    }
}

/// Where the log ends, once it is known to end before a position; never, when it doesn't, or can't be asked.
async fn end_before(log: &Log, position: u64) -> u64 {
    sleep(DOUBTED_AFTER).await;
    match log.last_position().await {
        Ok(end) if end < position => end,
        _ => future::pending().await,
    }
}

/// The id in the path. A path that isn't text names nothing.
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

/// The answer when there is no such thing, or it is another tenant's.
pub fn unknown(thing: &str, id: &str) -> Problem {
    Problem::not_found("unknown_id", format!("there is no {thing} `{id}`; the ids are in the list"))
}

/// An answer: a body, and the position that it reflects.
pub struct Answer {
    pub position: u64,
    /// The body, as JSON.
    pub body: Bytes,
    /// The answer's share of the memory for answers, held until it is sent.
    pub share: Option<Share>,
}

impl Answer {
    /// An answer so small that it needs no share.
    pub fn small(position: u64, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("a view is JSON");
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
