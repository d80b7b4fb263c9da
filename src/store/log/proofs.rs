//! Which stretches of a file of the log are proven: one bit for each tile, in memory, good as long as the file looks as it did when
//! the bit was set, appends of this process aside (`own_writes`). The snapshots of a log have them in common as it grows.
//!
//! Where a file looks otherwise (`look`), all of its bits are cleared, and each tile is proven again before it is given. An append by
//! another process is such a change too.

use std::fs::File;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use parking_lot::Mutex;

use super::look::Look;
use super::own_writes::OwnWrites;

/// Bits in a word.
const WORD: u64 = 64;
/// Pieces of the bits, each twice as long as the one before: enough for more records than there will be.
const PIECES: usize = 40;

/// The proven tiles of one file, or of two files that only mean something together.
#[derive(Debug)]
pub(super) struct Proofs {
    /// what this process itself wrote to the log
    own: Arc<OwnWrites>,
    /// the file, as `own` knows it
    path: PathBuf,
    /// the look for which the bits are good; 0 before the first
    look: AtomicU64,
    /// made when the first of its bits is set; none is ever moved, as other snapshots set and clear them meanwhile
    bits: [OnceLock<Box<[AtomicU64]>>; PIECES],
    /// held while bits are set or cleared
    change: Mutex<()>,
}

impl Proofs {
    /// Nothing is proven of a file.
    pub(super) fn of_none(own: &Arc<OwnWrites>, path: PathBuf) -> Proofs {
        let bits = std::array::from_fn(|_| OnceLock::new());
        Proofs { own: Arc::clone(own), path, look: AtomicU64::new(0), bits, change: Mutex::default() }
    }

    /// Whether the bytes of this tile that were read just now are proven: it was, and the files look as they did then.
    pub(super) fn has(&self, tile: u64, files: &[&File]) -> bool {
        self.has_all(tile..tile + 1, files)
    }

    /// Whether all of these tiles are proven, and the files look as they did then.
    pub(super) fn has_all(&self, mut tiles: Range<u64>, files: &[&File]) -> bool {
        let proven = self.look.load(Ordering::Acquire);
        let is_set = |tile| self.place(tile).is_some_and(|(word, bit)| word.load(Ordering::Acquire) & bit != 0);
        if !tiles.all(is_set) {
            return false;
        }
        let Ok(look) = Look::of(files) else { return false };
        // The look is loaded again: between the two the bits may have been cleared and set for another one.
        if look.number() == proven { self.look.load(Ordering::Acquire) == proven } else { self.follow(proven, look) }
    }

    /// Whether the bits that were good for the look `proven` are good for this one, because only this process appended; from then on
    /// they are.
    fn follow(&self, proven: u64, look: Look) -> bool {
        if !self.own.lead(&self.path, proven, look.number()) {
            return false;
        }
        let _change = self.change.lock();
        let is_same = self.look.load(Ordering::Acquire) == proven;
        if is_same {
            self.look.store(look.number(), Ordering::Release);
        }
        is_same
    }

    /// Notes that a tile was proven from bytes that were read while the files looked like this.
    pub(super) fn add(&self, tile: u64, look: Look) {
        let Some((piece, at)) = piece(tile).filter(|_| look.is_settled(SystemTime::now())) else { return };
        let Some(words) = self.bits.get(piece) else { return };
        let words = words.get_or_init(|| std::iter::repeat_with(AtomicU64::default).take(1 << piece).collect());
        let _change = self.change.lock();
        let now = self.look.load(Ordering::Acquire);
        // Of bytes that were read before an append of ours it holds as well.
        if now != look.number() && !self.own.lead(&self.path, look.number(), now) {
            if !self.own.lead(&self.path, now, look.number()) {
                self.look.store(0, Ordering::Release);
                self.bits.iter().filter_map(OnceLock::get).for_each(|words| clear(words));
            }
            self.look.store(look.number(), Ordering::Release);
        }
        if let Some(word) = words.get(at) {
            word.fetch_or(1 << (tile % WORD), Ordering::AcqRel);
        }
    }

