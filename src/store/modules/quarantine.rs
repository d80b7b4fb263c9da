//! Bytes that proved wrong, kept for a person with the report of what was expected: `DATA/refused`, bounded, and fair among those
//! who sent them. **The first ones stay**: a source that sends more wrong bytes fills its own share and evicts no evidence of
//! another source.

mod ledger;

use std::io;
use std::path::{Path, PathBuf};

use super::super::Folder;
use super::super::words::unavailable;
use super::super::zipfile::ZipFile;
use super::STORE_NAME;
use super::admitted::Admitted;
use super::arrival::Arrival;
use crate::fault::Fault;
use crate::files;
use crate::sumdb::dirhash::sha256_of;
use crate::sumdb::gosum::Kind;
use crate::sumdb::hash::{Hash, sha256};
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::number::wide;

pub(in super::super) use ledger::Ledger;
use ledger::Retention;
pub use ledger::{MAX_FILE_REFUSED, MAX_REFUSED, MAX_REFUSED_BYTES, MAX_SOURCE_REFUSED, MAX_SOURCE_REFUSED_BYTES};

/// Bytes of the content's hash in a file's name.
const NAME_BYTES: usize = 4;
/// The same where another file has that name: it is said to be found with 2^32 tries.
const LONG_NAME_BYTES: usize = 20;
/// The longest module version in a file's name, in bytes: file systems take names of 255.
const NAME_LIMIT: usize = 200;

/// Wrong bytes that may be kept.
struct Offer<'a> {
    /// what the names of all refused bytes of this file begin with
    prefix: String,
    digest: Hash,
    /// none where there is room for the report only
    len: Option<u64>,
    source: &'a str,
    report: &'a [u8],
}

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
    let digest = arrival.zip().and_then(|bytes| sha256_of(&bytes));
    let digest = digest.map_err(|error| unavailable(arrival.path(), "read", &error))?;
    let (module, kind) = arrival.file();
    // The bytes are on the disk already; down to its floor they had better leave it.
    let len = folder.has_room().is_ok().then(|| arrival.len());
    let offer = Offer { prefix: prefix(module, kind.extension()), digest, len, source, report };
    place(folder, &offer, |target| arrival.leave_for(target).map(drop))
}

/// Moves a stored file there, after its report, and gives the report's path; none where there is no room for it. Where the disk
/// fails the file stays where it is, else it is gone from there.
pub(super) fn keep_stored(
    folder: &Folder,
    path: &Path,
    file: &Admitted,
    (module, kind): (&ModuleVersion, Kind),
    report: &[u8],
) -> Result<Option<PathBuf>, Fault> {
    let digest = sha256_of(file).map_err(|error| unavailable(path, "read", &error))?;
    let offer =
        Offer { prefix: prefix(module, kind.extension()), digest, len: Some(file.len()), source: STORE_NAME, report };
    let disk = folder.disk();
    let synced = |dir: &Path| disk.sync_folder(dir).map_err(|error| unavailable(dir, "sync", &error));
    let kept = place(folder, &offer, |target| {
        disk.rename(path, target).map_err(|error| unavailable(target, "write", &error))?;
        target.parent().map_or(Ok(()), synced)
    })?;
    match disk.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unavailable(path, "remove", &error)),
        _ => {}
    }
    path.parent().map_or(Ok(()), synced)?;
    Ok(kept)
}

