//! How names become addresses and addresses become connections for public modules. The policy (`AddressScope`) stands between
//! the two: a connection is made to the very address that was checked, so a second resolution cannot change it (DNS rebinding).

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::host_error::HostError;
use super::outward::Outward;
use crate::upstream::http::address_scope::AddressScope;

/// The only port: https.
pub(super) const PORT: u16 = 443;
/// The most addresses of one name that are tried.
const TRIED: usize = 4;

/// A resolver and a dialer; the system's, except in tests.
pub trait Network: fmt::Debug + Send + Sync {
    /// The addresses of a name.
    ///
    /// # Errors
    /// Where it has none, or cannot be resolved.
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;

    /// A connection to an address that the policy allows.
    ///
    /// # Errors
    /// Where it cannot be made.
    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>>;
}

/// The system's resolver and network.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemNetwork;

impl Network for SystemNetwork {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        async move { Ok(lookup_host((host, PORT)).await?.map(|address| address.ip()).collect()) }.boxed()
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>> {
        TcpStream::connect(address).boxed()
    }
}

/// A name that public modules may come from, in lower case: a host with a dot that is not an address in any spelling. Its
/// addresses are checked when it is resolved.
pub(super) fn public_name(host: &str) -> Result<String, HostError> {
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let last = name.rsplit('.').next().unwrap_or("");
    // 127.1, 0x7f.1 and the like are addresses to a resolver (url.spec.whatwg.org, "ends in a number").
    let is_number = last.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
    let is_public =
        name.contains('.') && name.split('.').all(is_label) && !is_number && last != "localhost" && name.len() < 254;
    if is_public { Ok(name) } else { Err(HostError::not_public(&name)) }
}

/// A connection to https at a host, as `public_name` has it, whose address is public.
///
/// Goes through the operator's own outbound proxy, where one is configured for this host. That proxy resolves the name again, so
/// its rules decide then; a name that this machine resolves to a private address is refused all the same.
pub(super) async fn connect(
    network: &dyn Network,
    outward: &Outward,
    host: &str,
    longest: Duration,
) -> Result<TcpStream, HostError> {
    let unreachable = || HostError::Unreachable(host.to_owned());
    let resolved = timeout(longest, network.resolve(host)).await;
    let found = match resolved {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => {
            tracing::debug!("direct: {host} does not resolve: {error}");
            Vec::new()
        }
        Err(_) => Vec::new(),
    };
    let public: Vec<IpAddr> =
        found.iter().copied().filter(|address| AddressScope::of(*address) == AddressScope::Public).collect();
    if public.is_empty() && !found.is_empty() {
        return Err(HostError::not_public(host));
    }
    if let Some(proxy) = outward.for_host(host) {
        return match timeout(longest, proxy.connect(host, PORT)).await {
            Ok(Ok(stream)) => Ok(stream),
            other => {
                tracing::debug!("direct: {host} by way of the outbound proxy: {other:?}");
                Err(unreachable())
            }
        };
    }
    if public.is_empty() {
        return Err(HostError::Unresolved(host.to_owned()));
    }
    for address in public.into_iter().take(TRIED) {
        match timeout(longest, network.connect(SocketAddr::new(address, PORT))).await {
            Ok(Ok(stream)) => return Ok(stream),
            other => tracing::debug!("direct: {host} at {address}: {other:?}"),
        }
    }
    Err(unreachable())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_addresses_or_inner_are_not_public() {
        for host in [
            "127.0.0.1",
            "8.8.8.8",
            "10.0.0.5",
            "127.1",
            "2130706433",
            "0x7f.0.0.1",
            "0x7f000001",
            "x.0x1",
            "[::1]",
            "::1",
            "::ffff:10.0.0.1",
            "localhost",
            "x.localhost",
            "LOCALHOST.",
            "x.LocalHost.",
            "intranet",
            "",
            ".",
            "..",
            "a..b",
            ".example.com",
            "user@example.com",
            "example.com:443",
            "a b.example",
            "ex%61mple.com",
        ] {
            assert!(matches!(public_name(host), Err(HostError::NotPublic(_))), "{host}");
        }
        for (host, name) in
            [("Example.COM", "example.com"), ("a.b.example.", "a.b.example"), ("1.example", "1.example")]
        {
            assert_eq!(public_name(host), Ok(name.to_owned()));
        }
    }
}
