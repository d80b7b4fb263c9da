//! The SHA-256 of every entry's content: batches of entries, several threads, small files many at a time.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use parking_lot::Mutex;

use super::inflate::{Reader, SLACK};
use super::{Archive, Entry, Error, Limits, ReadAt, ZipError};
use crate::sumdb::hash::{Hash, sha256_many};
use crate::sumdb::number::wide;

/// Files of more bytes than this, packed or unpacked, are streamed; the others are held whole, a batch at a time.
const WHOLE: u64 = 512 << 10;
/// Bytes of content in a batch: enough files to fill the lanes of the hash, few enough to stay in the cache.
const BATCH: Range<u64> = 128 << 10..1 << 20;
/// Batches for each thread, that all may end together.
const BATCHES_PER_THREAD: u64 = 4;
/// Threads for one zip at most, whatever the caller asks.
const MAX_THREADS: u64 = 64;
/// Files in a batch at most: empty ones have no bytes to count.
const BATCH_FILES: usize = 1024;

/// SHA-256 of the content of each entry, in the order of the entries.
///
/// # Errors
/// `Refused(Malformed)` for sizes beyond `limits` and for the first entry that is not what the directory says of it;
/// `Read` if the source fails.
pub(super) fn hash_all<R: ReadAt + ?Sized>(
    source: &R,
    archive: &Archive,
    threads: usize,
    limits: &Limits,
) -> Result<Vec<Hash>, ZipError> {
    let unpacked = check_sizes(source, archive, limits)?;
    let useful = (unpacked / BATCH.start + 1).min(MAX_THREADS);
    let threads = wide(threads).clamp(1, useful);
    let size = if threads == 1 { BATCH.end } else { unpacked / threads / BATCHES_PER_THREAD };
    let batches = batches(archive, size.clamp(BATCH.start, BATCH.end));
    let next = AtomicUsize::new(0);
    let mut hashes = vec![Hash::default(); archive.entries().len()];
    let slots = slots(&mut hashes, &batches);
    let work = || Worker::new(source, archive).run(&batches, &slots, &next);
    let mut failed = thread::scope(|scope| {
        // Where the system has no more threads, those that there are do the work.
        let others: Vec<_> =
            (1..threads).map_while(|_| thread::Builder::new().spawn_scoped(scope, work).ok()).collect();
        let mut failed: Vec<(usize, ZipError)> = work().into_iter().collect();
        for other in others {
            failed.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        failed
    });
    failed.sort_unstable_by_key(|&(batch, _)| batch);
    match failed.into_iter().next() {
        Some((_, error)) => Err(error),
        None => Ok(hashes),
    }
}

/// The content of one entry, `packed` bytes in the zip and `unpacked` outside.
///
/// # Errors
/// As `hash_all`.
pub(super) fn read_one<R: ReadAt + ?Sized>(
    source: &R,
    archive: &Archive,
    entry: &Entry,
    packed: usize,
    unpacked: usize,
) -> Result<Vec<u8>, ZipError> {
    let mut room = vec![0; unpacked.saturating_add(SLACK)];
    Reader::new(source, archive.base).whole(entry, archive.name(entry), packed, unpacked, &mut room)?;
    room.truncate(unpacked);
    Ok(room)
}

/// The place of one batch's hashes, which the thread that has the batch fills.
type Slot<'a> = Mutex<&'a mut [Hash]>;

/// Where the hashes of each batch belong: all are one block of memory, which is not copied.
fn slots<'a>(mut hashes: &'a mut [Hash], batches: &[Range<usize>]) -> Vec<Slot<'a>> {
    let slot = |batch: &Range<usize>| {
        let (slot, rest) = std::mem::take(&mut hashes).split_at_mut_checked(batch.len()).unwrap_or_default();
        hashes = rest;
        Mutex::new(slot)
    };
    batches.iter().map(slot).collect()
}

/// The bytes of all files, if they keep to the limits and the packed ones find room in the file side by side: entries
/// that share bytes are how a small zip is made to cost much.
fn check_sizes<R: ReadAt + ?Sized>(source: &R, archive: &Archive, limits: &Limits) -> Result<u64, ZipError> {
    let refused = |why: String| ZipError::from(Error::malformed("module zip", why));
    let files = || archive.entries().iter().filter(|entry| !entry.is_folder);
    let unpacked = files().fold(0_u64, |sum, entry| sum.saturating_add(entry.unpacked));
    if unpacked > limits.unpacked {
        return Err(refused(format!("its files declare {unpacked} bytes where {} are the limit", limits.unpacked)));
    }
    let packed = files().fold(0_u64, |sum, entry| sum.saturating_add(entry.packed));
    if packed > source.size() {
        return Err(refused(format!("its files take {packed} bytes of a zip of {}", source.size())));
    }
    Ok(unpacked)
}

