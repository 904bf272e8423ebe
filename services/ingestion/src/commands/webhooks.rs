//! Outgoing webhooks: made, taken away, given another secret, and a delivery asked for again.

use std::{collections::HashSet, net::IpAddr, time::Duration};

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt as _;
use rand::Rng as _;
use reqwest::Url;
use serde::{Deserialize, Serialize};
use steward_domain::{
    ids::{self, ConversationId, DeliveryId, WebhookId},
    webhook::{ALL_TYPES, Filter, LONGEST_URL, New, Refused, Secret, Standing, Webhook, is_public, is_told},
};
use steward_http::{ApiPath, Problem};
use steward_log::{Append, AtLeast, Expected, LogError};
use steward_proto::{Event, TenantId, v1};
use utoipa::ToSchema;

use super::{AdminCommand, Answer, Command, openapi::Refuses, outbox::Nothing, shown_once};
use crate::{intake::Intake, origin::new_event, patience::in_time};

/// Longest wait for a name's addresses.
const LOOKUP: Duration = Duration::from_secs(3);

/// How long a repeat of a command is answered with the secret that the command made; after that nobody sees it again.
const SHOWN_AGAIN: TimeDelta = TimeDelta::hours(24);

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewWebhook, example = json!({ "url": "https://example.com/hook", "types": ["ClientResponded"] }))]
pub struct Wanted {
    /// http or https; not into a private network unless `[webhooks] allow_private` is set.
    #[schema(format = "uri")]
    url: String,
    /// Names of events, as in /asyncapi.json; "*" means all.
    #[schema(min_items = 1)]
    types: Vec<String>,
    filter: Option<Narrowed>,
}

macro_rules! narrowed {
    ($($field:ident),*) => {
        #[derive(Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        #[schema(as = NewWebhookFilter)]
        struct Narrowed {
            $($field: Option<String>,)*
        }

        impl Narrowed {
            fn unchecked(&self) -> Filter {
                Filter { $($field: self.$field.clone(),)* }
            }
        }
    };
}

steward_domain::each_filter!(narrowed);

/// The only answers that hold the secret.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookSecret)]
pub struct WithSecret {
    #[serde(skip)]
    status: StatusCode,
    id: String,
    /// Always null.
    conversation_id: Option<String>,
    /// Send it as `Steward-After` to read your own write.
    position: u64,
    /// whsec_ and base64: what the signatures are made with.
    secret: String,
}

impl IntoResponse for WithSecret {
    fn into_response(self) -> Response {
        shown_once(self.status, self)
    }
}

/// Tells a third party of events, by the Standard Webhooks scheme
///
/// Needs a key of role admin. Every event of these types from now on is posted to `url` as {"type", "timestamp", "data": the
/// event}, with the headers webhook-id (the event's id), webhook-timestamp and webhook-signature. At least once and in no
/// promised order; a 2xx answer within 15 s counts as taken, 410 disables the webhook, anything else is tried again by the
/// schedule in `[webhooks] retry`. Redirects are not followed. When five events in a row couldn't be delivered over the whole
/// schedule, the webhook is disabled with a system_notification.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks",
    tag = "webhooks",
    operation_id = "create_webhook",
    request_body = Wanted,
    responses((status = 201, description = "made; the secret is shown only here", body = WithSecret), Refuses<Webhook>),
)]
pub async fn create(
    State(intake): State<Intake>,
    AdminCommand(command): AdminCommand<Wanted>,
) -> Result<WithSecret, Problem> {
    let body = &command.body;
    check_url(&body.url, intake.settings.now().webhooks.allow_private).await?;
    let id = WebhookId::new(command.unique());
    let new = New {
        id,
        url: body.url.clone(),
        types: types(&body.types)?,
        filter: filter(&intake, &command)?,
        secret: new_secret(),
        by: command.caller.actor(),
    };
    has_room(&intake, &command.caller.tenant, id).await?;
    let decided = decide(&intake, &command, id, |state| state.create(&new)).await?;
    with_secret(intake.log.clock().now(), StatusCode::CREATED, &new.secret, decided)
}

