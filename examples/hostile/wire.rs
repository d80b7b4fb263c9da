//! The two protocols at the level of bytes, as a client that does not behave needs them.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// The longest wait for one answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);

/// Bytes that the system takes for a client that reads slowly; it rounds this up.
const SMALL_BUFFER: u32 = 4096;

/// RFC 9113 section 3.4.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Frame types (RFC 9113 section 6).
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
/// HEADERS: the request ends here, and so does its header block.
const END_STREAM_AND_HEADERS: u8 = 0x5;
/// SETTINGS_INITIAL_WINDOW_SIZE (RFC 9113 section 6.5.2).
const INITIAL_WINDOW_SIZE: u16 = 4;

/// A connection from the address `from`, which tells clients apart that run on one machine.
pub(crate) async fn connect(to: SocketAddr, from: IpAddr) -> io::Result<TcpStream> {
    connected(socket(to)?, to, from).await
}

/// The same, for a client whose system takes as few bytes as it can before they are read.
pub(crate) async fn connect_small(to: SocketAddr, from: IpAddr) -> io::Result<TcpStream> {
    let socket = socket(to)?;
    socket.set_recv_buffer_size(SMALL_BUFFER)?;
    connected(socket, to, from).await
}

fn socket(to: SocketAddr) -> io::Result<TcpSocket> {
    if to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }
}

async fn connected(socket: TcpSocket, to: SocketAddr, from: IpAddr) -> io::Result<TcpStream> {
    socket.bind(SocketAddr::new(from, 0))?;
    let stream = socket.connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// An HTTP/1.1 request that asks for the connection to be closed after its answer.
pub(crate) fn request(to: SocketAddr, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n\r\n").into_bytes()
}

/// The status of one GET, whose body is read to its end.
pub(crate) async fn get(to: SocketAddr, from: IpAddr, path: &str) -> io::Result<u16> {
    let exchange = async {
        let mut stream = connect(to, from).await?;
        stream.write_all(&request(to, path)).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        let status = answer.get(9..12).and_then(|digits| str::from_utf8(digits).ok()?.parse().ok());
        status.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no status line"))
    };
    tokio::time::timeout(ANSWER_TIMEOUT, exchange).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Sends `request` over a connection that stays open, and reads the whole answer into `buffer`; gives its status.
pub(crate) async fn exchange(stream: &mut TcpStream, request: &[u8], buffer: &mut Vec<u8>) -> io::Result<u16> {
    let bad = |what| io::Error::new(io::ErrorKind::InvalidData, what);
    stream.write_all(request).await?;
    buffer.clear();
    let head = loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let text = str::from_utf8(buffer.get(..head).unwrap_or_default()).map_err(|_| bad("a head that is not text"))?;
    let status = text.get(9..12).and_then(|digits| digits.parse().ok()).ok_or_else(|| bad("no status line"))?;
    let length = |line: &str| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok();
    let length = text.lines().find_map(length).ok_or_else(|| bad("no Content-Length"))?;
    while buffer.len() < head + length {
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(status)
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// What opens an HTTP/2 connection whose streams may each be sent `window` bytes.
pub(crate) fn opening(window: u32) -> Vec<u8> {
    let setting = [&INITIAL_WINDOW_SIZE.to_be_bytes()[..], &window.to_be_bytes()].concat();
    [PREFACE, &frame(SETTINGS, 0, 0, &setting)].concat()
}

/// A GET on stream number `stream` (odd). The header block is made of literals (RFC 7541 section 6.2.2).
pub(crate) fn get_frame(to: SocketAddr, stream: u32, path: &str) -> Vec<u8> {
    let literal = |index: u8, value: &str| {
        let mut field = vec![index];
        match u8::try_from(value.len()) {
            Ok(length @ 0..=126) => field.push(length),
            _ => {
                // RFC 7541 section 5.1: a prefix of seven bits, and the rest in groups of seven.
                field.push(127);
                let mut rest = value.len() - 127;
                while rest >= 128 {
                    field.push(u8::try_from(rest % 128 + 128).unwrap_or(u8::MAX));
                    rest /= 128;
                }
                field.push(u8::try_from(rest).unwrap_or(0));
            }
        }
        field.extend(value.as_bytes());
        field
    };
    // The static table: 2 is `:method: GET`, 6 is `:scheme: http`; the names of 4 and 1 are `:path` and `:authority`.
    let block = [vec![0x82, 0x86], literal(4, path), literal(1, &to.to_string())].concat();
    frame(HEADERS, END_STREAM_AND_HEADERS, stream, &block)
}

/// What a client sends to look alive.
pub(crate) fn ping() -> Vec<u8> {
    frame(PING, 0, 0, &[0; 8])
}

/// Room for `bytes` more on a stream, or on the connection (stream 0).
pub(crate) fn more_room(stream: u32, bytes: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &bytes.to_be_bytes())
}
