//! Accepts connections up to a limit, serves them as HTTP/1.1 or HTTP/2 (with prior knowledge), closes those whose timeouts
//! expire, and closes all gracefully when the server is asked to stop.

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::app::App;
use super::conn::close_reason::CloseReason;
use super::conn::sendfile::SendfileQueue;
use super::conn::slots::{AcceptPermit, Closing, Slots};
use super::conn::socket::Socket;
use super::conn::stream_task::StreamExecutor;
use super::conn::timer::{Activity, ConnTimer, Expired};
use super::connection::{Connection, ListenerKind};
use super::limits::{
    ACCEPT_PAUSE, CLOSE_TIMEOUT, MAX_HEAD_BYTES, MAX_HEADERS, MAX_STREAM_BUFFER, MAX_STREAMS, MAX_UNSENT_BYTES,
};
use super::respond::ConnAddrs;
use crate::proxy::Peer;

/// The listeners of a server.
#[derive(Debug, Default)]
pub struct Listeners {
    /// for all requests
    pub public: Vec<TcpListener>,
    /// for `/healthz`, `/readyz` and `/metrics` alone, with slots of their own
    pub admin: Vec<TcpListener>,
}

impl From<Vec<TcpListener>> for Listeners {
    /// No admin listener.
    fn from(public: Vec<TcpListener>) -> Listeners {
        Listeners { public, admin: Vec::new() }
    }
}

/// What all listeners of one kind share.
#[derive(Clone)]
pub(super) struct Acceptor {
    app: Arc<App>,
    http: Arc<Builder<StreamExecutor>>,
    slots: Arc<Slots>,
    kind: ListenerKind,
}

impl Acceptor {
    pub(super) fn new(app: Arc<App>, slots: Arc<Slots>, kind: ListenerKind) -> Acceptor {
        let mut http = Builder::new(StreamExecutor);
        http.http1()
            .timer(TokioTimer::new())
            .header_read_timeout(None) // `ConnTimer` tells a slow request from a connection that is kept alive
            .max_buf_size(usize::from(MAX_HEAD_BYTES))
            .max_headers(MAX_HEADERS);
        http.http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(u32::from(MAX_HEAD_BYTES))
            .max_send_buf_size(MAX_STREAM_BUFFER);
        Acceptor { app, http: Arc::new(http), slots, kind }
    }

    /// Accepts until `stop`, then waits up to the stop timeout for what is in flight, and cuts off the rest.
    pub(super) async fn run(self, listener: TcpListener, mut stop: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            let accepted = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                accepted = self.accept(&listener) => accepted,
            };
            if let Some((stream, peer, permit)) = accepted {
                connections.spawn(self.clone().serve(stream, peer, permit, stop.clone()));
            }
        }
        drop(listener);
        let finish = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(self.app.limits.stop, finish).await.is_err() {
            tracing::warn!(connections = connections.len(), "cut off: not finished within the stop timeout");
            connections.shutdown().await;
        }
    }

    /// The next connection, once there is room for it: until then it waits in the listen queue of the system.
    async fn accept(&self, listener: &TcpListener) -> Option<(TcpStream, SocketAddr, AcceptPermit)> {
        let permit = self.slots.accept_permit().await?;
        match listener.accept().await {
            Ok((stream, peer)) => Some((stream, peer, permit)),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                None
            }
        }
    }

    /// Serves one connection until it ends or must be closed.
    async fn serve(self, stream: TcpStream, peer: SocketAddr, permit: AcceptPermit, mut stop: watch::Receiver<bool>) {
        // If the address is unknown, the stricter rule applies (`http::host`).
        let local = stream.local_addr().map_or(Ipv4Addr::LOCALHOST.into(), |local| local.ip());
        let _ = stream.set_nodelay(true);
        // Without this the progress of a slow client is not visible: the kernel buffers megabytes, and reports room only when a
        // third of them has been sent.
        #[cfg(target_os = "linux")]
        let _ = SockRef::from(&stream).set_tcp_notsent_lowat(MAX_UNSENT_BYTES);
        let timer = ConnTimer::new();
        let registration = self.slots.register(permit, Peer::of(peer.ip()), Arc::clone(&timer));
        let mut closings = registration.closings();
        let sendfile = Arc::new(SendfileQueue::default());
        let io = TokioIo::new(Socket::new(stream, Arc::clone(&timer), Arc::clone(&sendfile)));
        let app = Arc::clone(&self.app);
        let connection = Arc::new(Connection::new(
            app,
            registration,
            ConnAddrs { peer, local, is_admin: self.kind == ListenerKind::Admin },
            Arc::clone(&timer),
            sendfile,
            self.kind,
        ));
        let service = service_fn(move |request| Arc::clone(&connection).answer(request));
        let mut serving = pin!(self.http.serve_connection(io, service));
        // Whether it was asked to close; and when it may be cut off, if at all.
        let (mut is_closing, mut closing, mut cut_off) = (false, Closing::No, None::<Instant>);
        let mut counted = false;
        let reason = loop {
            let graceful = tokio::select! {
                biased; // the last answer is sent before the connection is cut off
                _ = serving.as_mut() => return,
                _ = stop.wait_for(|stop| *stop), if !is_closing => None,
                Ok(request) = closings.wait_for(|closing| *closing != Closing::No), if closing == Closing::No => {
                    closing = *request;
                    cut_off = Some(Instant::now() + CLOSE_TIMEOUT);
                    if closing == Closing::Now { break CloseReason::Pressure }
                    Some(CloseReason::Pressure)
                }
                () = sleep_until(cut_off.unwrap_or_else(Instant::now)), if cut_off.is_some() => {
                    if closing == Closing::Soon { break CloseReason::OverShare }
                    if timer.activity().0 != Activity::Busy { break CloseReason::Pressure }
                    cut_off = Some(Instant::now() + CLOSE_TIMEOUT);
                    continue;
                }
                expired = timer.expired(&self.app.limits) => match expired {
                    Expired::Streams(count) => {
                        self.app.metrics.streams_reset(count);
                        continue;
                    }
                    Expired::Idle if !is_closing => Some(CloseReason::Idle),
                    Expired::Idle => break CloseReason::Idle,
                    Expired::Head => break CloseReason::Head,
                    Expired::Write => break CloseReason::Write,
                    Expired::Stalled => break CloseReason::Stalled,
                },
            };
            if let Some(reason) = graceful.filter(|_| !counted) {
                self.app.metrics.connection_closed(reason);
                counted = true;
            }
            is_closing = true;
            serving.as_mut().graceful_shutdown();
        };
        if !counted {
            self.app.metrics.connection_closed(reason);
        }
    }
}
