//! `GET /api/v1/system`: how this process is, how far its read models are, and how what it serves is doing.

mod letters;
mod own;

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use steward_http::{Caller, Problem};
use steward_log::Condition;
use utoipa::{ToSchema, openapi::schema::Object};

pub use letters::{DeadLetterView, dead_letters};
pub use own::{BrainsView, ChannelFigures, SetAsideView, TimersView, WebhookFigures};

use super::{answer::Answer, breaker::BreakerView, desk::Desk, openapi::Unread, params::Params, view::one_of};
use crate::figures::SERVICES;

/// How this process is. What it can't know is `null`: what another process does, and what stands in Postgres while that is away.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = System)]
pub struct SystemView {
    pub version: &'static str,
    /// The position that the read models have reached.
    pub position: u64,
    /// The last position of the log.
    pub log_position: Option<u64>,
    /// The age of the oldest event that they don't reflect yet.
    pub lag_seconds: f64,
    /// The five services, those of other processes too.
    pub services: Vec<ServiceView>,
    /// The parts of this process. Other processes of the same Steward aren't among them.
    pub parts: Vec<PartView>,
    pub timers: TimersView,
    pub channels: Vec<ChannelFigures>,
    pub brains: Option<BrainsView>,
    pub breaker: Option<BreakerView>,
    /// The outgoing webhooks, newest first, 20 at most.
    pub webhooks: Option<Vec<WebhookFigures>>,
    /// Events that the read models lack since they can't be projected, newest first, 50 at most.
    pub set_aside: Option<Vec<SetAsideView>>,
    /// Events that services gave up on, oldest first, 50 at most; each can be tried again. Those that the read models lack aren't
    /// among them.
    pub dead_letters: Option<Vec<DeadLetterView>>,
    /// Events that services of this process gave up on since it started, of all tenants.
    pub given_up: Option<u64>,
}

/// One of the services.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SystemService)]
pub struct ServiceView {
    #[schema(schema_with = services)]
    pub name: &'static str,
    /// It runs in this process; of another process nothing else is known here.
    pub here: bool,
    pub version: Option<&'static str>,
    #[schema(schema_with = states)]
    pub state: Option<&'static str>,
    /// What is wrong; `null` if nothing is.
    pub text: Option<String>,
    /// Events that it has in hand, or that the read models don't reflect yet.
    pub lag_events: Option<u64>,
    /// How long the oldest of them has waited.
    pub lag_seconds: Option<f64>,
    /// The same every five seconds, for a quarter of an hour at most, the newest last.
    pub lag_samples: Vec<f32>,
}

/// A part of the process.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SystemPart)]
pub struct PartView {
    pub name: String,
    #[schema(schema_with = states)]
    pub state: &'static str,
    /// What is wrong, and what is done about it; `null` if nothing is.
    pub text: Option<String>,
}

fn states() -> Object {
    one_of(["well", "behind", "dead"])
}

fn services() -> Object {
    one_of(SERVICES)
}

/// How this process is, part by part
#[utoipa::path(
    get,
    path = "/api/v1/system",
    tag = "process",
    operation_id = "get_system",
    responses((status = 200, description = "as of Steward-Position", body = SystemView), Unread),
)]
pub async fn one(State(desk): State<Arc<Desk>>, caller: Caller, params: Params) -> Result<Answer, Problem> {
    params.finish(&[])?;
    let seen = seen(&desk, &caller).await;
    Ok(Answer::small(seen.position, &seen))
}

/// The parts of this process by which it is, or isn't, well.
pub fn parts(desk: &Desk) -> Vec<PartView> {
    let part = |(name, condition)| {
        let (state, text) = match condition {
            Condition::Well => ("well", None),
            Condition::Behind(text) => ("behind", Some(text)),
            Condition::Dead(text) => ("dead", Some(text)),
        };
        PartView { name, state, text }
    };
    desk.reads.log.health().conditions().into_iter().map(part).collect()
}

/// All that is known, for one tenant.
pub async fn seen(desk: &Desk, caller: &Caller) -> SystemView {
    let reached = &desk.reads.reached;
    let parts = parts(desk);
    let figures = desk.reads.around.render.as_ref().map(|render| desk.samples.figures(render));
    let (end, own, letters) =
        tokio::join!(desk.reads.log.last_position(), own::of(desk, caller), dead_letters(desk, caller));
    let (end, own) = (end.ok(), own.unwrap_or_default());
    let of_projection = (end.map(|end| end.saturating_sub(reached.now())), reached.lag().as_secs_f64());
    let service = |(place, name): (usize, &'static str)| {
        let here = desk.reads.around.services.contains(&name);
        let its: Vec<&PartView> = parts.iter().filter(|part| here && is_of(&part.name, name)).collect();
        let worst = ["dead", "behind"].into_iter().find_map(|state| its.iter().find(|part| part.state == state));
        let (lag_events, lag_seconds) = match name {
            "projection" => (of_projection.0, Some(of_projection.1)),
            _ => figures.as_ref().and_then(|f| f.behind(name)).map_or((None, None), |(n, s)| (Some(n), Some(s))),
        };
        ServiceView {
            name,
            here,
            version: here.then_some(env!("CARGO_PKG_VERSION")),
            state: here.then(|| worst.map_or("well", |part| part.state)),
            text: worst.and_then(|part| part.text.clone()),
            lag_events: lag_events.filter(|_| here),
            lag_seconds: lag_seconds.filter(|_| here),
            lag_samples: desk.samples.of(place),
        }
    };
    SystemView {
        version: env!("CARGO_PKG_VERSION"),
        position: reached.now(),
        log_position: end,
        lag_seconds: reached.lag().as_secs_f64(),
        services: SERVICES.into_iter().enumerate().map(service).collect(),
        timers: own::timers(&own, figures.as_deref()),
        channels: own::channels(desk, caller, &own, figures.as_deref()),
        brains: own.brains,
        breaker: own.breaker,
        webhooks: own.webhooks,
        set_aside: own.set_aside,
        dead_letters: letters,
        given_up: figures.map(|figures| figures.sum("steward_log_dead_letters_total")),
        parts,
    }
}

/// Whether a part of the process is what a service is made of: its subscriptions, and what it names otherwise.
fn is_of(part: &str, service: &str) -> bool {
    match service {
        // It has no subscription: what it does is to write.
        "ingestion" => part == "writer",
        "outbox-dispatcher" if part == "sending" => true,
        _ => part.strip_prefix(service).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')),
    }
}
