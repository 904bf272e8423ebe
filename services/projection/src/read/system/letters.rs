//! Events of a tenant that services gave up on.

use std::time::Duration;

use serde::Serialize;
use steward_http::Caller;
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::{
    CONSUMER,
    read::{desk::Desk, view::Time},
};

/// How many letters of all tenants are looked at, the oldest ones, and how many of one tenant's are told of.
const LOOKED_AT: usize = 1_000;
const TOLD: usize = 50;

/// Longest wait for the log.
const PATIENCE: Duration = Duration::from_secs(2);

/// An event that a service gave up on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeadLetter)]
pub struct DeadLetterView {
    /// What gave up on it: a service, or a part of one.
    pub consumer: String,
    pub position: u64,
    #[serde(rename = "type")]
    pub type_name: String,
    pub error: String,
    pub tries: u32,
    pub at: Time,
}

/// The letters of the caller's tenant, but for the read models'; `None`: the log doesn't say.
pub async fn dead_letters(desk: &Desk, caller: &Caller) -> Option<Vec<DeadLetterView>> {
    let letters = timeout(PATIENCE, desk.reads.log.first_dead_letters(LOOKED_AT)).await.ok()?.ok()?;
    let own = letters.into_iter().filter(|letter| letter.consumer != CONSUMER && letter.is_of(&caller.tenant));
    let view = |letter: steward_log::DeadLetter| DeadLetterView {
        consumer: letter.consumer,
        position: letter.position,
        type_name: letter.type_name,
        error: letter.error,
        tries: letter.tries,
        at: Time(letter.at),
    };
    Some(own.take(TOLD).map(view).collect())
}
