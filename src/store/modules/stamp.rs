//! What a file looked like when its bytes were last proven: its size, its times and its inode. One that looks otherwise was
//! written, replaced or restored since, and is hashed again before it is given.
//!
//! The stamp stands in the file's proof; in the tree of first uses, which has no proofs, in a file of its own:
//!
//! ```text
//! stat <bytes> <seconds>.<nanoseconds, modified> <seconds>.<nanoseconds, changed> <inode>
//! ```
//!
//! What changes no time, as a bit that flips on the disk itself, is found by the scrub and by `gosumcheck verify`.

use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;

/// The looks of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    len: u64,
    /// seconds and nanoseconds
    modified: (i64, i64),
    changed: (i64, i64),
    inode: u64,
}

impl Stamp {
    pub(super) fn of(found: &Metadata) -> Stamp {
        Stamp {
            len: found.len(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
            inode: found.ino(),
        }
    }

    /// Whether it is that of a file that had the stamp `before` and has got another name since.
    pub(super) fn is_moved(&self, before: &Stamp) -> bool {
        Stamp { changed: before.changed, ..*self } == *before
    }

    /// The stamp that is written so, to the last byte.
    pub(super) fn parse(text: &str) -> Option<Stamp> {
        let mut fields = text.strip_prefix("stat ")?.split(' ');
        let len = fields.next()?.parse().ok()?;
        let mut time = || {
            let (seconds, nanoseconds) = fields.next()?.split_once('.')?;
            Some((seconds.parse().ok()?, nanoseconds.parse().ok()?))
        };
        let (modified, changed) = (time()?, time()?);
        let stamp = Stamp { len, modified, changed, inode: fields.next()?.parse().ok()? };
        (stamp.to_string() == text).then_some(stamp)
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stamp { len, modified, changed, inode } = self;
        let [modified, changed] = [modified, changed].map(|(seconds, nanos)| format!("{seconds}.{nanos:09}"));
        write!(f, "stat {len} {modified} {changed} {inode}")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_has_one_spelling() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let stamp = Stamp::of(&file.as_file().metadata().unwrap());
        assert_eq!(Stamp::parse(&stamp.to_string()), Some(stamp));
        let text = "stat 5 1.000000002 -3.000000004 6";
        assert_eq!(Stamp::parse(text).unwrap().to_string(), text);
        for wrong in [
            "",
            "stat",
            "stat 5 1.000000002 3.000000004",
            "stat 5 1.2 3.000000004 6",
            "stat 05 1.000000002 3.000000004 6",
            "stat 5 1.000000002 3.000000004 6 ",
            "stat 5 1.000000002 3.000000004 6 7",
            "stat -5 1.000000002 3.000000004 6",
            "stat 5  1.000000002 3.000000004 6",
        ] {
            assert_eq!(Stamp::parse(wrong), None, "{wrong:?}");
        }
    }
}
