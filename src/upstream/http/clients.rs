//! The client library's clients, each for one kind of URL, with its own rules for proxies and certificates.

use std::sync::OnceLock;

use reqwest::{Client, ClientBuilder, Url, redirect, retry};

use super::address_scope::{NoNearer, Reach};
use super::reply::causes;
use super::settings::Settings;
use crate::upstream::base::is_loopback;

/// The clients for URLs that we were told to ask, and those for URLs that redirects lead to, by how near these may be.
#[derive(Debug, Default)]
pub(in crate::upstream) struct Clients {
    here: Kinds,
    inside: Kinds,
    outside: Kinds,
}

/// One client by the kind of URL, each built at first use: the system's root certificates cost 20 ms to read and may not
/// be there at all, which must not keep anybody from asking a plain http server.
#[derive(Debug, Default)]
struct Kinds {
    near_plain: OnceLock<Result<Client, String>>,
    near_tls: OnceLock<Result<Client, String>>,
    far_plain: OnceLock<Result<Client, String>>,
    far_tls: OnceLock<Result<Client, String>>,
}

impl Clients {
    /// The client for a URL, whose name is not to resolve to anything nearer than `floor`.
    pub(in crate::upstream) fn of(&self, url: &Url, floor: Reach, settings: &Settings) -> Result<&Client, String> {
        let kinds = match floor {
            Reach::Here => &self.here,
            Reach::Inside => &self.inside,
            Reach::Outside => &self.outside,
        };
        let (tls, near) = (url.scheme() == "https", is_loopback(url));
        let slot = match (tls, near) {
            (false, true) => &kinds.near_plain,
            (true, true) => &kinds.near_tls,
            (false, false) => &kinds.far_plain,
            (true, false) => &kinds.far_tls,
        };
        slot.get_or_init(|| build(settings, floor, tls, near)).as_ref().map_err(Clone::clone)
    }
}

fn build(settings: &Settings, floor: Reach, tls: bool, near: bool) -> Result<Client, String> {
    let access = &settings.access;
    let builder = || -> ClientBuilder {
        let builder = Client::builder()
            .user_agent(settings.user_agent.as_str())
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .connect_timeout(settings.connect)
            .read_timeout(settings.silence)
            .pool_max_idle_per_host(settings.concurrency);
        let builder = if floor > Reach::Here { builder.dns_resolver(NoNearer(floor)) } else { builder };
        match &access.proxy {
            _ if near => builder.no_proxy(),
            Some(proxy) => builder.proxy(proxy.clone()),
            None => builder,
        }
    };
    // The system's root certificates, and those of this base; where the system has none, these alone.
    let only_own = || builder().tls_certs_only(access.roots.iter().cloned()).build();
    let with_roots = || builder().tls_certs_merge(access.roots.iter().cloned()).build();
    let client = match (tls, near) {
        (true, _) if access.roots.is_empty() => with_roots(),
        (true, _) => with_roots().or_else(|_| only_own()),
        (false, true) => only_own(),
        // A proxy may itself be asked over TLS; where there are no root certificates, it cannot be.
        (false, false) => with_roots().or_else(|_| only_own()),
    };
    client.map_err(|error| {
        let deepest = causes(&error).last().map(ToString::to_string).unwrap_or_default();
        format!("cannot speak TLS: {deepest}; install the system's root certificates, or name them with SSL_CERT_FILE")
    })
}
