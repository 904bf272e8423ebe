//! What waits for a person: of which conversations, since when, and how much of it there is.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use steward_http::{Caller, Problem};
use utoipa::ToSchema;

use super::view::AttentionView;
use crate::{
    error::ProjectionError,
    read::{
        Desk, Params, Time,
        answer::{Answer, Fresh},
        openapi::Unread,
        snapshot::{Snapshot, Value},
    },
    rows::hashed,
};

/// Why a conversation needs a person, the most pressing first.
pub const CODES: [&str; 4] = ["asked_for_person", "failed", "unknown", "held"];

/// One row for each thing that waits: the conversation, the rank of its code, and the position since which it waits. `$1` is the
/// tenant. A person who has the conversation in hand, or had it since, has seen to a wish for a person and to what failed.
fn waiting(schema: &str, of_these: &str) -> String {
    let place = |column: &str| of_these.replace("{column}", column);
    format!(
        "SELECT c.id, 0 AS rank, c.asked_position AS since FROM {schema}.conversations AS c \
         WHERE c.tenant = $1 AND c.asked_position > 0 AND c.asked_position > c.attended_position{of_conversation} \
         UNION ALL SELECT m.conversation_id, CASE m.state WHEN 'failed' THEN 1 WHEN 'unknown' THEN 2 ELSE 3 END, m.changed_position \
         FROM {schema}.messages AS m WHERE m.tenant = $1 AND m.state IN ('held', 'failed', 'unknown'){of_message} \
         AND (m.state <> 'failed' OR NOT EXISTS (SELECT 1 FROM {schema}.conversations AS o \
         WHERE o.tenant = $1 AND {same} AND o.attended_position > m.changed_position))",
        of_conversation = place("c.id"),
        of_message = place("m.conversation_id"),
        same = hashed::is("o.id", "m.conversation_id"),
    )
}

/// Conversations that need a person, as a query in brackets whose column `pressing` puts the most pressing first: by what they
/// wait for, then by how long.
pub fn pressing() -> String {
    let waiting = waiting("{schema}", "");
    format!(
        "(SELECT c.*, a.pressing FROM {{schema}}.conversations AS c JOIN \
         (SELECT id, min((rank::bigint << 48) + since) AS pressing FROM ({waiting}) AS waits GROUP BY id) AS a \
         ON {} WHERE c.tenant = $1) AS conversations",
        hashed::is("c.id", "a.id")
    )
}

/// Says that a conversation waits for one of the ranks in the parameter `ranks`.
pub fn among(ranks: &str) -> String {
    let waiting = waiting("{schema}", "");
    hashed::is_in("id", "id", &format!("({waiting}) AS waits WHERE rank = ANY({ranks})"))
}

/// Where a conversation stands in the order of [`pressing`].
pub fn place(waits: &[Waits]) -> u64 {
    waits.iter().map(|w| ((w.rank as u64) << 48) + w.since).min().unwrap_or_default()
}

/// What waits for a person in one conversation, of one code.
#[derive(Debug, Clone)]
pub struct Waits {
    rank: usize,
    /// The position since which the first of them waits.
    since: u64,
    at: DateTime<Utc>,
    count: u32,
}

impl Waits {
    pub fn view(&self) -> AttentionView {
        AttentionView { code: CODES[self.rank.min(CODES.len() - 1)], since: Time(self.at), count: self.count }
    }
}

