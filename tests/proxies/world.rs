//! What the tests use: entries, requests, and a sink in memory.

use std::io;
use std::time::Duration;

use gosumcheck::sumdb::goproxy;
use gosumcheck::upstream::{Base, Failure, Fetched, Proxies, ProxyEntry, ProxyPlace, Sent, Settings, Sink};
use tokio::net::TcpListener;

pub(crate) const LIMIT: usize = 1 << 20;
pub(crate) const ZIP: &str = "example.com/m/@v/v1.0.0.zip";

/// Bounds that make a test quick; pauses are a millisecond.
pub(crate) fn quick() -> Settings {
    Settings {
        first_delay: Duration::from_millis(1),
        longest_delay: Duration::from_millis(2),
        longest_wait: Duration::from_secs(2),
        ..Settings::default()
    }
}

pub(crate) fn entry(url: &str, settings: Settings) -> ProxyEntry {
    ProxyEntry { place: ProxyPlace::Base(Base::parse(url).unwrap(), settings), falls_back: false }
}

pub(crate) fn proxies(urls: &[&str]) -> Proxies {
    Proxies::new(urls.iter().map(|url| entry(url, quick())).collect())
}

pub(crate) fn asked(path: &str) -> goproxy::ModuleRequest {
    goproxy::ModuleRequest::parse(path).unwrap()
}

pub(crate) async fn fetch(proxies: &Proxies, path: &str) -> Result<Fetched, Failure> {
    proxies.fetch(0, &asked(path), LIMIT).await
}

/// What a body that came has in it, and no other answer.
pub(crate) fn body(fetched: Result<Fetched, Failure>) -> String {
    match fetched.unwrap() {
        Fetched::Body(bytes, _) => String::from_utf8(bytes).unwrap(),
        Fetched::Missing(words) => panic!("missing: {words}"),
    }
}

pub(crate) fn missing(fetched: Result<Fetched, Failure>) -> String {
    match fetched.unwrap() {
        Fetched::Missing(words) => words,
        Fetched::Body(bytes, _) => panic!("{bytes:?}"),
    }
}

pub(crate) async fn download(proxies: &Proxies, sink: &mut Memory) -> Result<Sent, Failure> {
    proxies.download(0, &asked(ZIP), u64::try_from(LIMIT * 4).unwrap(), sink).await
}

/// A sink that keeps bytes, counts how often it was restarted, and may be full.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) bytes: Vec<u8>,
    pub(crate) restarts: usize,
    pub(crate) room: Option<usize>,
}

impl Memory {
    pub(crate) fn holding(bytes: &[u8]) -> Memory {
        Memory { bytes: bytes.to_vec(), ..Memory::default() }
    }
}

impl Sink for Memory {
    fn len(&self) -> u64 {
        u64::try_from(self.bytes.len()).unwrap()
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.room.is_some_and(|room| self.bytes.len() + bytes.len() > room) {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn restart(&mut self) -> io::Result<()> {
        self.restarts += 1;
        self.bytes.clear();
        Ok(())
    }
}

/// Bytes that differ at every place that a mistake could mix up.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at * 31 + at / 251) % 256).unwrap()).collect()
}

/// A URL on which nothing listens.
pub(crate) async fn dead_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}
