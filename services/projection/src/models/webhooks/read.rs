//! `GET /api/v1/webhooks`, one of them, and its deliveries.

use std::{collections::HashMap, sync::Arc};

use axum::extract::State;
use serde_json::{Value as JsonValue, json};
use steward_domain::webhook::{Standing, Webhook};
use steward_http::{Caller, Problem};
use steward_proto::{Event, Fold as _, Metadata, Recorded};

use super::row::DeliveryRow;
use crate::{
    models::EventRow,
    read::{
        Desk, Params,
        answer::{Answer, Fresh, Id, unknown},
        list::{List, Page, read_rows},
        show::time,
        snapshot::Snapshot,
    },
    rows::{Json, columns, hashed},
};

/// The events that say what a webhook is.
const ITS_EVENTS: [&str; 4] = ["WebhookCreated", "WebhookSecretRotated", "WebhookDisabled", "WebhookDeleted"];

/// Deleted ones are not shown.
const NOT_DELETED: &str = "NOT EXISTS (SELECT 1 FROM {schema}.events later WHERE later.tenant = events.tenant \
     AND md5(later.aggregate_id)::uuid = md5(events.aggregate_id)::uuid AND later.aggregate_id = events.aggregate_id \
     AND later.type_name = 'WebhookDeleted')";

const STATES: [&str; 3] = ["delivered", "retrying", "failed"];

pub async fn list(State(desk): State<Arc<Desk>>, caller: Caller, _: Fresh, params: Params) -> Result<Answer, Problem> {
    let mut list = List::new(&caller, params);
    list.only_fixed(&hashed::is("type_name", "'WebhookCreated'"));
    list.only_fixed(NOT_DELETED);
    let mut reading = desk.begin(&caller).await?;
    let snapshot = reading.snapshot().await?;
    let page: Page<EventRow> = list.page(&snapshot, "position", |e: &EventRow| e.position).await?;
    let ids = page.items.iter().map(|row| row.aggregate_id.clone()).collect();
    let mut webhooks = folded(&snapshot, &caller, ids).await?;
    Ok(page.answer(&snapshot, |row| webhooks.remove(&row.aggregate_id).map_or(JsonValue::Null, |w| show(&w))).await)
}

pub async fn one(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    _: Fresh,
    Id(id): Id,
    params: Params,
) -> Result<Answer, Problem> {
    params.finish(&[])?;
    let mut reading = desk.begin(&caller).await?;
    let snapshot = reading.snapshot().await?;
    let webhook = find(&snapshot, &caller, &id).await?;
    if webhook.standing == Standing::Deleted {
        return Err(unknown("webhook", &id));
    }
    Ok(snapshot.answer(&show(&webhook)))
}

/// Newest events first, also of a webhook that is deleted.
pub async fn deliveries(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    _: Fresh,
    Id(id): Id,
    params: Params,
) -> Result<Answer, Problem> {
    let mut reading = desk.begin(&caller).await?;
    let snapshot = reading.snapshot().await?;
    let webhook = find(&snapshot, &caller, &id).await?;
    let mut list = List::new(&caller, params);
    list.only(&hashed::is("webhook_id", "{}"), Box::new(webhook.id.clone()));
    // What was to be tried again, isn't any more once the webhook has ended.
    list.by_state(&STATES, |state| match state {
        "failed" if !webhook.is_active() => vec!["failed", "retrying"],
        "retrying" if !webhook.is_active() => vec!["none"],
        _ => Vec::new(),
    })?;
    list.by("event_id");
    list.by("event_type");
    let page: Page<DeliveryRow> = list.page(&snapshot, "position", |d: &DeliveryRow| d.position).await?;
    Ok(page.answer(&snapshot, |row| show_delivery(&row, &webhook)).await)
}

async fn find(snapshot: &Snapshot<'_>, caller: &Caller, id: &str) -> Result<Webhook, Problem> {
    let mut found = folded(snapshot, caller, vec![id.to_owned()]).await?;
    found.remove(id).filter(|w| w.standing != Standing::None).ok_or_else(|| unknown("webhook", id))
}

