//! The TLS identity of a server, as the settings name it.

use std::sync::Arc;
use std::time::SystemTime;

use crate::config::settings::{ClientCertificates, Settings};
use crate::fault::Fault;
use crate::server::tls::{ClientAuth, Identity, Tls, TlsFiles};

/// The files that the settings name; none where they name no certificate.
fn files(settings: &Settings) -> Option<TlsFiles> {
    let (certificate, key) = settings.tls_certificate.clone().zip(settings.tls_key.clone())?;
    let client_auth = match settings.tls_client_auth {
        ClientCertificates::Optional => ClientAuth::Optional,
        ClientCertificates::Required => ClientAuth::Required,
    };
    Some(TlsFiles { certificate, key, client_authorities: settings.tls_client_ca.clone(), client_auth })
}

/// Reads and checks the files that the settings name, and logs what is to be said of them; none where they name no certificate.
pub(super) fn open(settings: &Settings) -> Result<Option<Arc<Tls>>, Fault> {
    let Some(files) = files(settings) else { return Ok(None) };
    let identity = Identity::load(&files, SystemTime::now())?;
    identity.warnings().iter().for_each(|warning| tracing::warn!("{warning}"));
    tracing::info!(
        certificate = %files.certificate.display(),
        clients = if files.client_authorities.is_none() { "no certificate asked for" } else { "certificate asked for" },
        "TLS: the certificate is {}",
        identity.time_left(SystemTime::now())
    );
    Ok(Some(Tls::new(identity)))
}
