//! `GET /api/v1/conversations/{id}/timeline`: what happened, in words, with the causes of each event.

use std::{collections::HashSet, sync::Arc};

use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use steward_http::{Caller, Problem};
use steward_proto::Event;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    answer::{Answer, Fresh, Id},
    desk::Desk,
    list::{self, List, Page},
    openapi::{Paging, Unread},
    params::Params,
    snapshot::{Snapshot, Value as Sent},
    view::{self, Time},
    words,
};
use crate::{
    error::ProjectionError,
    models::{EventRow, own_conversation},
    rows::{columns, hashed},
};

/// What happened and why, newest first
#[utoipa::path(
    get,
    path = "/api/v1/conversations/{id}/timeline",
    tag = "conversations",
    operation_id = "get_timeline",
    params(Fresh, Paging, ("type" = Option<String>, Query, description = "one or several, separated by commas; with it, what the runs of turns noted (models asked, tools called) isn't among it"), ("follow_up_id" = Option<String>, Query, description = "only the history of this promise: what names the follow-up, those that it renews and those that renew it, and the events that led to these"), ("message_id" = Option<String>, Query, description = "only what names this message, and the events that led to it")),
    responses((status = 200, description = "as of Steward-Position", body = view::List<EntryView>), Unread),
)]
pub async fn of_conversation(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    _: Fresh,
    Id(id): Id,
    params: Params,
) -> Result<Answer, Problem> {
    let mut reading = desk.begin(&caller).await?;
    let snapshot = reading.snapshot().await?;
    let page = with_runs(&snapshot, &caller, &id, params).await?;
    Ok(page.answer(&snapshot, EntryView::of).await)
}

/// A page of what happened in a conversation, with what the runs of its turns noted: which model was asked, what tools did. Where
/// only some types are asked for, it is the conversation's own events alone.
///
/// # Errors
/// As [`page`].
pub async fn with_runs(
    snapshot: &Snapshot<'_>,
    caller: &Caller,
    id: &str,
    params: Params,
) -> Result<Page<EventRow>, Problem> {
    let mut between = params.clone();
    let (limit, cursor) = list::limit(&mut between)?;
    let position = "a position of the log, a whole number";
    let (after, before) = (between.parsed::<u64>("after", position)?, between.parsed::<u64>("before", position)?);
    let all_types = between.text("type").is_none();
    let page = page(snapshot, caller, id, params).await?;
    if !all_types {
        return Ok(page);
    }
    let stored = |position: u64| i64::try_from(position).unwrap_or(i64::MAX);
    let tenant = || -> Sent { Box::new(caller.tenant.to_string()) };
    // Where the page ends, the next one begins; without a next one all is told.
    let last = page.items.last().map(|e| e.position).filter(|_| page.has_more());
    let mut turns = turns(&page.items);
    if let Some(last) = last {
        // What a turn noted while it ended may stand behind its end, which is on the next page.
        let sql = format!(
            "SELECT {} FROM {}.events WHERE tenant = $1 AND aggregate = 'conversation' AND {} AND position < $3 \
             AND type_name IN ('TurnStarted', 'TurnCompleted', 'TurnSuperseded') ORDER BY position DESC LIMIT 1",
            columns::<EventRow>(),
            snapshot.schema,
            hashed::is("aggregate_id", "$2"),
        );
        let values: [Sent; 3] = [tenant(), Box::new(id.to_owned()), Box::new(stored(last))];
        turns.extend(self::turns(&snapshot.rows::<EventRow>(&sql, "position DESC", &values).await?.items));
    }
    if turns.is_empty() {
        return Ok(page);
    }
    let until = cursor.into_iter().chain(before).min().unwrap_or(u64::MAX);
    let sql = format!(
        "SELECT {} FROM {}.events WHERE tenant = $1 AND aggregate = 'run' AND {} AND position > $3 AND position < $4 \
         ORDER BY position DESC LIMIT {}",
        columns::<EventRow>(),
        snapshot.schema,
        hashed::is_any("aggregate_id", "$2"),
        limit + 1,
    );
    let from = last.unwrap_or(0).max(after.unwrap_or(0));
    let values: [Sent; 4] = [tenant(), Box::new(turns), Box::new(stored(from)), Box::new(stored(until))];
    let noted = snapshot.rows::<EventRow>(&sql, "position DESC", &values).await?.items;
    Ok(page.with(noted, limit, |e| e.position))
}

/// The turns that these events begin or end, or that decided them, by id.
fn turns(events: &[EventRow]) -> Vec<String> {
    let turn = |row: &EventRow| match Event::decode(&row.type_name, row.schema_version, &row.payload).ok()? {
        Event::TurnStarted(e) => Some(e.turn_id),
        Event::TurnCompleted(e) => Some(e.turn_id),
        Event::TurnSuperseded(e) => Some(e.turn_id),
        Event::FollowUpScheduled(e) => Some(e.turn_id),
        Event::MessageQueued(e) => e.message.map(|message| message.turn_id),
        _ => None,
    };
    let mut turns: Vec<String> = events.iter().filter_map(turn).filter(|id| !id.is_empty()).collect();
    turns.sort_unstable();
    turns.dedup();
    turns
}

