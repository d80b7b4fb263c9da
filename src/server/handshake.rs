//! What a connection does before its first request: a trusted proxy names its client, and hands are shaken for TLS. Until that is
//! over the connection counts as one with an unfinished header section, within the header timeout.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rustls::AlertDescription;
use tokio::io::AsyncWriteExt as _;
use tokio_rustls::TlsAcceptor;
use tokio_util::either::Either;

use super::conn::transport::{PlainSocket, Transport};
use super::forwarded;
use super::limits::MAX_TLS_BUFFER;
use super::tls::{ClientCertificate, Tls};

/// Sent to a client that speaks HTTP where TLS is spoken; a go command shows it.
const HTTP_TO_TLS: &[u8] =
    b"HTTP/1.0 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n\r\n\
                             this address speaks TLS: write https:// in place of http://\n";
/// How long that may take to send.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection over which requests may come.
pub(super) struct Opened {
    pub(super) transport: Transport,
    /// the client, if a proxy named it
    pub(super) client: Option<SocketAddr>,
    /// who the client has proved to be, if it has
    pub(super) certificate: Option<ClientCertificate>,
}

/// Gets an accepted connection ready for requests: with a PROXY header if it is `from_proxy`, and with TLS if there is an identity.
///
/// # Errors
/// Those of the socket and of TLS, and of what is not a PROXY header; the client is gone, or there is nothing more to say to it.
pub(super) async fn open(mut socket: PlainSocket, from_proxy: bool, tls: Option<&Tls>) -> io::Result<Opened> {
    let client = if from_proxy { forwarded::read_header(&mut socket).await? } else { None };
    match tls {
        Some(tls) => Ok(Opened { client, ..shake(socket, tls).await? }),
        None => Ok(Opened { client, ..Opened::from(socket) }),
    }
}

impl From<PlainSocket> for Opened {
    /// Nothing is to be done before requests may come.
    fn from(socket: PlainSocket) -> Opened {
        Opened { transport: Either::Left(socket), client: None, certificate: None }
    }
}

/// Shakes hands.
async fn shake(mut socket: PlainSocket, tls: &Tls) -> io::Result<Opened> {
    // A TLS record begins with a number (RFC 8446 section 5.1), an HTTP request with a letter.
    if socket.first_byte().await?.is_some_and(|first| first.is_ascii_uppercase()) {
        // The client may take no byte, and is not waited for.
        let _ = tokio::time::timeout(REFUSAL_TIMEOUT, socket.write_all(HTTP_TO_TLS)).await;
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the client speaks HTTP without TLS"));
    }
    let acceptor = TlsAcceptor::from(tls.current().config());
    let accepting = acceptor.accept_with(socket, |session| session.set_buffer_limit(Some(MAX_TLS_BUFFER)));
    let stream = accepting.await?;
    let (_, session) = stream.get_ref();
    let certificate = session.peer_certificates().and_then(|chain| chain.first());
    let certificate = certificate.map(|der| ClientCertificate::read(der).map_err(io::Error::other)).transpose()?;
    Ok(Opened { transport: Either::Right(Box::new(stream)), client: None, certificate })
}

/// Whether a failed handshake says something about this server's certificate, which its operator should know.
pub(super) fn is_our_certificate(error: &io::Error) -> bool {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    matches!(
        cause,
        Some(rustls::Error::AlertReceived(
            AlertDescription::BadCertificate
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateUnknown
                | AlertDescription::UnknownCA
                | AlertDescription::UnsupportedCertificate
        ))
    )
}
