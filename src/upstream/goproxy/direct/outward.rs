//! The operator's own outbound proxy (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`): where one is set, the connections of public
//! modules are tunnelled through it. It resolves names itself, so it has to refuse private addresses itself.

use std::fmt;
use std::io;

use hyper::Uri;
use hyper::service::Service as _;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;

/// The error for other proxies.
const ONLY: &str = "an http:// or socks5:// URL is needed";

/// Which hosts are reached through which proxy.
pub struct Outward(Matcher);

/// The proxy for one host.
pub(super) struct OutwardProxy(Intercept);

impl fmt::Debug for Outward {
    // A proxy's URL may have a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outward")
    }
}

impl Outward {
    /// As the environment says.
    pub fn from_env() -> Outward {
        let outward = Outward(Matcher::from_env());
        if let Some(proxy) = outward.for_host("proxy.golang.org")
            && !matches!(proxy.0.uri().scheme_str(), Some("http" | "socks5" | "socks5h"))
        {
            tracing::warn!("direct cannot use the outbound proxy of the environment: {ONLY}");
        }
        outward
    }

    /// This proxy for every host: `http://` or `socks5://[NAME:PASSWORD@]HOST[:PORT]`; none for an empty text.
    pub fn proxy(url: &str) -> Outward {
        Outward(Matcher::builder().https(url.to_owned()).build())
    }

    pub(super) fn for_host(&self, host: &str) -> Option<OutwardProxy> {
        let uri: Uri = format!("https://{host}/").parse().ok()?;
        self.0.intercept(&uri).map(OutwardProxy)
    }
}

impl OutwardProxy {
    /// A tunnel through it.
    pub(super) async fn connect(&self, host: &str, port: u16) -> io::Result<TcpStream> {
        let to: Uri = format!("https://{host}:{port}").parse().map_err(io::Error::other)?;
        let (proxy, http) = (self.0.uri().clone(), HttpConnector::new());
        let stream = match proxy.scheme_str() {
            Some("http") => {
                let tunnel = Tunnel::new(proxy, http);
                let tunnel = match self.0.basic_auth() {
                    Some(login) => tunnel.with_auth(login.clone()),
                    None => tunnel,
                };
                TowerToHyperService::new(tunnel).call(to).await.map_err(io::Error::other)?
            }
            Some("socks5" | "socks5h") => {
                let http = {
                    let mut http = http;
                    http.enforce_http(false);
                    http
                };
                let socks = SocksV5::new(proxy, http).local_dns(false);
                let socks = match self.0.raw_auth() {
                    Some((name, password)) => socks.with_auth(name.to_owned(), password.to_owned()),
                    None => socks,
                };
                TowerToHyperService::new(socks).call(to).await.map_err(io::Error::other)?
            }
            _ => return Err(io::Error::other(ONLY)),
        };
        Ok(stream.into_inner())
    }
}