/// Moves what stands at `path`, the file of a module version with this ending, there, after its report; of a link a file that says
/// where it led. Nothing is done where nothing is there.
pub(super) fn move_there(
    folder: &Folder,
    path: &Path,
    module: &ModuleVersion,
    ending: &str,
    report: &[u8],
) -> Result<(), Fault> {
    let Ok(found) = path.symlink_metadata() else { return Ok(()) };
    let link = std::fs::read_link(path).ok().map(|target| format!("a link to {}\n", target.display()));
    let digest = match &link {
        Some(link) => sha256(link.as_bytes()),
        None => content(path)
            .ok_or_else(|| Fault::machine(path.display().to_string(), "is neither a file nor a link: move it away"))?,
    };
    let offer = Offer { prefix: prefix(module, ending), digest, len: Some(found.len()), source: STORE_NAME, report };
    let disk = folder.disk();
    let mut is_moved = false;
    let kept = place(folder, &offer, |target| {
        if let Some(link) = &link {
            return folder.write(target, link.as_bytes(), true);
        }
        disk.rename(path, target).map_err(|error| unavailable(target, "write", &error))?;
        is_moved = true;
        let dirs = [target.parent(), path.parent()].into_iter().flatten();
        dirs.into_iter().try_for_each(|dir| disk.sync_folder(dir).map_err(|error| unavailable(dir, "sync", &error)))
    })?;
    match kept {
        _ if is_moved => Ok(()),
        Some(_) => disk.remove(path).map_err(|error| unavailable(path, "remove", &error)),
        None => {
            Err(Fault::machine(path.display().to_string(), "stays where it is: there is no room for it in refused/"))
        }
    }
}

impl Folder {
    /// Keeps damaged `bytes` of a file below the data folder that are about to be replaced, with `report` (JSON that names `source` as
    /// `refused.upstream`) beside them, durably; `what` is what their name begins with. Where there is no room for more, fewer are
    /// kept or none: the first ones stay.
    ///
    /// # Errors
    /// `Unavailable` where the disk fails.
    pub fn keep_damaged(&self, what: &str, bytes: &[u8], source: &str, report: &[u8]) -> Result<(), Fault> {
        let prefix = format!("{}.", what.get(..NAME_LIMIT).unwrap_or(what).replace('/', "!!"));
        let offer = Offer { prefix, digest: sha256(bytes), len: Some(wide(bytes.len())), source, report };
        place(self, &offer, |target| self.write(target, bytes, true)).map(drop)
    }
}

/// Keeps the report and, by `leave`, the bytes, if there is room for them; gives the report's path.
fn place(
    folder: &Folder,
    offer: &Offer<'_>,
    leave: impl FnOnce(&Path) -> Result<(), Fault>,
) -> Result<Option<PathBuf>, Fault> {
    let Offer { prefix, digest, len, source, report } = offer;
    let dir = folder.root().join("refused");
    let mut ledger = folder.ledger();
    ledger.look(&dir);
    let mut name = named(prefix, digest, NAME_BYTES);
    if let Some(there) = content(&dir.join(&name)) {
        if there == *digest {
            // The report names the first sender; the journal has them all.
            return Ok(Some(beside(&dir, &name)));
        }
        name = named(prefix, digest, LONG_NAME_BYTES);
    }
    let report_bytes = wide(report.len());
    let bytes = len.unwrap_or(u64::MAX);
    let room = ledger.room(source, prefix, bytes.saturating_add(report_bytes), report_bytes);
    let (keeps_bytes, leaving) = match room {
        Retention::Whole(leaving) => (true, leaving),
        Retention::Report(leaving) => (false, leaving),
        Retention::Nothing => return Ok(None),
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
        leave(&dir.join(&name))?;
        kept = kept.saturating_add(bytes);
    }
    ledger.add(name, source, kept);
    Ok(Some(path))
}

fn beside(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.json"))
}

/// What the names of all refused bytes of one file begin with.
fn prefix(module: &ModuleVersion, ending: &str) -> String {
    let full = format!("{}@{}", module.path().escaped().replace('/', "!!"), module.version().escaped());
    format!("{}.{ending}.", full.get(..NAME_LIMIT).unwrap_or(&full))
}

fn named(prefix: &str, digest: &Hash, bytes: usize) -> String {
    let digits: String = digest.0.iter().take(bytes).map(|byte| format!("{byte:02x}")).collect();
    format!("{prefix}{digits}")
}

/// The SHA-256 of the file at `path`; none where there is none that can be read.
fn content(path: &Path) -> Option<Hash> {
    path.symlink_metadata().ok().filter(|found| found.is_file())?;
    let file = files::open(path).ok()?;
    let len = file.metadata().ok()?.len();
    sha256_of(&ZipFile::first(file, len)).ok()
}
