//! `[limits]`: how much of a thing there may be, per process unless it says otherwise.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use steward_domain::settings::written;

use crate::written as own;

/// How much of a thing there may be, so that nobody stops the others. `deploy/README.md` says what happens beyond each
/// limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Limits {
    /// Open HTTP connections.
    #[serde(deserialize_with = "written::positive")]
    pub connections: usize,
    /// Open HTTP connections of one address, unless that is this machine or a trusted proxy.
    #[serde(deserialize_with = "written::positive")]
    pub connections_per_address: usize,
    /// Megabytes of request bodies in memory. A quarter of it must let the largest mail through.
    #[serde(deserialize_with = "own::body_megabytes")]
    pub body_megabytes: usize,
    /// Outgoing webhooks that one tenant may have.
    #[serde(deserialize_with = "written::positive")]
    pub webhooks_per_tenant: u32,
    /// Follow-ups that may be open in one conversation, or in all conversations of a person whose contacts are merged.
    #[serde(deserialize_with = "written::positive")]
    pub open_follow_ups: usize,
    /// About how many bytes a page of a list may have; a larger one ends early.
    #[serde(deserialize_with = "written::positive")]
    pub page_bytes: usize,
    /// Reads served at once; one tenant has at most half of them, and no more than there are processors (but two).
    #[serde(deserialize_with = "written::positive")]
    pub reads: usize,
    /// Live streams of all tenants together.
    #[serde(deserialize_with = "written::positive")]
    pub streams: usize,
    /// Live streams of one tenant.
    #[serde(deserialize_with = "written::positive")]
    pub streams_per_tenant: usize,
    /// Live streams of one key.
    #[serde(deserialize_with = "written::positive")]
    pub streams_per_key: usize,
    /// Streams that read the past from the log at once; one tenant has at most half of them.
    #[serde(deserialize_with = "written::positive")]
    pub replays: usize,
    /// How old the oldest event that isn't projected yet may be before the process says that it isn't ready.
    #[serde(with = "written::span")]
    pub lag: Duration,
    /// The time between two signs of life on a live stream, at each of which its key is looked up again. It isn't a key
    /// of the file: only tests change it.
    #[serde(skip)]
    pub heartbeat: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 2048,
            connections_per_address: 256,
            body_megabytes: 128,
            webhooks_per_tenant: 100,
            open_follow_ups: 1_000,
            page_bytes: 4 * 1024 * 1024,
            reads: 12,
            streams: 1_000,
            streams_per_tenant: 250,
            streams_per_key: 50,
            replays: 16,
            lag: Duration::from_secs(10),
            heartbeat: Duration::from_secs(15),
        }
    }
}
