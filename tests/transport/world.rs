//! Certificates of a private authority, a server in a process of its own, and a client that speaks TLS.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tempfile::TempDir;

use crate::common::Serving;

/// A test that hangs fails after this.
const PATIENCE: Duration = Duration::from_secs(60);

/// The names of the server's certificate.
const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

/// A certificate and its key, in PEM form and as they are.
pub(crate) struct Issued {
    pub(crate) pem: String,
    pub(crate) key_pem: String,
    pub(crate) der: CertificateDer<'static>,
    key_der: Vec<u8>,
}

/// An authority.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.as_ref().pem()
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        self.0.as_ref().der().clone()
    }

    /// A certificate that `change` may change before it is signed.
    pub(crate) fn issue(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let mut params = CertificateParams::new(NAMES.map(str::to_owned)).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Issued {
            pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            der: certificate.der().clone(),
            key_der: key.serialize_der(),
        }
    }

    pub(crate) fn plain(&self, name: &str) -> Issued {
        self.issue(name, |_| {})
    }

    /// A certificate that ended in 2020.
    pub(crate) fn expired(&self, name: &str) -> Issued {
        self.issue(name, |params| params.not_after = date_time_ymd(2020, 1, 1))
    }
}

/// A folder with the server's files.
pub(crate) struct Files {
    pub(crate) dir: TempDir,
}

impl Files {
    pub(crate) fn empty() -> Files {
        Files { dir: tempfile::tempdir().unwrap() }
    }

    /// `cert.pem` and `key.pem` of a certificate.
    pub(crate) fn of(issued: &Issued) -> Files {
        let files = Files::empty();
        files.put(issued);
        files
    }

    /// Writes `cert.pem` and `key.pem`.
    pub(crate) fn put(&self, issued: &Issued) {
        self.write("cert.pem", &issued.pem);
        self.write("key.pem", &issued.key_pem);
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// `gosumcheck serve` in the folder of the files, over an empty data folder, with no way to the network.
pub(crate) fn command(files: &Files, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
    command.args(["serve", "--data", "data"]).args(args).current_dir(files.dir.path());
    command.env_clear().env("HOME", files.dir.path()).env("GOENV", "off");
    command
}

/// The flags of a server that speaks TLS alone.
pub(crate) const TLS: [&str; 8] =
    ["--listen", "none", "--tls-listen", "127.0.0.1:0", "--tls-cert", "cert.pem", "--tls-key", "key.pem"];

/// A server that speaks TLS alone, offline.
pub(crate) fn serve(files: &Files, args: &[&str]) -> Serving {
    Serving::start(&mut command(files, &[&TLS[..], &["--offline"], args].concat()))
}

/// Where a server is.
pub(crate) fn at(serving: &Serving) -> SocketAddr {
    serving.url.split_once("://").unwrap().1.parse().unwrap()
}

/// A client that trusts this authority alone.
pub(crate) fn client(authority: &Authority, own: Option<&Issued>) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.der()).unwrap();
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(rustls::ALL_VERSIONS).unwrap();
    let config = config.with_root_certificates(roots);
    match own {
        None => config.with_no_client_auth(),
        Some(own) => {
            let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.key_der.clone()));
            config.with_client_auth_cert(vec![own.der.clone()], key).unwrap()
        }
    }
}

pub(crate) type Stream = StreamOwned<ClientConnection, TcpStream>;

pub(crate) fn tcp(at: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// A connection whose handshake has not begun.
pub(crate) fn connect(at: SocketAddr, config: &ClientConfig) -> Stream {
    let name = ServerName::try_from("localhost").unwrap();
    StreamOwned::new(ClientConnection::new(Arc::new(config.clone()), name).unwrap(), tcp(at))
}

/// What comes back for `GET path`, head and body, over a connection that is closed after it.
pub(crate) fn get(at: SocketAddr, config: &ClientConfig, path: &str) -> Result<String, String> {
    ask(&mut connect(at, config), path)
}

/// The same over an open connection.
pub(crate) fn ask(stream: &mut Stream, path: &str) -> Result<String, String> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(|error| error.to_string())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// The same without TLS.
pub(crate) fn get_plain(at: SocketAddr, request: &str) -> String {
    let mut stream = tcp(at);
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // The server may reset a connection whose bytes it did not read.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}
