//! The files of modules that were proven, as a tree that the go command reads too (`GOPROXY=file://DATA/modules`):
//!
//! ```text
//! modules/<escaped path>/@v/<escaped version>.mod      .modhash   its h1
//!                                             .zip     .ziphash   its h1, as in Go's module cache
//!                                             .info    when the version was made; nothing proves it
//! modules/lock                                         one server
//! refused/<escaped path, / as !!>@<escaped version>.<zip|mod>.<8 digits of its SHA-256>      bytes that proved wrong
//!                                                                               ... .json   and why
//! tmp/arrival-<digits>                                 bytes that nothing has proven yet
//! ```
//!
//! **A file has its name only when its bytes hash to what stands beside it.** It arrives in `tmp`, is proven there by the caller,
//! synced, and renamed after its hash is in place. A hash without a file is a pin: what the file was, and may only ever be.
//! A file without a hash is nobody's: it is not opened, and what arrives for it takes its place.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::cache::read_bounded;
use super::lock::Lock;
use super::words::unavailable;
use super::{Folder, below};
use crate::fault::Fault;
use crate::sumdb::gosum::{Kind, SumHash};
use crate::sumdb::module::{ModulePath, ModuleVersion, Version};

mod admitted;
mod arrival;
mod loose;
mod pin;
mod quarantine;
mod walk;

pub use admitted::Admitted;
pub use arrival::Arrival;
pub use loose::Refused;
pub(super) use quarantine::Ledger;
pub use quarantine::{MAX_FILE_REFUSED, MAX_REFUSED, MAX_REFUSED_BYTES, MAX_SOURCE_REFUSED, MAX_SOURCE_REFUSED_BYTES};
pub use walk::Found;

use pin::Pin;

/// The longest `.info` that is kept, in bytes: the largest ones name a commit and a few tags.
pub const INFO_LIMIT: usize = 1 << 20;

/// The tree of proven files. Nothing is made before the first write.
#[derive(Debug, Clone)]
pub struct Modules {
    folder: Folder,
    dir: PathBuf,
}

impl Modules {
    pub(super) fn new(folder: Folder) -> Modules {
        let dir = folder.root().join("modules");
        Modules { folder, dir }
    }

    /// Where it is: `DATA/modules`.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes the caller the one server of this data folder, for as long as it keeps the lock.
    ///
    /// # Errors
    /// `Unavailable`: another process is, or the disk fails.
    pub fn claim(&self) -> Result<Lock, Fault> {
        if !self.dir.is_dir() {
            self.folder.forget();
        }
        self.folder.ensure(&self.dir, false).map_err(|error| unavailable(&self.dir, "create", &error))?;
        Lock::acquire_within(&self.dir.join("lock"), Duration::ZERO)?.ok_or_else(|| {
            let why = "another gosumcheck serves modules from this data folder; stop it, or give this one a folder of its own \
                       with --data";
            Fault::unavailable(self.folder.root().display().to_string(), why)
        })
    }

    /// The proven file; none where it is not here. What has no h1 beside it, or is no file, is not here.
    ///
    /// # Errors
    /// `Unavailable` where the disk fails or forbids.
    pub fn open(&self, module: &ModuleVersion, kind: Kind) -> Result<Option<Admitted>, Fault> {
        let (path, beside) = (self.place(module, kind)?, self.place_of_pin(module, kind)?);
        let Pin::Is(hash @ SumHash::H1(_)) =
            Pin::read(&beside).map_err(|error| unavailable(&beside, "read", &error))?
        else {
            return Ok(None);
        };
        Admitted::open(&path, hash).map_err(|error| unavailable(&path, "open", &error))
    }

    /// What was proven or pinned for the file, whether or not it is still here.
    ///
    /// # Errors
    /// `Unavailable` where the disk fails or forbids, and where the hash is damaged: a pin that cannot be read must not become a
    /// first use.
    pub fn hash(&self, module: &ModuleVersion, kind: Kind) -> Result<Option<SumHash>, Fault> {
        let path = self.place_of_pin(module, kind)?;
        match Pin::read(&path).map_err(|error| unavailable(&path, "read", &error))? {
            Pin::Missing => Ok(None),
            Pin::Is(hash) => Ok(Some(hash)),
            Pin::Damaged => {
                let why = "holds no hash: what was pinned there is lost. Restore it from a backup; or delete it, to trust \
                           the next answer as on first use";
                Err(Fault::unavailable(path.display().to_string(), why))
            }
        }
    }

    /// The `.info` that is kept; nothing proves it. An empty one, one that is too long and one that is no file are none.
    ///
    /// # Errors
    /// `Unavailable` where the disk fails or forbids.
    pub fn read_info(&self, module: &ModuleVersion) -> Result<Option<Vec<u8>>, Fault> {
        let path = self.named(module, "info")?;
        let limit = u64::try_from(INFO_LIMIT).unwrap_or(u64::MAX);
        let read = if is_file(&path) { read_bounded(&path, limit) } else { Ok(None) };
        read.map_err(|error| unavailable(&path, "read", &error))
    }

    /// Keeps an `.info`, whole or not at all. What a power cut makes of it is empty, or can be asked for again. One that is already
    /// equal is left alone.
    ///
    /// # Errors
    /// `Usage` for more than [`INFO_LIMIT`] bytes; `Unavailable` where the disk fails; then nothing is visible.
    pub fn write_info(&self, module: &ModuleVersion, bytes: &[u8]) -> Result<(), Fault> {
        if bytes.len() > INFO_LIMIT {
            let text = format!("the .info of {module} has {} bytes, more than {INFO_LIMIT}", bytes.len());
            return Err(Fault::Usage(text));
        }
        if matches!(self.read_info(module), Ok(Some(kept)) if kept == bytes) {
            return Ok(());
        }
        let path = self.named(module, "info")?;
        self.folder.take_room(bytes.len()).map_err(|error| unavailable(&path, "write", &error))?;
        self.folder.write(&path, bytes, false)
    }

