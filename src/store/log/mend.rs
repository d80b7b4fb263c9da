//! The one way by which bytes of the full log change that a committed head covers: damaged ones are replaced by proven ones.
//!
//! **No good byte is ever written.** Only the bytes that differ are, each by the one that was proven to belong there, so that a
//! crash in the midst leaves fewer damaged bytes than before, and the next try goes on from there. Nothing else is needed to survive
//! it: no order, and no file of what was meant to be done.

use std::fs;
use std::io::ErrorKind;
use std::ops::Range;
use std::time::Duration;

use super::super::lock::Lock;
use super::super::words::unavailable;
use super::Log;
use super::files::Named;
use super::heads::Heads;
use crate::fault::Fault;
use crate::sumdb::number::wide;

/// How long a sync that is at work is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// What the bytes that are replaced are called as a source: this program's own log.
const SOURCE: &str = "the full log";

/// The bytes of `proven` that differ from those in `found`, which may be fewer, by their place; neighbours together.
fn differing(found: &[u8], proven: &[u8]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (at, byte) in proven.iter().enumerate() {
        if found.get(at) == Some(byte) {
            continue;
        }
        match runs.last_mut() {
            Some(run) if run.end == at => run.end += 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

impl Log {
    /// Keeps syncs and other repairs away for as long as the lock is held.
    ///
    /// # Errors
    /// `Unavailable`: another process is writing the log, or the disk fails.
    pub fn hold(&self) -> Result<Lock, Fault> {
        let path = self.dir().join("lock");
        Lock::acquire_within(&path, PATIENCE)?.ok_or_else(|| {
            let why = "another process is writing this log, perhaps a sync: try again when it has ended";
            Fault::machine(path.display().to_string(), why)
        })
    }

    /// As [`Log::mend`], after the bytes that are replaced were kept in `refused/`, for a person; none where they are as they should be.
    ///
    /// # Errors
    /// As [`Log::mend`].
    pub fn replace(&self, name: &str, at: u64, proven: &[u8]) -> Result<Option<u64>, Fault> {
        let found = self.open_file(name)?.bytes(at, proven.len());
        if found == proven {
            return Ok(None);
        }
        self.keep_damaged(name, at, &found, proven)?;
        self.mend(name, at, proven).map(Some)
    }

    /// Keeps the bytes `found` in the file `name` from `at` on for a person, in `refused/`; `proven` are to replace them.
    ///
    /// # Errors
    /// `Unavailable`: the disk.
    pub fn keep_damaged(&self, name: &str, at: u64, found: &[u8], proven: &[u8]) -> Result<(), Fault> {
        self.folder().keep_damaged(&self.dir().join(name), at, (found, proven), SOURCE)
    }

    /// Makes the bytes of the file `name` (`records`, `offsets`, `hashes.N`) from `at` on those of `proven`, durably; gives how many
    /// were others. Bytes that are as they should be are not written. The caller has proven that they belong there.
    ///
    /// # Errors
    /// `Unavailable`: the disk; then some of the bytes may be replaced, each by the right one.
    pub fn mend(&self, name: &str, at: u64, proven: &[u8]) -> Result<u64, Fault> {
        let path = self.dir().join(name);
        let is_new = path.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound);
        let disk = self.folder().disk();
        let file = Named::write(disk, path.clone())?;
        let found = file.bytes_at_most(at, proven.len())?;
        let mut changed = 0;
        for run in differing(&found, proven) {
            let bytes = proven.get(run.clone()).unwrap_or_default();
            let written = disk.write_at(&file.file, bytes, at + wide(run.start));
            written.map_err(|error| unavailable(&path, "write", &error))?;
            changed += wide(bytes.len());
        }
        if changed > 0 || is_new {
            disk.sync(&file.file).map_err(|error| unavailable(&path, "sync", &error))?;
        }
        if is_new {
            disk.sync_folder(self.dir()).map_err(|error| unavailable(self.dir(), "sync", &error))?;
        }
        Ok(changed)
    }

    /// Puts `note`, a signed head that the files are proven to belong to, in the place of the committed one.
    ///
    /// # Errors
    /// `Unavailable`: the disk; then the old one stands, or the new one, whole.
    pub fn mend_head(&self, note: &[u8]) -> Result<(), Fault> {
        self.folder().write(&self.dir().join("head"), note, true)
    }

    /// Makes `heads` hold these notes and nothing else, in their order.
    ///
    /// # Errors
    /// `Refused`: one cannot be kept there. `Unavailable`: the disk; then the old file stands, or the new one, whole.
    pub fn mend_heads(&self, notes: &[Vec<u8>]) -> Result<(), Fault> {
        let path = self.dir().join("heads");
        self.folder().write(&path, &Heads::written(notes)?, true)
    }

    /// Puts a file with the same bytes in the place of a link, so that what is below the data folder is all of the log; says whether
    /// a link was there. What the link led to stays as it is. A link to nothing is removed.
    ///
    /// # Errors
    /// `Unavailable`: the disk; then the link is still there.
    pub fn replace_link(&self, name: &str) -> Result<bool, Fault> {
        self.folder().replace_link(&self.dir().join(name))
    }

    /// Closes a file of the log to other users, and opens it to its owner; says whether its mode was another.
    ///
    /// # Errors
    /// `Unavailable`: it belongs to another user.
    pub fn mend_mode(&self, name: &str) -> Result<bool, Fault> {
        let path = self.dir().join(name);
        super::super::modes::mend(&path).map_err(|error| unavailable(&path, "change the mode of", &error))
    }

    /// The files that are in the log's folder now, by name, sorted; the evidence and the lock are none.
    pub fn file_names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir()).into_iter().flatten().flatten();
        let named = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> = named.filter(|name| super::is_log_file(name)).collect();
        names.sort_unstable();
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::single_range_in_vec_init, reason = "one run of bytes that differ")]
    fn only_what_differs_is_written() {
        type Case<'a> = (&'a [u8], &'a [u8], &'a [Range<usize>]);
        let cases: [Case<'_>; 6] = [
            (b"abc", b"abc", &[]),
            (b"abc", b"axc", &[1..2]),
            (b"xbxxe", b"abcde", &[0..1, 2..4]),
            (b"a", b"abc", &[1..3]),
            (b"", b"", &[]),
            (b"abcd", b"ab", &[]),
        ];
        for (found, proven, expected) in cases {
            assert_eq!(differing(found, proven), expected);
        }
    }
}
