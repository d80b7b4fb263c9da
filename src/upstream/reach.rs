//! From where a host is reached. Whoever is further away has no business with what is nearer: a redirect there would make us ask,
//! in a stranger's name, what the stranger cannot ask (server-side request forgery). An address says it by its spelling, a name
//! only by the addresses that it resolves to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;
use tokio::net::lookup_host;

/// From where a host is reached, the nearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// this machine, or this link: where clouds keep their machines' secrets
    Here,
    /// a private network
    Inside,
    /// anywhere
    Outside,
}

impl Reach {
    /// As far as a URL's spelling says: of names, only `localhost` says anything.
    pub(super) fn of_spelling(url: &Url) -> Reach {
        let host = url.host_str().unwrap_or("").trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
        match host.parse() {
            Ok(address) => Reach::of(address),
            Err(_) if host == "localhost" || host.ends_with(".localhost") => Reach::Here,
            Err(_) => Reach::Outside,
        }
    }

    /// Of an address.
    pub(super) fn of(address: IpAddr) -> Reach {
        match address {
            IpAddr::V4(address) => Reach::of_v4(address),
            IpAddr::V6(address) => Reach::of_v6(address),
        }
    }

    fn of_v4(address: Ipv4Addr) -> Reach {
        // Shared addresses of carriers (RFC 6598): 100.64.0.0/10.
        let is_shared = matches!(address.octets(), [100, 64..=127, ..]);
        if address.is_loopback() || address.is_link_local() || matches!(address.octets(), [0, ..]) {
            Reach::Here
        } else if address.is_private() || is_shared {
            Reach::Inside
        } else {
            Reach::Outside
        }
    }

    fn of_v6(address: Ipv6Addr) -> Reach {
        if let Some(address) = address.to_ipv4_mapped() {
            return Reach::of_v4(address);
        }
        if address.is_loopback() || address.is_unspecified() || address.is_unicast_link_local() {
            Reach::Here
        } else if address.is_unique_local() {
            Reach::Inside
        } else {
            Reach::Outside
        }
    }
}

/// A name that a redirect leads to has no address that the redirecting server could itself reach.
#[derive(Debug, Error)]
#[error("redirects to a name whose addresses are not for strangers, {0}")]
pub(super) struct NotForStrangers(String);

/// Resolves names as the system does, to no address that is nearer than this. The connection is made to the addresses that were
/// looked at, so a name cannot lead elsewhere in between.
#[derive(Debug)]
pub(super) struct NoNearer(pub(super) Reach);

impl Resolve for NoNearer {
    fn resolve(&self, name: Name) -> Resolving {
        let floor = self.0;
        Box::pin(async move {
            let mut addresses: Vec<SocketAddr> = lookup_host((name.as_str(), 0)).await?.collect();
            let found = addresses.len();
            addresses.retain(|address| Reach::of(address.ip()) >= floor);
            if addresses.is_empty() && found > 0 {
                return Err(NotForStrangers(name.as_str().to_owned()).into());
            }
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_reach() {
        for (address, reach) in [
            ("127.0.0.1", Reach::Here),
            ("0.0.0.0", Reach::Here),
            ("169.254.169.254", Reach::Here),
            ("::1", Reach::Here),
            ("fe80::1", Reach::Here),
            ("::ffff:127.0.0.1", Reach::Here),
            ("10.0.0.1", Reach::Inside),
            ("100.64.0.1", Reach::Inside),
            ("100.128.0.1", Reach::Outside),
            ("fd00::1", Reach::Inside),
            ("8.8.8.8", Reach::Outside),
            ("2001:4860::8888", Reach::Outside),
        ] {
            assert_eq!(address.parse().map(Reach::of), Ok(reach), "{address}");
        }
    }

    #[tokio::test]
    async fn a_name_resolves_to_nothing_nearer() {
        let resolve = |floor| async move {
            let name = "localhost".parse().map_err(|_| "a name")?;
            NoNearer(floor).resolve(name).await.map(|addresses| addresses.count())
        };
        assert!(resolve(Reach::Here).await.is_ok_and(|count| count > 0));
        for floor in [Reach::Inside, Reach::Outside] {
            assert!(resolve(floor).await.is_err_and(|error| error.is::<NotForStrangers>()), "{floor:?}");
        }
    }
}
