//! The files of an identity: the certificate with its chain, the key, and the authorities of clients. Each is read whole, and
//! what is wrong with one is said with its name and what to do.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey};

use super::certificate::Certificate;
use crate::fault::Fault;
use crate::files::{self, CertificatePeriod};
use crate::sumdb::number::wide;

/// The longest file that is read, in bytes.
const LIMIT: u64 = 4 << 20;
/// Permissions of users who are neither the owner nor in the group.
const OTHERS: u32 = 0o007;

/// Whether a client must have a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientAuth {
    /// a client without one is served, and is nobody in particular
    Optional,
    /// a client without one gets no connection
    #[default]
    Required,
}

/// The files of an identity, in PEM form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// the server's certificate, then those that lead to its authority
    pub certificate: PathBuf,
    /// its private key
    pub key: PathBuf,
    /// the authorities of client certificates; none asks no client for one
    pub client_authorities: Option<PathBuf>,
    /// whether a client must have a certificate
    pub client_auth: ClientAuth,
}

/// What the files have.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: Arc<dyn SigningKey>,
    pub(super) authorities: Option<Arc<RootCertStore>>,
    pub(super) validity: CertificatePeriod,
    /// the bytes of each
    pub(super) bytes: Vec<Vec<u8>>,
    pub(super) warnings: Vec<String>,
}

/// Reads and checks the files.
///
/// # Errors
/// `Usage`, with the file and what is wrong with it.
pub(super) fn read(named: &TlsFiles, provider: &CryptoProvider) -> Result<Contents, Fault> {
    let mut warnings = Vec::new();
    let of_certificate = bytes(&named.certificate, |_| {})?;
    let chain = certificates(&named.certificate, &of_certificate)?;
    let of_key = bytes(&named.key, |mode| {
        if mode & OTHERS != 0 {
            let path = named.key.display();
            warnings.push(format!("{path}: every user of this machine can read or write the key: chmod o= {path}"));
        }
    })?;
    let key = private_key(&named.key, &of_key, provider)?;
    fits(named, &chain, &key)?;
    let parsed = parse(&named.certificate, &chain)?;
    warnings.extend(look_at(&named.certificate, &parsed));
    let validity = parsed.first().map(Certificate::validity).ok_or_else(|| none(&named.certificate))?;
    let mut bytes_of = vec![of_certificate, of_key];
    let authorities = match &named.client_authorities {
        None => None,
        Some(path) => {
            let read = bytes(path, |_| {})?;
            let authorities = roots(path, &read)?;
            bytes_of.push(read);
            Some(Arc::new(authorities))
        }
    };
    Ok(Contents { chain, key, authorities, validity, bytes: bytes_of, warnings })
}

fn usage(path: &Path, why: &str) -> Fault {
    Fault::Usage(format!("{}: {why}", path.display()))
}

fn none(path: &Path) -> Fault {
    usage(path, files::NO_CERTIFICATES)
}

/// The bytes of a file, whose mode `look` sees.
fn bytes(path: &Path, look: impl FnOnce(u32)) -> Result<Vec<u8>, Fault> {
    let failed = |error| usage(path, &format!("cannot be read: {}", files::explain(&error)));
    let file = files::open_named(path).map_err(failed)?;
    look(file.metadata().map_err(failed)?.permissions().mode());
    let bytes = files::read_bounded(file, LIMIT).map_err(failed)?;
    if wide(bytes.len()) > LIMIT {
        return Err(usage(path, "has more than 4 MiB; a chain of certificates has a few thousand bytes"));
    }
    Ok(bytes)
}

fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let read = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let read = read.map_err(|error| usage(path, &format!("is not PEM: {error}")))?;
    if read.is_empty() { Err(none(path)) } else { Ok(read) }
}

fn parse(path: &Path, chain: &[CertificateDer<'_>]) -> Result<Vec<Certificate>, Fault> {
    let each = chain.iter().enumerate().map(|(number, der)| {
        Certificate::parse(der).map_err(|why| usage(path, &format!("certificate {}: {why}", number + 1)))
    });
    each.collect()
}

fn private_key(path: &Path, pem: &[u8], provider: &CryptoProvider) -> Result<Arc<dyn SigningKey>, Fault> {
    let has = |words: &[u8]| pem.windows(words.len()).any(|window| window == words);
    if has(b"BEGIN ENCRYPTED PRIVATE KEY") || has(b"Proc-Type: 4,ENCRYPTED") {
        let name = path.display();
        let why = format!("the key is encrypted; write it without a password: openssl pkey -in {name} -out KEY");
        return Err(usage(path, &why));
    }
    let key = PrivateKeyDer::from_pem_slice(pem).map_err(|error| match error {
        rustls::pki_types::pem::Error::NoItemsFound => usage(path, "has no private key in PEM form"),
        error => usage(path, &format!("is not PEM: {error}")),
    })?;
    let why =
        "the key is of no kind that TLS uses here (RSA of 2048 to 8192 bits, ECDSA on P-256, P-384 or P-521, Ed25519)";
    provider.key_provider.load_private_key(key).map_err(|_| usage(path, why))
}

/// Whether the key is that of the first certificate.
fn fits(named: &TlsFiles, chain: &[CertificateDer<'static>], key: &Arc<dyn SigningKey>) -> Result<(), Fault> {
    let matches = |certificate: &CertificateDer<'static>| {
        CertifiedKey::new(vec![certificate.clone()], Arc::clone(key)).keys_match()
    };
    let (certificate, key) = (named.certificate.display(), named.key.display());
    match chain.first().map(matches) {
        Some(Ok(())) => Ok(()),
        Some(Err(rustls::Error::InconsistentKeys(_))) if chain.iter().any(|other| matches(other).is_ok()) => {
            let why = format!("the certificate of the key {key} must be the first one of the file, then its issuers");
            Err(usage(&named.certificate, &why))
        }
        Some(Err(rustls::Error::InconsistentKeys(_))) => {
            Err(Fault::Usage(format!("{key}: is not the key of the certificate in {certificate}")))
        }
        Some(Err(error)) => Err(usage(&named.certificate, &format!("certificate 1: {error}"))),
        None => Err(none(&named.certificate)),
    }
}

/// What is to be said of a chain that can be served.
fn look_at(path: &Path, chain: &[Certificate]) -> Vec<String> {
    let path = path.display();
    let mut warnings = Vec::new();
    if chain.first().is_some_and(|own| !own.names_hosts()) {
        warnings.push(format!("{path}: the certificate names no host (subjectAltName): the go command refuses it"));
    }
    if chain.array_windows().any(|[one, next]| !next.is_issuer_of(one)) {
        warnings
            .push(format!("{path}: the certificates are not a chain: each must be followed by the one that issued it"));
    }
    warnings
}

fn roots(path: &Path, pem: &[u8]) -> Result<RootCertStore, Fault> {
    let mut roots = RootCertStore::empty();
    for (number, certificate) in certificates(path, pem)?.into_iter().enumerate() {
        let why = |error| usage(path, &format!("certificate {}: not an authority: {error}", number + 1));
        roots.add(certificate).map_err(why)?;
    }
    Ok(roots)
}
