//! What a new connection to a server costs, phase by phase: the name, the handshake of TCP, the handshake of TLS; and what the server
//! showed on the way. The HTTP library hides these phases, so they are taken here, over a connection that is closed at once.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;

use super::base::{Base, BaseLocation, is_loopback};
use super::http::agent::Http;
use crate::fault::Fault;
use crate::files::CertificatePeriod;

/// Addresses of one name that are tried.
const MAX_ADDRESSES: usize = 4;

/// The phases of a new connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phases {
    /// until the name had an address
    pub dns: Duration,
    /// until TCP was connected
    pub connect: Duration,
    /// none where the URL is plain http
    pub tls: Option<TlsPhase>,
}

/// The handshake of TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsPhase {
    /// how long it took
    pub handshake: Duration,
    /// whether the server chose HTTP/2 (ALPN, RFC 7301)
    pub is_http2: bool,
    /// when the server's certificate ends; none where that cannot be read
    pub not_after: Option<SystemTime>,
}

/// Connects to a server as a request of `http` would, within its bound for connections, and closes the connection. None where
/// requests to it go through an outbound proxy of the environment, or where it is a folder: there are no such phases then.
///
/// # Errors
/// `Unavailable`: it cannot be reached, or its certificate is refused.
pub async fn phases(http: &Http, base: &Base) -> Result<Option<Phases>, Fault> {
    let BaseLocation::Site(site) = &base.location else { return Ok(None) };
    if goes_through_a_proxy(&site.url) {
        return Ok(None);
    }
    let connected = tokio::time::timeout(http.settings().connect, connected(http, &site.url)).await;
    let late = |_| Err(format!("timed out: no connection within {:?}", http.settings().connect));
    connected.unwrap_or_else(late).map(Some).map_err(|why| Fault::upstream(base.to_string(), why))
}

fn goes_through_a_proxy(url: &Url) -> bool {
    let uri = url.as_str().parse().ok();
    !is_loopback(url) && uri.is_some_and(|uri| Matcher::from_env().intercept(&uri).is_some())
}

/// The phases, or why there is no connection.
async fn connected(http: &Http, url: &Url) -> Result<Phases, String> {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let port = url.port_or_known_default().unwrap_or(443);
    let (addresses, dns) = timed(lookup_host((bare, port))).await;
    let addresses = addresses.map_err(|error| format!("cannot find the host: {error}"))?;
    let mut failed = "cannot find the host: it has no address".to_owned();
    for address in addresses.take(MAX_ADDRESSES) {
        let (stream, connect) = timed(TcpStream::connect(address)).await;
        match stream {
            Ok(stream) => {
                let tls = if url.scheme() == "https" { Some(handshake(http, url, bare, stream).await?) } else { None };
                return Ok(Phases { dns, connect, tls });
            }
            Err(error) => failed = format!("cannot connect: {}", crate::files::explain(&error)),
        }
    }
    Err(failed)
}

async fn handshake(http: &Http, url: &Url, host: &str, stream: TcpStream) -> Result<TlsPhase, String> {
    let config = http.tls(url)?;
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    let (stream, handshake) = timed(TlsConnector::from(Arc::new(config)).connect(name, stream)).await;
    let stream = stream.map_err(|error: io::Error| format!("TLS: {error}"))?;
    let (_, session) = stream.get_ref();
    let period = session.peer_certificates().and_then(|chain| CertificatePeriod::read(chain.first()?));
    let not_after = period.map(|period| period.not_after);
    Ok(TlsPhase { handshake, is_http2: session.alpn_protocol() == Some(b"h2"), not_after })
}

async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let began = Instant::now();
    let done = work.await;
    (done, began.elapsed())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::upstream::Settings;

    /// A server behind TLS, and its certificate in PEM form: it offers HTTP/2, and ends in 2975.
    async fn tls_server() -> (std::net::SocketAddr, String) {
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(2975, 1, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let private = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider).with_protocol_versions(rustls::ALL_VERSIONS);
        let config = config.unwrap().with_no_client_auth();
        let mut config = config.with_single_cert(vec![certificate.der().clone()], private).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = acceptor.accept(stream).await; // the client may refuse the certificate
            }
        });
        (address, certificate.pem())
    }

    #[tokio::test]
    async fn the_handshake_shows_the_protocol_and_the_end_of_the_certificate() {
        let (address, pem) = tls_server().await;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), pem).unwrap();
        let access = crate::upstream::Access::default().certificates(file.path()).unwrap();
        let http = Http::new(Settings { access, ..Settings::default() });
        let base = Base::parse(&format!("https://localhost:{}", address.port())).unwrap();
        let tls = phases(&http, &base).await.unwrap().unwrap().tls.unwrap();
        assert!(tls.is_http2);
        let ends = tls.not_after.unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(ends.as_secs(), 31_714_761_600);
        // Not a certificate that this machine trusts.
        let refused = phases(&Http::new(Settings::default()), &base).await.unwrap_err().to_string();
        assert!(refused.contains("TLS: "), "{refused}");
    }

    #[tokio::test]
    async fn plain_http_has_no_handshake_and_a_folder_no_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let http = Http::new(Settings::default());
        let base = |text: &str| Base::parse(text).unwrap();
        let phases_of = async |text: String| phases(&http, &base(&text)).await;
        assert_eq!(phases_of(format!("http://{address}")).await.unwrap().unwrap().tls, None);
        assert_eq!(phases_of("file:///srv".to_owned()).await.unwrap(), None);
        drop(listener);
        let refused = phases_of(format!("http://{address}")).await.unwrap_err().to_string();
        assert!(refused.contains("cannot connect: "), "{refused}");
    }
}
