//! `GET /api/v1/webhooks`, one of them, and its deliveries.

use std::{collections::HashMap, sync::Arc};

use axum::extract::State;
use steward_domain::webhook::{Standing, Webhook};
use steward_http::{Caller, Problem};
use steward_proto::{Event, Fold as _, Metadata, Recorded};

use super::{
    answer::{Answer, Fresh, Id, unknown},
    desk::Desk,
    list::{List, Page, read_rows},
    openapi::{Paging, Unread},
    params::Params,
    show::text,
    snapshot::Snapshot,
    view::{self, Time, WebhookDelivery, WebhookFilter, WebhookReason},
};
use crate::rows::{DeliveryRow, EventRow, Json, columns, hashed};

/// The events that say what a webhook is.
const ITS_EVENTS: [&str; 4] = ["WebhookCreated", "WebhookSecretRotated", "WebhookDisabled", "WebhookDeleted"];

/// Deleted ones are not shown.
const NOT_DELETED: &str = "NOT EXISTS (SELECT 1 FROM {schema}.events later WHERE later.tenant = events.tenant \
     AND md5(later.aggregate_id)::uuid = md5(events.aggregate_id)::uuid AND later.aggregate_id = events.aggregate_id \
     AND later.type_name = 'WebhookDeleted')";

pub const STATES: [&str; 3] = ["delivered", "retrying", "failed"];

/// Outgoing webhooks, newest first, without their secrets
#[utoipa::path(
    get,
    path = "/api/v1/webhooks",
    tag = "webhooks",
    operation_id = "list_webhooks",
    params(Fresh, Paging),
    responses((status = 200, description = "as of Steward-Position", body = view::List<view::Webhook>), Unread),
)]
pub async fn list(State(desk): State<Arc<Desk>>, caller: Caller, _: Fresh, params: Params) -> Result<Answer, Problem> {
    let mut list = List::new(&caller, params);
    list.only_fixed(&hashed::is("type_name", "'WebhookCreated'"));
    list.only_fixed(NOT_DELETED);
    let mut reading = desk.begin(&caller).await?;
    let snapshot = reading.snapshot().await?;
    let page: Page<EventRow> = list.page(&snapshot, "position", |e: &EventRow| e.position).await?;
    let ids = page.items.iter().map(|row| row.aggregate_id.clone()).collect();
    let mut webhooks = folded(&snapshot, &caller, ids).await?;
    Ok(page.answer(&snapshot, |row| webhooks.remove(&row.aggregate_id).map(|w| show(&w))).await)
}

/// One outgoing webhook
#[utoipa::path(
    get,
    path = "/api/v1/webhooks/{id}",
    tag = "webhooks",
    operation_id = "get_webhook",
    params(Fresh),
    responses((status = 200, description = "as of Steward-Position", body = view::Webhook), Unread),
)]
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

/// What became of its deliveries, newest event first; also of a webhook that is deleted
#[utoipa::path(
    get,
    path = "/api/v1/webhooks/{id}/deliveries",
    tag = "webhooks",
    operation_id = "list_deliveries",
    params(Fresh, Paging, ("state" = Option<String>, Query, description = "one or several, separated by commas: delivered, retrying, failed"), ("event_id" = Option<String>, Query), ("event_type" = Option<String>, Query)),
    responses((status = 200, description = "as of Steward-Position", body = view::List<WebhookDelivery>), Unread),
)]
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
fn show(webhook: &Webhook) -> view::Webhook {
    let (state, reason) = match &webhook.standing {
        Standing::Disabled(why) => ("disabled", Some(because(&why.code, &why.text, Some(&why.event_id)))),
        _ => ("active", None),
    };
    view::Webhook {
        id: webhook.id.clone(),
        url: webhook.url.clone(),
        types: webhook.types.clone(),
        filter: WebhookFilter {
            conversation_id: webhook.filter.conversation_id.clone(),
            channel_id: webhook.filter.channel_id.clone(),
        },
        state,
        reason,
        created_at: webhook.created_at.map(Time),
        secret_since: webhook.secret_since().map(Time),
        position: webhook.created_position,
    }
}

fn show_delivery(row: &DeliveryRow, webhook: &Webhook) -> WebhookDelivery {
    let left = row.state == "retrying" && !webhook.is_active();
    let reason = match (&row.reason, &webhook.standing) {
        (_, Standing::Disabled(why)) if left => Some(because("disabled", &why.text, Some(&why.event_id))),
        (_, Standing::Deleted) if left => Some(because("deleted", "the webhook was deleted", None)),
        (reason, _) => reason.as_ref().map(|Json(reason)| reason.into()),
    };
    WebhookDelivery {
        id: row.id.clone(),
        webhook_id: row.webhook_id.clone(),
        event_id: row.event_id.clone(),
        event_type: row.event_type.clone(),
        state: if left { "failed".to_owned() } else { row.state.clone() },
        attempts: row.attempts,
        status: Some(row.status).filter(|s| *s > 0),
        reason,
        answer: text(&row.answer),
        took_ms: Some(row.took_ms).filter(|_| row.attempts > 0),
        at: Time(row.at),
        next_at: row.next_at.filter(|_| !left).map(Time),
        position: row.position,
        changed_position: row.changed_position,
    }
}

fn because(code: &str, text: &str, event_id: Option<&String>) -> WebhookReason {
    WebhookReason { code: code.to_owned(), text: text.to_owned(), event_id: event_id.cloned() }
}
