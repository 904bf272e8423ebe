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
mod openapi;
mod params;
mod show;
mod slice;
mod snapshot;
mod timeline;
mod view;
mod webhooks;
mod words;

use std::sync::Arc;

use axum::Router;
use deadpool_postgres::Pool;
use steward_domain::settings::ReadLimits;
use steward_http::{Guard, openapi::operations};
use steward_log::Log;
use steward_proto::TenantId;
use tokio_util::sync::CancellationToken;
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{live, page, position::Reached};

pub use openapi::Unstreamed;
pub use params::Params;
pub use show::message as show_message;
pub use view::Time;

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
    pub limits: ReadLimits,
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

/// The routes: `/api/v1/…` behind the guard, and the page and the events' document in the open.
pub fn router(reads: Reads) -> Router {
    let guard = reads.guard.clone();
    let hub = live::Hub::new(&reads);
    let (routes, _) = reading().with_state(Arc::new(desk::Desk::new(reads))).split_for_parts();
    let (live, _) = live().with_state(hub).split_for_parts();
    let (open, _) = page::routes().split_for_parts();
    guard.protect(routes.merge(live)).merge(open)
}

/// What these routes say of themselves.
pub fn openapi() -> OpenApi {
    let mut reading = reading().into_openapi();
    openapi::name_position(&mut reading);
    let mut open = page::routes::<()>().into_openapi();
    operations(&mut open).for_each(|(_, operation)| operation.security = Some(Vec::new()));
    reading.merge_from(live().into_openapi()).merge_from(open)
}

fn live() -> OpenApiRouter<Arc<live::Hub>> {
    OpenApiRouter::new().routes(routes!(live::stream))
}

fn reading() -> OpenApiRouter<Arc<desk::Desk>> {
    OpenApiRouter::new()
        .routes(routes!(breaker::one))
        .routes(routes!(channels::list))
        .routes(routes!(conversations::list))
        .routes(routes!(conversations::one))
        .routes(routes!(messages::of_conversation))
        .routes(routes!(timeline::of_conversation))
        .routes(routes!(contacts::one))
        .routes(routes!(messages::list))
        .routes(routes!(follow_ups::list))
        .routes(routes!(follow_ups::one))
        .routes(routes!(messages::outbox))
        .routes(routes!(messages::outbox_one))
        .routes(routes!(evidence::of_message))
        .routes(routes!(webhooks::list))
        .routes(routes!(webhooks::one))
        .routes(routes!(webhooks::deliveries))
        .routes(routes!(events::list))
}
