//! What stands before a mirror: a way that takes a while, or TLS with a certificate of a private authority.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy, copy_bidirectional, split};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// How late each request arrives at a mirror far away. Every other one of the tests answers in a few milliseconds.
const LATE: Duration = Duration::from_millis(300);

/// Serves connections to `listener` for as long as the process lives.
fn serve<F: Future<Output = ()> + Send + 'static>(answer: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream));
            }
        });
    });
    address
}

/// The URL of a mirror to which each request takes a while.
pub fn far(mirror: SocketAddr) -> String {
    let address = serve(move |client| async move {
        let Ok(server) = TcpStream::connect(mirror).await else { return };
        let ((mut from_client, mut to_client), (mut from_server, mut to_server)) = (split(client), split(server));
        let requests = async {
            let mut bytes = vec![0; 64 << 10];
            while let Ok(read @ 1..) = from_client.read(&mut bytes).await {
                tokio::time::sleep(LATE).await; // the length of the way
                if to_server.write_all(&bytes[..read]).await.is_err() {
                    break;
                }
            }
            let _ = to_server.shutdown().await;
        };
        let _ = tokio::join!(requests, copy(&mut from_server, &mut to_client));
    });
    format!("http://{address}")
}

/// A private authority.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its own certificate.
    pub fn pem(&self) -> String {
        self.0.as_ref().pem()
    }

    /// The URL of a mirror behind TLS, whose certificate ends in so many days and an hour; before now where that is negative.
    pub fn front(&self, mirror: SocketAddr, days: i64) -> String {
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let (now, left) = (SystemTime::now(), Duration::from_secs(days.unsigned_abs() * 24 * 3600 + 3600));
        params.not_before = (now - Duration::from_secs(400 * 24 * 3600)).into();
        params.not_after = if days < 0 { now - left } else { now + left }.into();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider).with_protocol_versions(rustls::ALL_VERSIONS).unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], private).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let address = serve(move |client| {
            let acceptor = acceptor.clone();
            async move {
                let Ok(mut client) = acceptor.accept(client).await else { return };
                let Ok(mut server) = TcpStream::connect(mirror).await else { return };
                let _ = copy_bidirectional(&mut client, &mut server).await; // either may leave
            }
        });
        format!("https://{address}")
    }
}
