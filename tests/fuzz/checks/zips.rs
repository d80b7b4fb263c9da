//! Module zips: their h1, and the rules for what they hold.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use gosumcheck::sumdb::dirhash::{Limits, ReadAt, h1_zip_within};
use gosumcheck::sumdb::hash::EMPTY_ROOT;
use gosumcheck::sumdb::modzip::check_zip_within;

use super::refused;

/// Small, so that an input cannot cost more than a few milliseconds; of the real ones h1.rs has tests.
const LIMITS: Limits = Limits { packed: 64 << 10, unpacked: 4 << 20, entries: 1 << 10, names: 32 << 10 };

/// A zip in memory that counts the bytes that are read of it: the reader's steps.
struct Counted<'a> {
    bytes: &'a [u8],
    read: AtomicU64,
}

impl ReadAt for Counted<'_> {
    fn size(&self) -> u64 {
        self.bytes.size()
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.read.fetch_add(buf.len() as u64, Ordering::Relaxed);
        self.bytes.read_exact_at(offset, buf)
    }
}

/// `h1_zip` with bounds on what it reads. Whether there is anything in it.
pub fn h1(bytes: &[u8]) -> bool {
    let counted = Counted { bytes, read: AtomicU64::new(0) };
    let h1 = h1_zip_within(&counted, 1, &LIMITS);
    // Twice ahead, once each content, the end twice, the directory, and a header and a descriptor for each entry.
    let read = counted.read.into_inner();
    assert!(read <= 8 * bytes.len() as u64 + (1 << 10), "{read} bytes read of {}", bytes.len());
    match h1 {
        Ok(h1) => h1 != EMPTY_ROOT,
        Err(error) => refused(error),
    }
}

/// `check_zip`: what it takes is a zip whose directory can be read, under this module's name.
pub fn modzip(bytes: &[u8]) -> bool {
    let checked = check_zip_within(bytes, "example.com/m", "v1.0.0", &LIMITS);
    if let Err(error) = checked {
        return refused(error);
    }
    // One without entries is fine for every module; there is nothing in it.
    let is_empty = check_zip_within(bytes, "example.com/n", "v1.0.0", &LIMITS).is_ok();
    assert!(!is_empty || h1_zip_within(bytes, 1, &LIMITS).is_ok_and(|h1| h1 == EMPTY_ROOT));
    !is_empty
}
