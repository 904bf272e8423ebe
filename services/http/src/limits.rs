//! Limits on what strangers and callers may occupy of this process at the edge of HTTP.

use std::time::Duration;

use crate::Network;

/// The limits of a listener. The defaults count where `[limits]` says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Open connections in all. When there are this many, the one that has been idle for longest makes room.
    pub connections: usize,
    /// Open connections of one address, or of one IPv6 network of 64 bits. This machine and trusted proxies stand for
    /// many clients and have no such limit.
    pub connections_per_address: usize,
    /// Bytes of request bodies in memory at once: half for requests with a key, half for those without. One tenant, and
    /// among those without a key one address, has half of that at most.
    pub body_bytes: usize,
    /// Time from the first byte of a request to the end of its headers, and from connecting to the first headers.
    pub header_timeout: Duration,
    /// Time between two requests. It is longer than the minute for which proxies keep their connections, so that it is
    /// they who close them.
    pub idle_timeout: Duration,
    /// How long a client may take in nothing of its answer.
    pub write_timeout: Duration,
    /// The proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 2048,
            connections_per_address: 256,
            body_bytes: 128 << 20,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            trusted_proxies: Vec::new(),
        }
    }
}
