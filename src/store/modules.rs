//! The files of modules, in two trees: those that a checksum database proved, which the go command reads too
//! (`GOPROXY=file://DATA/modules`), and those of private modules, which are what they were at first.
//!
//! ```text
//! modules/<escaped path>/@v/<escaped version>.mod      .modhash  .modproof   its h1; which record of which database has it
//!                                             .zip     .ziphash  .zipproof   the same; .ziphash as in Go's module cache
//!                                             .info    when the version was made; nothing proves it
//!                           list                       the versions of which the zip is here
//! modules/lock                                         one server
//! private/<the same names>                             without proofs and lists: the hash is what came first (`first_use`)
//!                                    .modstat .zipstat  what the file looked like when it was last proven (`stamp`)
//! refused/<escaped path, / as !!>@<escaped version>.<zip|mod>.<8 digits of its SHA-256>      bytes that proved wrong
//!                                                                               ... .json   and why
//! tmp/arrival-<digits>                                 bytes that nothing has proven yet
//! ```
//!
//! **A file has its name only when its bytes hash to what stands beside it, and counts only for the database that its proof
//! names** (`proof`, `proven`). It arrives in `tmp`, is proven there by the caller, synced, and renamed after its proof and its hash
//! are in place, in that order (`naming`, `deferred`): a hash without a proof is never one that this version wrote for a public
//! module. A crash between these leaves a file that is proven again. A hash of a private module without its file is a pin: what the
//! file was, and may only ever be. A file without a hash does not count: it is not opened, and a new download takes its place.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use quick_cache::sync::Cache;

use super::lock::Lock;
use super::usage::{Usage, UseCounter};
use super::words::unavailable;
use super::{Folder, below};
use crate::fault::Fault;
use crate::files::{self, Unfit};
use crate::sumdb::goproxy::MAX_INFO_BYTES;
use crate::sumdb::gosum::{Kind, SumHash};
use crate::sumdb::module::{ModulePath, ModuleVersion, Version};

pub mod admissions;
mod admitted;
mod admitted_zips;
mod arrival;
mod changed;
mod deferred;
mod evict;
mod facts;
mod first_use;
mod info;
mod inventory;
mod kept_inventory;
mod list;
mod loose;
mod mend;
mod names;
mod naming;
mod pin;
mod place;
mod proof;
mod proven;
mod quarantine;
mod rotten;
mod stamp;
mod stored;
mod walk;

pub use admitted::Admitted;
pub use arrival::Arrival;
pub use changed::Changed;
pub use deferred::Deferred;
pub use facts::FileFacts;
pub use inventory::{Inventory, InventoryFile};
pub use kept_inventory::KeptInventory;
pub use loose::Refused;
pub use proof::{Proof, proof_extension};
pub(super) use quarantine::Ledger;
pub use quarantine::{MAX_FILE_REFUSED, MAX_REFUSED, MAX_REFUSED_BYTES, MAX_SOURCE_REFUSED, MAX_SOURCE_REFUSED_BYTES};
pub use stored::{Stored, Unproven};
pub use walk::{Beside, StoredItem};

use admissions::Admissions;
use deferred::DeferredNames;
use stamp::Stamp;

/// What messages and reports call the module store, also where it is what had wrong bytes.
pub const STORE_NAME: &str = "the module store";

/// The longest `.info` that is kept or read, in bytes.
pub const INFO_LIMIT: usize = MAX_INFO_BYTES;

/// Files that this process knows to be proven without reading what stands beside them.
const MAX_KNOWN: usize = 4096;

/// On whose word a file is admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provenance {
    /// a database has this record of it
    Recorded(Proof),
    /// nobody's: it is private, and what came first
    FirstUse,
}

/// One of the two trees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tree {
    /// `DATA/modules`: files that a database proved, and those from before proofs were kept
    Proven,
    /// `DATA/private`: files that are what came first
    FirstUse,
}

/// The stored files of modules. Nothing is made before the first write.
#[derive(Debug, Clone)]
pub struct Modules {
    folder: Folder,
    dir: PathBuf,
    private: PathBuf,
    /// what this process knows of files that it proved, or whose proof it read: no proof is read twice for one that is as it was,
    /// and a disk that takes no proof makes nobody hash a file again
    known: Arc<Cache<PathBuf, Known>>,
    usage: Usage,
    admissions: Admissions,
    /// shared by who admits files, held alone by who removes what is left of files that are not here
    admitting: Arc<RwLock<()>>,
    deferred: DeferredNames,
}

/// What was known of a file when it was last found to be proven.
#[derive(Debug, Clone)]
struct Known {
    stamp: Stamp,
    hash: SumHash,
    /// the verifier key of the database that proved it; none for one of first use
    database: Option<Arc<str>>,
    /// counts how often it is given
    uses: Arc<UseCounter>,
}

