//! The guard against server-side request forgery (SSRF): from where an address can be reached. A server with a public address
//! must not redirect us to a private or a local one, which it could not reach itself. The scope of an address follows from its
//! spelling, the scope of a name only from the addresses that it resolves to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;
use tokio::net::lookup_host;

/// From where an address can be reached, the narrowest scope first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::upstream) enum AddressScope {
    /// this machine, or this link, where clouds serve the secrets of their machines (169.254.169.254)
    Local,
    /// a private network, or a range that is reserved
    Private,
    /// the internet
    Public,
}

impl AddressScope {
    /// The scope that the spelling of a URL shows; a name other than `localhost` counts as public until it is resolved.
    pub(super) fn of_spelling(url: &Url) -> AddressScope {
        let host = url.host_str().unwrap_or("").trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
        match host.parse() {
            Ok(address) => AddressScope::of(address),
            Err(_) if host == "localhost" || host.ends_with(".localhost") => AddressScope::Local,
            Err(_) => AddressScope::Public,
        }
    }

    /// The scope of an address.
    pub(in crate::upstream) fn of(address: IpAddr) -> AddressScope {
        match address {
            IpAddr::V4(address) => AddressScope::of_v4(address),
            IpAddr::V6(address) => AddressScope::of_v6(address),
        }
    }

