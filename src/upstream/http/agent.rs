//! The HTTP client: built at its first request, shared by all requests, with its own rules for redirects and passwords. It
//! speaks HTTP/2 where a server offers it over TLS, keeps connections alive, and obeys `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`
//! and `NO_PROXY`, but reaches this machine without a proxy, as the go command does.

use std::sync::{Arc, OnceLock};

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Method, Request, Response, StatusCode, Url, Version};
use rustls::ClientConfig;

use super::address_scope::AddressScope;
use super::clients::HttpClients;
use super::failure::FailureKind;
use super::get_request::GetRequest;
use super::lanes::Lane;
use super::netrc::Netrc;
use super::redirect::{MAX_REDIRECTS, next, place, same_host, same_server};
use super::reply::{self, Reply};
use super::retry::Failed;
use super::settings::HttpSettings;
use crate::upstream::base::{Site, is_loopback, may_carry_login};
use crate::upstream::spans::SpanPosition;

/// W3C Trace Context: which span a request is made for.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The HTTP client with its bounds. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Http {
    shared: Arc<HttpInner>,
}

#[derive(Debug)]
struct HttpInner {
    settings: HttpSettings,
    clients: HttpClients,
    netrc: OnceLock<Netrc>,
}

/// A response that is not a redirect.
pub(in crate::upstream) struct Opened {
    pub(in crate::upstream) response: Response,
    first: Url,
    /// the URL that sent it, after all redirects
    pub(in crate::upstream) last: Url,
}

/// The URL at the end of the redirects, if there were any.
pub(in crate::upstream) struct Detour(Option<String>);

impl Opened {
    pub(in crate::upstream) fn detour(&self) -> Detour {
        Detour((self.first != self.last).then(|| place(&self.last)))
    }
}

impl Detour {
    /// Adds that URL to the reason of a failure.
    pub(in crate::upstream) fn name_place(&self, failed: Failed) -> Failed {
        match &self.0 {
            Some(place) => Failed { why: format!("redirects to {place}: {}", failed.why), ..failed },
            None => failed,
        }
    }
}

impl Http {
    /// A client with these bounds. It opens nothing before its first request.
    pub fn new(settings: HttpSettings) -> Http {
        Http { shared: Arc::new(HttpInner { settings, clients: HttpClients::default(), netrc: OnceLock::new() }) }
    }

    /// Its bounds.
    pub fn settings(&self) -> &HttpSettings {
        &self.shared.settings
    }

    /// How TLS is spoken to the server of this URL.
    ///
    /// # Errors
    /// There are no root certificates: why, for people.
    pub(in crate::upstream) fn tls(&self, url: &Url) -> Result<ClientConfig, String> {
        self.shared.clients.config(url.scheme() == "https", is_loopback(url), self.settings())
    }

    /// Tries a request once, redirects and body included, within `HttpSettings::total`. Of the URL that answered and its headers,
    /// the caller keeps what it `notes`.
    pub(in crate::upstream) async fn get<T>(
        &self,
        site: &Site,
        request: &GetRequest<'_>,
        lane: Lane,
        notes: impl FnOnce(&Url, &HeaderMap) -> T,
    ) -> Result<(Reply, T), Failed> {
        let total = self.settings().total;
        let read = async {
            let opened = self.open(site, request.path, &request.headers(), &lane).await?;
            let noted = notes(&opened.last, opened.response.headers());
            let detour = opened.detour();
            let reply = reply::read(opened.response, request, self.settings()).await;
            reply.map(|reply| (reply, noted)).map_err(|failed| detour.name_place(failed))
        };
        let late = |_| Failed::passing(FailureKind::Timeout, format!("timed out: not finished within {total:?}"));
        tokio::time::timeout(total, read).await.map_err(late)?
    }

    /// Requests `path` with these headers and a login, and follows redirects; those to the same server go over the same `lane`.
    /// Gives the last response, its body not yet read.
    pub(in crate::upstream) async fn open(
        &self,
        site: &Site,
        path: &str,
        headers: &HeaderMap,
        lane: &Lane,
    ) -> Result<Opened, Failed> {
        let not_followed = |why: String| Failed::lasting(FailureKind::Redirect, why);
        let first = site.url_of(path).map_err(|fault| not_followed(fault.to_string()))?;
        let (mut url, mut floor) = (first.clone(), AddressScope::Local);
        for _ in 0..=MAX_REDIRECTS {
            let is_same = same_server(&first, &url);
            let login = if is_same { self.login(site, &first) } else { None };
            let connection = if is_same { lane.number() } else { 0 };
            let response = self.send(&url, floor, connection, login, headers).await?;
            if is_same {
                lane.answered_over(response.version() == Version::HTTP_2);
            }
            if !is_redirect(response.status()) {
                return Ok(Opened { response, first, last: url });
            }
            let location = response.headers().get(LOCATION).cloned();
            let (status, from) = (response.status(), response.remote_addr());
            reply::discard(response).await;
            let location = location.ok_or_else(|| not_followed(format!("{status} without a Location header")))?;
            let to = next(&url, &location).map_err(not_followed)?;
            // A server may redirect to itself, whatever its address. An outbound proxy resolves names by its own rules.
            if !same_host(&url, &to) {
                floor = floor.max(from.map_or(AddressScope::Public, |from| AddressScope::of(from.ip())));
            }
            url = to;
        }
        Err(not_followed(format!("stopped after {MAX_REDIRECTS} redirects, at {}", place(&url))))
    }

