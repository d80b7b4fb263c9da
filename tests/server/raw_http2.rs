//! An HTTP/2 client that writes its own frames (RFC 9113), so that a test controls every flow-control window and every PING.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_STREAM_AND_HEADERS: u8 = 5;
const INITIAL_WINDOW_SIZE: u16 = 4;

/// What the server did with a stream or a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// the field block of an answer, as HPACK encodes it; whether the answer has no body
    Head { stream: u32, block: Vec<u8>, last: bool },
    /// this many bytes of a body; whether they are its last
    Data { stream: u32, bytes: usize, last: bool },
    /// RST_STREAM
    Reset { stream: u32 },
    /// GOAWAY
    GoAway,
    /// the connection was closed or reset
    Closed,
}

pub(crate) struct RawHttp2 {
    stream: TcpStream,
    unread: Vec<u8>,
}

/// A connection from `from`, an address of this machine.
pub(crate) fn connect_from(from: &str, at: SocketAddr) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let from: IpAddr = from.parse().unwrap();
    socket.bind(&SocketAddr::new(from, 0).into()).unwrap();
    socket.connect(&at.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

impl RawHttp2 {
    /// A connection with this initial window size of streams.
    pub(crate) fn open(at: SocketAddr, window: u32) -> RawHttp2 {
        RawHttp2::over(connect_from("127.0.0.1", at), window)
    }

    pub(crate) fn over(mut stream: TcpStream, window: u32) -> RawHttp2 {
        stream.set_nodelay(true).unwrap();
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
        let mut raw = RawHttp2 { stream, unread: Vec::new() };
        let setting = [INITIAL_WINDOW_SIZE.to_be_bytes().as_slice(), &window.to_be_bytes()].concat();
        raw.send(SETTINGS, 0, 0, &setting);
        raw
    }

    /// Writes a frame. Errors are ignored: the server may have closed the connection.
    fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let head = [&len[1..], &[kind, flags], &stream.to_be_bytes()].concat();
        let _ = self.stream.write_all(&[head.as_slice(), payload].concat());
    }

    /// Requests `path` on a new stream, whose number must be odd.
    pub(crate) fn get(&mut self, stream: u32, path: &str) {
        // :method GET, :scheme http, then two literals without indexing (RFC 7541 section 6.2.2): :path, :authority.
        let mut block = vec![0x82, 0x86, 0x04, u8::try_from(path.len()).unwrap()];
        assert!(path.len() < 127, "one byte of length");
        block.extend_from_slice(path.as_bytes());
        block.extend_from_slice(b"\x01\x09localhost");
        self.send(HEADERS, END_STREAM_AND_HEADERS, stream, &block);
    }

    /// Begins a field block and does not end it.
    pub(crate) fn begin_head(&mut self, stream: u32) {
        self.send(HEADERS, END_STREAM, stream, &[0x82]);
    }

    pub(crate) fn ping(&mut self) {
        self.send(PING, 0, 0, &[7; 8]);
    }

    /// Opens the window of a stream, or of the connection (0), by `bytes`.
    pub(crate) fn widen(&mut self, stream: u32, bytes: u32) {
        self.send(WINDOW_UPDATE, 0, stream, &bytes.to_be_bytes());
    }

    /// What the server does next within `patience`; none if it does nothing. SETTINGS and PING are acknowledged, not returned.
    pub(crate) fn event(&mut self, patience: Duration) -> Option<Event> {
        let until = Instant::now() + patience;
        loop {
            if let Some((kind, flags, stream, payload)) = self.frame() {
                let last = flags & END_STREAM != 0;
                match kind {
                    DATA => return Some(Event::Data { stream, bytes: payload.len(), last }),
                    HEADERS => return Some(Event::Head { stream, block: payload, last }),
                    RST_STREAM => return Some(Event::Reset { stream }),
                    GOAWAY => return Some(Event::GoAway),
                    SETTINGS if flags & ACK == 0 => self.send(SETTINGS, ACK, 0, &[]),
                    PING if flags & ACK == 0 => self.send(PING, ACK, 0, &payload),
                    _ => {}
                }
                continue;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            self.stream.set_read_timeout(Some(left)).unwrap();
            let mut piece = vec![0; 1 << 16];
            match self.stream.read(&mut piece) {
                Ok(0) => return Some(Event::Closed),
                Ok(len) => self.unread.extend_from_slice(&piece[..len]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Some(Event::Closed),
            }
        }
    }

    /// Whether a field block begins with the status 200.
    pub(crate) fn is_ok(block: &[u8]) -> bool {
        block.first() == Some(&0x88) // index 8 of the static table (RFC 7541 appendix A)
    }

    fn frame(&mut self) -> Option<(u8, u8, u32, Vec<u8>)> {
        let head = self.unread.get(..9)?;
        let len = usize::try_from(u32::from_be_bytes([0, head[0], head[1], head[2]])).unwrap();
        let (kind, flags) = (head[3], head[4]);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let payload = self.unread.get(9..9 + len)?.to_vec();
        self.unread.drain(..9 + len);
        Some((kind, flags, stream, payload))
    }
}
