//! `[limits]`: how much of a thing there may be, per process unless it says otherwise.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use steward_domain::settings::written;

use crate::written as own;

/// How much of a thing there may be, so that nobody stops the others. What is beyond a limit is in `deploy/README.md`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Limits {
    /// Open HTTP connections.
    #[serde(deserialize_with = "written::positive")]
    pub connections: usize,
    /// Of one address, unless it is this machine or a trusted proxy.
    #[serde(deserialize_with = "written::positive")]
    pub connections_per_address: usize,
    /// MB of request bodies in memory: at least what lets the largest mail through as a quarter of it.
    #[serde(deserialize_with = "own::body_megabytes")]
    pub body_megabytes: usize,
    /// Outgoing webhooks of one tenant.
    #[serde(deserialize_with = "written::positive")]
    pub webhooks_per_tenant: u32,
    /// Follow-ups that may be open in one conversation, or in all conversations of a person whose contacts are merged.
    #[serde(deserialize_with = "written::positive")]
    pub open_follow_ups: usize,
    /// About so many bytes a page of a list may have; it ends early then.
    #[serde(deserialize_with = "written::positive")]
    pub page_bytes: usize,
    /// Reads served at once; one tenant has at most half of them, and no more than there are processors (but two).
    #[serde(deserialize_with = "written::positive")]
    pub reads: usize,
    /// Live streams, of all.
    #[serde(deserialize_with = "written::positive")]
    pub streams: usize,
    /// Of one tenant.
    #[serde(deserialize_with = "written::positive")]
    pub streams_per_tenant: usize,
    /// Of one key.
    #[serde(deserialize_with = "written::positive")]
    pub streams_per_key: usize,
    /// Streams that read the past from the log at once; one tenant has at most half of them.
    #[serde(deserialize_with = "written::positive")]
    pub replays: usize,
    /// How old what isn't projected yet may be until the process says that it isn't ready.
    #[serde(with = "written::span")]
    pub lag: Duration,
    /// Between signs of life on a live stream, at which its key is looked up again. No key: tests shorten it.
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
