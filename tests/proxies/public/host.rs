//! An https host on loopback in the place of every public address, and a network that resolves names and records the addresses
//! that were connected to. The host serves pages, redirects and a git repository.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use gosumcheck::upstream::{DirectAccess, Network, Outward, PublicAccess};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What a host answers at one URL, `HOST/PATH` without the query.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// a page whose head has this
    Page(String),
    Redirect(String),
    /// the git repository in this folder, at and below the path
    Repository(PathBuf),
}

/// The network.
#[derive(Debug)]
pub(super) struct World {
    names: HashMap<&'static str, &'static str>,
    server: SocketAddr,
    contacts: Mutex<Vec<SocketAddr>>,
}

impl Network for World {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        let found = self.names.get(host).map(|address| vec![address.parse().unwrap()]);
        async move { found.ok_or_else(|| io::ErrorKind::NotFound.into()) }.boxed()
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>> {
        self.contacts.lock().unwrap().push(address);
        TcpStream::connect(self.server).boxed()
    }
}

pub(super) fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/tls").join(name)
}

impl World {
    /// With these answers.
    pub(super) async fn new(answers: &[(&str, Answer)]) -> Arc<World> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = listener.local_addr().unwrap();
        let answers: Vec<(String, Answer)> =
            answers.iter().map(|(url, answer)| ((*url).to_owned(), answer.clone())).collect();
        tokio::spawn(serve(listener, Arc::new(answers)));
        let names = HashMap::from([
            ("git.example.com", "8.8.4.4"),
            ("vanity.example.com", "8.8.8.8"),
            ("evil.example.com", "9.9.9.9"),
            ("inner.example.com", "10.0.0.5"),
            ("local.example.com", "127.0.0.1"),
            ("metadata.example.com", "169.254.169.254"),
            ("nat64.example.com", "64:ff9b::a00:5"),
        ]);
        Arc::new(World { names, server, contacts: Mutex::default() })
    }

    pub(super) fn access(self: &Arc<World>) -> DirectAccess {
        let network: Arc<dyn Network> = Arc::<World>::clone(self);
        DirectAccess::Public(PublicAccess {
            network,
            outward: Arc::new(Outward::proxy("")),
            certificates: Some(testdata("authority.pem")),
            ..PublicAccess::default()
        })
    }

    /// The addresses that were connected to, each once.
    pub(super) fn contacts(&self) -> Vec<String> {
        let mut contacts: Vec<String> = self.contacts.lock().unwrap().iter().map(ToString::to_string).collect();
        contacts.sort();
        contacts.dedup();
        contacts
    }
}

async fn serve(listener: TcpListener, answers: Arc<Vec<(String, Answer)>>) {
    let certificates = CertificateDer::pem_file_iter(testdata("server.pem")).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(testdata("server.key")).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(certificates, key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (acceptor, answers) = (acceptor.clone(), Arc::clone(&answers));
        tokio::spawn(async move {
            // A client may reject our certificate, or break off.
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let _ = answer(&mut stream, &answers).await;
                let _ = stream.shutdown().await;
            }
        });
    }
}

/// One request, one answer.
async fn answer(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), answers: &[(String, Answer)]) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8(head).unwrap();
    let field = |wanted: &str| {
        let mut fields = head.lines().filter_map(|line| line.split_once(": "));
        fields.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.to_owned())
    };
    let mut body = vec![0; field("content-length").map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await?;
    let target = head.split(' ').nth(1).unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let url = format!("{}{path}", field("host").unwrap());
    let found = answers
        .iter()
        .find(|(at, _)| url.strip_prefix(at.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')));
    let (status, kind, fields, body) = match found {
        None => (404, "text/plain", String::new(), b"a stranger's words".to_vec()),
        Some((_, Answer::Page(page))) => {
            (200, "text/html", String::new(), format!("<html><head>{page}</head></html>").into_bytes())
        }
        Some((_, Answer::Redirect(to))) => (302, "text/plain", format!("Location: {to}\r\n"), Vec::new()),
        Some((at, Answer::Repository(folder))) => {
            let rest = url.strip_prefix(at.as_str()).unwrap();
            git(folder, rest, query, &field("git-protocol").unwrap_or_default(), field("content-encoding"), body).await
        }
    };
    let head = format!(
        "HTTP/1.1 {status} Status\r\nContent-Type: {kind}\r\n{fields}Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body).await
}

/// Git's smart HTTP protocol (gitprotocol-http), by way of `git upload-pack`.
async fn git(
    folder: &Path,
    path: &str,
    query: &str,
    protocol: &str,
    encoding: Option<String>,
    body: Vec<u8>,
) -> (u16, &'static str, String, Vec<u8>) {
    assert_eq!(encoding, None, "a test's requests are short");
    let (advertises, kind) = match (path, query) {
        ("/info/refs", "service=git-upload-pack") => (true, "application/x-git-upload-pack-advertisement"),
        ("/git-upload-pack", _) => (false, "application/x-git-upload-pack-result"),
        _ => return (404, "text/plain", String::new(), Vec::new()),
    };
    let mut command = Command::new("git");
    command.args(["upload-pack", "--stateless-rpc"]).args(advertises.then_some("--http-backend-info-refs"));
    command.arg(folder).env("GIT_PROTOCOL", protocol).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writes = async move { stdin.write_all(&body).await.unwrap() };
    let ((), output) = tokio::join!(writes, child.wait_with_output());
    let mut answer = if advertises { b"001e# service=git-upload-pack\n0000".to_vec() } else { Vec::new() };
    answer.extend(output.unwrap().stdout);
    (200, kind, String::new(), answer)
}