/// Refuses one webhook more than a tenant may have. Commands at the same moment may be let through together.
async fn has_room(intake: &Intake, tenant: &TenantId, id: WebhookId) -> Result<(), Problem> {
    let aggregate = ids::webhook_aggregate(tenant, id);
    let counting = async {
        if intake.log.load::<Webhook>(&aggregate, AtLeast::Latest).await?.state.standing != Standing::None {
            // It is there: a repeat.
            return Ok(None);
        }
        let subjects = ["webhook_created", "webhook_deleted"].map(|event| format!("ev.{tenant}.webhook.*.{event}"));
        let mut told = std::pin::pin!(intake.log.past(0, subjects.to_vec()).await?);
        let mut there = HashSet::new();
        while let Some(event) = told.next().await {
            let Ok(event) = event else { continue };
            match &event.recorded.event {
                Event::WebhookCreated(_) => there.insert(event.recorded.subject.id.clone()),
                Event::WebhookDeleted(_) => there.remove(&event.recorded.subject.id),
                _ => false,
            };
        }
        Ok::<_, LogError>(Some(there.len()))
    };
    let counted = in_time(counting).await?;
    let most = intake.settings.now().limits.webhooks_per_tenant;
    if counted.is_none_or(|there| there < most as usize) {
        return Ok(());
    }
    Err(Problem::conflict(
        "too_many_webhooks",
        format!("there are {most} webhooks, and [limits] webhooks_per_tenant allows no more; delete one first"),
    ))
}

/// Takes it away; what is on its way is dropped (role admin)
#[utoipa::path(
    delete,
    path = "/api/v1/webhooks/{id}",
    tag = "webhooks",
    operation_id = "delete_webhook",
    responses((status = 200, description = "recorded", body = Answer), Refuses<Webhook>),
)]
pub async fn delete(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    AdminCommand(command): AdminCommand<Nothing>,
) -> Result<Answer, Problem> {
    if let Some(answer) = command.answered(&intake) {
        return Ok(answer);
    }
    let by = command.caller.actor();
    let decided = decide(&intake, &command, webhook_id(&id)?, |state| state.delete(&by)).await?;
    Ok(command.answer(&intake, Answer::of_none(decided.id.to_string(), decided.position)))
}

/// Gives it another secret; the one before signs beside it for 24 hours (role admin)
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/{id}/rotate",
    tag = "webhooks",
    operation_id = "rotate_webhook_secret",
    responses((status = 200, description = "the new secret, shown only here", body = WithSecret), Refuses<Webhook>),
)]
pub async fn rotate(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    AdminCommand(command): AdminCommand<Nothing>,
) -> Result<WithSecret, Problem> {
    let (rotation, secret) = (command.unique().to_string(), new_secret());
    let by = command.caller.actor();
    let now = intake.log.clock().now();
    let rotated =
        decide(&intake, &command, webhook_id(&id)?, |state| state.rotate(&rotation, &secret, now, &by)).await?;
    with_secret(now, StatusCode::OK, &secret, rotated)
}

/// Delivers an event again, over a new schedule (role admin)
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/deliveries/{id}/retry",
    tag = "webhooks",
    operation_id = "retry_delivery",
    responses((status = 200, description = "recorded", body = Answer), Refuses<Webhook>),
)]
pub async fn retry(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    AdminCommand(command): AdminCommand<Nothing>,
) -> Result<Answer, Problem> {
    deliver_again(&intake, &command, &id).await
}

/// The same, named together with its webhook
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/{id}/deliveries/{delivery_id}/retry",
    tag = "webhooks",
    operation_id = "retry_delivery_of_webhook",
    responses((status = 200, description = "recorded", body = Answer), Refuses<Webhook>),
)]
pub async fn retry_of(
    State(intake): State<Intake>,
    ApiPath((webhook, id)): ApiPath<(String, String)>,
    AdminCommand(command): AdminCommand<Nothing>,
) -> Result<Answer, Problem> {
    let named: DeliveryId = id.parse().map_err(|_| unknown_delivery())?;
    if !webhook_id(&webhook).is_ok_and(|id| id == named.webhook) {
        return Err(unknown_delivery());
    }
    deliver_again(&intake, &command, &id).await
}

