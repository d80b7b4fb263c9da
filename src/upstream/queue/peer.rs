//! What counts as one client for fairness: one IPv4 address, or one IPv6 /64 network, since a single subscriber has a whole one.
//! What is read ahead counts as one client too, which gets what the others leave.

use std::net::{IpAddr, Ipv6Addr};

/// Bits of an IPv6 address that name the host within its network.
const HOST_BITS: u32 = 64;

/// A client address reduced to the /32 (IPv4) or the /64 (IPv6) that it belongs to. An IPv4 address that is mapped into IPv6
/// (RFC 4291 section 2.5.5.2) counts as IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Peer(PeerKind);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum PeerKind {
    Address(IpAddr),
    ReadAhead,
}

impl Peer {
    /// No client yet: work that clients are expected to ask for.
    pub const READ_AHEAD: Peer = Peer(PeerKind::ReadAhead);

    /// The peer that `address` belongs to.
    pub fn of(address: IpAddr) -> Peer {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = (address.to_bits() >> HOST_BITS) << HOST_BITS;
                Peer(PeerKind::Address(IpAddr::V6(Ipv6Addr::from_bits(network))))
            }
            v4 @ IpAddr::V4(_) => Peer(PeerKind::Address(v4)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_64_bits_is_one_peer_and_every_ipv4_address_is_its_own() {
        let peer = |text: &str| Peer::of(text.parse().unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)));
        assert_eq!(peer("2001:db8::1"), peer("2001:db8::ffff:0:0:2"));
        assert_ne!(peer("2001:db8::1"), peer("2001:db8:0:1::1"));
        assert_ne!(peer("192.0.2.1"), peer("192.0.2.2"));
        assert_eq!(peer("::ffff:192.0.2.1"), peer("192.0.2.1"));
    }
}
