//! Servers for the tests: one whose answers are chosen by a closure and whose requests are recorded, and one that
//! writes raw bytes to a socket.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gosumcheck::upstream::{Base, Http, Settings, Upstreams};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

pub(crate) type Answer = Response<String>;

/// One request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) connection: u16,
}

pub(crate) struct Server {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// A server that answers request number n (from 0) for a path with `answer(path, n)`, n counted over all paths.
    pub(crate) async fn start(answer: impl Fn(&str, usize) -> Answer + Send + Sync + 'static) -> Server {
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let log = asked.clone();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        serve(listener, move |request, connection| {
            let path = request.uri().to_string();
            let number = {
                let mut log = log.lock().unwrap();
                log.push(Asked { path: path.clone(), headers: request.headers().clone(), connection });
                log.len() - 1
            };
            std::future::ready(answer(&path, number))
        });
        Server { url, asked }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.path).collect()
    }
}

/// Answers every request with what `answer` makes of it and of the port that it came from.
pub(crate) fn serve<F: Future<Output = Answer> + Send + 'static>(
    listener: TcpListener,
    answer: impl Fn(Request<Incoming>, u16) -> F + Send + Sync + 'static,
) {
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((socket, peer)) = listener.accept().await {
            let answer = answer.clone();
            let service = service_fn(move |request| {
                let reply = answer(request, peer.port());
                async move { Ok::<_, Infallible>(reply.await) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), service));
        }
    });
}

pub(crate) fn status(code: u16, body: &str) -> Answer {
    let mut answer = Response::new(body.to_owned());
    *answer.status_mut() = StatusCode::from_u16(code).unwrap();
    answer.headers_mut().insert("content-type", "text/plain; charset=utf-8".parse().unwrap());
    answer
}

pub(crate) fn with(mut answer: Answer, name: &'static str, value: &str) -> Answer {
    answer.headers_mut().insert(name, value.parse().unwrap());
    answer
}

/// A server that reads a request, writes these bytes, and then closes the connection, resets it, or hangs.
pub(crate) struct Raw {
    pub(crate) url: String,
    pub(crate) connections: Arc<Mutex<usize>>,
}

#[derive(Clone, Copy)]
pub(crate) enum End {
    Close,
    Reset,
    Hang,
    /// writes the bytes again and again
    Endless,
}

impl Raw {
    pub(crate) async fn start(bytes: &'static [u8], end: End) -> Raw {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let connections: Arc<Mutex<usize>> = Arc::default();
        let count = connections.clone();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                *count.lock().unwrap() += 1;
                tokio::spawn(async move {
                    let mut head = [0; 4096];
                    let _ = socket.read(&mut head).await;
                    let _ = socket.write_all(bytes).await;
                    match end {
                        End::Close => {}
                        End::Reset => socket.set_zero_linger().unwrap(),
                        End::Hang => std::future::pending().await,
                        End::Endless => while socket.write_all(&[b'x'; 4096]).await.is_ok() {},
                    }
                });
            }
        });
        Raw { url, connections }
    }
}

/// Bounds that make a test quick; pauses are a millisecond.
pub(crate) fn quick() -> Settings {
    Settings {
        first_delay: Duration::from_millis(1),
        longest_delay: Duration::from_millis(2),
        longest_wait: Duration::from_secs(2),
        ..Settings::default()
    }
}

pub(crate) fn upstreams(urls: &[&str]) -> Upstreams {
    upstreams_with(quick(), urls)
}

pub(crate) fn upstreams_with(settings: Settings, urls: &[&str]) -> Upstreams {
    Upstreams::new(Http::new(settings), urls.iter().map(|url| Base::parse(url).unwrap()).collect())
}

/// A URL on which nothing listens.
pub(crate) async fn dead_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}
