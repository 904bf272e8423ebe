//! Where a request comes from: the peer, or whom a trusted proxy names.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

use axum::http::HeaderMap;

/// Addresses that have the same first bits: `10.0.0.0/8`, or a single one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

/// The text isn't a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an address or a network such as 10.0.0.0/8")]
pub struct NoNetwork;

impl fmt::Display for Network {
    /// Writes `10.0.0.0/8`, or the address alone if it is a network of one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = if self.address.is_ipv4() { 32 } else { 128 };
        if self.bits == whole { write!(f, "{}", self.address) } else { write!(f, "{}/{}", self.address, self.bits) }
    }
}

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let (address, bits) = text.trim().split_once('/').map_or((text.trim(), None), |(a, bits)| (a, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| NoNetwork)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse).map_err(|_| NoNetwork)?;
        if bits > most { Err(NoNetwork) } else { Ok(Self { address, bits }) }
    }
}

impl Network {
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(ours), IpAddr::V4(other)) => {
                (ours.to_bits() ^ other.to_bits()).checked_shr(32 - self.bits).unwrap_or(0) == 0
            }
            (IpAddr::V6(ours), IpAddr::V6(other)) => {
                (ours.to_bits() ^ other.to_bits()).checked_shr(128 - self.bits).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// The address that a request comes from, as far as it can be known. The listener puts it into a request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// Proxies add the address that they heard from to the end of `X-Forwarded-For`. So the last one that isn't a proxy
    /// of ours counts: what stands before it may have been written by anybody.
    pub(crate) fn of(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> Self {
        let is_ours = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
        let mut client = peer;
        let said = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let mut said = said.flat_map(|value| value.split(',')).map(str::trim).collect::<Vec<_>>();
        while is_ours(client) {
            match said.pop().map(str::parse::<IpAddr>) {
                Some(Ok(before)) => client = before.to_canonical(),
                _ => break,
            }
        }
        Self(client)
    }
}

/// The address that limits count by: whoever has an IPv6 address has its whole network of 64 bits.
pub(crate) fn one(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if v6.is_loopback() => v6.into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_is_its_first_bits() {
        let is_in = |network: &str, address: &str| network.parse::<Network>().unwrap().contains(ip(address));
        assert!(is_in("10.0.0.0/8", "10.255.1.2") && !is_in("10.0.0.0/8", "11.0.0.1"));
        assert!(is_in("127.0.0.1", "127.0.0.1") && !is_in("127.0.0.1", "127.0.0.2"));
        assert!(is_in("0.0.0.0/0", "1.2.3.4") && !is_in("0.0.0.0/0", "::1"));
        assert!(is_in("fd00::/8", "fd12::1") && !is_in("fd00::/8", "fe80::1"));
        for junk in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "localhost", "10.0.0.0/x", "1.2.3.4/"] {
            assert_eq!(junk.parse::<Network>(), Err(NoNetwork), "{junk}");
        }
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let headers = |said: &str| HeaderMap::from_iter([("x-forwarded-for".parse().unwrap(), said.parse().unwrap())]);
        let trusted = ["127.0.0.1".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
        let of = |peer: &str, said: &str| ClientAddress::of(ip(peer), &headers(said), &trusted).0;
        assert_eq!(of("127.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.7"), ip("1.2.3.4"));
        assert_eq!(of("127.0.0.1", "1.2.3.4"), ip("1.2.3.4"));
        assert_eq!(of("9.9.9.9", "1.2.3.4"), ip("9.9.9.9"));
        assert_eq!(of("127.0.0.1", "what, ever"), ip("127.0.0.1"));
        assert_eq!(ClientAddress::of(ip("127.0.0.1"), &HeaderMap::new(), &trusted).0, ip("127.0.0.1"));
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        assert_eq!(one(ip("2001:db8:1:2:aaaa::1")), one(ip("2001:db8:1:2::2")));
        assert_ne!(one(ip("2001:db8:1:2::1")), one(ip("2001:db8:1:3::1")));
        assert_eq!(one(ip("::ffff:1.2.3.4")), ip("1.2.3.4"));
    }
}
