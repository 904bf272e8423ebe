//! The read side of the HTTP interface: lists and things of the caller's tenant, as the read models have them.

mod answer;
mod breaker;
mod channels;
mod contacts;
mod conversations;
mod desk;
mod events;
mod evidence;
mod follow_ups;
mod list;
mod messages;
mod params;
mod show;
mod slice;
mod snapshot;
mod timeline;
mod webhooks;
mod words;

use std::sync::Arc;

use axum::{Router, routing::get};
use deadpool_postgres::Pool;
use steward_http::Guard;
use steward_log::Log;
use steward_proto::TenantId;
use steward_settings::Limits;
use tokio_util::sync::CancellationToken;

use crate::{live, page, position::Reached};

pub use params::Params;
pub use show::{message as show_message, time as show_time};

/// What reading needs.
#[derive(Clone)]
pub struct Reads {
    pub log: Log,
    /// Not the projector's: who reads must not keep it waiting.
    pub pool: Pool,
    /// Advanced by the projector of this process.
    pub reached: Reached,
    pub guard: Guard,
    /// The configured channels, in the order of the config.
    pub channels: Vec<Channel>,
    pub limits: Limits,
    /// Ends the live streams.
    pub shutdown: CancellationToken,
}

/// A configured channel, as far as readers may know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    pub tenant: TenantId,
    pub id: String,
    /// telegram, whatsapp, email, web.
    pub kind: String,
}

/// Paths under `/api/v1` that this crate answers with GET, as axum and OpenAPI write them.
pub const PATHS: &[&str] = &[
    "/api/v1/breaker",
    "/api/v1/channels",
    "/api/v1/conversations",
    "/api/v1/conversations/{id}",
    "/api/v1/conversations/{id}/messages",
    "/api/v1/conversations/{id}/timeline",
    "/api/v1/contacts/{id}",
    "/api/v1/messages",
    "/api/v1/follow-ups",
    "/api/v1/follow-ups/{id}",
    "/api/v1/outbox",
    "/api/v1/outbox/{id}",
    "/api/v1/outbox/{id}/evidence",
    "/api/v1/webhooks",
    "/api/v1/webhooks/{id}",
    "/api/v1/webhooks/{id}/deliveries",
    "/api/v1/events",
    "/api/v1/stream",
];

/// The routes: `/api/v1/…` behind the guard, and the page and the documents in the open.
pub fn router(reads: Reads) -> Router {
    let guard = reads.guard.clone();
    let hub = live::Hub::new(&reads);
    let routes = PATHS.iter().fold(Router::new(), |router, path| {
        let route = match *path {
            "/api/v1/breaker" => get(breaker::one),
            "/api/v1/channels" => get(channels::list),
            "/api/v1/conversations" => get(conversations::list),
            "/api/v1/conversations/{id}" => get(conversations::one),
            "/api/v1/conversations/{id}/messages" => get(messages::of_conversation),
            "/api/v1/conversations/{id}/timeline" => get(timeline::of_conversation),
            "/api/v1/contacts/{id}" => get(contacts::one),
            "/api/v1/messages" => get(messages::list),
            "/api/v1/follow-ups" => get(follow_ups::list),
            "/api/v1/follow-ups/{id}" => get(follow_ups::one),
            "/api/v1/outbox" => get(messages::outbox),
            "/api/v1/outbox/{id}" => get(messages::outbox_one),
            "/api/v1/outbox/{id}/evidence" => get(evidence::of_message),
            "/api/v1/webhooks" => get(webhooks::list),
            "/api/v1/webhooks/{id}" => get(webhooks::one),
            "/api/v1/webhooks/{id}/deliveries" => get(webhooks::deliveries),
            "/api/v1/events" => get(events::list),
            "/api/v1/stream" => return router,
            other => unreachable!("{other} has no handler"),
        };
        router.route(path, route)
    });
    let routes = routes.with_state(Arc::new(desk::Desk::new(reads)));
    let live = Router::new().route("/api/v1/stream", get(live::stream)).with_state(hub);
    guard.protect(routes.merge(live)).merge(page::router())
}