async fn deliver_again(intake: &Intake, command: &Command<Nothing>, id: &str) -> Result<Answer, Problem> {
    let delivery: DeliveryId = id.parse().map_err(|_| unknown_delivery())?;
    let DeliveryId { webhook, event_position } = delivery;
    let tenant = &command.caller.tenant;
    let aggregate = ids::webhook_aggregate(tenant, webhook);
    let looking = async {
        let seen = intake.log.load::<Webhook>(&aggregate, AtLeast::Latest).await?;
        let event = intake.log.read(event_position).await.ok().flatten().filter(|r| r.subject.tenant == *tenant);
        Ok::<_, LogError>((seen, event))
    };
    let (seen, event) = in_time(looking).await?;
    let event = event.ok_or_else(unknown_delivery)?;
    seen.readable()?;
    seen.state.may_retry(&event)?;
    let retried = v1::WebhookDeliveryRetried {
        delivery: Some(v1::Delivery {
            delivery_id: delivery.to_string(),
            webhook_id: webhook.to_string(),
            event_id: event.metadata.event_id.to_string(),
            event_type: event.metadata.type_name.clone(),
            event_position,
            attempt: 0,
            status: 0,
            took_ms: 0,
        }),
        by: command.caller.actor(),
    };
    let append = Append {
        aggregate: ids::deliveries_aggregate(tenant, webhook),
        events: vec![new_event(&intake.log, &command.cause(), retried)],
        expected: Expected::Any,
        // The same command again is the same wish.
        dedupe_key: Some(format!("{webhook}/retry/{}", command.unique())),
    };
    let appended = in_time(intake.log.append(append)).await?;
    command.done(intake);
    Ok(Answer::of_none(delivery.to_string(), appended.position))
}

/// A decision on a webhook.
struct Decided {
    id: WebhookId,
    position: u64,
    /// The secret as it was before, with its time, if the command had been carried out before.
    before: Option<(Secret, DateTime<Utc>)>,
}

async fn decide<T>(
    intake: &Intake,
    command: &Command<T>,
    id: WebhookId,
    mut decision: impl FnMut(&Webhook) -> Result<Vec<Event>, Refused>,
) -> Result<Decided, Problem> {
    let aggregate = ids::webhook_aggregate(&command.caller.tenant, id);
    let carried_out = command.carry_out(intake, &aggregate, |state: &Webhook| {
        let events = decision(state)?;
        let before = state.secret().cloned().zip(state.secret_since()).filter(|_| events.is_empty());
        Ok::<_, Refused>((events, before))
    });
    let carried_out = carried_out.await?;
    Ok(Decided { id, position: carried_out.position, before: carried_out.value })
}

/// Answers with the secret that the command made; a repeat soon after gets the same answer, for the first may be lost.
fn with_secret(now: DateTime<Utc>, status: StatusCode, made: &Secret, decided: Decided) -> Result<WithSecret, Problem> {
    let secret = match &decided.before {
        None => made,
        Some((secret, since)) if now - *since < SHOWN_AGAIN => secret,
        Some(_) => {
            return Err(Problem::conflict(
                "secret_shown",
                "this was done long ago, and a secret is shown only then; rotate it with a new key to get another",
            ));
        }
    };
    Ok(WithSecret {
        status,
        id: decided.id.to_string(),
        conversation_id: None,
        position: decided.position,
        secret: secret.expose().to_owned(),
    })
}

fn new_secret() -> Secret {
    let mut random = [0; 32];
    rand::rng().fill_bytes(&mut random);
    Secret::of_bytes(&random)
}

fn webhook_id(text: &str) -> Result<WebhookId, Problem> {
    text.parse()
        .map_err(|_| Problem::not_found("unknown_webhook", "there is no such webhook; GET /api/v1/webhooks lists them"))
}

fn unknown_delivery() -> Problem {
    Problem::not_found(
        "unknown_delivery",
        "there is no such delivery; GET /api/v1/webhooks/{id}/deliveries lists those of a webhook",
    )
}

/// The types asked for, each once. None of them may be one that Steward keeps to itself.
fn types(asked: &[String]) -> Result<Vec<String>, Problem> {
    if let Some(unknown) = asked.iter().find(|t| !is_told(t)) {
        let name: String = unknown.chars().take(64).collect();
        return Err(Problem::unprocessable(
            "unknown_type",
            format!(
                "`types` names `{name}`, which is no event that webhooks tell of; GET /asyncapi.json lists the events, \"*\" means all"
            ),
        ));
    }
    let mut types: Vec<String> = Vec::new();
    for name in asked {
        if !types.contains(name) {
            types.push(name.clone());
        }
    }
    if types.is_empty() {
        return Err(Problem::unprocessable(
            "bad_body",
            "`types` is empty; name events such as \"ClientResponded\", or \"*\" for all",
        ));
    }
    Ok(if types.iter().any(|t| t == ALL_TYPES) { vec![ALL_TYPES.to_owned()] } else { types })
}