    /// Sends `body` once, as text, to `path` of a server, without any login and following no redirect; gives the status, and up to `limit`
    /// bytes of the answer.
    pub(in crate::upstream) async fn post(
        &self,
        site: &Site,
        path: &str,
        body: Vec<u8>,
        limit: usize,
    ) -> Result<(StatusCode, Vec<u8>), Failed> {
        let url = site.url_of(path).map_err(|fault| Failed::lasting(FailureKind::Redirect, fault.to_string()))?;
        let client = self.shared.clients.of(&url, AddressScope::Local, 0, self.settings());
        let client = client.map_err(|why| Failed::lasting(FailureKind::Machine, why))?;
        let mut request = Request::new(Method::POST, url);
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        *request.body_mut() = Some(body.into());
        let broken = |error: reqwest::Error| reply::broken(&error, self.settings());
        let sent = async {
            let mut response = client.execute(request).await.map_err(broken)?;
            let mut answer = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(broken)? {
                answer.extend_from_slice(&chunk);
                if answer.len() > limit {
                    return Err(Failed::lasting(
                        FailureKind::TooLong,
                        format!("answered with more than {limit} bytes"),
                    ));
                }
            }
            Ok((response.status(), answer))
        };
        let total = self.settings().total;
        let late = |_| Failed::passing(FailureKind::Timeout, format!("timed out: not finished within {total:?}"));
        tokio::time::timeout(total, sent).await.map_err(late)?
    }

    async fn send(
        &self,
        url: &Url,
        floor: AddressScope,
        lane: usize,
        login: Option<HeaderValue>,
        headers: &HeaderMap,
    ) -> Result<Response, Failed> {
        let client = self.shared.clients.of(url, floor, lane, self.settings());
        let client = client.map_err(|why| Failed::lasting(FailureKind::Machine, why))?;
        let mut request = Request::new(Method::GET, url.clone());
        request.headers_mut().clone_from(headers);
        if let Some(login) = login {
            request.headers_mut().insert(AUTHORIZATION, login);
        }
        if let Some(parent) = SpanPosition::header().and_then(|header| HeaderValue::try_from(header).ok()) {
            request.headers_mut().insert(TRACEPARENT, parent);
        }
        client.execute(request).await.map_err(|error| reply::broken(&error, self.settings()))
    }

    /// The `Authorization` header: the token, else the login in `~/.netrc`, else the one in the URL, as for the go command.
    fn login(&self, site: &Site, url: &Url) -> Option<HeaderValue> {
        if !may_carry_login(url) {
            return None;
        }
        if let Some(token) = &self.settings().access.token {
            return Some(token.clone());
        }
        let load = || self.settings().netrc.as_deref().map(Netrc::load).unwrap_or_default();
        self.shared.netrc.get_or_init(load).login(url).or_else(|| site.login.clone())
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::upstream::base::{Base, BaseLocation};

    #[test]
    fn netrc_goes_before_the_url_and_neither_over_plain_http() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "machine a.example login netrc password pw\n").unwrap();
        let http = Http::new(HttpSettings { netrc: Some(file.path().to_path_buf()), ..HttpSettings::default() });
        let login = |base: &str| {
            let BaseLocation::Site(site) = Base::parse(base).unwrap().location else { panic!("{base}") };
            http.login(&site, &site.url_of("latest").unwrap())
        };
        let basic = |name: &str| crate::upstream::base::basic(name, "pw");
        assert_eq!(login("https://url:pw@a.example"), basic("netrc"));
        assert_eq!(login("https://url:pw@b.example"), basic("url"));
        assert_eq!(login("https://b.example"), None);
        assert_eq!(login("http://a.example"), None);
    }

    #[tokio::test]
    async fn a_redirect_does_not_lead_to_a_name_that_resolves_to_a_private_address() {
        let listener = tokio::net::TcpListener::bind("localhost:0").await.unwrap();
        let url = Url::parse(&format!("http://localhost:{}/x", listener.local_addr().unwrap().port())).unwrap();
        let http = Http::new(HttpSettings::default());
        for floor in [AddressScope::Private, AddressScope::Public] {
            let failed = http.send(&url, floor, 0, None, &HeaderMap::new()).await.unwrap_err();
            assert_eq!((failed.kind, failed.transient), (FailureKind::Redirect, false), "{}", failed.why);
            assert_eq!(failed.why, "redirects to a private address, localhost");
        }
        let headers = HeaderMap::new();
        tokio::select! {
            came = listener.accept() => assert!(came.is_ok()),
            answered = http.send(&url, AddressScope::Local, 0, None, &headers) => panic!("{answered:?}"),
        }
    }
}
