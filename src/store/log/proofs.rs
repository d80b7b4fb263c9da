//! Which stretches of a file of the log are proven: one bit for each tile, in memory, good as long as the file looks as it did when
//! the bit was set.
//!
//! The look of a file is its size, its times and its inode. A file that looks otherwise was written, cut off or restored since: all
//! of its bits are cleared, and each tile is proven again before it is given. An append is such a change too.

use std::fs::{File, Metadata};
use std::io;
use std::ops::Range;
use std::os::unix::fs::MetadataExt as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

/// A file that changed so lately may change once more without its times showing it: file systems count time in ticks.
const TICK: Duration = Duration::from_millis(100);
/// Bits in a word.
const WORD: u64 = 64;
/// Odd, so that multiplying by it loses nothing; its bits are those of the golden ratio.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// What a file looks like, folded into a number that is not 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    of: u64,
    /// when it last changed, in nanoseconds since 1970
    changed: i128,
}

impl Look {
    /// How these files look now.
    pub(super) fn of(files: &[&File]) -> io::Result<Look> {
        let mut look = Look { of: 0, changed: 0 };
        for file in files {
            look.add(&file.metadata()?);
        }
        look.of |= 1;
        Ok(look)
    }

    fn add(&mut self, found: &Metadata) {
        let mut mix = |value: u64| self.of = (self.of.rotate_left(25) ^ value).wrapping_mul(SPREAD);
        mix(found.ino());
        mix(found.len());
        for time in [found.mtime(), found.mtime_nsec(), found.ctime(), found.ctime_nsec()] {
            mix(time.cast_unsigned());
        }
        let changed = i128::from(found.ctime()) * 1_000_000_000 + i128::from(found.ctime_nsec());
        self.changed = self.changed.max(changed);
    }

    /// Whether a change that happens now would show.
    fn is_settled(&self, now: SystemTime) -> bool {
        let now = now.duration_since(UNIX_EPOCH).map_or(0, |age| i128::try_from(age.as_nanos()).unwrap_or(0));
        now.abs_diff(self.changed) > TICK.as_nanos()
    }
}

/// The proven tiles of one file, or of two files that only mean something together.
#[derive(Debug)]
pub(super) struct Proofs {
    /// the look for which the bits are good; 0 before the first
    look: AtomicU64,
    bits: Vec<AtomicU64>,
    /// held while bits are set or cleared
    change: Mutex<()>,
}

impl Proofs {
    /// Nothing is proven of so many tiles.
    pub(super) fn of_none(tiles: u64) -> Proofs {
        let words = usize::try_from(tiles.div_ceil(WORD)).unwrap_or(0);
        let bits = std::iter::repeat_with(AtomicU64::default).take(words).collect();
        Proofs { look: AtomicU64::new(0), bits, change: Mutex::default() }
    }

    /// Whether the bytes of this tile that were read just now are proven: it was, and the files look as they did then.
    pub(super) fn has(&self, tile: u64, files: &[&File]) -> bool {
        self.has_all(tile..tile + 1, files)
    }

    /// Whether all of these tiles are proven, and the files look as they did then.
    pub(super) fn has_all(&self, mut tiles: Range<u64>, files: &[&File]) -> bool {
        let proven = self.look.load(Ordering::Acquire);
        let is_set = |tile| self.place(tile).is_some_and(|(word, bit)| word.load(Ordering::Acquire) & bit != 0);
        // The look is loaded again: between the two the bits may have been cleared and set for another one.
        tiles.all(is_set)
            && Look::of(files).is_ok_and(|look| look.of == proven)
            && self.look.load(Ordering::Acquire) == proven
    }

    /// Notes that a tile was proven from bytes that were read while the files looked like this.
    pub(super) fn add(&self, tile: u64, look: Look) {
        let Some((word, bit)) = self.place(tile).filter(|_| look.is_settled(SystemTime::now())) else { return };
        let _change = self.change.lock();
        if self.look.load(Ordering::Acquire) != look.of {
            self.look.store(0, Ordering::Release);
            self.bits.iter().for_each(|word| word.store(0, Ordering::Release));
            self.look.store(look.of, Ordering::Release);
        }
        word.fetch_or(bit, Ordering::AcqRel);
    }

    /// Notes that a tile is not what it was.
    pub(super) fn remove(&self, tile: u64) {
        if let Some((word, bit)) = self.place(tile) {
            let _change = self.change.lock();
            word.fetch_and(!bit, Ordering::AcqRel);
        }
    }

    fn place(&self, tile: u64) -> Option<(&AtomicU64, u64)> {
        let word = self.bits.get(usize::try_from(tile / WORD).ok()?)?;
        Some((word, 1 << (tile % WORD)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// As it was an hour ago.
    fn settled(file: &File) -> Look {
        Look { changed: 0, ..Look::of(&[file]).unwrap() }
    }

    #[test]
    fn a_bit_is_good_for_one_look_of_the_file() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"one").unwrap();
        let (proofs, before) = (Proofs::of_none(130), settled(&file));
        assert!(!proofs.has(129, &[&file]));
        proofs.add(129, before);
        proofs.add(0, before);
        proofs.add(192, before);
        let proven = |file: &File| [0, 1, 129, 192].map(|tile| proofs.has(tile, &[file]));
        assert_eq!(proven(&file), [true, false, true, false]);
        proofs.remove(0);
        assert_eq!(proven(&file), [false, false, true, false]);
        file.write_all(b"two").unwrap();
        assert_eq!(proven(&file), [false; 4], "it has another size");
        proofs.add(1, settled(&file));
        assert_eq!(proven(&file), [false, true, false, false], "what was proven of the old bytes is cleared");
    }

    #[test]
    fn what_changed_a_moment_ago_is_not_relied_on() {
        let file = tempfile::tempfile().unwrap();
        let proofs = Proofs::of_none(1);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let changed = i128::try_from(now.as_nanos()).unwrap();
        proofs.add(0, Look { changed, ..settled(&file) });
        assert!(!proofs.has(0, &[&file]));
    }
}