/// These webhooks as their events make them.
async fn folded(
    snapshot: &Snapshot<'_>,
    caller: &Caller,
    ids: Vec<String>,
) -> Result<HashMap<String, Webhook>, Problem> {
    let sql = format!(
        "SELECT {} FROM {}.events WHERE tenant = $1 AND aggregate = 'webhook' AND {} \
         AND type_name = ANY($3) ORDER BY position",
        columns::<EventRow>(),
        snapshot.schema,
        hashed::is_any("aggregate_id", "$2")
    );
    let types: Vec<String> = ITS_EVENTS.iter().map(|&t| t.to_owned()).collect();
    let rows = snapshot.query(&sql, &[Box::new(caller.tenant.to_string()), Box::new(ids), Box::new(types)]).await?;
    let mut webhooks: HashMap<String, Webhook> = HashMap::new();
    for row in read_rows::<EventRow>(&rows)? {
        let id = row.aggregate_id.clone();
        if let Some(recorded) = recorded(row) {
            webhooks.entry(id).or_default().evolve(&recorded);
        }
    }
    Ok(webhooks)
}

/// The event as it was read from the log.
fn recorded(row: EventRow) -> Option<Recorded> {
    Some(Recorded {
        position: row.position,
        subject: row.subject().parse().ok()?,
        event: Event::decode(&row.type_name, row.schema_version, &row.payload).ok()?,
        metadata: Metadata {
            event_id: row.event_id,
            type_name: row.type_name,
            schema_version: row.schema_version,
            at: row.at,
            causation_id: row.causation_id,
            correlation_id: row.correlation_id,
            actor: row.actor,
            traceparent: row.traceparent,
        },
        payload: row.payload,
    })
}

/// Without its secret, which only who made it was shown.
fn show(webhook: &Webhook) -> JsonValue {
    let (state, reason) = match &webhook.standing {
        Standing::Disabled(why) => {
            ("disabled", json!({ "code": why.code, "text": why.text, "event_id": why.event_id }))
        }
        _ => ("active", JsonValue::Null),
    };
    json!({
        "id": webhook.id,
        "url": webhook.url,
        "types": webhook.types,
        "filter": {
            "conversation_id": webhook.filter.conversation_id,
            "channel_id": webhook.filter.channel_id,
        },
        "state": state,
        "reason": reason,
        "created_at": webhook.created_at.map(time),
        "secret_since": webhook.secret_since().map(time),
        "position": webhook.created_position,
    })
}

fn show_delivery(row: &DeliveryRow, webhook: &Webhook) -> JsonValue {
    let left = row.state == "retrying" && !webhook.is_active();
    let reason = match (&row.reason, &webhook.standing) {
        (_, Standing::Disabled(why)) if left => {
            json!({ "code": "disabled", "text": why.text, "event_id": why.event_id })
        }
        (_, Standing::Deleted) if left => {
            json!({ "code": "deleted", "text": "the webhook was deleted", "event_id": null })
        }
        (Some(Json(r)), _) => json!({ "code": r.code, "text": r.text, "event_id": r.event_id }),
        (None, _) => JsonValue::Null,
    };
    json!({
        "id": row.id,
        "webhook_id": row.webhook_id,
        "event_id": row.event_id,
        "event_type": row.event_type,
        "state": if left { "failed" } else { row.state.as_str() },
        "attempts": row.attempts,
        "status": Some(row.status).filter(|s| *s > 0),
        "reason": reason,
        "answer": Some(&row.answer).filter(|a| !a.is_empty()),
        "took_ms": Some(row.took_ms).filter(|_| row.attempts > 0),
        "at": time(row.at),
        "next_at": row.next_at.filter(|_| !left).map(time),
        "position": row.position,
        "changed_position": row.changed_position,
    })
}
