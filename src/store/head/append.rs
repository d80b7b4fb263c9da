//! Appending to the files beside a remembered head: durable, and an entry that a crash tore costs no other.

use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::super::Folder;
use super::super::lock::Lock;
use super::super::words::unavailable;
use crate::fault::Fault;
use crate::sumdb::number::wide;

/// Appends `entry`, which ends with `end` as every entry does, to the file at `path`, which is made where it is missing. Of what a
/// crash left of the entry before it, the missing part of `end` is written first.
///
/// # Errors
/// `Unavailable`: the disk, or another process keeps the lock.
pub(super) fn append(folder: &Folder, path: &Path, entry: &[u8], end: &[u8]) -> Result<(), Fault> {
    let failed = |error| unavailable(path, "write", &error);
    let dir = path.parent().unwrap_or(path);
    folder.ensure(dir, true).map_err(|error| unavailable(dir, "create", &error))?;
    let _alone = Lock::acquire(&path.with_extension("lock"))?;
    let disk = folder.disk();
    let file = disk.open(path).map_err(failed)?;
    let len = file.metadata().map_err(failed)?.len();
    let from = len.saturating_sub(wide(end.len()));
    let mut last = vec![0; usize::try_from(len - from).unwrap_or(0)];
    file.read_exact_at(&mut last, from).map_err(failed)?;
    let is_there = |part: &&[u8]| last.ends_with(part);
    let there = (0..=end.len()).rev().filter_map(|count| end.get(..count)).find(is_there).map_or(0, <[u8]>::len);
    // Before the first entry there is nothing to end.
    let missing = if len == 0 { &[] } else { end.get(there..).unwrap_or_default() };
    disk.write_at(&file, &[missing, entry].concat(), len).map_err(failed)?;
    disk.sync(&file).map_err(failed)
}
