//! Bytes that proved wrong, kept for a person with the report of what was expected: `DATA/refused`, bounded, and fair among those
//! who sent them. **The first ones stay**: a source that goes on lying fills its own part and pushes nobody's evidence out.

mod ledger;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::super::Folder;
use super::super::words::unavailable;
use super::super::zipfile::ZipFile;
use super::arrival::Arrival;
use crate::fault::Fault;
use crate::sumdb::dirhash::ReadAt as _;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::ModuleVersion;

pub(in super::super) use ledger::Ledger;
use ledger::Room;
pub use ledger::{MAX_FILE_REFUSED, MAX_REFUSED, MAX_REFUSED_BYTES, MAX_SOURCE_REFUSED, MAX_SOURCE_REFUSED_BYTES};

/// Bytes of the content's hash in a file's name.
const HASH_BYTES: usize = 4;
/// The same where another file has that name: it is said to be found with 2^32 tries.
const LONG_HASH_BYTES: usize = 20;
/// The longest module version in a file's name, in bytes: file systems take names of 255.
const NAME_LIMIT: usize = 200;
/// Bytes that are hashed at once.
const CHUNK: usize = 1 << 20;

/// Moves the file there, after its report, and gives the report's path; none where `source` has had its part. What is not kept is
/// thrown away.
pub(super) fn keep(
    folder: &Folder,
    mut arrival: Arrival,
    source: &str,
    report: &[u8],
) -> Result<Option<PathBuf>, Fault> {
    let kept = try_keep(folder, &mut arrival, source, report);
    arrival.discard();
    kept
}

fn try_keep(folder: &Folder, arrival: &mut Arrival, source: &str, report: &[u8]) -> Result<Option<PathBuf>, Fault> {
    let arrived = arrival.zip().and_then(|bytes| digest(&bytes));
    let digest = arrived.map_err(|error| unavailable(arrival.path(), "read", &error))?;
    let (module, kind) = arrival.file();
    let dir = folder.root().join("refused");
    let mut ledger = folder.ledger();
    ledger.look(&dir);
    let file = prefix(module, kind);
    let mut name = named(&file, &digest, HASH_BYTES);
    if let Some(there) = content(&dir.join(&name)) {
        if there == digest {
            // Whoever sent it first is in the report; the journal has them all.
            return Ok(Some(beside(&dir, &name)));
        }
        name = named(&file, &digest, LONG_HASH_BYTES);
    }
    let report_bytes = u64::try_from(report.len()).unwrap_or(u64::MAX);
    // The bytes are on the disk already; down to its floor they had better leave it.
    let bytes = if folder.has_room().is_ok() { arrival.len() } else { u64::MAX };
    let room = ledger.room(source, &file, bytes.saturating_add(report_bytes), report_bytes);
    let (keeps_bytes, leaving) = match room {
        Room::Whole(leaving) => (true, leaving),
        Room::Report(leaving) => (false, leaving),
        Room::Nothing => return Ok(None),
    };
    for name in leaving {
        // Best effort: the disk has its own limit. The bytes go before their report.
        let _ = folder.disk().remove(&dir.join(&name));
        let _ = folder.disk().remove(&beside(&dir, &name));
        ledger.forget(&name);
    }
    let path = beside(&dir, &name);
    folder.write(&path, report, true)?;
    let mut kept = report_bytes;
    if keeps_bytes {
        arrival.leave_for(&dir.join(&name))?;
        kept = kept.saturating_add(bytes);
    }
    ledger.add(name, source, kept);
    Ok(Some(path))
}

fn beside(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.json"))
}

/// What the names of all refused bytes of one file begin with.
fn prefix(module: &ModuleVersion, kind: Kind) -> String {
    let full = format!("{}@{}", module.path().escaped().replace('/', "!!"), module.version().escaped());
    format!("{}.{}.", full.get(..NAME_LIMIT).unwrap_or(&full), kind.extension())
}

fn named(prefix: &str, digest: &[u8; 32], bytes: usize) -> String {
    let digits: String = digest.iter().take(bytes).map(|byte| format!("{byte:02x}")).collect();
    format!("{prefix}{digits}")
}

/// The SHA-256 of the file at `path`; none where there is none that can be read.
fn content(path: &Path) -> Option<[u8; 32]> {
    path.symlink_metadata().ok().filter(|found| found.is_file())?;
    let file = File::open(path).ok()?;
    let len = file.metadata().ok()?.len();
    digest(&ZipFile::first(file, len)).ok()
}

fn digest(bytes: &ZipFile) -> io::Result<[u8; 32]> {
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