fn filter(intake: &Intake, command: &Command<Wanted>) -> Result<Filter, Problem> {
    let Some(mut filter) = command.body.filter.as_ref().map(Narrowed::unchecked) else { return Ok(Filter::default()) };
    if let Some(id) = &mut filter.conversation_id {
        *id = conversation_id_of(id)?.to_string();
    }
    if let Some(id) = &filter.channel_id {
        let tenant = command.caller.tenant.as_str();
        if intake.settings.now().channel(id).is_none_or(|c| c.tenant != tenant) {
            return Err(Problem::unprocessable(
                "unknown_channel",
                "`filter.channel_id` names no channel of yours; GET /api/v1/channels lists them",
            ));
        }
    }
    Ok(filter)
}

fn conversation_id_of(text: &str) -> Result<ConversationId, Problem> {
    text.parse().map_err(|_| {
        Problem::unprocessable(
            "bad_body",
            "`filter.conversation_id` is no conversation's id; GET /api/v1/conversations lists them",
        )
    })
}

/// Refuses what can't be posted to, and what leads into a private network as far as that can be told now: where a name
/// leads is checked again whenever a connection is made, and a name that leads nowhere yet may do so later.
async fn check_url(text: &str, allow_private: bool) -> Result<(), Problem> {
    let bad = |detail: &str| Err(Problem::unprocessable("bad_url", detail));
    let url = match Url::parse(text) {
        Ok(url) if text.len() <= LONGEST_URL && matches!(url.scheme(), "http" | "https") && url.has_host() => url,
        _ => return bad("`url` must be an http or https URL of at most 2048 bytes, such as https://example.com/hook"),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return bad(
            "`url` must not hold a user or a password: deliveries are signed, that proves where they come from",
        );
    }
    if allow_private {
        return Ok(());
    }
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let addresses: Vec<IpAddr> = match host.parse() {
        Ok(address) => vec![address],
        Err(_) => {
            let found = tokio::time::timeout(LOOKUP, tokio::net::lookup_host((host, 0))).await;
            found.into_iter().flatten().flatten().map(|a| a.ip()).collect()
        }
    };
    if addresses.into_iter().any(|address| !is_public(address)) {
        return Err(Problem::unprocessable(
            "private_address",
            "`url` leads into a private network; use a public address, or set [webhooks] allow_private = true",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_what_can_be_posted_to_and_leads_outside_is_taken() {
        let code = async |url: &str, allow| check_url(url, allow).await.map_err(|p| p.code());
        for url in [
            "",
            "example.com",
            "ftp://example.com/",
            "file:///etc/passwd",
            "gopher://example.com",
            "http://",
            "https://user:pw@1.1.1.1/",
            "https://user@1.1.1.1/",
            &format!("https://1.1.1.1/{}", "x".repeat(2048)),
        ] {
            assert_eq!(code(url, true).await, Err("bad_url"), "{url}");
        }
        for url in [
            "http://127.0.0.1/",
            "http://localhost:1/",
            "http://[::1]/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://169.254.169.254/",
            "https://[fd00::1]/",
            "https://10.1.2.3/",
            "https://[::ffff:192.168.0.1]/",
            "http://0.0.0.0/",
        ] {
            assert_eq!(code(url, false).await, Err("private_address"), "{url}");
            assert_eq!(code(url, true).await, Ok(()), "{url}");
        }
        for url in ["https://1.1.1.1/hook?x=1", "https://[2606:4700::1111]:8443/"] {
            assert_eq!(code(url, false).await, Ok(()), "{url}");
        }
    }

    #[test]
    fn only_events_of_a_tenants_own_matters_can_be_asked_for() {
        let asked =
            |names: &[&str]| types(&names.iter().map(|&n| n.to_owned()).collect::<Vec<_>>()).map_err(|p| p.code());
        let fine = asked(&["ClientResponded", "FollowUpScheduled", "ClientResponded"]);
        assert_eq!(fine, Ok(vec!["ClientResponded".to_owned(), "FollowUpScheduled".to_owned()]));
        assert_eq!(asked(&["ClientResponded", "*"]), Ok(vec!["*".to_owned()]));
        assert_eq!(asked(&[]), Err("bad_body"));
        for name in ["", "client_responded", "ApiKeyCreated", "WebhookDelivered", "WebhookCreated", "ev.>", "Moon"] {
            assert_eq!(asked(&[name]), Err("unknown_type"), "{name}");
        }
    }
}