/// What waits in these conversations, by their ids, the most pressing first.
///
/// # Errors
/// 503 when Postgres doesn't answer.
pub async fn of(
    snapshot: &Snapshot<'_>,
    caller: &Caller,
    ids: Vec<String>,
) -> Result<HashMap<String, Vec<Waits>>, Problem> {
    let these = format!(" AND {}", hashed::is_any("{column}", "$2"));
    let sql = format!(
        "SELECT w.id, w.rank, w.since, w.count, e.at FROM \
         (SELECT id, rank, min(since) AS since, count(*) AS count FROM ({}) AS each GROUP BY id, rank) AS w \
         JOIN {}.events AS e ON e.position = w.since ORDER BY w.rank",
        waiting(&snapshot.schema, &these),
        snapshot.schema
    );
    let values: [Value; 2] = [Box::new(caller.tenant.to_string()), Box::new(ids)];
    let rows = snapshot.query(&sql, &values).await?;
    let mut found: HashMap<String, Vec<Waits>> = HashMap::new();
    for row in rows {
        let waits = Waits {
            rank: usize::try_from(row.get::<_, i32>(1)).unwrap_or_default(),
            since: row.get::<_, i64>(2).cast_unsigned(),
            at: row.get(4),
            count: u32::try_from(row.get::<_, i64>(3)).unwrap_or(u32::MAX),
        };
        found.entry(row.get(0)).or_default().push(waits);
    }
    Ok(found)
}

/// How much waits for a person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AttentionCounts)]
pub struct CountsView {
    /// Conversations that need a person.
    pub conversations: u64,
    /// Conversations that a person of ours has in hand.
    pub with_person: u64,
    /// Messages of the outbox that wait for a person: held, unknown, failed.
    pub outbox: u64,
    /// Each reason with its number of conversations.
    pub codes: BTreeMap<&'static str, u64>,
    /// Promises that are pending.
    pub pending_follow_ups: u64,
    /// When the next of them is due.
    pub next_due_at: Option<Time>,
}

/// How much waits for a person, and what is promised next
#[utoipa::path(
    get,
    path = "/api/v1/attention",
    tag = "conversations",
    operation_id = "get_attention",
    params(Fresh),
    responses((status = 200, description = "as of Steward-Position", body = CountsView), Unread),
)]
pub async fn all(State(desk): State<Arc<Desk>>, caller: Caller, _: Fresh, params: Params) -> Result<Answer, Problem> {
    params.finish(&[])?;
    let mut reading = desk.begin(&caller).await?;
    let snapshot = reading.snapshot().await?;
    Ok(snapshot.answer(&counts(&snapshot, &caller).await?))
}

/// # Errors
/// 503 when Postgres doesn't answer.
pub async fn counts(snapshot: &Snapshot<'_>, caller: &Caller) -> Result<CountsView, Problem> {
    let schema = &snapshot.schema;
    let sql = format!(
        "WITH waits AS MATERIALIZED ({}) SELECT \
         (SELECT count(DISTINCT id) FROM waits), \
         (SELECT count(*) FROM {schema}.conversations WHERE tenant = $1 AND takeover_since IS NOT NULL), \
         (SELECT count(*) FROM waits WHERE rank > 0), \
         (SELECT count(*) FROM {schema}.follow_ups WHERE tenant = $1 AND state IN ('pending', 'due')), \
         (SELECT min(due_at) FROM {schema}.follow_ups WHERE tenant = $1 AND state IN ('pending', 'due')), \
         (SELECT array_agg(n ORDER BY rank) FROM (SELECT g.rank, count(DISTINCT w.id) AS n FROM generate_series(0, {}) AS g(rank) \
          LEFT JOIN waits AS w ON w.rank = g.rank GROUP BY g.rank) AS each)",
        waiting(schema, ""),
        CODES.len() - 1,
    );
    let rows = snapshot.query(&sql, &[Box::new(caller.tenant.to_string()) as Value]).await?;
    let row = rows.first().ok_or(ProjectionError::Stopped)?;
    let number = |i: usize| row.get::<_, i64>(i).cast_unsigned();
    let of_codes: Vec<i64> = row.get(5);
    Ok(CountsView {
        conversations: number(0),
        with_person: number(1),
        outbox: number(2),
        codes: CODES.into_iter().zip(of_codes.into_iter().map(i64::cast_unsigned)).collect(),
        pending_follow_ups: number(3),
        next_due_at: row.get::<_, Option<DateTime<Utc>>>(4).map(Time),
    })
}
