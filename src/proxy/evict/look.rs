//! How the files of a store stand. The first look walks through the whole store; later ones look where this process has changed
//! something since. It walks through all of it again where nobody removes files, so that no inventory is worth its memory, where the
//! store is too large for one, and where another process has changed it, or may have.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::{Mutex, RwLock};

use super::super::room::SharedRoom;
use crate::fault::Fault;
use crate::store::eviction::{self, Standing};
use crate::store::modules::{Inventory, InventoryFile, KeptInventory};
use crate::store::usage::micros;
use crate::store::{Folder, Modules};
use crate::sumdb::module::Patterns;

/// An inventory of so many files, and versions whose files went, is kept: some 80 MB. Of a larger store a plan has more than ten
/// thousand files, and all of it is looked at for each.
const MAX_KEPT: usize = 250_000;
/// How long an inventory is kept; less long where another process turns out to have removed a file of it or to have admitted one.
const KEPT_FOR: Duration = Duration::from_secs(10 * 60);
/// How long it is remembered of a file that is not stored any more how it was used.
const REMEMBERED_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What is known of the files without looking at all of them.
#[derive(Debug)]
struct Kept {
    inventory: KeptInventory,
    /// when all of the store was walked through for it
    walked: Instant,
    /// the number of what other processes had admitted then
    others: Option<i64>,
}

/// A store, and what is known of it. Clones know the same.
#[derive(Debug, Clone)]
pub(super) struct KnownStore {
    pub(super) folder: Folder,
    pub(super) modules: Modules,
    pub(super) room: SharedRoom,
    private: Arc<RwLock<Patterns>>,
    kept: Arc<Mutex<Option<Kept>>>,
    /// whether one is to be kept: files are being removed
    keeps: Arc<AtomicBool>,
    /// another process has changed something, or may have
    is_outdated: Arc<AtomicBool>,
    /// how often all of it was walked through
    walks: Arc<AtomicU64>,
}

impl KnownStore {
    pub(super) fn new(folder: Folder, modules: Modules, private: Patterns, room: SharedRoom) -> KnownStore {
        let private = Arc::new(RwLock::new(private));
        let (kept, keeps, is_outdated, walks) = Default::default();
        KnownStore { folder, modules, room, private, kept, keeps, is_outdated, walks }
    }

    /// Replaces the patterns of the names whose files all stay.
    pub(super) fn set_private(&self, private: Patterns) {
        *self.private.write() = private;
    }

    /// Files are to be removed: from now on an inventory is kept.
    pub(super) fn keep(&self) {
        self.keeps.store(true, Ordering::Relaxed);
    }

    /// Another process has changed something, or may have: the next look walks through all of it.
    pub(super) fn outdate(&self) {
        self.is_outdated.store(true, Ordering::Relaxed);
    }

    /// How often all of it was walked through.
    pub(super) fn walks(&self) -> u64 {
        self.walks.load(Ordering::Relaxed)
    }

    /// How each stored file stands now, and what is left of those that went. It reads the disk: not on a thread that must not wait.
    ///
    /// # Errors
    /// `Unavailable`: the store cannot be read, or the keep list.
    pub(super) fn standings(&self) -> Result<(Vec<Standing>, Vec<InventoryFile>), Fault> {
        self.room.measuring();
        let kept = self.folder.keep().read()?;
        let (files, remains) = self.files()?;
        let uses = self.modules.usage().all()?;
        Ok((eviction::standings(files, &uses, &kept, &self.private.read(), SystemTime::now()), remains))
    }

    fn files(&self) -> Result<(Vec<InventoryFile>, Vec<InventoryFile>), Fault> {
        let (mut slot, others) = (self.kept.lock(), self.modules.admissions().others());
        let is_outdated = self.is_outdated.swap(false, Ordering::Relaxed);
        let is_good = |kept: &Kept| {
            !is_outdated && kept.walked.elapsed() < KEPT_FOR && (kept.others.is_none() || kept.others == others)
        };
        // One that fails is not kept.
        if let Some(mut kept) = slot.take().filter(is_good)
            && kept.inventory.renew()?
        {
            kept.others = others;
            self.room.measured(kept.inventory.bytes());
            return Ok(slot.insert(kept).inventory.files());
        }
        self.walks.fetch_add(1, Ordering::Relaxed);
        if !self.keeps.load(Ordering::Relaxed) {
            let Inventory { files, remains, bytes } = self.modules.inventory()?;
            self.room.measured(bytes);
            return Ok((files, remains));
        }
        let walked = Instant::now();
        let inventory = self.modules.keep_inventory()?;
        self.room.measured(inventory.bytes());
        if inventory.len() > MAX_KEPT {
            return Ok(inventory.into_files());
        }
        Ok(slot.insert(Kept { inventory, walked, others }).inventory.files())
    }

    /// Forgets how files were used that are not among these for long. Best effort: what is remembered too long takes a few bytes.
    pub(super) fn forget(&self, standings: &[Standing]) {
        let stored: HashSet<&str> = standings.iter().map(|standing| standing.file.name.as_str()).collect();
        let before = SystemTime::now().checked_sub(REMEMBERED_FOR).unwrap_or(SystemTime::UNIX_EPOCH);
        let forgotten = self.modules.usage().forget(|name| stored.contains(name), micros(before));
        forgotten.unwrap_or_else(|fault| tracing::debug!("{fault}"));
    }
}
