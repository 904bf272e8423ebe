//! The read side of the HTTP interface: lists and things of the caller's tenant, as the read models have them.

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

use crate::{live, models, page, position::Reached};

pub use desk::Desk;
pub use openapi::Unstreamed;
pub use params::Params;
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

/// The routes: `/api/v1/…` behind the guard, and the page and the events' document in the open.
pub fn router(reads: Reads) -> Router {
    let guard = reads.guard.clone();
    let hub = live::Hub::new(&reads);
    let (routes, _) = reading().with_state(Arc::new(Desk::new(reads))).split_for_parts();
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

/// What the read models answer, and what is told from several of them or from none.
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
