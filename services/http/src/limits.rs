//! How much of this process strangers and callers may occupy at the HTTP edge.

use std::time::Duration;

use crate::Network;

/// The limits of a listener. The defaults are what `[limits]` leaves out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Open connections in all. Where they are used up, the one that has been idle for longest makes room.
    pub connections: usize,
    /// Of one address; of an IPv6 network of 64 bits. Loopback and trusted proxies stand for many and have no such limit.
    pub connections_per_address: usize,
    /// Bytes of bodies in memory at once: half for whoever holds a key, half for those who don't. One tenant, one address
    /// of those without a key, has at most half of that.
    pub body_bytes: usize,
    /// From the first byte of a request to the end of its headers, and from connecting to them.
    pub header_timeout: Duration,
    /// Between requests. Longer than the minute for which proxies keep their connections, so that it is they who close them.
    pub idle_timeout: Duration,
    /// For a client that doesn't read its answer.
    pub write_timeout: Duration,
    /// Whose `X-Forwarded-For` is believed.
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
