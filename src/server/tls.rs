//! TLS for clients: a certificate and its key, read from files, checked whole, and replaced while the server runs.
//!
//! A handshake takes the identity once, so a connection keeps the one that it began with. Sessions are resumed by tickets whose
//! key lives as long as the identity: after a reload every client shows its certificate again.

mod certificate;
mod files;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::{Mutex, RwLock};
use rustls::crypto::aws_lc_rs::{self, Ticketer};
use rustls::server::{ServerConfig, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};

pub use certificate::ClientCertificate;
pub use files::{ClientAuth, TlsFiles};

use crate::fault::Fault;
use crate::files::CertificatePeriod;

/// What is offered in ALPN (RFC 7301): HTTP/2 where the client knows it.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// A certificate with its key, ready to be served, and what is to be said of it.
#[derive(Debug)]
pub struct Identity {
    config: Arc<ServerConfig>,
    validity: CertificatePeriod,
    files: TlsFiles,
    /// the bytes of the files: what is the same needs no reload
    bytes: Vec<Vec<u8>>,
    warnings: Vec<String>,
}

impl Identity {
    /// Reads and checks the files; `now` is compared with the time for which the certificate is valid.
    ///
    /// # Errors
    /// `Usage`, with the file and what is wrong with it.
    pub fn load(files: &TlsFiles, now: SystemTime) -> Result<Identity, Fault> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let read = files::read(files, &provider)?;
        let unusable = |error: rustls::Error| {
            Fault::Usage(format!("{}: TLS cannot use this certificate: {error}", files.certificate.display()))
        };
        let verifier = match &read.authorities {
            None => WebPkiClientVerifier::no_client_auth(),
            Some(authorities) => {
                let builder =
                    WebPkiClientVerifier::builder_with_provider(Arc::clone(authorities), Arc::clone(&provider));
                let builder = match files.client_auth {
                    ClientAuth::Optional => builder.allow_unauthenticated(),
                    ClientAuth::Required => builder,
                };
                builder.build().map_err(|error| {
                    let path = files.client_authorities.as_deref().unwrap_or(&files.certificate);
                    Fault::Usage(format!("{}: TLS cannot use these certificates: {error}", path.display()))
                })?
            }
        };
        let config = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&TLS13, &TLS12]);
        let resolver = SingleCertAndKey::from(CertifiedKey::new(read.chain, read.key));
        let config = config.map_err(unusable)?.with_client_cert_verifier(verifier);
        let mut config = config.with_cert_resolver(Arc::new(resolver));
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
        config.ticketer = Ticketer::new().map_err(unusable)?;
        let mut identity = Identity {
            config: Arc::new(config),
            validity: read.validity,
            files: files.clone(),
            bytes: read.bytes,
            warnings: read.warnings,
        };
        identity.warnings.extend(identity.warn_of_time(now));
        Ok(identity)
    }

    /// What a handshake uses.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// What is to be said of the files, though they can be served.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The file with the certificate.
    pub(super) fn certificate(&self) -> &Path {
        &self.files.certificate
    }

    /// When the certificate ends, in seconds since 1970.
    pub(super) fn not_after(&self) -> u64 {
        self.validity.not_after.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    /// Whether it was made of the same files, with the same bytes.
    pub fn is_same(&self, other: &Identity) -> bool {
        self.files == other.files && self.bytes == other.bytes
    }

    /// The files that it was made of.
    pub fn files(&self) -> &TlsFiles {
        &self.files
    }

    /// The days that the certificate is still valid for at `now`, or how long it has been invalid.
    pub fn time_left(&self, now: SystemTime) -> String {
        match self.validity.not_after.duration_since(now) {
            Ok(left) => format!("valid for {}", days(left)),
            Err(error) => format!("expired {} ago", days(error.duration())),
        }
    }

    /// What is to be said at `now` of the time for which the certificate is valid; none if that is long.
    pub fn warn_of_time(&self, now: SystemTime) -> Option<String> {
        let path = self.files.certificate.display();
        if let Ok(wait) = self.validity.not_before.duration_since(now)
            && wait > Duration::ZERO
        {
            return Some(format!("{path}: the certificate is not valid yet, for {}: clients refuse it", days(wait)));
        }
        match self.validity.not_after.duration_since(now) {
            Ok(left) if left > CertificatePeriod::ENDS_SOON => None,
            Ok(left) => Some(format!("{path}: the certificate expires in {}; replace it and reload", days(left))),
            Err(error) => {
                let since = days(error.duration());
                Some(format!("{path}: the certificate expired {since} ago: clients refuse it; replace it and reload"))
            }
        }
    }
}

/// Whole days, in words.
fn days(time: Duration) -> String {
    match CertificatePeriod::days(time) {
        0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

/// Clients that refuse the certificate are logged at most once in this time: anybody can cause such a line.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// The identity that handshakes use now.
#[derive(Debug)]
pub struct Tls {
    /// guards the identity; locked for one clone of an `Arc`
    current: RwLock<Arc<Identity>>,
    /// guards the time of the last line about a client that refuses the certificate; locked for one comparison
    last_logged: Mutex<Option<Instant>>,
}

impl Tls {
    /// Handshakes use this identity.
    pub fn new(identity: Identity) -> Arc<Tls> {
        Arc::new(Tls { current: RwLock::new(Arc::new(identity)), last_logged: Mutex::new(None) })
    }

    /// The identity of the next handshake.
    pub fn current(&self) -> Arc<Identity> {
        Arc::clone(&self.current.read())
    }

    /// Handshakes that begin from now on use another identity; those under way and open connections are not touched.
    pub fn replace(&self, identity: Identity) {
        *self.current.write() = Arc::new(identity);
    }

    /// Logs that a client refuses the certificate, unless that was done within the minute.
    pub(super) fn log_refusal(&self, peer: SocketAddr, why: &str, now: Instant) {
        let mut last = self.last_logged.lock();
        if last.is_none_or(|last| now.duration_since(last) >= LOG_INTERVAL) {
            *last = Some(now);
            tracing::warn!(%peer, "a client refuses the certificate of this server: {why}");
        }
    }
}
