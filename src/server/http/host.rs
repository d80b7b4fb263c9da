//! By which names a request may ask this server.
//!
//! A web page can have its own name resolve to 127.0.0.1, ask this server in the browser of the person who runs it, and read
//! the answers as its own (DNS rebinding): private modules, fetched with that person's credentials. Such a request names the page's
//! host. So on a loopback address a request must name this machine or a configured host; where hosts are configured, on every
//! address. What a reverse proxy says of another name (`X-Forwarded-Host`, `Forwarded`) can be said by a page too, and is not read.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hyper::StatusCode;
use hyper::header::HOST;
use hyper::http::request::Parts;

use super::answer::Answer;
use super::refusal;
use crate::config::HostName;
use crate::report::printable;

/// A refused host is logged once in this time: anybody can have one refused.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// Characters of a refused host that are repeated.
const MAX_SHOWN: usize = 100;

/// The hosts that are answered for.
#[derive(Debug)]
pub(crate) struct Hosts {
    configured: Vec<HostName>,
    logged: Mutex<Option<Instant>>,
}

impl Hosts {
    pub(crate) fn new(configured: Vec<HostName>) -> Hosts {
        Hosts { configured, logged: Mutex::new(None) }
    }

    /// The refusal of a request that arrived at the address `local`, if it names a host that is not answered for. One without a host
    /// is answered: HTTP/1.0 allows it, and no browser sends one.
    pub(crate) fn refusal(&self, local: IpAddr, request: &Parts) -> Option<Answer> {
        if self.configured.is_empty() && !local.to_canonical().is_loopback() {
            return None;
        }
        let refused = named(request).find(|host| !self.allows(host))?;
        Some(self.refuse(&String::from_utf8_lossy(refused)))
    }

    fn allows(&self, host: &[u8]) -> bool {
        let Ok(host) = std::str::from_utf8(host) else { return false };
        // An address with a port, the most common of all, is known without making a name of it.
        let is_address = host.parse::<SocketAddr>().is_ok();
        let is_named = |(host, _): (HostName, _)| host.needs_no_resolver() || self.configured.contains(&host);
        is_address || HostName::parse_with_port(host).is_some_and(is_named)
    }

    fn refuse(&self, host: &str) -> Answer {
        let host: String = printable(host).chars().take(MAX_SHOWN).collect();
        let now = Instant::now();
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.is_none_or(|last| now.duration_since(last) >= LOG_INTERVAL) {
            *logged = Some(now);
            tracing::warn!(
                host,
                "refused: a request for a host that is not answered for. If a reverse proxy or clients use this name, start with \
                 --host NAME (GOSUMCHECK_HOSTS, or hosts in gosumcheck.toml)"
            );
        }
        let first = format!("this server does not answer for the host \"{host}\".");
        refusal::in_lines(
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

/// Every host that a request names: in a target that is a URL (HTTP/2: `:authority`), and in its headers.
fn named(request: &Parts) -> impl Iterator<Item = &[u8]> {
    let target = request.uri.scheme().and(request.uri.authority()).map(|authority| authority.as_str().as_bytes());
    target.into_iter().chain(request.headers.get_all(HOST).iter().map(|host| host.as_bytes()))
}

/// The host that a client reached this server by, with the port, where it is fit to stand in a URL.
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
