//! The host names that this server answers for.
//!
//! A web page can make its own name resolve to 127.0.0.1, send requests to this server from the browser of the person who runs
//! it, and read the answers as same-origin (DNS rebinding): private modules, fetched with that person's credentials. Such a
//! request names the page's host. So a request to a loopback address must name this machine or a configured host; if hosts are
//! configured, so must a request to any address. `X-Forwarded-Host` and `Forwarded`, which reverse proxies set, are ignored: a
//! page can set them too.

use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use hyper::header::{HOST, HeaderValue};
use hyper::http::request::Parts;
use hyper::{StatusCode, Version};
use parking_lot::Mutex;

use super::answer::Answer;
use super::refusal;
use crate::config::HostName;
use crate::report::printable;

/// A refused host is logged at most once in this time: anybody can cause one.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// Characters of a refused host that logs and answers show.
const MAX_SHOWN: usize = 100;

/// The hosts that this server answers for.
#[derive(Debug)]
pub(crate) struct Hosts {
    configured: Vec<HostName>,
    /// guards the time of the last log line about a refused host; locked for one comparison
    last_logged: Mutex<Option<Instant>>,
}

impl Hosts {
    pub(crate) fn new(configured: Vec<HostName>) -> Hosts {
        Hosts { configured, last_logged: Mutex::new(None) }
    }

    /// The refusal of a request that arrived at the address `local`, if it names a host that this server does not answer for. A
    /// request without a host is answered: HTTP/1.0 allows it, and no browser sends one.
    pub(crate) fn refusal(&self, local: IpAddr, request: &Parts) -> Option<Answer> {
        if self.configured.is_empty() && !local.to_canonical().is_loopback() {
            return None;
        }
        let refused = named(request).find(|host| !self.allows(host))?;
        Some(self.refuse(&String::from_utf8_lossy(refused)))
    }

    fn allows(&self, host: &[u8]) -> bool {
        let Ok(host) = std::str::from_utf8(host) else { return false };
        // An address with a port is the most common: it needs no parsing as a name.
        let is_address = host.parse::<SocketAddr>().is_ok();
        let is_named = |(host, _): (HostName, _)| host.needs_no_resolver() || self.configured.contains(&host);
        is_address || HostName::parse_with_port(host).is_some_and(is_named)
    }

    fn refuse(&self, host: &str) -> Answer {
        let host: String = printable(host).chars().take(MAX_SHOWN).collect();
        let now = Instant::now();
        let mut last_logged = self.last_logged.lock();
        if last_logged.is_none_or(|last| now.duration_since(last) >= LOG_INTERVAL) {
            *last_logged = Some(now);
            tracing::warn!(
                host,
                "refused a request for a host that this server does not answer for. If a reverse proxy or clients use this name, start with \
                 --host NAME (GOSUMCHECK_HOSTS, or hosts in gosumcheck.toml)"
            );
        }
        let first = format!("this server does not answer for the host \"{host}\".");
        refusal::refusal_lines(
            StatusCode::FORBIDDEN,
            [
                first.as_str(),
                "It answers for localhost, for IP addresses and for the hosts that its operator",
                "names: gosumcheck serve --host NAME (or GOSUMCHECK_HOSTS, or hosts = [\"NAME\"]",
                "in gosumcheck.toml). Without this check any web page could read the private",
                "modules of the person who runs this server (DNS rebinding).",
            ],
        )
    }
}

/// The host that an HTTP/1.1 connection named when it was first answered. Most connections name one host in all their requests,
/// so it is judged once.
#[derive(Debug, Default)]
pub(crate) struct KnownHost(OnceLock<HeaderValue>);

impl KnownHost {
    /// Whether a request names that host and no other; `host` is its only `Host` header.
    pub(crate) fn is_named(&self, request: &Parts, host: Option<&HeaderValue>) -> bool {
        request.version == Version::HTTP_11 && request.uri.scheme().is_none() && host.is_some() && self.0.get() == host
    }

    /// The host of a request was allowed.
    pub(crate) fn learn(&self, host: Option<&HeaderValue>) {
        if let Some(host) = host {
            // The first one stays.
            let _ = self.0.set(host.clone());
        }
    }
}

/// Every host that a request names: in an absolute request target (HTTP/2: `:authority`), and in `Host`.
fn named(request: &Parts) -> impl Iterator<Item = &[u8]> {
    let target = request.uri.scheme().and(request.uri.authority()).map(|authority| authority.as_str().as_bytes());
    target.into_iter().chain(request.headers.get_all(HOST).iter().map(|host| host.as_bytes()))
}

/// The host by which the client reached this server, with the port; none if it cannot stand in a URL.
pub(crate) fn reached_by(request: &Parts) -> Option<String> {
    let (host, port) = HostName::parse_with_port(std::str::from_utf8(named(request).next()?).ok()?)?;
    Some(port.map_or_else(|| host.to_string(), |port| format!("{host}:{port}")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn check(configured: &[&str], local: &str, hosts: &[&str]) -> bool {
        let configured = configured.iter().map(|name| HostName::parse(name).unwrap()).collect();
        let mut request = hyper::Request::builder().uri("/latest");
        for host in hosts {
            request = request.header(HOST, *host);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        Hosts::new(configured).refusal(local.parse().unwrap(), &head).is_none()
    }

    #[test]
    fn loopback_is_checked_always_and_other_addresses_where_hosts_are_configured() {
        let own = ["corp.example"];
        for (configured, local, host, allowed) in [
            (&[][..], "127.0.0.1", "attacker.example", false),
            (&[], "127.9.9.9", "attacker.example", false),
            (&[], "::1", "attacker.example", false),
            (&[], "::ffff:127.0.0.1", "attacker.example", false),
            (&[], "10.0.0.1", "attacker.example", true),
            (&[], "127.0.0.1", "localhost:3000", true),
            (&[], "127.0.0.1", "corp.example", false),
            (&own, "127.0.0.1", "corp.example:8443", true),
            (&own, "10.0.0.1", "corp.example", true),
            (&own, "10.0.0.1", "10.0.0.1:3000", true),
            (&own, "10.0.0.1", "attacker.example", false),
        ] {
            assert_eq!(check(configured, local, &[host]), allowed, "{configured:?} {local} {host}");
        }
        assert!(check(&own, "127.0.0.1", &[]), "HTTP/1.0");
        assert!(!check(&[], "127.0.0.1", &["localhost", "attacker.example"]));
    }
}
