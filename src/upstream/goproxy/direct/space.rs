//! What a run may take of this machine: disk for its sandbox, and memory, files and file sizes for each of its processes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Child;

/// Between two measurements of a sandbox.
const EVERY: Duration = Duration::from_millis(500);
/// The most entries of a sandbox: a clone has few, an unpacked module as many as it has files.
const MAX_ENTRIES: usize = 500_000;

/// Ends when the files below `folder` take more than `limit` bytes. Measured twice a second; what is written in between is bounded
/// by how fast bytes arrive and by the size of one file.
pub(super) async fn exceeded(folder: PathBuf, limit: u64) {
    loop {
        tokio::time::sleep(EVERY).await;
        let folder = folder.clone();
        let taken = tokio::task::spawn_blocking(move || taken(&folder, limit)).await;
        if taken.is_ok_and(|taken| taken > limit) {
            return;
        }
    }
}

/// Bytes that the files below a folder take on the disk; counting ends beyond `limit`.
fn taken(folder: &Path, limit: u64) -> u64 {
    let mut sum = 0_u64;
    for (count, entry) in walkdir::WalkDir::new(folder).into_iter().flatten().enumerate() {
        let Ok(found) = entry.metadata() else { continue };
        sum = if count < MAX_ENTRIES { sum.saturating_add(size(&found)) } else { u64::MAX };
        if sum > limit {
            break;
        }
    }
    sum
}

#[cfg(unix)]
fn size(found: &std::fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    found.blocks().saturating_mul(512)
}

#[cfg(not(unix))]
fn size(found: &std::fs::Metadata) -> u64 {
    found.len()
}

/// Limits a command that was just started, and all that it will start: the size of a file, private memory, open files. Only on
/// Linux, since elsewhere this needs unsafe code; there only the sandbox's size is limited.
#[cfg(target_os = "linux")]
pub(super) fn bound(child: &Child, file: u64, memory: u64) {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};

    /// Open files of one process.
    const OPEN_FILES: u64 = 1024;
    let Some(pid) = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)) else { return };
    for (resource, limit) in
        [(Resource::Fsize, file), (Resource::Data, memory), (Resource::Nofile, OPEN_FILES), (Resource::Core, 0)]
    {
        let limits = Rlimit { current: Some(limit), maximum: Some(limit) };
        if let Err(error) = prlimit(Some(pid), resource, limits) {
            tracing::debug!("direct: cannot set a limit of {resource:?}: {error}");
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn bound(_child: &Child, _file: u64, _memory: u64) {}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_files_take_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let empty = taken(folder.path(), u64::MAX);
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        std::fs::write(folder.path().join("sub/file"), vec![1; 1 << 20]).unwrap();
        assert!(taken(folder.path(), u64::MAX) >= empty + (1 << 20));
        assert!(taken(folder.path(), 1000) > 1000);
        assert_eq!(taken(Path::new("/nonexistent"), 1), 0);
    }
}
