//! Which certificates connections are checked against. All connections share one configuration: so the system's certificates are
//! read once, which takes 20 ms, and a new connection resumes the TLS session of an earlier one.

use std::sync::{Arc, OnceLock};

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

/// The protocols that are offered, the preferred one first (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The configurations, each made at its first use.
#[derive(Debug, Default)]
pub(super) struct TlsConfigs {
    with_system: OnceLock<Result<ClientConfig, String>>,
    only_own: OnceLock<Result<ClientConfig, String>>,
}

impl TlsConfigs {
    /// With the system's root certificates and `own` ones.
    ///
    /// # Errors
    /// The system has none, or one of `own` is none: why, for people.
    pub(super) fn with_system(&self, own: &[CertificateDer<'static>]) -> Result<ClientConfig, String> {
        let make = || {
            let verifier = Verifier::new_with_extra_roots(own.iter().cloned(), provider());
            let verifier = verifier.map_err(|error| error.to_string())?;
            let versions = ClientConfig::builder_with_provider(provider()).with_protocol_versions(rustls::ALL_VERSIONS);
            let versions = versions.map_err(|error| error.to_string())?;
            let checked = versions.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
            Ok(with_protocols(checked.with_no_client_auth()))
        };
        self.with_system.get_or_init(make).clone()
    }

    /// With `own` root certificates alone.
    ///
    /// # Errors
    /// One of `own` is none: why, for people.
    pub(super) fn only_own(&self, own: &[CertificateDer<'static>]) -> Result<ClientConfig, String> {
        let make = || {
            let mut roots = RootCertStore::empty();
            for certificate in own {
                roots.add(certificate.clone()).map_err(|error| error.to_string())?;
            }
            let versions = ClientConfig::builder_with_provider(provider()).with_protocol_versions(rustls::ALL_VERSIONS);
            let versions = versions.map_err(|error| error.to_string())?;
            Ok(with_protocols(versions.with_root_certificates(roots).with_no_client_auth()))
        };
        self.only_own.get_or_init(make).clone()
    }
}

fn provider() -> Arc<CryptoProvider> {
    CryptoProvider::get_default().cloned().unwrap_or_else(|| Arc::new(aws_lc_rs::default_provider()))
}

fn with_protocols(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    config
}
