//! A client that sends exactly the given bytes, and reads everything that comes back.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A test that hangs fails after this.
const PATIENCE: Duration = Duration::from_secs(60);

/// One answer.
#[derive(Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Two answers are equal whatever their `Date`.
impl PartialEq for Reply {
    fn eq(&self, other: &Reply) -> bool {
        let timeless = |reply: &Reply| {
            reply.headers.iter().filter(|(name, _)| name != "date").cloned().collect::<Vec<(String, String)>>()
        };
        self.status == other.status && self.body == other.body && timeless(self) == timeless(other)
    }
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body = String::from_utf8_lossy(&self.body).chars().take(200).collect::<String>();
        write!(f, "{} {:?} {} bytes: {body:?}", self.status, self.headers, self.body.len())
    }
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// Parses `bytes` as one answer.
    pub(crate) fn parse(bytes: &[u8]) -> Reply {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(bytes)));
        let head = str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        };
        Reply { status, headers: lines.map(header).collect(), body: bytes[end + 4..].to_vec() }
    }
}

pub(crate) fn connect(at: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends these bytes and reads until the server closes or resets the connection.
pub(crate) fn raw(at: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = connect(at);
    stream.write_all(bytes).unwrap();
    drain(&mut stream)
}

/// Reads until the server closes or resets the connection.
pub(crate) fn drain(stream: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => return all,
            Ok(len) => all.extend_from_slice(&piece[..len]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return all,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => panic!("the server keeps us waiting: {error}"),
        }
    }
}

/// Reads one answer from a connection that is kept alive.
pub(crate) fn one(stream: &mut TcpStream) -> Reply {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "closed before an answer");
        bytes.push(byte[0]);
    }
    let mut reply = Reply::parse(&bytes);
    let len: usize = reply.header("content-length").unwrap().parse().unwrap();
    reply.body = vec![0; len];
    stream.read_exact(&mut reply.body).unwrap();
    reply
}

/// A request head; the connection is closed after the answer.
pub(crate) fn head(method: &str, path: &str, headers: &[(&str, &str)]) -> String {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head + "\r\n"
}

/// Sends one request. Checks that the length of the answer is its `Content-Length`.
pub(crate) fn ask(at: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
    let reply = Reply::parse(&raw(at, head(method, path, headers).as_bytes()));
    let says: Option<usize> = reply.header("content-length").map(|len| len.parse().unwrap());
    if method == "GET" && reply.status != 304 {
        assert_eq!(says, Some(reply.body.len()), "{path}: {reply:?}");
    }
    reply
}

pub(crate) fn get(at: SocketAddr, path: &str) -> Reply {
    ask(at, "GET", path, &[])
}
