//! The HTTP library's clients: one for each kind of URL, since proxies and certificates differ by URL.

use parking_lot::Mutex;
use reqwest::{Client, Url, redirect, retry};
use rustls::ClientConfig;

use super::address_scope::{AddressScope, ScopedResolver};
use super::reply::causes;
use super::settings::HttpSettings;
use super::tls::TlsConfigs;
use crate::upstream::base::is_loopback;

/// The clients by the narrowest scope of the addresses that they connect to: `local` for configured URLs, the others for
/// URLs that redirects lead to.
#[derive(Debug, Default)]
pub(in crate::upstream) struct HttpClients {
    local: ClientKinds,
    private: ClientKinds,
    public: ClientKinds,
    tls: TlsConfigs,
}

/// The clients of one kind of URL, built at first use: where the system has no root certificates, requests over plain http must
/// still work. The library opens at most one connection to a host for each client where that speaks HTTP/2; so there is one client
/// for each lane. Over plain http it never does, and all lanes share one client, which keeps a connection for each.
#[derive(Debug, Default)]
struct ClientKinds {
    loopback_plain: ClientLanes,
    loopback_tls: ClientLanes,
    remote_plain: ClientLanes,
    remote_tls: ClientLanes,
}

/// Guards the clients by lane; held while one is built.
type ClientLanes = Mutex<Vec<Option<Client>>>;

impl HttpClients {
    /// The client of a lane for a URL whose name may resolve only to addresses of the scope `floor` or a wider one.
    pub(in crate::upstream) fn of(
        &self,
        url: &Url,
        floor: AddressScope,
        lane: usize,
        settings: &HttpSettings,
    ) -> Result<Client, String> {
        let kinds = match floor {
            AddressScope::Local => &self.local,
            AddressScope::Private => &self.private,
            AddressScope::Public => &self.public,
        };
        let (tls, is_loopback_url) = (url.scheme() == "https", is_loopback(url));
        let lanes = match (tls, is_loopback_url) {
            (false, true) => &kinds.loopback_plain,
            (true, true) => &kinds.loopback_tls,
            (false, false) => &kinds.remote_plain,
            (true, false) => &kinds.remote_tls,
        };
        let lane = if tls { lane } else { 0 };
        let mut lanes = lanes.lock();
        if let Some(Some(client)) = lanes.get(lane) {
            return Ok(client.clone());
        }
        let client = build(settings, floor, self.config(tls, is_loopback_url, settings)?, is_loopback_url)?;
        if lanes.len() <= lane {
            lanes.resize_with(lane + 1, || None);
        }
        if let Some(slot) = lanes.get_mut(lane) {
            *slot = Some(client.clone());
        }
        Ok(client)
    }

    /// The system's root certificates and those configured for this base; where the system has none, only the latter.
    pub(super) fn config(
        &self,
        tls: bool,
        is_loopback_url: bool,
        settings: &HttpSettings,
    ) -> Result<ClientConfig, String> {
        let own = &settings.access.roots;
        let config = match (tls, is_loopback_url) {
            (true, _) if own.is_empty() => self.tls.with_system(own),
            (false, true) => self.tls.only_own(own),
            // A proxy may itself speak TLS; without root certificates it cannot be used.
            (true, _) | (false, false) => self.tls.with_system(own).or_else(|_| self.tls.only_own(own)),
        };
        config.map_err(|why| cannot_speak_tls(&why))
    }
}

fn build(
    settings: &HttpSettings,
    floor: AddressScope,
    config: ClientConfig,
    is_loopback_url: bool,
) -> Result<Client, String> {
    let builder = Client::builder()
        .user_agent(settings.user_agent.as_str())
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .connect_timeout(settings.connect)
        .read_timeout(settings.silence)
        .pool_max_idle_per_host(settings.concurrency)
        .tls_backend_preconfigured(config);
    let builder = if floor > AddressScope::Local { builder.dns_resolver(ScopedResolver(floor)) } else { builder };
    let builder = match &settings.access.proxy {
        _ if is_loopback_url => builder.no_proxy(),
        Some(proxy) => builder.proxy(proxy.clone()),
        None => builder,
    };
    let why = |error: reqwest::Error| causes(&error).last().map(ToString::to_string).unwrap_or_default();
    builder.build().map_err(|error| cannot_speak_tls(&why(error)))
}

fn cannot_speak_tls(why: &str) -> String {
    format!("cannot speak TLS: {why}; install the system's root certificates, or name them with SSL_CERT_FILE")
}
