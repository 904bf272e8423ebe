//! The read side of the HTTP interface: lists and single things of the caller's tenant, as the read models have them.

pub mod answer;
pub mod breaker;
mod channels;
mod desk;
mod evidence;
pub mod keys;
pub mod list;
pub mod openapi;
mod params;
pub mod sessions;
pub mod slice;
pub mod snapshot;
pub mod system;
pub mod time;
pub mod timeline;
mod traces;
pub mod view;
mod words;

use std::sync::Arc;

use axum::{Router, middleware::from_fn_with_state};
use deadpool_postgres::Pool;
use futures::future::BoxFuture;
use steward_http::{Guard, openapi::operations};
use steward_log::Log;
use steward_proto::TenantId;
use steward_settings::{InForce, Limits};
use tokio_util::sync::CancellationToken;
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    background::Background,
    dashboard, documents,
    figures::{Render, sample},
    live, models,
    position::Reached,
    seen::{self, Seen},
};

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
    /// The defaults by which phrases of time are read.
    pub settings: InForce,
    /// Where the dashboard's forms give their commands; `None`: nowhere, it only shows.
    pub commands: Option<Commands>,
    /// What is known beside the log and the read models.
    pub around: Around,
    /// Ends the live streams.
    pub shutdown: CancellationToken,
}

/// What a process knows of itself and of the world outside.
#[derive(Clone, Default)]
pub struct Around {
    /// The services that run in it.
    pub services: Vec<&'static str>,
    /// Writes its metrics; `None`: it has none.
    pub render: Option<Render>,
    /// Asks a channel's provider; `None`: nobody is asked.
    pub probe: Option<Probe>,
    /// The command that makes the read models anew, as it is typed here.
    pub rebuild: String,
}

/// Asks the provider of the channel with this id how the channel is.
pub type Probe = Arc<dyn Fn(String) -> BoxFuture<'static, Probed> + Send + Sync>;

/// What was found out about a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// Nothing is wrong with it.
    pub fine: bool,
    /// As `steward doctor` says it.
    pub text: String,
}

/// What takes commands.
#[derive(Clone)]
pub enum Commands {
    /// A service of this process.
    Here(Router),
    /// Another process, at this URL without a trailing slash.
    At { url: String, client: reqwest::Client },
}

/// A configured channel, as far as readers may know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    pub tenant: TenantId,
    pub id: String,
    /// telegram, whatsapp, email, web.
    pub kind: String,
    /// How things come in: webhook, polling, command.
    pub way: &'static str,
}

/// The routes: `/api/v1/…` and the dashboard behind the guard; the document of the events without it.
pub fn router(reads: Reads) -> Router {
    let guard = reads.guard.clone();
    let background = Arc::new(Background::start());
    let seen = Seen::new(reads.log.clone());
    background.spawn(Arc::clone(&seen).keep(reads.shutdown.clone()));
    let hub = live::Hub::new(&reads, Arc::clone(&background), Arc::clone(&seen));
    let commands = reads.commands.clone();
    let desk = Arc::new(Desk::new(reads, Arc::clone(&background), Arc::clone(&seen)));
    if let Some(render) = desk.reads.around.render.clone() {
        let (reached, shutdown) = (desk.reads.reached.clone(), desk.reads.shutdown.clone());
        background.spawn(sample(Arc::clone(&desk.samples), render, reached, shutdown));
    }
    let (routes, _) = reading().with_state(Arc::clone(&desk)).split_for_parts();
    let (live, _) = live().with_state(hub).split_for_parts();
    let (open, _) = documents::routes().split_for_parts();
    let pages = dashboard::router(&guard, desk, commands);
    let routes = routes.merge(live).route_layer(from_fn_with_state(seen, seen::note));
    guard.protect(routes).merge(open).merge(pages)
}

/// What the OpenAPI document says of these routes.
pub fn openapi() -> OpenApi {
    let mut reading = reading().into_openapi();
    openapi::name_position(&mut reading);
    let mut open = documents::routes::<()>().into_openapi();
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
        .routes(routes!(keys::list))
        .routes(routes!(sessions::list))
        .routes(routes!(system::one))
        .routes(routes!(time::meaning))
        .routes(routes!(timeline::of_conversation))
        .routes(routes!(traces::one))
        .routes(routes!(evidence::of_message))
}
