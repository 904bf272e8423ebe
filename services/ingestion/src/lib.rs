//! Ingestion: webhooks and commands in, facts and decisions into the log.
//!
//! A webhook is answered 2xx only when what it brought is durable. Facts are appended without a condition; what
//! operators command is decided on the state it meets.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod arrival;
mod commands;
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
mod patience;
mod people;
#[cfg(test)]
#[allow(dead_code)] // Other tests kill theirs and start it again.
#[path = "../../../nats/tests/support/server.rs"]
mod server;
mod ways;
mod webhooks;

use axum::Router;
use steward_http::{Guard, measure, openapi::operations};
use steward_log::{Log, Tasks};
use steward_settings::InForce;
use tokio_util::sync::CancellationToken;
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use intake::Intake;
pub use telegram::register::{RegisterError, register_webhooks, registration_call};
use ways::Beside;
pub use ways::{Asking, Checked, check_channel};

macro_rules! modules {
    ($($module:ident: $kind:ident,)*) => {
        $(mod $module;)*
    };
}

steward_settings::each_kind!(modules);

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
    let (commands, _) = commands().split_for_parts();
    let (webhooks, _) = webhooks().split_for_parts();
    measure(webhooks.merge(guard.protect(commands))).with_state(intake)
}

/// What these routes say of themselves.
pub fn openapi() -> OpenApi {
    let mut commands = commands().into_openapi();
    commands::name_key(&mut commands);
    let mut webhooks = webhooks().into_openapi();
    operations(&mut webhooks).for_each(|(_, operation)| operation.security = Some(Vec::new()));
    commands.merge_from(webhooks)
}

/// The channels' own, each with its own proof of who calls.
fn webhooks() -> OpenApiRouter<Intake> {
    OpenApiRouter::new()
        .routes(routes!(webhooks::notify_only, webhooks::shake_hands_of_only))
        .routes(routes!(webhooks::notify, webhooks::shake_hands))
}

fn commands() -> OpenApiRouter<Intake> {
    OpenApiRouter::new()
        .routes(routes!(commands::web::message))
        .routes(routes!(commands::humans::take_over))
        .routes(routes!(commands::humans::release))
        .routes(routes!(commands::humans::resolve))
        .routes(routes!(commands::humans::write))
        .routes(routes!(commands::follow_ups::schedule))
        .routes(routes!(commands::follow_ups::change, commands::follow_ups::cancel))
        .routes(routes!(commands::follow_ups::renew))
        .routes(routes!(commands::outbox::queue))
        .routes(routes!(commands::outbox::change))
        .routes(routes!(commands::outbox::cancel))
        .routes(routes!(commands::outbox::hold))
        .routes(routes!(commands::outbox::approve))
        .routes(routes!(commands::outbox::retry))
        .routes(routes!(commands::outbox::settle))
        .routes(routes!(commands::outbox::reschedule))
        .routes(routes!(commands::brain::choose_for_tenant))
        .routes(routes!(commands::brain::choose_for_conversation))
        .routes(routes!(commands::breaker::reset))
        .routes(routes!(commands::dead_letters::retry))
        .routes(routes!(commands::keys::create))
        .routes(routes!(commands::keys::revoke))
        .routes(routes!(commands::sessions::begin, commands::sessions::end_others))
        .routes(routes!(commands::sessions::end))
        .routes(routes!(commands::contacts::change))
        .routes(routes!(commands::contacts::archive))
        .routes(routes!(commands::contacts::merge))
        .routes(routes!(commands::contacts::split))
        .routes(routes!(commands::memory::set_goal))
        .routes(routes!(commands::memory::change_goal, commands::memory::remove_goal))
        .routes(routes!(commands::memory::achieve_goal))
        .routes(routes!(commands::memory::merge_goals))
        .routes(routes!(commands::memory::record_milestone))
        .routes(routes!(commands::memory::change_milestone, commands::memory::dismiss_milestone))
        .routes(routes!(commands::memory::resolve_milestone))
        .routes(routes!(commands::memory::merge_milestones))
        .routes(routes!(commands::memory::remember_fact))
        .routes(routes!(commands::memory::change_fact, commands::memory::retire_fact))
        .routes(routes!(commands::memory::merge_facts))
        .routes(routes!(commands::webhooks::create))
        .routes(routes!(commands::webhooks::delete))
        .routes(routes!(commands::webhooks::rotate))
        .routes(routes!(commands::webhooks::retry))
        .routes(routes!(commands::webhooks::retry_of))
}
