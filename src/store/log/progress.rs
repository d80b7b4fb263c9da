//! `progress`: that a sync is under way, and how far it can be resumed. Two numbers: so many records are synced to the disk, and
//! so many were committed when it began.
//!
//! It is there from before the first byte of a first sync until its commit, and whenever `heads` is ahead of `head`. So records
//! without `head` and without `progress` are those of a log that lost its head, and not what a first sync left behind.

use std::path::Path;

use super::super::Folder;
use super::super::cache::read_bounded;
use super::super::words::unavailable;
use crate::fault::Fault;
use crate::sumdb::checkpoint::parse_decimal;

/// Longer than two numbers of 64 bits.
const LIMIT: u64 = 64;
/// The file's name.
const NAME: &str = "progress";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    /// records on the disk, synced
    pub(super) size: u64,
    /// records of the committed head meanwhile
    pub(super) after: u64,
}

impl Progress {
    /// What the folder of a log says; none where it says nothing that makes sense.
    pub(super) fn read(dir: &Path) -> Result<Option<Progress>, Fault> {
        let path = dir.join(NAME);
        let bytes = read_bounded(&path, LIMIT).map_err(|error| unavailable(&path, "read", &error))?;
        Ok(bytes.and_then(|bytes| Progress::parse(str::from_utf8(&bytes).ok()?)))
    }

    fn parse(text: &str) -> Option<Progress> {
        let (size, after) = text.strip_suffix('\n')?.split_once(' ')?;
        Some(Progress { size: parse_decimal(size)?, after: parse_decimal(after)? })
    }

    pub(super) fn write(self, folder: &Folder, dir: &Path) -> Result<(), Fault> {
        folder.write(&dir.join(NAME), format!("{} {}\n", self.size, self.after).as_bytes(), true)
    }

    /// Best effort: one that is not beyond the committed head means nothing.
    pub(super) fn remove(folder: &Folder, dir: &Path) {
        let path = dir.join(NAME);
        if path.exists() {
            let _ = folder.disk().remove(&path);
        }
    }
}

/// How many records a sync has stored that began without a committed head.
pub(super) fn first_sync(dir: &Path) -> Result<Option<u64>, Fault> {
    Ok(Progress::read(dir)?.filter(|progress| progress.after == 0).map(|progress| progress.size))
}

/// The records that were committed when the sync began that left its progress.
pub(super) fn after(dir: &Path) -> Result<Option<u64>, Fault> {
    Ok(Progress::read(dir)?.map(|progress| progress.after))
}

/// The fault of a log without `head` whose other files say that it had one; none where it never had.
pub(super) fn lost_head(dir: &Path) -> Result<Option<Fault>, Fault> {
    if first_sync(dir)?.is_some() {
        return Ok(None);
    }
    let files = ["heads", "records", "offsets", "hashes.0"];
    let filled = |name: &&&str| dir.join(name).metadata().is_ok_and(|found| found.is_file() && found.len() > 0);
    Ok(files.iter().find(filled).map(|name| {
        let why = format!(
            "is missing, though `{name}` beside it has bytes: the signed tree head of the mirror is lost, and nothing is written \
             over a log without its head. Restore it from a backup, or put the last note of the file `heads` there, or move \
             the folder {} away and sync again",
            dir.display()
        );
        Fault::machine(dir.join("head").display().to_string(), why)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_numbers_are_progress() {
        assert_eq!(Progress::parse("512 7\n"), Some(Progress { size: 512, after: 7 }));
        for text in ["", "512\n", "512 7", "512 7 9\n", "-1 0\n", "0512 7\n", "512  7\n", "\0\0\0\0"] {
            assert_eq!(Progress::parse(text), None, "{text:?}");
        }
    }
}
