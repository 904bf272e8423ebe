//! The live stream: the log's events as server-sent events, read from the log itself.
//!
//! One [`Hub`] per process follows the log for each tenant that listens: that tenant's events alone are read, rendered
//! once, and kept while they fit. A subscriber that resumes, or was too slow, reads what it missed from the log and
//! then joins the others, without a gap or a repeat. Nothing is kept for the sake of a slow one. The past is read and
//! rendered in the background ([`Background`](crate::background::Background)): nobody waits for another's.

mod feed;
mod frame;
mod hub;
mod passing;
mod past;
mod subscriber;
mod view;

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, Uri, header},
    response::{IntoResponse, Response},
};
use steward_domain::kernel::Live;
use steward_http::{Caller, Problem};

pub use hub::Hub;

use crate::read::{Params, Unstreamed};
use subscriber::{Interest, Opener, Subscriber};

/// The live stream (server-sent events)
///
/// Events task_update, new_message, artifact_stream, terminal_log, system_notification. data is JSON with position,
/// event_id, type (the domain event), conversation_id, at, actor, and what changed: message, follow_up, turn, contact, or
/// level and code. A client's first message is a new_message with new_lead: true. id is the log position; the opening and
/// every heartbeat (15 s) carry one too; what a model is just saying (type WordsInTheMaking: words, with the bytes before them) has
/// none, is in no log, and may be dropped or taken back. Last-Event-ID, else after, resumes without gap or repeat; without either it starts
/// at the end.
#[utoipa::path(
    get,
    path = "/api/v1/stream",
    tag = "events",
    operation_id = "stream_events",
    params(
        ("types" = Option<String>, Query, description = "kinds, separated by commas"),
        ("conversation_id" = Option<String>, Query),
        ("plan_id" = Option<String>, Query),
        ("after" = Option<u64>, Query, description = "a position of the log"),
        ("Last-Event-ID" = Option<u64>, Header, description = "the `id` of the last event that was seen"),
    ),
    responses(
        (status = 200, description = "a stream without end", body = String, content_type = "text/event-stream"),
        Unstreamed,
    ),
)]
pub async fn stream(
    State(hub): State<Arc<Hub>>,
    caller: Caller,
    uri: Uri,
    headers: HeaderMap,
    mut params: Params,
) -> Result<Response, Problem> {
    let names: Vec<&str> = Live::ALL.iter().map(|kind| kind.name()).collect();
    let kinds = params.some_of("types", &names)?;
    let interest = Interest {
        tenant: caller.tenant.clone(),
        kinds: kinds.map(|given| given.iter().filter_map(|name| Live::of_name(name)).collect()),
        conversation_id: params.text("conversation_id"),
        plan_id: params.text("plan_id"),
    };
    let after = params.parsed::<u64>("after", "a position of the log, a whole number")?;
    params.finish(&["types", "conversation_id", "plan_id", "after"])?;
    let resume = match headers.get("last-event-id") {
        None => after,
        Some(id) => Some(id.to_str().ok().and_then(|id| id.trim().parse().ok()).ok_or_else(|| {
            Problem::bad_request(
                "bad_position",
                "`Last-Event-ID` is none of ours: send the `id` of the last event you saw",
            )
        })?),
    };
    let places = hub.admit(&caller)?;
    // The feed is had before the log's end is asked for, so it begins at that end or before it: a stream from the end on
    // needs nothing of the past.
    let feed = hub.feed(&interest.tenant).await?;
    let end = hub.log.last_position().await?;
    // A position that this log hasn't reached is another log's, so there is nothing to resume.
    let from = resume.map_or(end, |position| position.min(end));
    let needs_past = from < feed.floor() && !interest.subjects().is_empty();
    drop(feed);
    let place = if needs_past { Some(hub.replay(&interest.tenant).await?) } else { None };
    let opener = Opener { uri, headers };
    let body = Body::from_stream(Subscriber::new(hub, interest, opener, from, places, place).into_stream());
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // Otherwise nginx would hold events back to send them together.
        (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, body).into_response())
}
