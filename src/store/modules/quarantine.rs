//! Bytes that proved wrong, kept for a person with the report of what was expected: `DATA/refused`, bounded.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use super::super::Folder;
use super::super::words::unavailable;
use super::admitted::Admitted;
use super::arrival::Arrival;
use crate::fault::Fault;
use crate::sumdb::dirhash::ReadAt;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::ModuleVersion;

/// Files that are kept, each with its report.
pub const MAX_REFUSED: usize = 1000;
/// Bytes that are kept, reports among them.
pub const MAX_REFUSED_BYTES: u64 = 2 << 30;
/// Bytes of the content's hash in a file's name.
const HASH_BYTES: usize = 4;
/// The longest module version in a file's name, in bytes: file systems take names of 255.
const NAME_LIMIT: usize = 200;
/// Bytes that are hashed at once.
const CHUNK: usize = 1 << 20;

/// Moves the file there, after its report, and gives the report's path. Where that fails it is thrown away.
pub(super) fn keep(folder: &Folder, mut arrival: Arrival, report: &[u8]) -> Result<PathBuf, Fault> {
    let kept = try_keep(folder, &mut arrival, report);
    if kept.is_err() {
        arrival.discard();
    }
    kept
}

fn try_keep(folder: &Folder, arrival: &mut Arrival, report: &[u8]) -> Result<PathBuf, Fault> {
    let digest = arrival.zip().and_then(|bytes| digest(&bytes));
    let digest = digest.map_err(|error| unavailable(arrival.path(), "read", &error))?;
    let (module, kind) = arrival.file();
    let dir = folder.root().join("refused");
    let name = name(module, kind, &digest);
    let report_bytes = u64::try_from(report.len()).unwrap_or(u64::MAX);
    make_room(folder, &dir, &name, arrival.len().saturating_add(report_bytes));
    let beside = dir.join(format!("{name}.json"));
    folder.write(&beside, report, true)?;
    arrival.leave_for(&dir.join(name))?;
    Ok(beside)
}

/// Moves a stored file there, after its report, and gives the report's path. Where that fails the file stays where it is.
pub(super) fn keep_stored(
    folder: &Folder,
    path: &Path,
    file: &Admitted,
    (module, kind): (&ModuleVersion, Kind),
    report: &[u8],
) -> Result<PathBuf, Fault> {
    let digest = digest(file).map_err(|error| unavailable(path, "read", &error))?;
    let dir = folder.root().join("refused");
    let name = name(module, kind, &digest);
    let report_bytes = u64::try_from(report.len()).unwrap_or(u64::MAX);
    make_room(folder, &dir, &name, file.len().saturating_add(report_bytes));
    let beside = dir.join(format!("{name}.json"));
    folder.write(&beside, report, true)?;
    let (disk, target) = (folder.disk(), dir.join(name));
    disk.rename(path, &target).map_err(|error| unavailable(&target, "write", &error))?;
    for dir in [Some(dir.as_path()), path.parent()].into_iter().flatten() {
        disk.sync_folder(dir).map_err(|error| unavailable(dir, "sync", &error))?;
    }
    Ok(beside)
}

fn name(module: &ModuleVersion, kind: Kind, digest: &[u8]) -> String {
    let full = format!("{}@{}", module.path().escaped().replace('/', "!!"), module.version().escaped());
    let digits: String = digest.iter().take(HASH_BYTES).map(|byte| format!("{byte:02x}")).collect();
    format!("{}.{}.{digits}", full.get(..NAME_LIMIT).unwrap_or(&full), kind.extension())
}

fn digest(bytes: &impl ReadAt) -> io::Result<[u8; 32]> {
    let mut sha = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    let mut at = 0;
    while at < bytes.size() {
        let room = usize::try_from(bytes.size() - at).unwrap_or(CHUNK).min(CHUNK);
        let part = chunk.get_mut(..room).unwrap_or_default();
        bytes.read_exact_at(at, part)?;
        sha.update(&*part);
        at += u64::try_from(room).unwrap_or(u64::MAX);
    }
    Ok(sha.finalize().into())
}

/// A refused file, its report, or both.
#[derive(Debug)]
struct Kept {
    since: SystemTime,
    bytes: u64,
    files: Vec<PathBuf>,
}

/// Removes the oldest, until `bytes` under the name `name` may be added. Best effort: the disk has its own limit.
fn make_room(folder: &Folder, dir: &Path, name: &str, bytes: u64) {
    let mut kept = list(dir);
    // A file that was refused before is replaced.
    kept.remove(name);
    let (mut count, mut total) = (kept.len(), kept.values().fold(bytes, |sum, one| sum.saturating_add(one.bytes)));
    let mut by_age: Vec<Kept> = kept.into_values().collect();
    by_age.sort_by_key(|one| one.since);
    for oldest in by_age {
        if count < MAX_REFUSED && total <= MAX_REFUSED_BYTES {
            return;
        }
        for file in &oldest.files {
            let _ = folder.disk().remove(file);
        }
        (count, total) = (count.saturating_sub(1), total.saturating_sub(oldest.bytes));
    }
}

/// What is there, by the names without `.json`; of each the file comes before its report.
fn list(dir: &Path) -> BTreeMap<String, Kept> {
    let mut found: Vec<PathBuf> = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    found.sort();
    let mut kept = BTreeMap::<String, Kept>::new();
    for path in found {
        let Some(name) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else { continue };
        let Ok(meta) = path.symlink_metadata() else { continue };
        let since = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let name = name.strip_suffix(".json").unwrap_or(&name).to_owned();
        let one = kept.entry(name).or_insert_with(|| Kept { since, bytes: 0, files: Vec::new() });
        one.since = one.since.max(since);
        one.bytes = one.bytes.saturating_add(meta.len());
        one.files.push(path);
    }
    kept
}
