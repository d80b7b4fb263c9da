//! What a file looks like: its size, its times and its inode, folded into a number. A file that looks otherwise was written, cut off or
//! restored since.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A file that changed so lately may change once more without its times showing it: file systems count time in ticks.
const TICK: Duration = Duration::from_millis(100);
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

    /// The same as a number that is not 0.
    pub(super) fn number(self) -> u64 {
        self.of
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
    pub(super) fn is_settled(&self, now: SystemTime) -> bool {
        let now = now.duration_since(UNIX_EPOCH).map_or(0, |age| i128::try_from(age.as_nanos()).unwrap_or(0));
        now.abs_diff(self.changed) > TICK.as_nanos()
    }

    /// The same of a file that changed at another time.
    #[cfg(test)]
    pub(super) fn changed_at(self, changed: i128) -> Look {
        Look { changed, ..self }
    }
}
