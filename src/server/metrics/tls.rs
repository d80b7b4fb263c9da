//! The gauge of the TLS certificate.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::server::tls::Tls;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByFile {
    file: String,
}

/// When each certificate ends.
#[derive(Debug, Default)]
pub(crate) struct Certificates(Family<ByFile, Gauge>);

impl Certificates {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let help = "When the TLS certificate that is served expires; the days left are (this - time()) / 86400";
        registry.register("tls_certificate_expiry_timestamp_seconds", help, self.0.clone());
    }

    /// Sets the gauge to the certificate that is served now.
    pub(crate) fn set(&self, tls: &Tls) {
        let identity = tls.current();
        let label = ByFile { file: identity.certificate().display().to_string() };
        // A reload may have named another file.
        self.0.clear();
        self.0.get_or_create(&label).set(i64::try_from(identity.not_after()).unwrap_or(i64::MAX));
    }
}
