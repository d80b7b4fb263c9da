//! The database over HTTP/1.1. Every answer is made in memory and sent in one piece; nothing is logged per request unless
//! asked for.
//!
//! The database's own paths are at the root, and under `/sumdb/<name>/` as a module proxy has them (only there is a
//! `supported`). `POST` goes to `control`; `GET /stats` tells the counts since it was last asked.

use std::convert::Infallible;
use std::io::Write as _;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::{io, thread};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_RANGE, CONTENT_TYPE, HeaderValue, LOCATION, RANGE, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::answer::{Answer, Delivery};
use super::control;
use super::sumdb::FakeSumdb;

/// Connections that wait to be accepted: many clients come at once.
const BACKLOG: i32 = 4096;
/// Threads that answer.
const THREADS: usize = 2;
/// Bytes of an endless body that are sent at a time, at least.
const ENDLESS_PIECE: usize = 64 << 10;

/// A running server; it stops when this is dropped.
pub struct Served {
    /// where it listens
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Served {
    /// `http://ADDRESS`: the database itself.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until the server ends, which it does not by itself.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Shared {
    database: FakeSumdb,
    prefix: String,
    verbose: bool,
    lookups: AtomicU64,
    tiles: AtomicU64,
    others: AtomicU64,
    bytes: AtomicU64,
}

impl FakeSumdb {
    /// Serves on a free port of 127.0.0.1, from a thread of its own.
    pub fn serve(&self) -> Served {
        self.serve_on("127.0.0.1:0", false).expect("loopback has a free port")
    }

    /// Serves on an address; `verbose` prints each request to standard error.
    ///
    /// # Errors
    /// What binding the address gives.
    pub fn serve_on(&self, address: &str, verbose: bool) -> io::Result<Served> {
        let listener = std::net::TcpListener::bind(address)?;
        socket2::SockRef::from(&listener).listen(BACKLOG)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build()?;
        let shared = Arc::new(Shared {
            database: self.clone(),
            prefix: format!("/sumdb/{}/", self.name()),
            verbose,
            lookups: AtomicU64::new(0),
            tiles: AtomicU64::new(0),
            others: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        });
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = accept(listener, shared) => {}
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        });
        Ok(Served { address, stop: Some(stop), thread: Some(thread) })
    }
}

async fn accept(listener: std::net::TcpListener, shared: Arc<Shared>) -> io::Result<Infallible> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        // Out of file descriptors, or a client that left: neither ends the server.
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(connection(stream, shared.clone()));
        } else {
            tokio::task::yield_now().await;
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    if shared.database.resets() {
        // With no linger time, closing sends RST and not FIN. On connections that the client closes it changes nothing.
        let _ = stream.set_zero_linger();
    }
    let service = service_fn(|request| respond(request, shared.clone()));
    // An error is a client that left, or a fault that was asked for.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn respond(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Response<Payload>, io::Error> {
    let path = request.uri().path();
    if request.method() == Method::POST {
        return Ok(response(control::answer(&shared.database, path, request.uri().query().unwrap_or_default())));
    }
    if path == "/stats" {
        return Ok(response(shared.stats()));
    }
    let (path, proxied) = match path.strip_prefix(shared.prefix.as_str()) {
        Some(path) => (path, true),
        None => (path.trim_start_matches('/'), false),
    };
    let decoded = control::percent_decode(path);
    let path = decoded.as_deref().unwrap_or(path);
    let place = shared.database.begin(path);
    let mut answer = shared.database.answer(path);
    if proxied && path == "supported" && answer.status == 404 {
        answer = Answer::text(200, "");
    }
    if request.method() != Method::GET {
        answer = Answer::text(405, "only GET\n");
    }
    if !answer.delay.is_zero() {
        tokio::time::sleep(answer.delay).await;
    }
    shared.database.end(place, answer.status);
    shared.count(path, &answer);
    let part = request.headers().get(RANGE).and_then(|range| part(range.to_str().ok()?, answer.body.len()));
    if let Some(part) = part.filter(|_| answer.status == 200 && path.starts_with("log/")) {
        let told = format!("bytes {}-{}/{}", part.start, part.end - 1, answer.body.len());
        answer.body = answer.body.slice(part);
        let mut response = response(Answer { status: 206, ..answer });
        response.headers_mut().insert(CONTENT_RANGE, HeaderValue::try_from(told).unwrap());
        return Ok(response);
    }
    if answer.delivery == Delivery::Reset {
        return Err(io::Error::other("reset on demand"));
    }
    Ok(response(answer))
}

/// The bytes that a `Range: bytes=FIRST-LAST` header asks for, where there are so many.
fn part(range: &str, len: usize) -> Option<std::ops::Range<usize>> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last && last < len).then_some(first..last + 1)
}

fn response(answer: Answer) -> Response<Payload> {
    let payload = Payload { bytes: answer.body, delivery: answer.delivery, polls: 0 };
    let mut response = Response::new(payload);
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let content = if answer.text { "text/plain; charset=UTF-8" } else { "application/octet-stream" };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content));
    if answer.status == 307 {
        response.headers_mut().insert(LOCATION, HeaderValue::from_static("http://127.0.0.1:1/"));
    }
    if let Some(seconds) = answer.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

impl Shared {
    fn count(&self, path: &str, answer: &Answer) {
        let counter = match path.split('/').next() {
            Some("lookup") => &self.lookups,
            Some("tile") => &self.tiles,
            _ => &self.others,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(answer.body.len() as u64, Ordering::Relaxed);
        if self.verbose {
            let _ = writeln!(io::stderr(), "{} {path} {} bytes", answer.status, answer.body.len());
        }
    }

    /// The counts since they were last asked for.
    fn stats(&self) -> Answer {
        let take = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
        let (lookups, tiles, others) = (take(&self.lookups), take(&self.tiles), take(&self.others));
        Answer::text(200, format!("lookups {lookups} tiles {tiles} others {others} bytes {}\n", take(&self.bytes)))
    }
}

/// A body, whole or not.
struct Payload {
    bytes: Bytes,
    delivery: Delivery,
    polls: u32,
}

impl Body for Payload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let polls = self.polls;
        self.polls += 1;
        Poll::Ready(match (self.delivery, polls) {
            (Delivery::Endless, _) => {
                let times = ENDLESS_PIECE / self.bytes.len().max(1) + 1;
                Some(Ok(Frame::data(self.bytes.repeat(times).into())))
            }
            (Delivery::Truncated | Delivery::Stalled, 0) => {
                Some(Ok(Frame::data(self.bytes.slice(..self.bytes.len() / 2))))
            }
            (Delivery::Truncated, 1) => {
                // hyper sends what it has only when the body is not ready, and drops it when the body fails.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            (Delivery::Stalled, _) => return Poll::Pending, // until the client leaves
            (Delivery::Truncated, _) => Some(Err(io::Error::other("truncated on demand"))),
            (_, 0) => Some(Ok(Frame::data(self.bytes.clone()))),
            _ => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.delivery == Delivery::Whole && (self.polls > 0 || self.bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self.delivery {
            Delivery::Endless => SizeHint::default(),
            _ => SizeHint::with_exact(self.bytes.len() as u64),
        }
    }
}
