//! The Merkle tree over the records: the hashes that tiles are made of, and roots and proofs by the definitions of RFC 6962.
//!
//! Kept are the levels that begin a tile, 0, 8, 16 and 24, as plain bytes: hash `n` of a level is its bytes `32 n..32 n + 32`.
//! Whatever lies between is computed again when it is asked for.

use std::sync::Mutex;
use std::{iter, thread};

use gosumcheck::sumdb::hash::{EMPTY_ROOT, Hash, leaf_hashes, parent_hashes};

use super::records::Records;

/// Tile levels kept: enough for 2^40 records.
pub const TILE_LEVELS: usize = 4;
/// Hashes of one level below one hash of the next tile level.
const WIDTH: u64 = 256;
/// Bytes of a hash.
const HASH: usize = 32;
/// Records that a thread hashes at a time; a multiple of `WIDTH`.
const BATCH: u64 = 8192;

/// The kept hashes of one history, from record `from` on; what lies before is in another history.
pub struct Levels {
    from: u64,
    size: u64,
    bytes: [Vec<u8>; TILE_LEVELS],
}

impl Levels {
    /// Hashes the records `from..to` on all processors. `from` is rounded down to a whole tile.
    /// `base` holds the hashes before it; records numbered `fork` or more are those of the forked history.
    pub fn build(records: &Records, from: u64, to: u64, fork: Option<u64>, base: Option<&Levels>) -> Levels {
        let from = from / WIDTH * WIDTH;
        let count = (to - from) as usize;
        let mut leaves = vec![0; count * HASH];
        let mut tops = vec![0; count / WIDTH as usize * HASH];
        let top_chunks =
            tops.chunks_mut((BATCH / WIDTH) as usize * HASH).chain(iter::repeat_with(<&mut [u8]>::default));
        let batches = leaves.chunks_mut(BATCH as usize * HASH).zip(top_chunks).zip((from..).step_by(BATCH as usize));
        let batches = Mutex::new(batches);
        let work = || {
            loop {
                let next = batches.lock().unwrap().next();
                let Some(((leaves, tops), begin)) = next else { return };
                hash_batch(records, fork, begin, leaves, tops);
            }
        };
        let threads = if count as u64 > 2 * BATCH { thread::available_parallelism().map_or(1, usize::from) } else { 1 };
        thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(work);
            }
            work();
        });
        let mut levels = Levels { from, size: to, bytes: [leaves, tops, Vec::new(), Vec::new()] };
        levels.complete(base);
        levels
    }

    /// Appends the leaves of the records up to `to`.
    pub fn extend(&mut self, records: &Records, to: u64, fork: Option<u64>, base: Option<&Levels>) {
        for id in self.size..to {
            let at = self.bytes[0].len();
            self.bytes[0].resize(at + HASH, 0);
            hash_batch(records, fork, id, &mut self.bytes[0][at..], &mut []);
        }
        self.size = self.size.max(to);
        self.complete(base);
    }

    /// Records hashed.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Hash `n` of tile level `level`; `None` where it belongs to the history before this one.
    fn own(&self, level: usize, n: u64) -> Option<Hash> {
        let n = n.checked_sub(self.from >> (8 * level))? as usize;
        Some(Hash(self.bytes[level].get(n * HASH..(n + 1) * HASH)?.try_into().ok()?))
    }

    /// Adds the hashes of the upper levels that have become complete.
    fn complete(&mut self, base: Option<&Levels>) {
        for level in 1..TILE_LEVELS {
            let first = self.from >> (8 * level);
            let next = first + (self.bytes[level].len() / HASH) as u64;
            for n in next..self.size >> (8 * level) {
                let below = |m| self.own(level - 1, m).or_else(|| base?.own(level - 1, m)).expect("hashed already");
                let hash = fold((n * WIDTH..(n + 1) * WIDTH).map(below).collect());
                self.bytes[level].extend_from_slice(&hash.0);
            }
        }
    }
}

/// The hashes of one history: its own, and before them another's.
pub struct View<'a> {
    /// the newest
    pub levels: &'a Levels,
    /// the history that it left
    pub base: Option<&'a Levels>,
}