/// A page of what happened in a conversation.
///
/// # Errors
/// 400 for a bad parameter; 404 if there is no such conversation; 503 when Postgres doesn't answer.
pub async fn page(
    snapshot: &Snapshot<'_>,
    caller: &Caller,
    id: &str,
    params: Params,
) -> Result<Page<EventRow>, Problem> {
    let mut list = List::new(caller, params);
    // The conversation is the second value, behind the tenant: see `LED_TO`.
    list.only(&format!("aggregate = 'conversation' AND {}", hashed::is("aggregate_id", "{}")), Box::new(id.to_owned()));
    list.by_condition("type", "type_name = ANY(string_to_array({}, ','))");
    let (follow_up, message) = (list.given("follow_up_id"), list.given("message_id"));
    own_conversation(snapshot, caller, id).await?;
    if let Some(follow_up) = follow_up {
        list.only(&led_to(), named(promise(snapshot, caller, id, follow_up).await?));
    }
    if let Some(message) = message {
        list.only(&led_to(), named(vec![message]));
    }
    list.page(snapshot, "position", |e: &EventRow| e.position).await
}

/// Renewals of one promise whose history is shown together, at most.
const RENEWALS: u32 = 200;

/// Events that hold one of these ids in their payloads, as text, and those that such events name as their causes. All are of the
/// tenant `$1` and the conversation `$2`.
fn led_to() -> String {
    let holds = |payload: &str| {
        format!("EXISTS (SELECT 1 FROM unnest({{}}::bytea[]) AS one WHERE position(one IN {payload}) > 0)")
    };
    format!(
        "({} OR event_id IN (SELECT led.causation_id FROM {{schema}}.events AS led \
         WHERE led.tenant = $1 AND led.aggregate = 'conversation' AND {} AND {}))",
        holds("payload"),
        hashed::is("led.aggregate_id", "$2"),
        holds("led.payload"),
    )
}

fn named(ids: Vec<String>) -> Sent {
    Box::new(ids.into_iter().map(String::into_bytes).collect::<Vec<_>>())
}

/// A follow-up with those that it renews and those that renew it: to the client, one promise.
async fn promise(
    snapshot: &Snapshot<'_>,
    caller: &Caller,
    conversation: &str,
    follow_up: String,
) -> Result<Vec<String>, Problem> {
    let own = format!("tenant = $1 AND {} AND {}", hashed::is("conversation_id", "$2"), hashed::is("id", "chain.id"));
    let next = |column: &str| format!("SELECT {column} AS id FROM {}.follow_ups WHERE {own}", snapshot.schema);
    let sql = format!(
        "WITH RECURSIVE chain(id) AS (SELECT $3::text UNION SELECT next.id FROM chain, LATERAL ({} UNION ALL {}) AS next \
         WHERE next.id <> '') SELECT id FROM chain LIMIT {RENEWALS}",
        next("renews"),
        next("renewed_by"),
    );
    let values: [Sent; 3] =
        [Box::new(caller.tenant.to_string()), Box::new(conversation.to_owned()), Box::new(follow_up)];
    let rows = snapshot.query(&sql, &values).await?;
    let ids: Result<Vec<String>, _> = rows.iter().map(|row| row.try_get(0)).collect();
    ids.map_err(|error| ProjectionError::from(error).into())
}

/// An event, told in words.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TimelineEntry)]
pub struct EntryView {
    pub position: u64,
    pub at: Time,
    #[serde(rename = "type")]
    pub type_name: String,
    pub actor: String,
    /// What happened, in one sentence.
    pub summary: String,
    #[schema(value_type = String)]
    pub event_id: Uuid,
    /// The ids of the events that led to this one.
    pub because: Vec<String>,
}

impl EntryView {
    fn of(row: EventRow) -> Self {
        let data = steward_proto::event_json(&row.type_name, &row.payload);
        Self {
            summary: words::summary(&row),
            because: because(&row, &data),
            position: row.position,
            at: Time(row.at),
            type_name: row.type_name,
            actor: row.actor,
            event_id: row.event_id,
        }
    }
}

/// The events that led to this one: what it answers, and what its reason names.
fn because(row: &EventRow, data: &Value) -> Vec<String> {
    let own = row.event_id.to_string();
    let mut seen = HashSet::from([own]);
    let reason = data.pointer("/reason/event_id").and_then(Value::as_str).unwrap_or_default();
    [row.causation_id.to_string().as_str(), reason]
        .into_iter()
        .filter(|id| !id.is_empty() && seen.insert((*id).to_owned()))
        .map(str::to_owned)
        .collect()
}
