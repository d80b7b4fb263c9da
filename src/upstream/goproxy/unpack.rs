//! A file that is sent compressed, unpacked piece by piece into a sink.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;

use super::wire::{Sink, disk};
use crate::sumdb::number::wide;
use crate::upstream::http::coding::{OVERHEAD, damaged, too_long};
use crate::upstream::http::retry::Failed;

/// Unpacks a body piece by piece into a sink.
pub(super) struct Unpacking<'a> {
    decoder: MultiGzDecoder<Bounded<'a>>,
    /// compressed bytes so far, and at most
    packed: u64,
    most: u64,
}

/// The sink, and what is wrong with it.
struct Bounded<'a> {
    sink: &'a mut dyn Sink,
    limit: u64,
    failed: Option<Failed>,
}

impl<'a> Unpacking<'a> {
    /// Into an empty sink, which then has `limit` bytes at most.
    pub(super) fn new(sink: &'a mut dyn Sink, limit: u64) -> Unpacking<'a> {
        let most = limit.saturating_add(u64::try_from(OVERHEAD).unwrap_or(0));
        Unpacking { decoder: MultiGzDecoder::new(Bounded { sink, limit, failed: None }), packed: 0, most }
    }

    /// The next piece of the body.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), Failed> {
        self.packed = self.packed.saturating_add(wide(piece.len()));
        if self.packed > self.most {
            return Err(too_long(self.decoder.get_ref().limit));
        }
        let pushed = self.decoder.write_all(piece);
        pushed.map_err(|error| self.why(&error))
    }

    /// There are no more.
    pub(super) fn finish(mut self) -> Result<(), Failed> {
        if self.packed == 0 {
            return Ok(());
        }
        let finished = self.decoder.try_finish();
        finished.map_err(|error| self.why(&error))
    }

    fn why(&mut self, error: &io::Error) -> Failed {
        self.decoder.get_mut().failed.take().unwrap_or_else(|| damaged(error))
    }
}

impl Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.limit.saturating_sub(self.sink.len());
        if wide(bytes.len()) > room {
            self.failed = Some(too_long(self.limit));
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        if let Err(error) = self.sink.append(bytes) {
            self.failed = Some(disk(&error));
            return Err(error);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use reqwest::header::{CONTENT_ENCODING, HeaderMap, HeaderValue};

    use super::*;
    use crate::upstream::http::coding::{is_gzip, unpack};
    use crate::upstream::http::failure::FailureKind;

    /// Bytes in memory.
    #[derive(Default)]
    struct Memory(Vec<u8>);

    impl Sink for Memory {
        fn len(&self) -> u64 {
            u64::try_from(self.0.len()).unwrap()
        }

        fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.0.extend_from_slice(bytes);
            Ok(())
        }

        fn restart(&mut self) -> io::Result<()> {
            self.0.clear();
            Ok(())
        }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Both ways must agree, however the body is cut.
    fn unpacked(packed: &[u8], limit: usize) -> Result<Vec<u8>, FailureKind> {
        let whole = unpack(packed, limit).map_err(|failed| failed.kind);
        for size in [1, 7, packed.len().max(1)] {
            let mut memory = Memory::default();
            let mut unpacking = Unpacking::new(&mut memory, u64::try_from(limit).unwrap());
            let pushed = packed.chunks(size).try_for_each(|piece| unpacking.push(piece));
            let finished = pushed.and_then(|()| unpacking.finish()).map_err(|failed| failed.kind);
            assert_eq!(finished.map(|()| memory.0), whole, "pieces of {size}");
        }
        whole
    }

    #[test]
    fn gzip_is_undone_as_go_undoes_it() {
        let (one, two) = (gzip(b"v1.0.0\n"), gzip(b"v1.1.0\n"));
        assert_eq!(unpacked(&one, 7).unwrap(), b"v1.0.0\n");
        assert_eq!(unpacked(&[&one[..], &two[..]].concat(), 100).unwrap(), b"v1.0.0\nv1.1.0\n");
        assert_eq!(unpacked(&gzip(b""), 0).unwrap(), b"");
        assert_eq!(unpacked(b"", 9).unwrap(), b"");
        let mut flipped = one.clone();
        *flipped.last_mut().unwrap() ^= 1;
        for damaged in [&one[..one.len() - 1], &flipped, b"v1.0.0\n", &[&one[..], b"more"].concat(), &one[..5]] {
            assert_eq!(unpacked(damaged, 100), Err(FailureKind::Unreachable), "{}", damaged.escape_ascii());
        }
    }

    #[test]
    fn a_bomb_is_refused() {
        let bomb = gzip(&vec![0; 10 << 20]);
        assert!(bomb.len() < 20_000);
        assert_eq!(unpacked(&bomb, 1 << 20), Err(FailureKind::TooLong));
        assert_eq!(unpacked(&gzip(b"v1.0.0\n"), 6), Err(FailureKind::TooLong));
        // Members without a byte in them, one after the other.
        let nothing = gzip(b"").repeat((OVERHEAD >> 4) + 10);
        let mut memory = Memory::default();
        let mut unpacking = Unpacking::new(&mut memory, 10);
        let ended = nothing.chunks(4096).try_for_each(|piece| unpacking.push(piece));
        assert_eq!(ended.unwrap_err().kind, FailureKind::TooLong);
    }

    #[test]
    fn only_gzip_is_unpacked() {
        for (coding, expected) in [
            ("gzip", true),
            ("GZip", true),
            ("x-gzip", false),
            ("gzip, identity", false),
            ("identity", false),
            ("br", false),
            ("utf-8", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_static(coding))]);
            assert_eq!(is_gzip(&headers), expected, "{coding}");
        }
        assert!(!is_gzip(&HeaderMap::new()));
    }
}