impl View<'_> {
    /// Hash `n` of tile level `level`.
    pub fn hash(&self, level: usize, n: u64) -> Hash {
        self.levels
            .own(level, n)
            .or_else(|| self.base?.own(level, n))
            .expect("the caller asks for hashes within the log")
    }

    /// The bytes of hash tile `index`, `width` hashes wide.
    pub fn tile(&self, level: usize, index: u64, width: u64) -> Vec<u8> {
        let begin = index * WIDTH;
        let own = begin.checked_sub(self.levels.from >> (8 * level)).map(|n| n as usize * HASH);
        let slice = own.and_then(|at| self.levels.bytes[level].get(at..at + width as usize * HASH));
        match slice {
            Some(bytes) => bytes.to_vec(),
            None => (begin..begin + width).flat_map(|n| self.hash(level, n).0).collect(),
        }
    }

    /// The root of the tree of the first `size` records.
    pub fn root(&self, size: u64) -> Hash {
        if size == 0 { EMPTY_ROOT } else { self.mth(0, size) }
    }

    /// MTH(D[lo:hi]) of RFC 6962 section 2.1, cut short at hashes that are kept.
    fn mth(&self, lo: u64, hi: u64) -> Hash {
        let count = hi - lo;
        let level = (count.trailing_zeros() / 8) as usize;
        if count == 1 << (8 * level) && lo.is_multiple_of(count) && level < TILE_LEVELS {
            return self.hash(level, lo / count);
        }
        let middle = lo + left(count);
        node(self.mth(lo, middle), self.mth(middle, hi))
    }

    /// PATH(m, D[lo:hi]) of RFC 6962 section 2.1.1: the inclusion proof of record `m`, leaf side first.
    pub fn inclusion(&self, m: u64, lo: u64, hi: u64) -> Vec<Hash> {
        if hi - lo == 1 {
            return Vec::new();
        }
        let middle = lo + left(hi - lo);
        let (mut path, sibling) = if m < middle {
            (self.inclusion(m, lo, middle), self.mth(middle, hi))
        } else {
            (self.inclusion(m, middle, hi), self.mth(lo, middle))
        };
        path.push(sibling);
        path
    }

    /// SUBPROOF(m, D[lo:hi], whole) of RFC 6962 section 2.1.2: that the tree of the first `m` records is part of this one.
    pub fn consistency(&self, m: u64, lo: u64, hi: u64) -> Vec<Hash> {
        if m == hi {
            return if lo == 0 { Vec::new() } else { vec![self.mth(lo, hi)] };
        }
        let middle = lo + left(hi - lo);
        let (mut proof, sibling) = if m <= middle {
            (self.consistency(m, lo, middle), self.mth(middle, hi))
        } else {
            (self.consistency(m, middle, hi), self.mth(lo, middle))
        };
        proof.push(sibling);
        proof
    }
}

/// The largest power of two smaller than `count`: the leaves of the left half.
fn left(count: u64) -> u64 {
    count.next_power_of_two() / 2
}

fn node(left: Hash, right: Hash) -> Hash {
    parent_hashes(&[left, right])[0]
}

/// The root of a perfect tree over `hashes`.
fn fold(mut hashes: Vec<Hash>) -> Hash {
    while hashes.len() > 1 {
        hashes = parent_hashes(&hashes);
    }
    hashes[0]
}

/// Hashes the records from `begin` on into `leaves`, and each whole tile of them into `tops`.
fn hash_batch(records: &Records, fork: Option<u64>, begin: u64, leaves: &mut [u8], tops: &mut [u8]) {
    let count = leaves.len() / HASH;
    let (mut text, mut ends) = (Vec::with_capacity(count * 256), Vec::with_capacity(count));
    for id in (begin..).take(count) {
        records.write(id, fork.is_some_and(|fork| id >= fork), &mut text);
        ends.push(text.len());
    }
    let starts = iter::once(0).chain(ends.iter().copied());
    let texts: Vec<&[u8]> = starts.zip(&ends).map(|(start, end)| &text[start..*end]).collect();
    let mut hashes = leaf_hashes(&texts);
    for (place, hash) in leaves.chunks_exact_mut(HASH).zip(&hashes) {
        place.copy_from_slice(&hash.0);
    }
    hashes.truncate(tops.len() / HASH * WIDTH as usize);
    while hashes.len() > tops.len() / HASH {
        hashes = parent_hashes(&hashes);
    }
    for (place, hash) in tops.chunks_exact_mut(HASH).zip(&hashes) {
        place.copy_from_slice(&hash.0);
    }
}
