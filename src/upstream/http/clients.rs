//! The HTTP library's clients: one for each kind of URL, since proxies and certificates differ by URL.

use std::sync::OnceLock;

use reqwest::{Client, ClientBuilder, Url, redirect, retry};

use super::address_scope::{AddressScope, ScopedResolver};
use super::reply::causes;
use super::settings::HttpSettings;
use crate::upstream::base::is_loopback;

/// The clients by the narrowest scope of the addresses that they connect to: `local` for configured URLs, the others for
/// URLs that redirects lead to.
#[derive(Debug, Default)]
pub(in crate::upstream) struct HttpClients {
    local: ClientKinds,
    private: ClientKinds,
    public: ClientKinds,
}

/// One client for each kind of URL, built at first use: reading the system's root certificates takes 20 ms, and where there
/// are none, requests over plain http must still work.
#[derive(Debug, Default)]
struct ClientKinds {
    loopback_plain: OnceLock<Result<Client, String>>,
    loopback_tls: OnceLock<Result<Client, String>>,
    remote_plain: OnceLock<Result<Client, String>>,
    remote_tls: OnceLock<Result<Client, String>>,
}

impl HttpClients {
    /// The client for a URL whose name may resolve only to addresses of the scope `floor` or a wider one.
    pub(in crate::upstream) fn of(
        &self,
        url: &Url,
        floor: AddressScope,
        settings: &HttpSettings,
    ) -> Result<&Client, String> {
        let kinds = match floor {
            AddressScope::Local => &self.local,
            AddressScope::Private => &self.private,
            AddressScope::Public => &self.public,
        };
        let (tls, is_loopback_url) = (url.scheme() == "https", is_loopback(url));
        let slot = match (tls, is_loopback_url) {
            (false, true) => &kinds.loopback_plain,
            (true, true) => &kinds.loopback_tls,
            (false, false) => &kinds.remote_plain,
            (true, false) => &kinds.remote_tls,
        };
        slot.get_or_init(|| build(settings, floor, tls, is_loopback_url)).as_ref().map_err(Clone::clone)
    }
}

fn build(settings: &HttpSettings, floor: AddressScope, tls: bool, is_loopback_url: bool) -> Result<Client, String> {
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
        let builder = if floor > AddressScope::Local { builder.dns_resolver(ScopedResolver(floor)) } else { builder };
        match &access.proxy {
            _ if is_loopback_url => builder.no_proxy(),
            Some(proxy) => builder.proxy(proxy.clone()),
            None => builder,
        }
    };
    // The system's root certificates and those configured for this base; where the system has none, only the latter.
    let only_own = || builder().tls_certs_only(access.roots.iter().cloned()).build();
    let with_roots = || builder().tls_certs_merge(access.roots.iter().cloned()).build();
    let client = match (tls, is_loopback_url) {
        (true, _) if access.roots.is_empty() => with_roots(),
        (true, _) => with_roots().or_else(|_| only_own()),
        (false, true) => only_own(),
        // A proxy may itself speak TLS; without root certificates it cannot be used.
        (false, false) => with_roots().or_else(|_| only_own()),
    };
    client.map_err(|error| {
        let deepest = causes(&error).last().map(ToString::to_string).unwrap_or_default();
        format!("cannot speak TLS: {deepest}; install the system's root certificates, or name them with SSL_CERT_FILE")
    })
}
