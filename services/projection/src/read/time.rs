//! `GET /api/v1/time`: what a phrase of time would mean, said now in a conversation.

use std::sync::Arc;

use axum::extract::State;
use chrono::{DateTime, TimeZone as _, Utc};
use serde::Serialize;
use steward_domain::{
    contact::Contact,
    conversation::Conversation,
    ids::{self, ConversationId, FollowUpId},
    person::{contact_of, effective},
};
use steward_http::{Caller, Problem};
use steward_language::time::{Grain, Meaning, Moment, parse};
use steward_log::{AtLeast, LogError};
use utoipa::{ToSchema, openapi::schema::Object};

use super::{
    answer::{Answer, unknown},
    desk::Desk,
    openapi::Unread,
    params::Params,
    view::{Time, one_of},
};

/// Longest text, in bytes; commands take no longer phrase.
const LONGEST: usize = 1_000;

/// What a phrase means.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TimeMeaning)]
pub struct MeaningView {
    /// instant: one time ahead, which commands take. ambiguous: several, or too loose for one. past, too_far: a time at which
    /// nothing can be promised. none: no time in it.
    #[schema(schema_with = outcomes)]
    pub outcome: &'static str,
    /// One of an instant, and what an ambiguous phrase may mean.
    pub readings: Vec<ReadingView>,
    /// The zone that it is read in.
    pub timezone: &'static str,
}

/// One time that a phrase may mean.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TimeReading)]
pub struct ReadingView {
    pub at: Time,
    /// The same on the clock that it is said by: RFC 3339 with that offset.
    #[schema(format = DateTime)]
    pub local: String,
    /// The words that say it.
    pub phrase: String,
    /// How fine they are.
    #[schema(schema_with = grains)]
    pub grain: &'static str,
    pub rule: &'static str,
}

fn outcomes() -> Object {
    one_of(["instant", "ambiguous", "past", "too_far", "none"])
}

fn grains() -> Object {
    one_of(["second", "minute", "hour", "part_of_day", "day", "week", "month", "year"])
}

/// What a phrase would mean, said now by the client of a conversation
///
/// Read by the log itself, as a command reads its `phrase`.
#[utoipa::path(
    get,
    path = "/api/v1/time",
    tag = "conversations",
    operation_id = "read_time",
    params(("text" = String, Query, description = "at most 1,000 bytes"), ("conversation_id" = Option<String>, Query, description = "in whose zone and language; without it, in those of the configuration"), ("follow_up_id" = Option<String>, Query, description = "as a move of this promise: an hour alone keeps its day, a day alone its hour")),
    responses((status = 200, description = "as of Steward-Position", body = MeaningView), Unread),
)]
pub async fn meaning(State(desk): State<Arc<Desk>>, caller: Caller, mut params: Params) -> Result<Answer, Problem> {
    let text = params.text("text").unwrap_or_default();
    let (conversation, follow_up) = (params.text("conversation_id"), params.text("follow_up_id"));
    params.finish(&["text", "conversation_id", "follow_up_id"])?;
    if text.trim().is_empty() || text.len() > LONGEST {
        let detail = format!("`text` must say when, in at most {LONGEST} bytes");
        return Err(Problem::bad_request("bad_query", detail));
    }
    let read = of(&desk, &caller, &text, (conversation.as_deref(), follow_up.as_deref())).await?;
    Ok(Answer::small(desk.reads.reached.now(), &read))
}

/// # Errors
/// 404 if there is no such conversation; 503 when the log doesn't answer.
pub async fn of(
    desk: &Desk,
    caller: &Caller,
    text: &str,
    (conversation, follow_up): (Option<&str>, Option<&str>),
) -> Result<MeaningView, Problem> {
    let log = &desk.reads.log;
    let promise: Option<FollowUpId> = match follow_up {
        Some(id) => Some(id.parse().map_err(|_| unknown("follow-up", id))?),
        None => None,
    };
    let of_promise = promise.map(|id| id.conversation().to_string());
    let (mut state, mut contact) = (Arc::<Conversation>::default(), None);
    if let Some(id) = of_promise.as_deref().or(conversation) {
        let here: ConversationId = id.parse().map_err(|_| unknown("conversation", id))?;
        state = log.load(&ids::conversation_aggregate(&caller.tenant, here), AtLeast::Latest).await?.state;
        let place = state.place.as_ref().ok_or_else(|| unknown("conversation", id))?;
        if let Some(id) = place.contact_id {
            let load = |id| async move {
                let aggregate = ids::contact_aggregate(&caller.tenant, id);
                Ok::<_, LogError>(log.load::<Contact>(&aggregate, AtLeast::Latest).await?.state)
            };
            contact = Some(contact_of(id, load).await?);
        }
    }
    let due_at = match promise {
        Some(id) => {
            let known = state.follow_ups.get(&id).ok_or_else(|| unknown("follow-up", &id.to_string()))?;
            Some(known.due_at)
        }
        None => None,
    };
    let settings = desk.reads.settings.now();
    let person = effective(&settings.defaults, contact.as_deref(), &state);
    let now = log.clock().now();
    let read = |m: &Moment| reading(text, m);
    let (outcome, readings) = match parse(text, &person.time_context(now)) {
        Meaning::Instant(m) => {
            let moved = Moment { at: due_at.map_or(m.at, |due_at| kept(&m, due_at)), ..m };
            (if moved.at > now { "instant" } else { "past" }, vec![read(&moved)])
        }
        Meaning::Ambiguous { readings, .. } => ("ambiguous", readings.iter().map(read).collect()),
        Meaning::Past(m) => ("past", vec![read(&m)]),
        Meaning::TooFar(m) => ("too_far", vec![read(&m)]),
        Meaning::None => ("none", Vec::new()),
    };
    Ok(MeaningView { outcome, readings, timezone: person.zone.value.name() })
}

/// When a promise is due that is moved to `m`: what the words leave open stays as it was.
fn kept(m: &Moment, due_at: DateTime<Utc>) -> DateTime<Utc> {
    let (old, new) = (due_at.with_timezone(&m.zone), m.at.with_timezone(&m.zone));
    let local = match (m.rule, m.grain) {
        ("time_of_day", _) => old.date_naive().and_time(new.time()),
        (_, Grain::Day | Grain::Week | Grain::Month | Grain::Year) => new.date_naive().and_time(old.time()),
        _ => return m.at,
    };
    // A time that a clock change skips is read as it was said.
    m.zone.from_local_datetime(&local).earliest().map_or(m.at, |at| at.to_utc())
}

fn reading(text: &str, m: &Moment) -> ReadingView {
    ReadingView {
        at: Time(m.at),
        local: m.at.with_timezone(&m.zone).to_rfc3339(),
        phrase: text.get(m.span.clone()).unwrap_or_default().to_owned(),
        grain: match m.grain {
            Grain::Second => "second",
            Grain::Minute => "minute",
            Grain::Hour => "hour",
            Grain::PartOfDay => "part_of_day",
            Grain::Day => "day",
            Grain::Week => "week",
            Grain::Month => "month",
            Grain::Year => "year",
        },
        rule: m.rule,
    }
}
