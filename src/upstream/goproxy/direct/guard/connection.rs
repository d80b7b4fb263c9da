//! One connection to the guard carries one request. git and hg get a tunnel to a host, the go command a go-import page, and
//! everything else is refused.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::head::RequestHead;
use super::{GuardClient, GuardInner, page, tunnel};
use crate::upstream::goproxy::direct::host_error::HostError;
use crate::upstream::goproxy::direct::network::{self, PORT, public_name};

/// For a request's head, which comes from this machine.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

impl GuardInner {
    /// Serves one connection, which carries one request. A client that breaks off gets no further handling.
    pub(super) async fn serve(&self, mut stream: TcpStream) {
        let Ok(Ok(head)) = timeout(HEAD_TIMEOUT, RequestHead::read(&mut stream)).await else { return };
        let answer = match (self.client(&head), head.method.as_str()) {
            (None, _) => answer("407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"direct\"", ""),
            (Some(GuardClient::Vcs), "CONNECT") => match self.tunnel(stream, head).await {
                Some(returned) => {
                    stream = returned;
                    answer("403 Forbidden", "")
                }
                None => return,
            },
            (Some(GuardClient::Go), "GET") => self.page(&head).await,
            (Some(_), _) => answer("403 Forbidden", ""),
        };
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.shutdown().await;
    }

    /// Carries a tunnel to its end; gives the stream back where the tunnel is refused.
    async fn tunnel(&self, mut stream: TcpStream, head: RequestHead) -> Option<TcpStream> {
        let (host, port) = head.target.rsplit_once(':').unwrap_or((&head.target, ""));
        let connected = match public_name(host) {
            Ok(_) if port != PORT.to_string() => {
                Err(HostError::Refused(format!("{host}: public modules are fetched only from port {PORT}")))
            }
            Ok(name) => network::connect(&*self.access.network, &self.access.outward, &name, self.access.connect).await,
            Err(host_error) => Err(host_error),
        };
        let mut there = match connected {
            Ok(there) => there,
            Err(host_error) => {
                self.host_errors.note(host_error);
                return Some(stream);
            }
        };
        let opened = async {
            stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
            there.write_all(&head.rest).await
        };
        if opened.await.is_ok()
            && let Err(host_error) = tunnel::carry(stream, there, host, &self.meter, self.access.silence).await
        {
            self.host_errors.note(host_error);
        }
        None
    }

    /// The go-import page that the go command asks for.
    async fn page(&self, head: &RequestHead) -> String {
        let path = head.target.strip_prefix("http://").and_then(|target| target.strip_suffix("?go-get=1"));
        let Some(path) = path else { return answer("403 Forbidden", "") };
        let host = path.split_once('/').map_or(path, |(host, _)| host);
        let came = async {
            public_name(host)?;
            let certificates = self.access.certificates.as_deref();
            let client = || async { page::client(&self.url(GuardClient::Vcs), certificates, self.access.silence) };
            let client = self.http.get_or_try_init(client).await.map_err(|why| {
                tracing::warn!("direct: cannot ask over https: {why}");
                HostError::Unreachable(host.to_owned())
            })?;
            page::page(client, path, &self.host_errors).await
        };
        match came.await {
            Ok(page) => answer(&format!("{} {}", page.status, reason(page.status)), &page.body),
            Err(host_error) => {
                // The error of its tunnel says more.
                if self.host_errors.is_none() || matches!(host_error, HostError::Refused(_) | HostError::NotPublic(_)) {
                    self.host_errors.note(host_error);
                }
                answer("502 Bad Gateway", "")
            }
        }
    }
}

fn reason(status: u16) -> &'static str {
    let status = reqwest::StatusCode::from_u16(status).ok();
    status.and_then(|status| status.canonical_reason()).unwrap_or("Unknown")
}

fn answer(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}