    /// Notes that a tile is not what it was.
    pub(super) fn remove(&self, tile: u64) {
        if let Some((word, bit)) = self.place(tile) {
            let _change = self.change.lock();
            word.fetch_and(!bit, Ordering::AcqRel);
        }
    }

    /// Where the bit of a tile is; none where none near it was ever set.
    fn place(&self, tile: u64) -> Option<(&AtomicU64, u64)> {
        let (piece, at) = piece(tile)?;
        Some((self.bits.get(piece)?.get()?.get(at)?, 1 << (tile % WORD)))
    }
}

/// The piece that the word of a tile is in, and its number there.
fn piece(tile: u64) -> Option<(usize, usize)> {
    let word = tile / WORD + 1;
    let piece = word.ilog2();
    Some((usize::try_from(piece).ok()?, usize::try_from(word - (1 << piece)).ok()?))
}

fn clear(words: &[AtomicU64]) {
    words.iter().for_each(|word| word.store(0, Ordering::Release));
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::FileExt as _;
    use std::time::UNIX_EPOCH;

    use super::*;

    /// As it was an hour ago.
    fn settled(file: &File) -> Look {
        Look::of(&[file]).unwrap().changed_at(0)
    }

    fn of_none() -> Proofs {
        Proofs::of_none(&Arc::default(), PathBuf::from("hashes.0"))
    }

    #[test]
    fn a_bit_is_good_for_one_look_of_the_file() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"one").unwrap();
        let (proofs, before) = (of_none(), settled(&file));
        assert!(!proofs.has(129, &[&file]));
        proofs.add(129, before);
        proofs.add(0, before);
        proofs.add(192, before);
        let proven = |file: &File| [0, 1, 129, 191, 192, 193].map(|tile| proofs.has(tile, &[file]));
        assert_eq!(proven(&file), [true, false, true, false, true, false]);
        proofs.remove(0);
        assert_eq!(proven(&file), [false, false, true, false, true, false]);
        file.write_all(b"two").unwrap();
        assert_eq!(proven(&file), [false; 6], "it has another size");
        proofs.add(1, settled(&file));
        assert_eq!(
            proven(&file),
            [false, true, false, false, false, false],
            "what was proven of the old bytes is cleared"
        );
    }

    #[test]
    fn what_changed_a_moment_ago_is_not_relied_on() {
        let file = tempfile::tempfile().unwrap();
        let proofs = of_none();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        proofs.add(0, settled(&file).changed_at(i128::try_from(now.as_nanos()).unwrap()));
        assert!(!proofs.has(0, &[&file]));
    }

    /// Only what this process appended leaves them good, also for who read before it.
    #[test]
    fn bits_outlive_own_appends_and_no_other_change() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"one").unwrap();
        let proofs = of_none();
        let append = |mut file: &File| proofs.own.write(&proofs.path, &[file], || file.write_all(b"more"));
        let before = settled(&file);
        proofs.add(0, before);
        append(&file).unwrap();
        assert!(proofs.has(0, &[&file]), "it is beyond what was proven");
        let between = settled(&file);
        append(&file).unwrap();
        proofs.add(1000, between);
        assert!(proofs.has_all(0..1, &[&file]) && proofs.has(1000, &[&file]) && !proofs.has(1, &[&file]));
        append(&file).unwrap();
        proofs.add(2, before);
        assert_eq!([0, 1, 2, 1000].map(|tile| proofs.has(tile, &[&file])), [true, false, true, true]);
        // Between two appends somebody writes, without a change of the length.
        append(&file).unwrap();
        file.write_all_at(b"x", 0).unwrap();
        file.set_modified(UNIX_EPOCH).unwrap();
        append(&file).unwrap();
        assert_eq!([0, 1, 2, 1000].map(|tile| proofs.has(tile, &[&file])), [false; 4]);
        proofs.add(1, settled(&file));
        assert_eq!([0, 1, 2, 1000].map(|tile| proofs.has(tile, &[&file])), [false, true, false, false]);
    }
}
