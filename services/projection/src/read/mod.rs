//! The read side of the HTTP interface: lists and single things of the caller's tenant, as the read models have them.

pub mod answer;
mod breaker;
mod channels;
mod desk;
mod evidence;
pub mod list;
pub mod openapi;
mod params;
mod slice;
pub mod snapshot;
mod timeline;
pub mod view;
mod words;

use std::sync::Arc;

use axum::Router;
use deadpool_postgres::Pool;
use steward_http::{Guard, openapi::operations};
use steward_log::Log;
use steward_proto::TenantId;
use steward_settings::Limits;
use tokio_util::sync::CancellationToken;
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{background::Background, live, models, page, position::Reached};

pub use desk::Desk;
pub use openapi::Unstreamed;
pub use params::Params;
pub use slice::Slice;
pub use view::Time;

/// What the reads work with.
#[derive(Clone)]
pub struct Reads {
    pub log: Log,
    /// Another pool than the projector's, so that readers don't keep it waiting.
    pub pool: Pool,
    /// The position, which the projector of this process moves.
    pub reached: Reached,
    pub guard: Guard,
    /// The configured channels, in the order of the configuration.
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

/// The routes: `/api/v1/…` behind the guard; the page and the document of the events without it.
pub fn router(reads: Reads) -> Router {
    let guard = reads.guard.clone();
    let background = Arc::new(Background::start());
    let hub = live::Hub::new(&reads, Arc::clone(&background));
    let (routes, _) = reading().with_state(Arc::new(Desk::new(reads, background))).split_for_parts();
    let (live, _) = live().with_state(hub).split_for_parts();
    let (open, _) = page::routes().split_for_parts();
    guard.protect(routes.merge(live)).merge(open)
}

/// What the OpenAPI document says of these routes.
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

/// The routes of the read models, and those that tell of several models or of none.
fn reading() -> OpenApiRouter<Arc<Desk>> {
    let models = models::all();
    models
        .iter()
        .fold(OpenApiRouter::new(), |router, model| router.merge(model.routes()))
        .routes(routes!(breaker::one))
        .routes(routes!(channels::list))
        .routes(routes!(timeline::of_conversation))
        .routes(routes!(evidence::of_message))
}
