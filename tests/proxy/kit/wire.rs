//! How answers go over a connection: one request after the other, each answer as its faults want it sent.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::answer::{Answer, End};
use super::mirror::Shared;
use super::requests::Request;

/// The longest head of a request.
const HEAD_BYTES: usize = 64 << 10;
/// Bytes that are written at a time.
const PIECE: u64 = 64 << 10;

/// Answers every client, until the task is dropped.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let connections = AtomicU64::new(0);
    loop {
        // Out of file descriptors, or a client that left: neither ends the server.
        if let Ok((stream, _)) = listener.accept().await {
            let number = connections.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(connection(stream, number, shared.clone()));
        } else {
            tokio::task::yield_now().await;
        }
    }
}

async fn connection(mut stream: TcpStream, number: u64, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let mut read = Vec::new();
    // An error is a client that left, or an end that was asked for.
    while let Ok(Some(head)) = next_head(&mut stream, &mut read).await {
        let Some(request) = Request::parse(&head, number) else { return };
        let last = request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        match respond(&mut stream, request, &shared, last).await {
            Ok(true) if !last => {}
            _ => return,
        }
    }
}

/// The next request's head; none at the end of the connection.
async fn next_head(stream: &mut TcpStream, read: &mut Vec<u8>) -> io::Result<Option<String>> {
    loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&read[..end]).into_owned();
            read.drain(..end + 4);
            return Ok(Some(head));
        }
        if read.len() > HEAD_BYTES || stream.read_buf(read).await? == 0 {
            return Ok(None);
        }
    }
}

/// Sends one answer; whether the connection can go on. What is sent is noted before it is: who has read an answer finds it.
async fn respond(stream: &mut TcpStream, request: Request, shared: &Shared, last: bool) -> io::Result<bool> {
    let without_body = request.method == "HEAD";
    let (answer, place) = shared.answer(request);
    let note = |change: &dyn Fn(&mut Request)| shared.requests.change(place, change);
    let ended = send(stream, &answer, without_body, last, &note).await;
    note(&|request| {
        request.over = true;
        request.left = ended.is_err();
        request.done &= ended.is_ok();
    });
    ended
}

type Note<'a> = &'a (dyn Fn(&dyn Fn(&mut Request)) + Sync);

/// The same; an error where who asked has left.
async fn send(
    stream: &mut TcpStream,
    answer: &Answer,
    without_body: bool,
    last: bool,
    note: Note<'_>,
) -> io::Result<bool> {
    if let Some(gate) = &answer.hold {
        gate.arrive();
        gate.passes(0).await;
    }
    let nothing_more = without_body || (answer.body.len() == 0 && answer.end == End::Whole);
    if answer.head {
        note(&|request| {
            request.status = answer.status;
            (request.done, request.over) = (nothing_more, nothing_more);
        });
        stream.write_all(head(answer, last).as_bytes()).await?;
    }
    if !nothing_more {
        send_body(stream, answer, note).await?;
    }
    match answer.end {
        End::Hang(_) => {
            while stream.read(&mut [0; 64]).await? > 0 {}
            Err(io::ErrorKind::ConnectionAborted.into())
        }
        End::Reset(_) => {
            // With no linger time, closing sends RST and not FIN.
            stream.set_zero_linger()?;
            Ok(false)
        }
        End::Cut(_) => Ok(false),
        End::Whole => Ok(answer.length),
    }
}

/// Sends what is to be sent of the body.
async fn send_body(stream: &mut TcpStream, answer: &Answer, note: Note<'_>) -> io::Result<()> {
    let end = match answer.end {
        End::Whole => answer.body.len(),
        End::Cut(at) | End::Hang(at) | End::Reset(at) => at.min(answer.body.len()),
    };
    if let Some(gate) = &answer.drip {
        gate.arrive();
    }
    let mut sent = 0;
    while sent < end {
        let may = match &answer.drip {
            Some(gate) => gate.passes(sent).await.min(end),
            None => end,
        };
        while sent < may {
            let piece = answer.body.piece(sent, PIECE.min(may - sent));
            sent += piece.len() as u64;
            note(&|request| {
                request.sent = sent;
                request.done = sent == answer.body.len();
                request.over = request.done;
            });
            stream.write_all(&piece).await?;
        }
    }
    Ok(())
}

/// The status line and the headers, and the blank line.
fn head(answer: &Answer, last: bool) -> String {
    let mut head = format!("HTTP/1.1 {} Whatever\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if answer.length {
        head.push_str(&format!("Content-Length: {}\r\n", answer.body.len()));
    }
    if last || !answer.length {
        head.push_str("Connection: close\r\n");
    }
    head + "\r\n"
}
