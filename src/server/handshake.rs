//! What a connection does before its first request: the TLS handshake. Until it is over the connection counts as one with an
//! unfinished header section, within the header timeout.

use std::io;
use std::time::Duration;

use rustls::AlertDescription;
use tokio::io::AsyncWriteExt as _;
use tokio_rustls::TlsAcceptor;

use super::conn::transport::{PlainSocket, Transport};
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
    /// who the client has proved to be, if it has
    pub(super) certificate: Option<ClientCertificate>,
}

/// Shakes hands over an accepted connection.
///
/// # Errors
/// Those of the socket and of TLS; the client is gone, or there is nothing more to say to it.
pub(super) async fn shake(mut socket: PlainSocket, tls: &Tls) -> io::Result<Opened> {
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
    Ok(Opened { transport: Transport::Tls(Box::new(stream)), certificate })
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