impl Modules {
    pub(super) fn new(folder: Folder) -> Modules {
        let (dir, private) = (folder.root().join("modules"), folder.root().join("private"));
        let (usage, admissions) = (Usage::new(folder.clone()), Admissions::new(folder.clone()));
        let known = Arc::new(Cache::new(MAX_KNOWN));
        let (admitting, deferred) = Default::default();
        Modules { folder, dir, private, known, usage, admissions, admitting, deferred }
    }

    /// Where the proven ones are: `DATA/modules`.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// How the files are used.
    pub fn usage(&self) -> &Usage {
        &self.usage
    }

    /// Where one of the trees is.
    pub fn dir_of(&self, tree: Tree) -> &Path {
        match tree {
            Tree::Proven => &self.dir,
            Tree::FirstUse => &self.private,
        }
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
            Fault::machine(self.folder.root().display().to_string(), why)
        })
    }

    /// A place for the unproven bytes of this file. It begins with what an earlier try left there within the hour.
    ///
    /// # Errors
    /// `Unavailable` where the disk fails.
    pub fn arrival(&self, module: &ModuleVersion, kind: Kind) -> Result<Arrival, Fault> {
        Arrival::open(&self.folder, module, kind)
    }

    /// Gives the file its name, durably (or [later](Modules::defer_names)), after what proves it: the caller has proven that its bytes
    /// have this hash, and whose word that is. Where the file is here already, it stays, and the one that arrived is thrown away.
    /// Processes may admit the same bytes at once, not different ones: a caller that stores what no log proves holds the
    /// [claim](Modules::claim).
    ///
    /// # Errors
    /// `Unavailable` where the disk fails; then the file has its name or not, and what arrived is thrown away: a full disk needs
    /// the room. Also where another hash was proven by that database or pinned before: that never changes; and where another file
    /// stands there that is to be [put aside](Modules::refuse_stored) first.
    pub fn admit(&self, mut arrival: Arrival, hash: &SumHash, by: &Provenance) -> Result<Admitted, Fault> {
        let _others = self.admitting.read();
        let (module, kind) = arrival.file();
        let zip = (kind == Kind::Zip).then(|| module.clone());
        let admitted = match by {
            Provenance::Recorded(proof) => self.admit_proven(&mut arrival, hash, proof),
            Provenance::FirstUse => self.admit_first_use(&mut arrival, hash),
        };
        if admitted.as_ref().is_err_and(Fault::is_disk) {
            arrival.discard();
        }
        if let (Some(module), Ok(_)) = (zip, &admitted) {
            self.admissions.note(&module, *by == Provenance::FirstUse);
        }
        admitted
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

    /// The versions of a module of which a `.mod` or a `.zip` is in that tree with its hash, ascending, whichever database proved them.
    ///
    /// # Errors
    /// `Unavailable` where the disk fails or forbids.
    pub fn versions(&self, tree: Tree, module: &ModulePath) -> Result<Vec<Version>, Fault> {
        let folder = below(self.dir_of(tree), &format!("{}/@v", module.escaped()))?;
        walk::versions(&folder, module, &[Kind::GoMod, Kind::Zip])
    }

    /// Everything below both trees, the proven one first, each sorted by path. Links are not followed.
    pub fn walk(&self) -> impl Iterator<Item = Result<StoredItem, Fault>> + use<> {
        walk::walk(&self.dir, Tree::Proven).chain(walk::walk(&self.private, Tree::FirstUse))
    }

    fn named(&self, tree: Tree, module: &ModuleVersion, suffix: &str) -> Result<PathBuf, Fault> {
        let name = format!("{}/@v/{}.{suffix}", module.path().escaped(), module.version().escaped());
        below(self.dir_of(tree), &name)
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

/// What the name of the file ends with, after the dot, that says what a file of first use looked like.
fn stamp_extension(kind: Kind) -> &'static str {
    match kind {
        Kind::Zip => "zipstat",
        Kind::GoMod => "modstat",
    }
}

/// The bytes of the file at `path`, which is below `root`; none where it is missing, empty, too long, no file, or reached through a
/// link.
fn read_below(root: &Path, path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    use io::ErrorKind::{InvalidFilename, NotADirectory, NotFound};
    let below = path.strip_prefix(root).map_err(io::Error::other)?;
    match files::open_below(root, below) {
        Ok((_, found)) if found.len() == 0 || found.len() > limit => Ok(None),
        Ok((file, _)) => files::read_bounded(file, limit).map(Some),
        Err(error) if Unfit::of(&error).is_some() => Ok(None),
        Err(error) if matches!(error.kind(), NotFound | NotADirectory | InvalidFilename) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a file, and no link to one, stands at `path`.
fn is_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_file())
}