    fn of_v4(address: Ipv4Addr) -> AddressScope {
        match address.octets() {
            // "This network", loopback, link-local, multicast (RFC 6890), and the address at which Azure serves its virtual machines.
            [0 | 127, ..] | [169, 254, ..] | [224..=239, ..] | [168, 63, 129, 16] => AddressScope::Local,
            // Private (RFC 1918), carrier-grade NAT (RFC 6598).
            [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => AddressScope::Private,
            // Protocol assignments, documentation, 6to4 relays, benchmarks, reserved, broadcast: never public, and used as
            // private ranges by some networks.
            [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [192, 88, 99, _] => AddressScope::Private,
            [198, 18 | 19, ..] | [240..=255, ..] => AddressScope::Private,
            _ => AddressScope::Public,
        }
    }

    fn of_v6(address: Ipv6Addr) -> AddressScope {
        let [.., a, b, c, d] = address.octets();
        let last = AddressScope::of_v4(Ipv4Addr::new(a, b, c, d));
        match address.segments() {
            [0, 0, 0, 0, 0, 0, 0, 0 | 1] | [0xfe80..=0xfebf, ..] | [0xff00..=0xffff, ..] => AddressScope::Local,
            // IPv4 addresses in IPv6 form: mapped, translated (RFC 6145), through a NAT64 (RFC 6052), compatible.
            [0, 0, 0, 0, 0, 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => last,
            [0, 0, 0, 0, 0, 0, ..] => last.min(AddressScope::Private),
            // 6to4 (RFC 3056): a tunnel to the IPv4 address inside.
            [0x2002, high, low, ..] => {
                let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
                AddressScope::of_v4(Ipv4Addr::new(a, b, c, d)).min(AddressScope::Private)
            }
            // Teredo, benchmarks, ORCHID and the rest of 2001::/23; documentation.
            [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => AddressScope::Private,
            // The only range of public addresses (RFC 4291 section 2.4).
            [0x2000..=0x3fff, ..] => AddressScope::Public,
            _ => AddressScope::Private,
        }
    }
}

/// A redirect leads to a name that has only addresses of a narrower scope than the redirecting server's.
#[derive(Debug, Error)]
#[error("redirects to a private address, {0}")]
pub(super) struct PrivateAddress(String);

/// Resolves names as the system does and drops addresses of a narrower scope than this. The client connects to the addresses
/// that were checked, so a second resolution cannot change them in between (DNS rebinding).
#[derive(Debug)]
pub(super) struct ScopedResolver(pub(in crate::upstream) AddressScope);

impl Resolve for ScopedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let floor = self.0;
        Box::pin(async move {
            let mut addresses: Vec<SocketAddr> = lookup_host((name.as_str(), 0)).await?.collect();
            let found = addresses.len();
            addresses.retain(|address| AddressScope::of(address.ip()) >= floor);
            if addresses.is_empty() && found > 0 {
                return Err(PrivateAddress(name.as_str().to_owned()).into());
            }
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ranges that are not public: first and last address, and their scope. Their neighbours are public, unless another
    /// row has them.
    const RANGES: [(&str, &str, AddressScope); 39] = [
        ("0.0.0.0", "0.255.255.255", AddressScope::Local),
        ("10.0.0.0", "10.255.255.255", AddressScope::Private),
        ("100.64.0.0", "100.127.255.255", AddressScope::Private),
        ("127.0.0.0", "127.255.255.255", AddressScope::Local),
        ("168.63.129.16", "168.63.129.16", AddressScope::Local),
        ("169.254.0.0", "169.254.255.255", AddressScope::Local),
        ("172.16.0.0", "172.31.255.255", AddressScope::Private),
        ("192.0.0.0", "192.0.0.255", AddressScope::Private),
        ("192.0.2.0", "192.0.2.255", AddressScope::Private),
        ("192.88.99.0", "192.88.99.255", AddressScope::Private),
        ("192.168.0.0", "192.168.255.255", AddressScope::Private),
        ("198.18.0.0", "198.19.255.255", AddressScope::Private),
        ("198.51.100.0", "198.51.100.255", AddressScope::Private),
        ("203.0.113.0", "203.0.113.255", AddressScope::Private),
        ("224.0.0.0", "239.255.255.255", AddressScope::Local),
        ("240.0.0.0", "255.255.255.255", AddressScope::Private),
        ("::", "::1", AddressScope::Local),
        ("::0.0.0.2", "::0.255.255.255", AddressScope::Local),
        ("::1.0.0.0", "::9.255.255.255", AddressScope::Private),
        ("::127.0.0.1", "::127.0.0.1", AddressScope::Local),
        ("::ffff:10.0.0.0", "::ffff:10.255.255.255", AddressScope::Private),
        ("::ffff:127.0.0.0", "::ffff:127.255.255.255", AddressScope::Local),
        ("::ffff:169.254.0.0", "::ffff:169.254.255.255", AddressScope::Local),
        ("::ffff:0:10.0.0.0", "::ffff:0:10.255.255.255", AddressScope::Private),
        ("64:ff9b::10.0.0.0", "64:ff9b::10.255.255.255", AddressScope::Private),
        ("64:ff9b::127.0.0.0", "64:ff9b::127.255.255.255", AddressScope::Local),
        ("64:ff9b::169.254.169.254", "64:ff9b::169.254.169.254", AddressScope::Local),
        ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", AddressScope::Private),
        ("100::", "100::ffff:ffff:ffff:ffff", AddressScope::Private),
        ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", AddressScope::Private),
        ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", AddressScope::Private),
        ("2002:a00::", "2002:aff:ffff:ffff:ffff:ffff:ffff:ffff", AddressScope::Private),
        ("2002:7f00::", "2002:7fff:ffff:ffff:ffff:ffff:ffff:ffff", AddressScope::Local),
        ("2002:808:808::", "2002:808:808:ffff:ffff:ffff:ffff:ffff", AddressScope::Private),
        ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", AddressScope::Private),
        ("4000::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", AddressScope::Private),
        ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", AddressScope::Local),
        ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", AddressScope::Private),
        ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", AddressScope::Local),
    ];

    #[test]
    fn ranges_that_are_not_public() {
        for (first, last, scope) in RANGES {
            for address in [first, last] {
                assert_eq!(address.parse().map(AddressScope::of), Ok(scope), "{address}");
            }
        }
    }

    #[test]
    fn neighbours_of_the_ranges_are_public() {
        for address in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "168.63.129.17",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "191.255.255.255",
            "192.0.1.0",
            "192.0.1.255",
            "192.0.3.0",
            "192.88.98.255",
            "192.88.100.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "198.51.99.255",
            "198.51.101.0",
            "203.0.112.255",
            "203.0.114.0",
            "223.255.255.255",
            "8.8.8.8",
            "::ffff:9.255.255.255",
            "::ffff:11.0.0.0",
            "::ffff:0:8.8.8.8",
            "64:ff9b::9.255.255.255",
            "64:ff9b::11.0.0.0",
            "2000::",
            "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "2001:200::",
            "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
            "2001:db9::",
            "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "2003::",
            "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "3fff:1000::",
            "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "2001:4860::8888",
        ] {
            assert_eq!(address.parse().map(AddressScope::of), Ok(AddressScope::Public), "{address}");
        }
    }

    #[tokio::test]
    async fn names_resolve_to_no_narrower_scope() {
        let resolve = |floor| async move {
            let name = "localhost".parse().map_err(|_| "a name")?;
            ScopedResolver(floor).resolve(name).await.map(|addresses| addresses.count())
        };
        assert!(resolve(AddressScope::Local).await.is_ok_and(|count| count > 0));
        for floor in [AddressScope::Private, AddressScope::Public] {
            assert!(resolve(floor).await.is_err_and(|error| error.is::<PrivateAddress>()), "{floor:?}");
        }
    }
}
