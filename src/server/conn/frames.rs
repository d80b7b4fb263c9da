//! Follows a client's bytes through its HTTP/2 frames (RFC 9113 section 4.1). This happens at the socket, so that the header
//! timeout holds for an incomplete field block also while other streams are busy, and a PING does not start it.

/// The client connection preface (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Bytes of a frame header.
const HEADER_BYTES: usize = 9;
/// The types of frames that carry a field block.
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
/// The flag of a frame that ends a field block.
const END_HEADERS: u8 = 4;

/// Which protocol a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// too few bytes have arrived
    Unknown,
    Http1,
    Http2,
}

/// Where in its frames one client is.
#[derive(Debug)]
pub(crate) struct FrameTracker {
    position: Position,
    /// a frame began a field block that no frame has ended
    in_block: bool,
}

#[derive(Debug)]
enum Position {
    /// this many bytes of the preface have arrived
    Preface(usize),
    /// HTTP/1.x: nothing is followed
    Http1,
    /// this many bytes of a frame header have arrived
    Header(usize, [u8; HEADER_BYTES]),
    /// this many bytes of a frame's payload are missing
    Payload(usize),
}

impl FrameTracker {
    pub(crate) fn new() -> FrameTracker {
        FrameTracker { position: Position::Preface(0), in_block: false }
    }

    pub(crate) fn protocol(&self) -> Protocol {
        match self.position {
            Position::Preface(_) => Protocol::Unknown,
            Position::Http1 => Protocol::Http1,
            Position::Header(..) | Position::Payload(_) => Protocol::Http2,
        }
    }

    /// Whether a frame or a field block is incomplete.
    pub(crate) fn is_unfinished(&self) -> bool {
        self.in_block || !matches!(self.position, Position::Header(0, _))
    }

    /// Follows these bytes, which have arrived.
    pub(crate) fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let taken = match &mut self.position {
                Position::Http1 => return,
                Position::Preface(have) => {
                    let want = PREFACE.get(*have..).unwrap_or_default();
                    let len = want.len().min(bytes.len());
                    if want.get(..len) != bytes.get(..len) {
                        self.position = Position::Http1;
                        return;
                    }
                    *have += len;
                    if *have == PREFACE.len() {
                        self.position = Position::Header(0, [0; HEADER_BYTES]);
                    }
                    len
                }
                Position::Header(have, header) => {
                    let len = bytes.len().min(HEADER_BYTES - *have);
                    let to = header.iter_mut().skip(*have);
                    to.zip(bytes).for_each(|(to, byte)| *to = *byte);
                    *have += len;
                    if *have == HEADER_BYTES {
                        let header = *header;
                        self.begin(header);
                    }
                    len
                }
                Position::Payload(left) => {
                    let len = bytes.len().min(*left);
                    *left -= len;
                    if *left == 0 {
                        self.position = Position::Header(0, [0; HEADER_BYTES]);
                    }
                    len
                }
            };
            bytes = bytes.get(taken..).unwrap_or_default();
        }
    }

    fn begin(&mut self, [a, b, c, kind, flags, ..]: [u8; HEADER_BYTES]) {
        if matches!(kind, HEADERS | CONTINUATION) {
            self.in_block = flags & END_HEADERS == 0;
        }
        let len = usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap_or(usize::MAX);
        self.position = if len == 0 { Position::Header(0, [0; HEADER_BYTES]) } else { Position::Payload(len) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let len = u8::try_from(payload.len()).unwrap_or(u8::MAX);
        [&[0, 0, len, kind, flags, 0, 0, 0, 1], payload].concat()
    }

    #[test]
    fn however_the_bytes_are_cut_the_frames_are_the_same() {
        let whole = [PREFACE, &frame(4, 0, b"123456"), &frame(HEADERS, END_HEADERS, b"abc"), &frame(6, 0, b"12345678")];
        let whole = whole.concat();
        let ends = [33 + 6, 33 + 6 + 12, whole.len()].map(|end| end.min(whole.len()));
        for step in 1..=whole.len() {
            let mut frames = FrameTracker::new();
            let mut read = 0;
            for piece in whole.chunks(step) {
                frames.read(piece);
                read += piece.len();
                assert_eq!(frames.is_unfinished(), read != PREFACE.len() && !ends.contains(&read), "{read} by {step}");
                let protocol = if read < PREFACE.len() { Protocol::Unknown } else { Protocol::Http2 };
                assert_eq!(frames.protocol(), protocol);
            }
        }
    }

    #[test]
    fn a_field_block_lasts_until_a_frame_ends_it() {
        let mut frames = FrameTracker::new();
        frames.read(PREFACE);
        frames.read(&frame(HEADERS, 1, b"abc"));
        assert!(frames.is_unfinished());
        frames.read(&frame(CONTINUATION, 0, b""));
        assert!(frames.is_unfinished());
        frames.read(&frame(CONTINUATION, END_HEADERS, b"d"));
        assert!(!frames.is_unfinished());
    }

    #[test]
    fn what_does_not_begin_as_http2_is_http1() {
        for bytes in ["GET / HTTP/1.1\r\n", "P", "PRI * HTTP/1.1"] {
            let mut frames = FrameTracker::new();
            frames.read(bytes.as_bytes());
            let unknown = PREFACE.starts_with(bytes.as_bytes());
            assert_eq!(frames.protocol(), if unknown { Protocol::Unknown } else { Protocol::Http1 }, "{bytes}");
        }
    }
}
