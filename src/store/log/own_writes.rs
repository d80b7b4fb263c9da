//! How the files of a log looked before and after each write of this process beyond what is committed. Such a write changes no byte
//! that was there, so that what was proven before it is proven after it, although the file looks otherwise.
//!
//! The file is looked at just before the write and just after it. What another process writes before or after shows, and nothing is
//! said of the looks on both sides of it. Only a write in the same instant (that of the system call, or the tick of the file system's
//! clock after it) does not show; the scrub, which looks at no times, finds what it did.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use super::look::Look;

/// Looks that are remembered of one file: with fewer, readers prove anew what they could have known.
const MAX_LOOKS: usize = 1 << 12;

/// By file, or by the first of two that only mean something together: the looks of which each came of the one before by a write of
/// this process alone, the newest last.
#[derive(Debug, Default)]
pub(in crate::store) struct OwnWrites(Mutex<HashMap<PathBuf, VecDeque<u64>>>);

impl OwnWrites {
    /// Does a write to one of `files`, beyond all that anybody reads.
    pub(super) fn write(&self, path: &Path, files: &[&File], write: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let before = Look::of(files);
        write()?;
        if let (Ok(before), Ok(after)) = (before, Look::of(files)) {
            self.note(path, before, after);
        }
        Ok(())
    }

    fn note(&self, path: &Path, before: Look, after: Look) {
        let mut known = self.0.lock();
        let looks = known.entry(path.to_path_buf()).or_default();
        if looks.back() != Some(&before.number()) {
            looks.clear();
            looks.push_back(before.number());
        }
        if before != after {
            looks.push_back(after.number());
        }
        if looks.len() > MAX_LOOKS {
            looks.pop_front();
        }
    }

    /// Whether the file got the second look from the first one by writes of this process alone.
    pub(super) fn lead(&self, path: &Path, from: u64, to: u64) -> bool {
        let known = self.0.lock();
        let Some(looks) = known.get(path) else { return false };
        // The newest are asked for: few steps from the end.
        let to = looks.iter().rposition(|look| *look == to);
        to.is_some_and(|to| looks.range(..=to).rev().any(|look| *look == from))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn looks_that_others_made_are_on_no_way() {
        let (own, path) = (OwnWrites::default(), Path::new("records"));
        let mut file = tempfile::tempfile().unwrap();
        let look = |file: &File| Look::of(&[file]).unwrap().number();
        let mut looks = vec![look(&file)];
        let own_write = |mut file: &File| own.write(path, &[file], || file.write_all(b"ours"));
        for _ in 0..2 {
            own_write(&file).unwrap();
            looks.push(look(&file));
        }
        assert!(own.lead(path, looks[0], looks[2]) && own.lead(path, looks[1], looks[2]));
        assert!(own.lead(path, looks[0], looks[1]), "who looked earlier");
        assert!(!own.lead(path, looks[2], looks[1]), "not backwards");
        assert!(!own.lead(Path::new("offsets"), looks[0], looks[2]));
        file.write_all(b"theirs").unwrap();
        let theirs = look(&file);
        assert!(!own.lead(path, looks[2], theirs));
        own_write(&file).unwrap();
        assert!(!own.lead(path, looks[2], look(&file)) && own.lead(path, theirs, look(&file)));
    }
}
