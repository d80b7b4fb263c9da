//! Accepts connections up to a limit, serves them as HTTP/1.1 or HTTP/2 (over TLS by ALPN, else with prior knowledge), closes
//! those whose timeouts expire, and closes all gracefully when the server is asked to stop.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::app::App;
use super::conn::close_reason::CloseReason;
use super::conn::listener::Listener;
use super::conn::sendfile::SendfileQueue;
use super::conn::slots::{AcceptPermit, Closing, Registration, Slots};
use super::conn::socket::Socket;
use super::conn::stream_task::StreamExecutor;
use super::conn::timer::{Activity, ConnTimer, Expired};
use super::conn::transport::PlainSocket;
use super::connection::{ConnFacts, Connection, ListenerKind};
use super::handshake::{self, Opened};
use super::limits::{
    ACCEPT_PAUSE, CLOSE_TIMEOUT, MAX_HEAD_BYTES, MAX_HEADERS, MAX_STREAM_BUFFER, MAX_STREAMS, MAX_UNSENT_BYTES,
};
use super::respond::ConnAddrs;
use super::tls::Tls;
use crate::proxy::Peer;
use crate::report::printable;

/// What all listeners of one kind share.
#[derive(Clone)]
pub(super) struct Acceptor {
    app: Arc<App>,
    http: Arc<Builder<StreamExecutor>>,
    slots: Arc<Slots>,
    kind: ListenerKind,
    /// the identity with which hands are shaken; none without TLS
    tls: Option<Arc<Tls>>,
}

impl Acceptor {
    pub(super) fn new(app: Arc<App>, slots: Arc<Slots>, kind: ListenerKind, tls: Option<Arc<Tls>>) -> Acceptor {
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
        Acceptor { app, http: Arc::new(http), slots, kind, tls }
    }

    /// Accepts until `stop`, then waits up to the stop timeout for what is in flight, and cuts off the rest.
    pub(super) async fn run(self, listener: Listener, mut stop: watch::Receiver<bool>) {
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
    async fn accept(&self, listener: &Listener) -> Option<(PlainSocket, SocketAddr, AcceptPermit)> {
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
    async fn serve(self, socket: PlainSocket, peer: SocketAddr, permit: AcceptPermit, mut stop: watch::Receiver<bool>) {
        let local = socket.local();
        socket.tune(MAX_UNSENT_BYTES);
        let timer = ConnTimer::new();
        let registration = self.slots.register(permit, Peer::of(peer.ip()), Arc::clone(&timer));
        let is_trusted = self.app.trusted.trusts(peer.ip(), socket.is_unix());
        let opened = self.open(socket, peer, is_trusted, &registration, &timer, &mut stop).await;
        let Some(opened) = opened else { return };
        // A proxy that sends a PROXY header passes on what its client writes: headers too.
        let is_trusted = opened.client.map_or(is_trusted, |client| self.app.trusted.trusts(client.ip(), false));
        let mut closings = registration.closings();
        let sendfile = Arc::new(SendfileQueue::default());
        let io = TokioIo::new(Socket::new(opened.transport, Arc::clone(&timer), Arc::clone(&sendfile)));
        let connection = Arc::new(Connection::new(
            Arc::clone(&self.app),
            registration,
            ConnFacts {
                addrs: self.addrs(opened.client.unwrap_or(peer), local),
                is_trusted,
                certificate: opened.certificate.iter().flat_map(|found| found.names()).map(str::to_owned).collect(),
            },
            Arc::clone(&timer),
            self.tls.is_none().then_some(sendfile),
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

    /// The addresses of a connection from `peer` to `local`.
    fn addrs(&self, peer: SocketAddr, local: IpAddr) -> ConnAddrs {
        ConnAddrs { peer, local, scheme: self.scheme(), is_admin: self.kind == ListenerKind::Admin }
    }

    /// How its listeners are reached.
    fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Gets a connection ready for requests within the header timeout; none if that fails, or it must be closed meanwhile.
    async fn open(
        &self,
        socket: PlainSocket,
        peer: SocketAddr,
        is_trusted: bool,
        registration: &Registration,
        timer: &ConnTimer,
        stop: &mut watch::Receiver<bool>,
    ) -> Option<Opened> {
        let from_proxy = is_trusted && self.app.trusted.wants_header() && self.kind == ListenerKind::Public;
        if self.tls.is_none() && !from_proxy {
            return Some(Opened::from(socket));
        }
        // Boxed: most connections need no room for it.
        let opening = Box::pin(handshake::open(socket, from_proxy, self.tls.as_deref()));
        let mut closings = registration.closings();
        let reason = tokio::select! {
            opened = opening => match opened {
                Ok(opened) => return Some(opened),
                Err(error) => {
                    self.log_failure(peer, &error);
                    CloseReason::Handshake
                }
            },
            _ = stop.wait_for(|stop| *stop) => return None,
            _ = closings.wait_for(|closing| *closing != Closing::No) => CloseReason::Pressure,
            _ = timer.expired(&self.app.limits) => CloseReason::Head,
        };
        self.app.metrics.connection_closed(reason);
        None
    }

    fn log_failure(&self, peer: SocketAddr, error: &io::Error) {
        let why = printable(&error.to_string());
        match &self.tls {
            Some(tls) if handshake::is_our_certificate(error) => tls.log_refusal(peer, &why, std::time::Instant::now()),
            _ => tracing::debug!(%peer, "a connection was closed before its first request: {why}"),
        }
    }
}
