//! The read side of the HTTP interface: lists and things of the caller's tenant, as the read models have them.

pub mod answer;
mod breaker;
mod channels;
mod desk;
mod evidence;
pub mod list;
mod params;
mod slice;
pub mod snapshot;
mod timeline;
pub mod view;
mod words;

use std::sync::Arc;

use axum::{Router, routing::get};
use deadpool_postgres::Pool;
use steward_http::Guard;
use steward_log::Log;
use steward_proto::TenantId;
use steward_settings::Limits;
use tokio_util::sync::CancellationToken;

use crate::{
    live,
    models::{self, Route},
    page,
    position::Reached,
};

pub use desk::Desk;
pub use params::Params;
pub use view::time as show_time;

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

/// Under `/api/v1`, but for the live stream: what the read models answer, and what is told from several of them or from none.
fn routes() -> Vec<Route> {
    let mut routes: Vec<Route> = models::all().iter().flat_map(|model| model.routes()).collect();
    routes.extend([
        ("/api/v1/breaker", get(breaker::one)),
        ("/api/v1/channels", get(channels::list)),
        ("/api/v1/conversations/{id}/timeline", get(timeline::of_conversation)),
        ("/api/v1/outbox/{id}/evidence", get(evidence::of_message)),
    ]);
    routes
}

const STREAM: &str = "/api/v1/stream";

/// Paths under `/api/v1` that this crate answers with GET, as axum and OpenAPI write them.
pub fn paths() -> Vec<&'static str> {
    routes().into_iter().map(|(path, _)| path).chain([STREAM]).collect()
}

/// The routes: `/api/v1/…` behind the guard, and the page and the documents in the open.
pub fn router(reads: Reads) -> Router {
    let guard = reads.guard.clone();
    let live = Router::new().route(STREAM, get(live::stream)).with_state(live::Hub::new(&reads));
    let routes = routes().into_iter().fold(Router::new(), |router, (path, route)| router.route(path, route));
    let routes = routes.with_state(Arc::new(Desk::new(reads)));
    guard.protect(routes.merge(live)).merge(page::router())
}
