//! Ingestion: webhooks and commands in, facts and decisions into the log.
//!
//! A webhook is answered 2xx only when what it brought is durable. Facts are appended without a condition; what
//! operators command is decided on the state it meets.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod arrival;
mod commands;
mod email;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod intake;
mod json;
mod merging;
#[cfg(test)]
mod mutated;
mod names;
mod operators;
mod origin;
mod outside;
mod overheard;
mod parsing;
mod people;
#[cfg(test)]
#[allow(dead_code)] // Other tests kill theirs and start it again.
#[path = "../../../nats/tests/support/server.rs"]
mod server;
mod telegram;
mod ways;
mod webhooks;
mod whatsapp;

use axum::{
    Router,
    routing::{MethodRouter, delete, patch, post},
};
use steward_http::{Guard, measure};
use steward_log::{Log, Tasks};
use steward_settings::InForce;
use tokio_util::sync::CancellationToken;

use intake::Intake;
pub use telegram::register::{RegisterError, register_webhooks, registration_call};
use ways::Beside;
pub use ways::{Asking, Checked, check_channel};

/// What ingestion works with.
#[derive(Clone)]
pub struct Ingestion {
    pub log: Log,
    pub settings: InForce,
    pub guard: Guard,
    /// Ends what runs beside the requests.
    pub shutdown: CancellationToken,
}

/// Starts what runs beside the requests, as tasks of `tasks` that end with the shutdown; then as [`router`].
pub fn serve(ingestion: Ingestion, tasks: &Tasks) -> Router {
    let shutdown = ingestion.shutdown.clone();
    let intake = Intake::new(ingestion.log, ingestion.settings, ingestion.guard.clone(), shutdown.clone(), tasks);
    let beside = Beside { intake: &intake, tasks, shutdown: &shutdown };
    for channel in &intake.settings.now().channels {
        intake.way(channel).listen(&beside, channel);
    }
    routes(intake, &ingestion.guard)
}

/// The webhooks and commands. Fallbacks for other paths and methods are the caller's.
pub fn router(ingestion: Ingestion) -> Router {
    let Ingestion { log, settings, guard, shutdown } = ingestion;
    let (tasks, _) = Tasks::new(shutdown.clone());
    routes(Intake::new(log, settings, guard.clone(), shutdown, &tasks), &guard)
}

fn routes(intake: Intake, guard: &Guard) -> Router {
    let webhooks = Router::new()
        // GET is the handshake of some kinds.
        .route("/webhooks/{kind}", post(webhooks::to_only_channel).get(webhooks::to_only_channel))
        .route("/webhooks/{kind}/{channel_id}", post(webhooks::to_channel).get(webhooks::to_channel));
    measure(webhooks.merge(guard.protect(commands()))).with_state(intake)
}

fn commands() -> Router<Intake> {
    use commands::{breaker, contacts, follow_ups, humans, outbox, web};
    let routes: [(&str, MethodRouter<Intake>); 19] = [
        ("/api/v1/messages", post(web::message)),
        ("/api/v1/conversations/{id}/takeover", post(humans::take_over)),
        ("/api/v1/conversations/{id}/release", post(humans::release)),
        ("/api/v1/conversations/{id}/resolve", post(humans::resolve)),
        ("/api/v1/conversations/{id}/messages", post(humans::write)),
        ("/api/v1/follow-ups", post(follow_ups::schedule)),
        ("/api/v1/follow-ups/{id}", patch(follow_ups::change).merge(delete(follow_ups::cancel))),
        ("/api/v1/outbox", post(outbox::queue)),
        ("/api/v1/outbox/{id}", patch(outbox::change)),
        ("/api/v1/outbox/{id}/cancel", post(outbox::cancel)),
        ("/api/v1/outbox/{id}/hold", post(outbox::hold)),
        ("/api/v1/outbox/{id}/approve", post(outbox::approve)),
        ("/api/v1/outbox/{id}/retry", post(outbox::retry)),
        ("/api/v1/outbox/{id}/move", post(outbox::reschedule)),
        ("/api/v1/breaker/reset", post(breaker::reset)),
        ("/api/v1/contacts/{id}", patch(contacts::change)),
        ("/api/v1/contacts/{id}/archive", post(contacts::archive)),
        ("/api/v1/contacts/{id}/merge", post(contacts::merge)),
        ("/api/v1/contacts/{id}/split", post(contacts::split)),
    ];
    let routes = routes.into_iter().chain(webhook_commands());
    routes.fold(Router::new(), |router, (path, methods)| router.route(path, methods))
}

/// Outgoing webhooks.
fn webhook_commands() -> [(&'static str, MethodRouter<Intake>); 5] {
    use commands::webhooks;
    [
        ("/api/v1/webhooks", post(webhooks::create)),
        ("/api/v1/webhooks/{id}", delete(webhooks::delete)),
        ("/api/v1/webhooks/{id}/rotate", post(webhooks::rotate)),
        ("/api/v1/webhooks/deliveries/{id}/retry", post(webhooks::retry)),
        ("/api/v1/webhooks/{id}/deliveries/{delivery_id}/retry", post(webhooks::retry_of)),
    ]
}