    /// A place for the unproven bytes of this file. It begins with what an earlier try left there within the hour.
    ///
    /// # Errors
    /// `Unavailable` where the disk fails.
    pub fn arrival(&self, module: &ModuleVersion, kind: Kind) -> Result<Arrival, Fault> {
        Arrival::open(&self.folder, module, kind)
    }

    /// Gives the file its name, durably, after its hash: the caller has proven that its bytes have this hash. Where the file is
    /// here already, it stays, and the one that arrived is thrown away. Processes may admit the same bytes at once, not different
    /// ones: who uses what no log proves holds the [claim](Modules::claim).
    ///
    /// # Errors
    /// `Unavailable` where the disk fails; then the file has its name or not, and what arrived is thrown away: a full disk needs
    /// the room. Also where
    /// another hash was proven or pinned before: that never changes.
    pub fn admit(&self, mut arrival: Arrival, hash: &SumHash) -> Result<Admitted, Fault> {
        let admitted = self.try_admit(&mut arrival, hash);
        if admitted.as_ref().is_err_and(Fault::is_disk) {
            arrival.discard();
        }
        admitted
    }

    fn try_admit(&self, arrival: &mut Arrival, hash: &SumHash) -> Result<Admitted, Fault> {
        let (module, kind) = arrival.file();
        let (path, beside) = (self.place(module, kind)?, self.place_of_pin(module, kind)?);
        // In this order: another process that admits it has its hash there before the file.
        let stands = path.symlink_metadata().is_ok_and(|found| !found.is_dir());
        let pin = Pin::read(&beside).map_err(|error| unavailable(&beside, "read", &error))?;
        match pin {
            Pin::Is(pinned) if pinned != *hash => {
                let why = format!("is pinned to {pinned}, and {hash} came; what is pinned never changes");
                return Err(Fault::unavailable(beside.display().to_string(), why));
            }
            Pin::Is(_) => {
                if let Some(here) = self.open(module, kind)? {
                    arrival.remove();
                    return Ok(here);
                }
            }
            Pin::Missing | Pin::Damaged => {
                if stands {
                    // It was never proven, and must not be found beside a hash that was.
                    self.clear(&path).map_err(|error| unavailable(&path, "remove", &error))?;
                }
                self.folder.write(&beside, hash.to_string().as_bytes(), true)?;
            }
        }
        arrival.leave_for(&path)?;
        let admitted = Admitted::open(&path, hash.clone()).map_err(|error| unavailable(&path, "open", &error))?;
        admitted.ok_or_else(|| Fault::unavailable(path.display().to_string(), "vanished while it was admitted"))
    }

    /// Keeps bytes that proved wrong, with `report` (JSON that names `source` as `refused.upstream`) beside them, durably; gives
    /// the report's path. The first ones stay: a source that has had its part ([`MAX_SOURCE_REFUSED`],
    /// [`MAX_SOURCE_REFUSED_BYTES`], for one file [`MAX_FILE_REFUSED`]) gets no more, then the path is none. Where the disk is down
    /// to its floor, and where bytes are too many, the report alone is kept.
    ///
    /// # Errors
    /// `Unavailable` where the disk fails; then the bytes are gone: no later try goes on with them.
    pub fn refuse(&self, arrival: Arrival, source: &str, report: &[u8]) -> Result<Option<PathBuf>, Fault> {
        quarantine::keep(&self.folder, arrival, source, report)
    }

    /// The versions of a module of which a `.mod` or a `.zip` is here with its hash, ascending.
    ///
    /// # Errors
    /// `Unavailable` where the disk fails or forbids.
    pub fn versions(&self, module: &ModulePath) -> Result<Vec<Version>, Fault> {
        walk::versions(&below(&self.dir, &format!("{}/@v", module.escaped()))?, module)
    }

    /// Everything below the folder, sorted by path, as it is come upon. Links are not followed.
    pub fn walk(&self) -> impl Iterator<Item = Result<Found, Fault>> + use<> {
        walk::walk(&self.dir)
    }

    fn place(&self, module: &ModuleVersion, kind: Kind) -> Result<PathBuf, Fault> {
        self.named(module, kind.extension())
    }

    fn place_of_pin(&self, module: &ModuleVersion, kind: Kind) -> Result<PathBuf, Fault> {
        self.named(module, pin_extension(kind))
    }

    fn named(&self, module: &ModuleVersion, suffix: &str) -> Result<PathBuf, Fault> {
        let name = format!("{}/@v/{}.{suffix}", module.path().escaped(), module.version().escaped());
        below(&self.dir, &name)
    }

    /// Removes the file at `path`, durably.
    fn clear(&self, path: &Path) -> io::Result<()> {
        match self.folder.disk().remove(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.folder.disk().sync_folder(path.parent().unwrap_or(path))
    }
}

/// What the name of a file's hash ends with, after the dot.
pub fn pin_extension(kind: Kind) -> &'static str {
    match kind {
        Kind::Zip => "ziphash",
        Kind::GoMod => "modhash",
    }
}

/// Whether a file, and no link to one, stands at `path`.
fn is_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_file())
}
