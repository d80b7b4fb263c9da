//! The state of a log, for monitoring: whether it can be written, how big it is, whether there is evidence of a fork.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::super::Folder;
use super::super::words::unavailable;
use crate::fault::Fault;

/// The name of the file that is written to see whether one can be.
const PROBE: &str = "probe";

/// The evidence of forks, in the order of their names.
pub(super) fn forks(dir: &Path) -> Result<Vec<PathBuf>, Fault> {
    let dir = dir.join("evidence");
    let is_fork =
        |path: &PathBuf| path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("fork-"));
    let paths = files(&dir).map_err(|error| unavailable(&dir, "read", &error))?;
    let mut forks: Vec<PathBuf> = paths.into_iter().map(|(path, _)| path).filter(is_fork).collect();
    forks.sort();
    Ok(forks)
}

/// The bytes of the files of the log itself, of its index and of its evidence; not of a log whose name continues this one's.
pub(super) fn disk_bytes(dir: &Path) -> Result<u64, Fault> {
    let mut sum = 0;
    for dir in [dir, &dir.join("evidence")] {
        let files = files(dir).map_err(|error| unavailable(dir, "read", &error))?;
        sum += files.iter().map(|(_, bytes)| bytes).sum::<u64>();
    }
    Ok(sum)
}

/// Writes a small file and removes it again, by the same way as a head is written.
pub(super) fn check_writable(folder: &Folder, dir: &Path) -> Result<(), Fault> {
    // Where there is no log yet, looking does not make one.
    folder.has_room().map_err(|error| unavailable(dir, "write", &error))?;
    let probe = if dir.is_dir() { dir.join(PROBE) } else { folder.tmp().join(PROBE) };
    folder.write(&probe, b"ok\n", false)?;
    match folder.disk().remove(&probe) {
        // Another process looked at the same time.
        Err(error) if error.kind() != ErrorKind::NotFound => Err(unavailable(&probe, "remove", &error)),
        _ => Ok(()),
    }
}

/// The files of one folder with their lengths; none where there is no folder.
fn files(dir: &Path) -> io::Result<Vec<(PathBuf, u64)>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        match entry.metadata() {
            Ok(found) if found.is_file() => files.push((entry.path(), found.len())),
            // A folder, or a file that went away meanwhile.
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(files)
}
