//! Connections: accepted up to a bound, served as HTTP/1.1 or HTTP/2 (prior knowledge), watched, and ended politely when the
//! server is told to stop.

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
use super::conn::close_reason::End;
use super::conn::sendfile::Outbox;
use super::conn::slots::{Order, Place, Slots};
use super::conn::socket::Socket;
use super::conn::stream_task::Streams;
use super::conn::timer::{Activity, Clock, Expired};
use super::connection::{Connection, Offer};
use super::limits::{
    ACCEPT_PAUSE, LEAVE_TIMEOUT, MAX_HEAD_BYTES, MAX_HEADERS, MAX_STREAM_BUFFER, MAX_STREAMS, MAX_UNSENT_BYTES,
};
use super::respond::Ends;
use crate::proxy::Peer;

/// Where to listen.
#[derive(Debug, Default)]
pub struct Listeners {
    /// for everything
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

/// What listeners for the same questions share.
#[derive(Clone)]
pub(super) struct Acceptor {
    app: Arc<App>,
    http: Arc<Builder<Streams>>,
    slots: Arc<Slots>,
    offer: Offer,
}

impl Acceptor {
    pub(super) fn new(app: Arc<App>, slots: Arc<Slots>, offer: Offer) -> Acceptor {
        let mut http = Builder::new(Streams);
        http.http1()
            .timer(TokioTimer::new())
            .header_read_timeout(None) // `Clock` knows a slow head from a connection that is kept alive
            .max_buf_size(usize::from(MAX_HEAD_BYTES))
            .max_headers(MAX_HEADERS);
        http.http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(u32::from(MAX_HEAD_BYTES))
            .max_send_buf_size(MAX_STREAM_BUFFER);
        Acceptor { app, http: Arc::new(http), slots, offer }
    }

    /// Accepts until `stop`, then waits for what is in flight, within the bound; the rest is cut off.
    pub(super) async fn run(self, listener: TcpListener, mut stop: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            let accepted = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                accepted = self.accept(&listener) => accepted,
            };
            if let Some((stream, peer, place)) = accepted {
                connections.spawn(self.clone().serve(stream, peer, place, stop.clone()));
            }
        }
        drop(listener);
        let finish = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(self.app.limits.stop, finish).await.is_err() {
            tracing::warn!(connections = connections.len(), "not finished in time: cut off");
            connections.shutdown().await;
        }
    }

    /// The next connection, once there is room for it: until then it waits in the system's queue.
    async fn accept(&self, listener: &TcpListener) -> Option<(TcpStream, SocketAddr, Place)> {
        let place = self.slots.place().await?;
        match listener.accept().await {
            Ok((stream, peer)) => Some((stream, peer, place)),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                None
            }
        }
    }

    async fn serve(self, stream: TcpStream, peer: SocketAddr, place: Place, mut stop: watch::Receiver<bool>) {
        // An address that cannot be told is held to the stricter rule.
        let local = stream.local_addr().map_or(Ipv4Addr::LOCALHOST.into(), |local| local.ip());
        let _ = stream.set_nodelay(true);
        // Only so a slow client is seen to take anything: the system tells of room when a third of all it buffers was taken, and
        // it buffers megabytes.
        #[cfg(target_os = "linux")]
        let _ = SockRef::from(&stream).set_tcp_notsent_lowat(MAX_UNSENT_BYTES);
        let clock = Clock::new();
        let slot = self.slots.enter(place, Peer::of(peer.ip()), Arc::clone(&clock));
        let mut orders = slot.orders();
        let outbox = Arc::new(Outbox::default());
        let io = TokioIo::new(Socket::new(stream, Arc::clone(&clock), Arc::clone(&outbox)));
        let app = Arc::clone(&self.app);
        let connection =
            Arc::new(Connection::new(app, slot, Ends { peer, local }, Arc::clone(&clock), outbox, self.offer));
        let service = service_fn(move |request| Arc::clone(&connection).answer(request));
        let mut serving = pin!(self.http.serve_connection(io, service));
        // Whether it was asked to end; and if it may be cut off, when.
        let (mut ending, mut order, mut cut_off) = (false, Order::Stay, None::<Instant>);
        let mut counted = false;
        let end = loop {
            let polite = tokio::select! {
                biased; // a farewell is sent before the connection is cut
                _ = serving.as_mut() => return,
                _ = stop.wait_for(|stop| *stop), if !ending => None,
                Ok(given) = orders.wait_for(|order| *order != Order::Stay), if order == Order::Stay => {
                    order = *given;
                    cut_off = Some(Instant::now() + LEAVE_TIMEOUT);
                    if order == Order::End { break End::Pressure }
                    Some(End::Pressure)
                }
                () = sleep_until(cut_off.unwrap_or_else(Instant::now)), if cut_off.is_some() => {
                    if order == Order::MakeRoom { break End::Share }
                    if clock.activity().0 != Activity::Busy { break End::Pressure }
                    cut_off = Some(Instant::now() + LEAVE_TIMEOUT);
                    continue;
                }
                expired = clock.expired(&self.app.limits) => match expired {
                    Expired::Streams(ended) => {
                        self.app.metrics.streams_ended(ended);
                        continue;
                    }
                    Expired::Idle if !ending => Some(End::Idle),
                    Expired::Idle => break End::Idle,
                    Expired::Head => break End::Head,
                    Expired::Write => break End::Write,
                    Expired::Stalled => break End::Stalled,
                },
            };
            if let Some(end) = polite.filter(|_| !counted) {
                self.app.metrics.connection_ended(end);
                counted = true;
            }
            ending = true;
            serving.as_mut().graceful_shutdown();
        };
        if !counted {
            self.app.metrics.connection_ended(end);
        }
    }
}
