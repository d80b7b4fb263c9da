//! Connections: accepted up to a bound, served as HTTP/1.1 or HTTP/2 (prior knowledge), watched, and ended politely when the
//! server is told to stop.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use super::App;
use super::body::Body;
use super::limits::{ACCEPT_PAUSE, MAX_HEAD_BYTES, MAX_HEADERS, MAX_STREAM_BUFFER, MAX_STREAMS, MAX_UNSENT_BYTES};
use super::outbox::Outbox;
use super::pulse::{Expired, Felt, Pulse};

/// One connection, as its requests see it.
struct Line {
    app: Arc<App>,
    slots: Arc<Semaphore>,
    peer: SocketAddr,
    /// where it arrived
    local: IpAddr,
    pulse: Arc<Pulse>,
    outbox: Arc<Outbox>,
}

impl Line {
    async fn answer(self: Arc<Line>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        let busy = self.pulse.begin();
        let closes = request.version() < Version::HTTP_2 && self.slots.available_permits() == 0;
        let outbox = (request.version() < Version::HTTP_2).then(|| Arc::clone(&self.outbox));
        let response = self.app.respond(request, self.peer, self.local).await;
        let mut response = response.map(|body| body.sent(busy.answered(), outbox));
        if closes {
            // Others wait for this connection's place.
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }
}

/// A connection that is open, counted.
struct Open(Arc<App>);

impl Open {
    fn new(app: &Arc<App>) -> Open {
        app.open.fetch_add(1, Ordering::Relaxed);
        Open(Arc::clone(app))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What all listeners share.
#[derive(Clone)]
pub(super) struct Acceptor {
    app: Arc<App>,
    http: Arc<Builder<TokioExecutor>>,
    slots: Arc<Semaphore>,
}

impl Acceptor {
    pub(super) fn new(app: Arc<App>) -> Acceptor {
        let mut http = Builder::new(TokioExecutor::new());
        http.http1()
            .timer(TokioTimer::new())
            .header_read_timeout(None) // `Pulse` knows a slow head from a connection that is kept alive
            .max_buf_size(usize::from(MAX_HEAD_BYTES))
            .max_headers(MAX_HEADERS);
        http.http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(u32::from(MAX_HEAD_BYTES))
            .max_send_buf_size(MAX_STREAM_BUFFER);
        let slots = Arc::new(Semaphore::new(app.limits.connections));
        Acceptor { app, http: Arc::new(http), slots }
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
            if let Some((stream, peer, slot)) = accepted {
                connections.spawn(self.clone().serve(stream, peer, slot, stop.clone()));
            }
        }
        drop(listener);
        let finish = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(self.app.limits.stop, finish).await.is_err() {
            tracing::warn!(connections = connections.len(), "not finished in time: cut off");
            connections.shutdown().await;
        }
    }

    /// The next connection, once there is a slot for it: until then it waits in the system's queue.
    async fn accept(&self, listener: &TcpListener) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.ok()?;
        match listener.accept().await {
            Ok((stream, peer)) => Some((stream, peer, slot)),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                None
            }
        }
    }

    async fn serve(
        self,
        stream: TcpStream,
        peer: SocketAddr,
        _slot: OwnedSemaphorePermit,
        mut stop: watch::Receiver<bool>,
    ) {
        let _open = Open::new(&self.app);
        // What cannot be told is held to the stricter rule.
        let local = stream.local_addr().map_or(Ipv4Addr::LOCALHOST.into(), |local| local.ip());
        let _ = stream.set_nodelay(true);
        // Only so a slow client is seen to take anything: the system tells of room when a third of all it buffers was taken, and
        // it buffers megabytes.
        #[cfg(target_os = "linux")]
        let _ = SockRef::from(&stream).set_tcp_notsent_lowat(MAX_UNSENT_BYTES);
        let pulse = Pulse::new();
        let outbox = Arc::new(Outbox::default());
        let io = TokioIo::new(Felt { stream, pulse: Arc::clone(&pulse), outbox: Arc::clone(&outbox) });
        let (app, pulsing) = (Arc::clone(&self.app), Arc::clone(&pulse));
        let line = Arc::new(Line { app, slots: self.slots, peer, local, pulse: pulsing, outbox });
        let service = service_fn(move |request| Arc::clone(&line).answer(request));
        let mut connection = pin!(self.http.serve_connection(io, service));
        let mut ending = false;
        loop {
            let polite = tokio::select! {
                biased; // a farewell is sent before the line is cut
                _ = connection.as_mut() => return,
                _ = stop.wait_for(|stop| *stop), if !ending => true,
                expired = pulse.expired(&self.app.limits) => expired == Expired::Idle && !ending,
            };
            if !polite {
                return;
            }
            ending = true;
            connection.as_mut().graceful_shutdown();
        }
    }
}
