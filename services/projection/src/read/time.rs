//! `GET /api/v1/time`: what a phrase of time would mean, said now in a conversation.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use steward_domain::{
    contact::Contact,
    conversation::Conversation,
    ids::{self, ConversationId},
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
    params(("text" = String, Query, description = "at most 1,000 bytes"), ("conversation_id" = Option<String>, Query, description = "in whose zone and language; without it, in those of the configuration")),
    responses((status = 200, description = "as of Steward-Position", body = MeaningView), Unread),
)]
pub async fn meaning(State(desk): State<Arc<Desk>>, caller: Caller, mut params: Params) -> Result<Answer, Problem> {
    let text = params.text("text").unwrap_or_default();
    let conversation = params.text("conversation_id");
    params.finish(&["text", "conversation_id"])?;
    if text.trim().is_empty() || text.len() > LONGEST {
        let detail = format!("`text` must say when, in at most {LONGEST} bytes");
        return Err(Problem::bad_request("bad_query", detail));
    }
    let read = of(&desk, &caller, &text, conversation.as_deref()).await?;
    Ok(Answer::small(desk.reads.reached.now(), &read))
}

/// # Errors
/// 404 if there is no such conversation; 503 when the log doesn't answer.
pub async fn of(desk: &Desk, caller: &Caller, text: &str, conversation: Option<&str>) -> Result<MeaningView, Problem> {
    let log = &desk.reads.log;
    let (mut state, mut contact) = (Arc::<Conversation>::default(), None);
    if let Some(id) = conversation {
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
    let settings = desk.reads.settings.now();
    let person = effective(&settings.defaults, contact.as_deref(), &state);
    let read = |m: &Moment| reading(text, m);
    let (outcome, readings) = match parse(text, &person.time_context(log.clock().now())) {
        Meaning::Instant(m) => ("instant", vec![read(&m)]),
        Meaning::Ambiguous { readings, .. } => ("ambiguous", readings.iter().map(read).collect()),
        Meaning::Past(m) => ("past", vec![read(&m)]),
        Meaning::TooFar(m) => ("too_far", vec![read(&m)]),
        Meaning::None => ("none", Vec::new()),
    };
    Ok(MeaningView { outcome, readings, timezone: person.zone.value.name() })
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
