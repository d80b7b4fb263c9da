//! The HTTP client: built when it is first needed, shared by everything that asks, with redirects and passwords under
//! our own rules. It speaks HTTP/2 where a server offers it over TLS, keeps connections, and obeys `HTTP_PROXY`,
//! `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, but never asks a proxy for this machine itself (as the go command).

use std::sync::{Arc, OnceLock};

use reqwest::header::{AUTHORIZATION, HeaderValue, LOCATION, RANGE};
use reqwest::{Client, Method, Request, StatusCode, Url, redirect as reqwest_redirect, retry as reqwest_retry};

use super::asked::Asked;
use super::base::{Site, is_loopback, may_carry_login};
use super::netrc::Netrc;
use super::redirect::{MAX_REDIRECTS, next, place, same_server};
use super::reply::{self, Reply};
use super::retry::Failure;
use super::settings::Settings;

/// The HTTP client with its bounds. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Http {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: Settings,
    clients: Clients,
    netrc: OnceLock<Netrc>,
}

/// One client by the kind of URL, each built at first use: the system's root certificates cost 20 ms to read and may not
/// be there at all, which must not keep anybody from asking a plain http server.
#[derive(Debug, Default)]
struct Clients {
    near_plain: OnceLock<Result<Client, String>>,
    near_tls: OnceLock<Result<Client, String>>,
    far_plain: OnceLock<Result<Client, String>>,
    far_tls: OnceLock<Result<Client, String>>,
}

impl Http {
    /// A client with these bounds. Nothing is built yet.
    pub fn new(settings: Settings) -> Http {
        Http { shared: Arc::new(Shared { settings, clients: Clients::default(), netrc: OnceLock::new() }) }
    }

    /// Its bounds.
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// One try at a question to a site, redirects and body included, in bounded time.
    pub(super) async fn get(&self, site: &Site, asked: &Asked<'_>) -> Result<Reply, Failure> {
        let total = self.settings().total;
        match tokio::time::timeout(total, self.follow(site, asked)).await {
            Ok(reply) => reply,
            Err(_) => Err(Failure::broken(format!("timed out: not finished within {total:?}"))),
        }
    }

    async fn follow(&self, site: &Site, asked: &Asked<'_>) -> Result<Reply, Failure> {
        let first = site.url_of(asked.path).map_err(|fault| Failure::lasting(fault.to_string()))?;
        let mut url = first.clone();
        for _ in 0..=MAX_REDIRECTS {
            let login = if same_server(&first, &url) { self.login(site, &first) } else { None };
            let response = self.send(&url, login, asked).await?;
            if !is_redirect(response.status()) {
                let reply = reply::read(response, asked, self.settings()).await;
                return reply.map_err(|failure| told_where(failure, &first, &url));
            }
            let location = response.headers().get(LOCATION).cloned();
            let status = response.status();
            reply::discard(response).await;
            let location = location.ok_or_else(|| Failure::lasting(format!("{status} that leads nowhere")))?;
            url = next(&url, &location).map_err(Failure::lasting)?;
        }
        Err(Failure::lasting(format!("stopped after {MAX_REDIRECTS} redirects, at {}", place(&url))))
    }

    async fn send(
        &self,
        url: &Url,
        login: Option<HeaderValue>,
        asked: &Asked<'_>,
    ) -> Result<reqwest::Response, Failure> {
        let client = self.client(url).map_err(Failure::lasting)?;
        let mut request = Request::new(Method::GET, url.clone());
        if let Some(login) = login {
            request.headers_mut().insert(AUTHORIZATION, login);
        }
        if let Some(range) = asked.range_header() {
            request.headers_mut().insert(RANGE, range);
        }
        client.execute(request).await.map_err(|error| Failure::broken(reply::explain(&error, self.settings())))
    }

    /// What to log in with: of `~/.netrc`, else of the URL, as the go command.
    fn login(&self, site: &Site, url: &Url) -> Option<HeaderValue> {
        if !may_carry_login(url) {
            return None;
        }
        let load = || self.settings().netrc.as_deref().map(Netrc::load).unwrap_or_default();
        self.shared.netrc.get_or_init(load).login(url).or_else(|| site.login.clone())
    }

    fn client(&self, url: &Url) -> Result<&Client, String> {
        let clients = &self.shared.clients;
        let (tls, near) = (url.scheme() == "https", is_loopback(url));
        let slot = match (tls, near) {
            (false, true) => &clients.near_plain,
            (true, true) => &clients.near_tls,
            (false, false) => &clients.far_plain,
            (true, false) => &clients.far_tls,
        };
        slot.get_or_init(|| build(self.settings(), tls, near)).as_ref().map_err(Clone::clone)
    }
}

fn build(settings: &Settings, tls: bool, near: bool) -> Result<Client, String> {
    let builder = || {
        let builder = Client::builder()
            .user_agent(settings.user_agent.as_str())
            .redirect(reqwest_redirect::Policy::none())
            .retry(reqwest_retry::never())
            .referer(false)
            .connect_timeout(settings.connect)
            .read_timeout(settings.silence)
            .pool_max_idle_per_host(settings.concurrency);
        if near { builder.no_proxy() } else { builder }
    };
    let without_roots = || builder().tls_certs_only([]).build();
    let client = match (tls, near) {
        (true, _) => builder().build(),
        (false, true) => without_roots(),
        // A proxy may itself be asked over TLS; where there are no root certificates, it cannot be.
        (false, false) => builder().build().or_else(|_| without_roots()),
    };
    client.map_err(|error| {
        let mut deepest: &dyn std::error::Error = &error;
        while let Some(cause) = deepest.source() {
            deepest = cause;
        }
        format!("cannot speak TLS: {deepest}; install the system's root certificates, or name them with SSL_CERT_FILE")
    })
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Names the place that failed where it is not the one that was asked.
fn told_where(mut failure: Failure, first: &Url, last: &Url) -> Failure {
    if first != last {
        failure.why = format!("redirects to {}: {}", place(last), failure.why);
    }
    failure
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::base::{Base, Place};
    use super::*;

    #[test]
    fn netrc_goes_before_the_url_and_neither_over_plain_http() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "machine a.example login netrc password pw\n").unwrap();
        let http = Http::new(Settings { netrc: Some(file.path().to_path_buf()), ..Settings::default() });
        let login = |base: &str| {
            let Place::Site(site) = Base::parse(base).unwrap().place else { panic!("{base}") };
            http.login(&site, &site.url_of("latest").unwrap())
        };
        let basic = |name: &str| super::super::base::basic(name, "pw");
        assert_eq!(login("https://url:pw@a.example"), basic("netrc"));
        assert_eq!(login("https://url:pw@b.example"), basic("url"));
        assert_eq!(login("https://b.example"), None);
        assert_eq!(login("http://a.example"), None);
    }
}
