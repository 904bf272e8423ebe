//! `GET /api/v1/webhooks`, one webhook, and its deliveries.

use std::{collections::HashMap, sync::Arc};

use axum::extract::State;
use steward_domain::{
    ids,
    webhook::{Standing, Webhook},
};
use steward_http::{Caller, Problem};
use steward_proto::Fold as _;

use super::{
    row::DeliveryRow,
    view::{DeliveryView, WebhookView},
};
use crate::{
    models::EventRow,
    read::{
        Desk, Params,
        answer::{Answer, Fresh, Id, unknown},
        list::{List, Page, read_rows},
        openapi::{Paging, Unread},
        snapshot::Snapshot,
        view,
    },
    rows::{columns, hashed},
};

/// The events that say what a webhook is.
const ITS_EVENTS: [&str; 4] = ["WebhookCreated", "WebhookSecretRotated", "WebhookDisabled", "WebhookDeleted"];

/// A condition that leaves out deleted webhooks.
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
    responses((status = 200, description = "as of Steward-Position", body = view::List<WebhookView>), Unread),
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
    let view = move |row: EventRow| webhooks.remove(&row.aggregate_id).as_ref().map(WebhookView::from);
    Ok(page.answer(&snapshot, view).await)
}

/// The newest of them.
///
/// # Errors
/// 503 when Postgres doesn't answer.
pub async fn newest(snapshot: &Snapshot<'_>, caller: &Caller, most: u32) -> Result<Vec<WebhookView>, Problem> {
    let mut list = List::new(caller, Params::of([("limit", most.to_string())]));
    list.only_fixed(&hashed::is("type_name", "'WebhookCreated'"));
    list.only_fixed(NOT_DELETED);
    let page: Page<EventRow> = list.page(snapshot, "position", |e: &EventRow| e.position).await?;
    let ids = page.items.iter().map(|row| row.aggregate_id.clone()).collect();
    let mut webhooks = folded(snapshot, caller, ids).await?;
    Ok(page
        .items
        .iter()
        .filter_map(|row| webhooks.remove(&row.aggregate_id))
        .map(|one| WebhookView::from(&one))
        .collect())
}

/// One outgoing webhook
#[utoipa::path(
    get,
    path = "/api/v1/webhooks/{id}",
    tag = "webhooks",
    operation_id = "get_webhook",
    params(Fresh),
    responses((status = 200, description = "as of Steward-Position", body = WebhookView), Unread),
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
    Ok(snapshot.answer(&WebhookView::from(&webhook)))
}

/// What became of its deliveries, newest event first; also of a webhook that is deleted
#[utoipa::path(
    get,
    path = "/api/v1/webhooks/{id}/deliveries",
    tag = "webhooks",
    operation_id = "list_deliveries",
    params(Fresh, Paging, ("state" = Option<String>, Query, description = "one or several, separated by commas: delivered, retrying, failed"), ("event_id" = Option<String>, Query), ("event_type" = Option<String>, Query)),
    responses((status = 200, description = "as of Steward-Position", body = view::List<DeliveryView>), Unread),
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
    list.only(&hashed::is("webhook_id", "{}"), Box::new(ids::or_empty(webhook.id)));
    // A delivery that was to be tried again isn't any more once its webhook has ended.
    list.by_state(&STATES, |state| match state {
        "failed" if !webhook.is_active() => vec!["failed", "retrying"],
        "retrying" if !webhook.is_active() => vec!["none"],
        _ => Vec::new(),
    })?;
    list.by("event_id");
    list.by("event_type");
    let page: Page<DeliveryRow> = list.page(&snapshot, "position", |d: &DeliveryRow| d.position).await?;
    Ok(page.answer(&snapshot, move |row| DeliveryView::of(row, &webhook)).await)
}

async fn find(snapshot: &Snapshot<'_>, caller: &Caller, id: &str) -> Result<Webhook, Problem> {
    let mut found = folded(snapshot, caller, vec![id.to_owned()]).await?;
    found.remove(id).filter(|w| w.standing != Standing::None).ok_or_else(|| unknown("webhook", id))
}

/// These webhooks, folded from their events.
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
        if let Some(recorded) = row.recorded() {
            webhooks.entry(id).or_default().evolve(&recorded);
        }
    }
    Ok(webhooks)
}