/// Cuts the entries into runs of about `size` bytes of content.
fn batches(archive: &Archive, size: u64) -> Vec<Range<usize>> {
    let mut batches = Vec::new();
    let (mut start, mut bytes) = (0, 0_u64);
    for (index, entry) in archive.entries().iter().enumerate() {
        let full = bytes.saturating_add(entry.unpacked) > size || index - start == BATCH_FILES;
        if full && index > start {
            batches.push(start..index);
            (start, bytes) = (index, 0);
        }
        bytes = bytes.saturating_add(entry.unpacked);
    }
    batches.push(start..archive.entries().len());
    batches
}

/// One thread's buffers.
struct Worker<'a, R: ReadAt + ?Sized> {
    archive: &'a Archive,
    reader: Reader<'a, R>,
    /// The contents of a batch's small files, one after the other.
    contents: Vec<u8>,
}

impl<'a, R: ReadAt + ?Sized> Worker<'a, R> {
    fn new(source: &'a R, archive: &'a Archive) -> Worker<'a, R> {
        Worker { archive, reader: Reader::new(source, archive.base), contents: Vec::new() }
    }

    /// Takes batches until none is left or one fails; gives the batch that failed. A failure stops the others after the batch they
    /// are at; as batches are taken in order, all those before it are finished, and the first faulty entry is always the one that
    /// is reported.
    fn run(mut self, batches: &[Range<usize>], slots: &[Slot<'_>], next: &AtomicUsize) -> Option<(usize, ZipError)> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let (batch, slot) = (batches.get(number)?, slots.get(number)?);
            match self.hash_batch(batch.clone()) {
                Ok(hashes) => {
                    let mut slot = slot.lock();
                    slot.iter_mut().zip(hashes).for_each(|(place, hash)| *place = hash);
                }
                Err(error) => {
                    next.fetch_max(batches.len(), Ordering::Relaxed);
                    return Some((number, error));
                }
            }
        }
    }

    fn hash_batch(&mut self, batch: Range<usize>) -> Result<Vec<Hash>, ZipError> {
        let entries = self.archive.entries().get(batch).unwrap_or_default();
        let whole = |size: u64| usize::try_from(size).ok().filter(|_| size <= WHOLE);
        let room = entries.iter().filter_map(|entry| whole(entry.unpacked)).sum::<usize>() + SLACK;
        if self.contents.len() < room {
            self.contents.resize(room, 0);
        }
        let mut ends = Vec::with_capacity(entries.len());
        let mut end = 0;
        let mut streamed = Vec::new();
        for (place, entry) in entries.iter().enumerate() {
            let name = self.archive.name(entry);
            match (whole(entry.unpacked), whole(entry.packed)) {
                (Some(size), Some(packed)) => {
                    let room = self.contents.get_mut(end..).unwrap_or_default();
                    self.reader.whole(entry, name, packed, size, room)?;
                    end += size;
                }
                _ => streamed.push((place, self.reader.stream(entry, name)?)),
            }
            ends.push(end);
        }
        let starts = std::iter::once(&0).chain(&ends);
        let contents: Vec<&[u8]> =
            starts.zip(&ends).map(|(&start, &end)| self.contents.get(start..end).unwrap_or_default()).collect();
        let mut hashes = sha256_many(&contents);
        for (place, hash) in streamed {
            if let Some(slot) = hashes.get_mut(place) {
                *slot = hash;
            }
        }
        Ok(hashes)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use std::io::{Cursor, Write as _};

    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipWriter};

    use super::*;

    /// An archive of files of these sizes, in bytes.
    fn archive(sizes: &[usize]) -> Archive {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (number, size) in sizes.iter().enumerate() {
            let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
            zip.start_file(format!("m@v1.0.0/{number}"), stored).unwrap();
            zip.write_all(&vec![0; *size]).unwrap();
        }
        Archive::read(&zip.finish().unwrap().into_inner()[..], &Limits::default()).unwrap()
    }

    #[test]
    fn a_batch_holds_no_more_than_its_size_or_one_file() {
        assert_eq!(batches(&archive(&[10, 20, 70, 1, 100, 101, 99, 1, 1]), 100), [0..3, 3..4, 4..5, 5..6, 6..8, 8..9]);
        assert_eq!(batches(&archive(&[101, 0, 0]), 100), [0..1, 1..3]);
        assert_eq!(batches(&archive(&[0; 2 * BATCH_FILES + 1]), 100), [0..1024, 1024..2048, 2048..2049]);
    }
}
