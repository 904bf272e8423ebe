//! `GET /api/v1/usage`: what models took and cost, by day, conversation, job, provider, model.

use std::sync::Arc;

use axum::extract::State;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use steward_http::{Caller, Problem};
use utoipa::ToSchema;

use crate::read::{
    Desk, Params,
    answer::{Answer, Fresh},
    openapi::Unread,
    snapshot::{Snapshot, Value},
};

/// By what the figures may be told apart.
const PARTS: [&str; 5] = ["day", "conversation_id", "job", "provider", "model"];

/// Lines of an answer, at most: those that cost most.
const LINES: i64 = 1_000;

/// What models took and cost.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Usage)]
pub struct UsageView {
    /// Told apart as asked; what costs most first, 1,000 lines at most.
    pub items: Vec<Line>,
    /// Of all that was asked for, also of what isn't among the lines.
    pub total: Line,
}

/// Calls, tokens and cost.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsageLine)]
pub struct Line {
    /// In UTC.
    pub day: Option<String>,
    pub conversation_id: Option<String>,
    pub job: Option<String>,
    pub provider: Option<String>,
    pub model: Option<String>,
    pub calls: u64,
    /// Of them, those that came to nothing; they may cost all the same.
    pub failed: u64,
    /// Begun, and nothing is known of their end: the process died, or they are under way. Their input is an estimate.
    pub open: u64,
    /// Tokens that went in.
    pub input: u64,
    /// Of them, those that the provider had in its cache.
    pub input_cached: u64,
    /// Tokens that came out.
    pub output: u64,
    /// In millionths of a USD, of the calls that have a price.
    pub micro_usd: u64,
    /// Calls of models without a price.
    pub unpriced: u64,
}

/// What models took and cost
#[utoipa::path(
    get,
    path = "/api/v1/usage",
    tag = "brain",
    operation_id = "get_usage",
    params(
        Fresh,
        ("by" = Option<String>, Query, description = "what to tell apart, separated by commas: day, conversation_id, job, provider, model; left out: day, model"),
        ("from" = Option<String>, Query, description = "the first day in UTC, as 2026-11-28"),
        ("to" = Option<String>, Query, description = "the last day in UTC"),
        ("conversation_id" = Option<String>, Query),
        ("job" = Option<String>, Query),
        ("provider" = Option<String>, Query),
        ("model" = Option<String>, Query),
    ),
    responses((status = 200, description = "as of Steward-Position", body = UsageView), Unread),
)]
pub async fn usage(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    _: Fresh,
    mut params: Params,
) -> Result<Answer, Problem> {
    let by = params.some_of("by", &PARTS)?.unwrap_or_else(|| vec!["day".to_owned(), "model".to_owned()]);
    let day = "a day such as 2026-11-28";
    let start = |day: NaiveDate| day.and_hms_opt(0, 0, 0).map(|at| at.and_utc());
    let from: Option<DateTime<Utc>> = params.parsed::<NaiveDate>("from", day)?.and_then(start);
    let to = params.parsed::<NaiveDate>("to", day)?.and_then(|day| day.succ_opt()).and_then(start);
    let mut values: Vec<Value> = vec![Box::new(caller.tenant.to_string())];
    let mut conditions = vec!["c.tenant = $1".to_owned()];
    let mut only = |condition: &str, value: Value| {
        values.push(value);
        conditions.push(condition.replace("{}", &format!("${}", values.len())));
    };
    if let Some(from) = from {
        only("c.at >= {}", Box::new(from));
    }
    if let Some(to) = to {
        only("c.at < {}", Box::new(to));
    }
    for name in ["conversation_id", "job", "provider", "model"] {
        if let Some(value) = params.text(name) {
            only(&format!("c.{name} = {{}}"), Box::new(value));
        }
    }
    params.finish(&["by", "from", "to", "conversation_id", "job", "provider", "model"])?;

    let mut reading = desk.begin(&caller).await?;
    let snapshot = reading.snapshot().await?;
    let by: Vec<&str> = by.iter().map(String::as_str).collect();
    Ok(snapshot.answer(&summed(&snapshot, &by, &conditions, &values).await?))
}

/// What a tenant's models took since a moment, by provider and model.
///
/// # Errors
/// 503 when Postgres doesn't answer.
pub async fn since(snapshot: &Snapshot<'_>, caller: &Caller, from: DateTime<Utc>) -> Result<UsageView, Problem> {
    let conditions = ["c.tenant = $1".to_owned(), "c.at >= $2".to_owned()];
    let values: [Value; 2] = [Box::new(caller.tenant.to_string()), Box::new(from)];
    summed(snapshot, &["provider", "model"], &conditions, &values).await
}

/// The calls that meet the conditions, told apart by these parts.
async fn summed(
    snapshot: &Snapshot<'_>,
    by: &[&str],
    conditions: &[String],
    values: &[Value],
) -> Result<UsageView, Problem> {
    // A call that was begun counts as long as nothing is known of its end.
    let calls = format!(
        "SELECT to_char(c.at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, c.* FROM {schema}.model_calls c WHERE {conditions} AND c.state <> 'skipped' AND \
         (c.state <> 'asked' OR NOT EXISTS (SELECT 1 FROM {schema}.model_calls o WHERE o.tenant = c.tenant \
         AND md5(o.run_id)::uuid = md5(c.run_id)::uuid AND o.run_id = c.run_id AND o.call_id = c.call_id AND o.state <> 'asked'))",
        schema = snapshot.schema,
        conditions = conditions.join(" AND "),
    );
    let sums = "count(*), count(*) FILTER (WHERE state = 'failed'), count(*) FILTER (WHERE state = 'asked'), \
        coalesce(sum(input), 0)::bigint, coalesce(sum(input_cached), 0)::bigint, coalesce(sum(output), 0)::bigint, \
        coalesce(sum(micro_usd), 0)::bigint, count(*) FILTER (WHERE NOT priced AND state <> 'asked')";
    let parts = PARTS.map(|part| if by.contains(&part) { part.to_owned() } else { format!("NULL AS {part}") });
    let group: Vec<&str> = PARTS.into_iter().filter(|part| by.contains(part)).collect();
    let lines = format!(
        "SELECT {}, {sums} FROM ({calls}) calls GROUP BY {} ORDER BY sum(micro_usd) DESC, count(*) DESC LIMIT {LINES}",
        parts.join(", "),
        group.join(", "),
    );
    let nothing = PARTS.map(|part| format!("NULL::text AS {part}")).join(", ");
    let total = format!("SELECT {nothing}, {sums} FROM ({calls}) calls");
    let rows = snapshot.query(&lines, values).await?;
    let items = rows.iter().map(line).collect();
    let total = snapshot.query(&total, values).await?;
    let total = total.first().map(line).expect("a sum has one row");
    Ok(UsageView { items, total })
}

fn line(row: &tokio_postgres::Row) -> Line {
    let number = |at: usize| u64::try_from(row.get::<_, i64>(at)).unwrap_or_default();
    Line {
        day: row.get(0),
        conversation_id: row.get(1),
        job: row.get(2),
        provider: row.get(3),
        model: row.get(4),
        calls: number(5),
        failed: number(6),
        open: number(7),
        input: number(8),
        input_cached: number(9),
        output: number(10),
        micro_usd: number(11),
        unpriced: number(12),
    }
}
