//! What of the system is the tenant's own: timers, channels, what models cost, the breaker, webhooks, events that were set aside.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use steward_http::{Caller, Problem};
use utoipa::{ToSchema, openapi::schema::Object};

use crate::{
    figures::Figures,
    models::{
        conversations::attention,
        usage::{self, Line},
        webhooks,
    },
    read::{
        breaker::{self, BreakerView},
        desk::Desk,
        snapshot::{Snapshot, Value},
        view::{Time, one_of},
    },
    rows::hashed,
};

/// Most webhooks, and most events that were set aside, that are told of.
const WEBHOOKS: u32 = 20;
const SET_ASIDE: u32 = 50;

/// How many of a webhook's latest deliveries are counted.
const DELIVERIES: u32 = 1_000;

/// What is to come, and how late such things were.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SystemTimers)]
pub struct TimersView {
    /// Promises that are pending, and when the first of them is due.
    pub pending: Option<u64>,
    pub next_at: Option<Time>,
    /// By how much half of what came due was late, and all but one of a hundred, since the scheduler's process started and of
    /// all tenants. `null`: nothing came due yet, or another process knows.
    pub lateness_p50_seconds: Option<f64>,
    pub lateness_p99_seconds: Option<f64>,
}

/// What goes over a channel.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SystemChannel)]
pub struct ChannelFigures {
    pub id: String,
    pub kind: String,
    /// How things come in: webhook (the provider posts them), polling (they are asked for), command (they are posted with a key).
    #[schema(schema_with = ways)]
    pub way: &'static str,
    pub last_in: Option<Time>,
    pub last_out: Option<Time>,
    /// What waits for its turn to be sent, and how long the first has waited; `null`: another process knows.
    pub waiting: Option<u64>,
    pub oldest_wait_seconds: Option<f64>,
}

fn ways() -> Object {
    one_of(["webhook", "polling", "command"])
}

/// What models took and cost today, by UTC.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SystemBrains)]
pub struct BrainsView {
    /// By provider and model; what costs most first.
    pub models: Vec<Line>,
    pub total: Line,
    /// The tenant's budget of a day in millionths of a USD; `null`: there is none.
    pub per_day: Option<u64>,
    pub left: Option<u64>,
}

/// An outgoing webhook, and what became of its latest 1,000 deliveries.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SystemWebhook)]
pub struct WebhookFigures {
    pub id: String,
    pub url: String,
    /// active, disabled
    pub state: &'static str,
    pub delivered: u64,
    pub retrying: u64,
    pub failed: u64,
    pub last_at: Option<Time>,
    /// The latest that failed, to be asked for again.
    pub failed_delivery_id: Option<String>,
}

/// An event that can't be projected.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SystemSetAside)]
pub struct SetAsideView {
    pub position: u64,
    #[serde(rename = "type")]
    pub type_name: String,
    pub error: String,
    pub at: Time,
}

/// What was read of the tenant's own.
#[derive(Default)]
pub struct Own {
    pending: Option<(u64, Option<Time>)>,
    last: HashMap<String, Last>,
    pub brains: Option<BrainsView>,
    pub breaker: Option<BreakerView>,
    pub webhooks: Option<Vec<WebhookFigures>>,
    pub set_aside: Option<Vec<SetAsideView>>,
}

/// When something came in last, and when something went out.
type Last = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// # Errors
/// 503 when Postgres or the log doesn't answer.
pub async fn of(desk: &Desk, caller: &Caller) -> Result<Own, Problem> {
    let mut reading = desk.begin(caller).await?;
    let snapshot = reading.snapshot().await?;
    let counts = attention::counts(&snapshot, caller).await?;
    let mut last = HashMap::new();
    for channel in desk.reads.channels.iter().filter(|c| c.tenant == caller.tenant) {
        last.insert(channel.id.clone(), last_on(&snapshot, caller, &channel.id).await?);
    }
    Ok(Own {
        pending: Some((counts.pending_follow_ups, counts.next_due_at)),
        last,
        brains: Some(brains(desk, &snapshot, caller).await?),
        webhooks: Some(of_webhooks(&snapshot, caller).await?),
        set_aside: Some(set_aside(&snapshot, caller).await?),
        breaker: breaker::now(desk, caller).await.ok(),
    })
}

pub fn timers(own: &Own, figures: Option<&Figures>) -> TimersView {
    let late = |share| figures.and_then(|figures| figures.quantile("steward_alarm_lateness_seconds", share));
    TimersView {
        pending: own.pending.as_ref().map(|(pending, _)| *pending),
        next_at: own.pending.as_ref().and_then(|(_, next)| *next),
        lateness_p50_seconds: late(0.5),
        lateness_p99_seconds: late(0.99),
    }
}

