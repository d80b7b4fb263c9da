//! The TLS identity of a server, as the settings name it, and how it gets a new one.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::reload::{Change, Part};
use crate::config::settings::{ClientCertificates, Settings, rows};
use crate::fault::Fault;
use crate::server::tls::{ClientAuth, Identity, Tls, TlsFiles};

/// The end of a certificate is warned of this often.
const WARN_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// The files that the settings name; none where they name no certificate.
fn files(settings: &Settings) -> Option<TlsFiles> {
    let (certificate, key) = settings.tls_certificate.clone().zip(settings.tls_key.clone())?;
    let client_auth = match settings.tls_client_auth {
        ClientCertificates::Optional => ClientAuth::Optional,
        ClientCertificates::Required => ClientAuth::Required,
    };
    Some(TlsFiles { certificate, key, client_authorities: settings.tls_client_ca.clone(), client_auth })
}

/// Reads and checks the files that the settings name; none where they name no certificate.
pub(super) fn open(settings: &Settings) -> Result<Option<Arc<Tls>>, Fault> {
    let Some(files) = files(settings) else { return Ok(None) };
    let identity = Identity::load(&files, SystemTime::now())?;
    warn(&identity);
    tracing::info!("TLS with the certificate {}", what(&identity));
    Ok(Some(Tls::new(identity)))
}

/// The identity, in a few words.
fn what(identity: &Identity) -> String {
    let (files, left) = (identity.files(), identity.time_left(SystemTime::now()));
    let clients = match (&files.client_authorities, files.client_auth) {
        (None, _) => "clients need none",
        (Some(_), ClientAuth::Optional) => "clients may have one",
        (Some(_), ClientAuth::Required) => "clients must have one",
    };
    format!("{} ({left}; {clients})", files.certificate.display())
}

fn warn(identity: &Identity) {
    identity.warnings().iter().for_each(|warning| tracing::warn!("{warning}"));
}

/// The files of TLS as a part of a reload.
pub(super) fn part(tls: Option<Arc<Tls>>) -> Part {
    Part {
        settings: vec![
            rows::tls_certificate.name,
            rows::tls_key.name,
            rows::tls_client_ca.name,
            rows::tls_client_auth.name,
        ],
        prepare: Box::new(move |_, settings| {
            // Without listeners for TLS the settings name no files.
            let (Some(tls), Some(files)) = (tls.clone(), files(settings)) else { return Ok(None) };
            change(tls, &files)
        }),
    }
}

/// The change to what is in the files now; none if that is served already.
fn change(tls: Arc<Tls>, files: &TlsFiles) -> Result<Option<Change>, Fault> {
    let identity = Identity::load(files, SystemTime::now())?;
    if identity.is_same(&tls.current()) {
        return Ok(None);
    }
    let what = format!("certificate {}", what(&identity));
    let apply = move || {
        warn(&identity);
        tls.replace(identity);
    };
    Ok(Some(Change { what, apply: Box::new(apply) }))
}

/// Reads the files again every `interval`, without end, and serves what is new in them if it is right; warns once a day of a
/// certificate that ends soon.
pub(super) async fn watch(tls: Arc<Tls>, every: Duration) {
    let mut ticks = interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last_error = None;
    let mut warned = Instant::now(); // at the start
    loop {
        ticks.tick().await;
        let current = Arc::clone(&tls);
        let read = tokio::task::spawn_blocking(move || {
            let files = current.current().files().clone();
            change(current, &files)
        });
        let error = match read.await {
            Ok(Ok(Some(change))) => {
                tracing::info!("the files of TLS have changed: {}", change.what);
                (change.apply)();
                None
            }
            Ok(Ok(None)) => None,
            Ok(Err(fault)) => Some(fault.to_string()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(error) = error.as_ref().filter(|error| last_error.as_ref() != Some(*error)) {
            tracing::warn!("the files of TLS have changed and are not right; the former ones are served on: {error}");
        }
        last_error = error;
        if warned.elapsed() >= WARN_INTERVAL {
            warned = Instant::now();
            tls.current().warn_of_time(SystemTime::now()).iter().for_each(|warning| tracing::warn!("{warning}"));
        }
    }
}
