//! Clients that take more than they need: each attack is bounded in requests and in time, and says what became of it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, interval, sleep_until, timeout};

use super::wire::{connect, connect_small, get, get_frame, more_room, opening, ping, request};

/// Connections that an attack opens at the same moment.
const AT_ONCE: usize = 256;
/// Between two signs of life of a client that takes nothing.
const PING_EVERY: Duration = Duration::from_secs(5);
/// Between two bytes of a request's head that does not end, or of a body that is read slowly.
const BYTE_EVERY: Duration = Duration::from_millis(500);

/// Asks for `count` modules that do not exist, and goes away after each request. Gives how many were sent.
pub(crate) async fn abandon(to: SocketAddr, from: IpAddr, count: usize) -> usize {
    let one = |number: usize| async move {
        let mut stream = connect(to, from).await?;
        stream.write_all(&request(to, &format!("/evil.example/a{number}/@v/v1.0.0.zip"))).await?;
        io::Result::Ok(())
    };
    stream::iter(0..count)
        .map(one)
        .buffer_unordered(AT_ONCE)
        .filter(|sent| std::future::ready(sent.is_ok()))
        .count()
        .await
}

/// Asks for `count` different things that do not exist, whose names are `length` bytes long, and waits for each answer.
pub(crate) async fn absent(to: SocketAddr, from: IpAddr, count: usize, length: usize) -> usize {
    let padding = "a/".repeat(length / 2);
    let padding = padding.trim_end_matches('/');
    let one = |number: usize| {
        let path = format!("/absent.example/n{number}/{padding}/@v/v1.0.0.info");
        async move { get(to, from, &path).await }
    };
    stream::iter(0..count)
        .map(one)
        .buffer_unordered(AT_ONCE)
        .filter(|answer| std::future::ready(answer.is_ok()))
        .count()
        .await
}

/// `clients` HTTP/2 connections with `streams` GETs of `path` each, whose windows hold `window` bytes and never grow, and which
/// ping. Gives how many of them the server ended within `time`.
pub(crate) async fn windows(to: SocketAddr, from: IpAddr, attack: &Windows<'_>, time: Duration) -> usize {
    let end = Instant::now() + time;
    let clients = (0..attack.clients).map(|_| one_window(to, from, attack, end));
    futures_util::future::join_all(clients).await.into_iter().filter(|ended| *ended).count()
}

/// What `windows` opens.
pub(crate) struct Windows<'a> {
    pub(crate) clients: usize,
    pub(crate) streams: u32,
    pub(crate) window: u32,
    pub(crate) path: &'a str,
}

async fn one_window(to: SocketAddr, from: IpAddr, attack: &Windows<'_>, end: Instant) -> bool {
    let Ok(mut stream) = connect(to, from).await else { return false };
    let mut bytes = opening(attack.window);
    // The window of the connection is not what holds the streams back.
    bytes.extend(more_room(0, 1 << 30));
    for number in 0..attack.streams {
        bytes.extend(get_frame(to, 2 * number + 1, attack.path));
    }
    if stream.write_all(&bytes).await.is_err() {
        return true;
    }
    let (mut reader, mut writer) = stream.split();
    let mut pings = interval(PING_EVERY);
    let mut heard = vec![0; 16 << 10];
    loop {
        tokio::select! {
            () = sleep_until(end) => return false,
            _ = pings.tick() => if writer.write_all(&ping()).await.is_err() { return true },
            read = reader.read(&mut heard) => if !matches!(read, Ok(1..)) { return true },
        }
    }
}

/// `sockets` connections that send a request's head byte by byte, opened again whenever they are closed, for `time`.
pub(crate) async fn trickle(to: SocketAddr, from: IpAddr, sockets: usize, time: Duration) -> usize {
    let end = Instant::now() + time;
    let one = || async move {
        let mut closed = 0;
        while Instant::now() < end {
            if let Ok(stream) = connect(to, from).await {
                dribble(stream, &request(to, "/healthz"), end).await;
                closed += usize::from(Instant::now() < end);
            }
        }
        closed
    };
    futures_util::future::join_all((0..sockets).map(|_| one())).await.into_iter().sum()
}

/// Sends `head` a byte at a time until the server closes the connection, and never its last byte.
async fn dribble(mut stream: TcpStream, head: &[u8], end: Instant) {
    let mut heard = [0; 1024];
    for byte in head.iter().take(head.len() - 1) {
        if Instant::now() >= end || stream.write_all(&[*byte]).await.is_err() {
            return;
        }
        if timeout(BYTE_EVERY, stream.read(&mut heard)).await.is_ok() {
            return;
        }
    }
}

/// `sockets` connections that send nothing, opened again whenever they are closed, for `time`. Gives how many the server closed.
pub(crate) async fn idle(to: SocketAddr, from: IpAddr, sockets: usize, time: Duration) -> usize {
    let end = Instant::now() + time;
    let one = || async move {
        let mut closed = 0;
        while Instant::now() < end {
            let Ok(mut stream) = connect(to, from).await else { continue };
            if tokio::time::timeout_at(end, stream.read(&mut [0; 1024])).await.is_ok() {
                closed += 1;
            }
        }
        closed
    };
    futures_util::future::join_all((0..sockets).map(|_| one())).await.into_iter().sum()
}

/// `sockets` connections that ask for `path` and read the answer byte by byte, opened again whenever they are closed, for `time`.
/// Gives how many the server closed.
pub(crate) async fn sip(to: SocketAddr, from: IpAddr, sockets: usize, path: &str, time: Duration) -> usize {
    let end = Instant::now() + time;
    let one = || async move {
        let mut closed = 0;
        while Instant::now() < end {
            let Ok(mut stream) = connect_small(to, from).await else { continue };
            let mut is_open = stream.write_all(&request(to, path)).await.is_ok();
            while is_open && Instant::now() < end {
                is_open = matches!(tokio::time::timeout_at(end, stream.read(&mut [0])).await, Ok(Ok(1)) | Err(_));
                tokio::time::sleep(BYTE_EVERY).await;
            }
            closed += usize::from(!is_open);
        }
        closed
    };
    futures_util::future::join_all((0..sockets).map(|_| one())).await.into_iter().sum()
}