pub fn channels(desk: &Desk, caller: &Caller, own: &Own, figures: Option<&Figures>) -> Vec<ChannelFigures> {
    let of_tenant = desk.reads.channels.iter().filter(|c| c.tenant == caller.tenant);
    let one = |channel: &crate::read::Channel| {
        let (last_in, last_out) = own.last.get(&channel.id).copied().unwrap_or_default();
        let waiting = figures.and_then(|figures| figures.sends_waiting(&channel.id));
        ChannelFigures {
            id: channel.id.clone(),
            kind: channel.kind.clone(),
            way: channel.way,
            last_in: last_in.map(Time),
            last_out: last_out.map(Time),
            waiting: waiting.map(|(waiting, _)| waiting),
            oldest_wait_seconds: waiting.map(|(_, seconds)| seconds),
        }
    };
    of_tenant.map(one).collect()
}

async fn last_on(snapshot: &Snapshot<'_>, caller: &Caller, channel: &str) -> Result<Last, Problem> {
    // The latest conversations hold the latest messages.
    let sql = format!(
        "SELECT max(m.at) FILTER (WHERE m.direction = 'in'), max(m.sent_at) FILTER (WHERE m.direction = 'out') \
         FROM (SELECT id FROM {0}.conversations WHERE tenant = $1 AND channel_id = $2 ORDER BY latest_position DESC LIMIT 20) AS c \
         JOIN {0}.messages AS m ON m.tenant = $1 AND {1}",
        snapshot.schema,
        hashed::is("m.conversation_id", "c.id")
    );
    let values: [Value; 2] = [Box::new(caller.tenant.to_string()), Box::new(channel.to_owned())];
    let rows = snapshot.query(&sql, &values).await?;
    Ok(rows.first().map_or((None, None), |row| (row.get(0), row.get(1))))
}

async fn brains(desk: &Desk, snapshot: &Snapshot<'_>, caller: &Caller) -> Result<BrainsView, Problem> {
    let now = desk.reads.log.clock().now();
    let today = now.date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
    let used = usage::since(snapshot, caller, today).await?;
    let per_day = desk.reads.settings.now().brain.budget.per_day;
    Ok(BrainsView {
        left: per_day.map(|per_day| per_day.saturating_sub(used.total.micro_usd)),
        models: used.items,
        total: used.total,
        per_day,
    })
}

async fn of_webhooks(snapshot: &Snapshot<'_>, caller: &Caller) -> Result<Vec<WebhookFigures>, Problem> {
    let mut all = Vec::new();
    for webhook in webhooks::newest(snapshot, caller, WEBHOOKS).await? {
        let sql = format!(
            "SELECT count(*) FILTER (WHERE state = 'delivered'), count(*) FILTER (WHERE state = 'retrying'), \
             count(*) FILTER (WHERE state = 'failed'), max(at), \
             (array_agg(id ORDER BY position DESC) FILTER (WHERE state = 'failed'))[1] \
             FROM (SELECT id, state, at, position FROM {}.webhook_deliveries WHERE tenant = $1 AND {} \
             ORDER BY position DESC LIMIT {DELIVERIES}) AS latest",
            snapshot.schema,
            hashed::is("webhook_id", "$2")
        );
        let values: [Value; 2] = [Box::new(caller.tenant.to_string()), Box::new(webhook.id.clone())];
        let rows = snapshot.query(&sql, &values).await?;
        let Some(row) = rows.first() else { continue };
        let count = |at: usize| row.get::<_, i64>(at).cast_unsigned();
        all.push(WebhookFigures {
            id: webhook.id,
            url: webhook.url,
            state: webhook.state,
            delivered: count(0),
            retrying: count(1),
            failed: count(2),
            last_at: row.get::<_, Option<DateTime<Utc>>>(3).map(Time),
            failed_delivery_id: row.get(4),
        });
    }
    Ok(all)
}

async fn set_aside(snapshot: &Snapshot<'_>, caller: &Caller) -> Result<Vec<SetAsideView>, Problem> {
    let sql = format!(
        "SELECT position, type_name, error, at FROM {}.set_aside WHERE tenant = $1 ORDER BY position DESC LIMIT {SET_ASIDE}",
        snapshot.schema
    );
    let rows = snapshot.query(&sql, &[Box::new(caller.tenant.to_string())]).await?;
    let view = |row: &tokio_postgres::Row| SetAsideView {
        position: row.get::<_, i64>(0).cast_unsigned(),
        type_name: row.get(1),
        error: row.get(2),
        at: Time(row.get(3)),
    };
    Ok(rows.iter().map(view).collect())
}
