//! The full log of one database as append-only files, in which a tile is a slice: `DATA/log/NAME`.
//!
//! ```text
//! head       the newest proven signed note; replaced by rename: THE COMMIT
//! heads      every distinct signed note that was committed, appended, each followed by a blank line
//! records    the data tiles in the form of sum.golang.org (records parted by one blank line), back to back
//! offsets    where each data tile begins in `records`: u64, little endian, one per 256 records, and where the next one will
//! hashes.L   the hashes of tile level L, 32 bytes each, back to back
//! progress   a sync is under way, and may be resumed after so many records; means nothing to readers
//! lock       one writer
//! evidence/  forks, kept for a person
//! ```
//!
//! Hash tile (level L, index N, width W) is the bytes `[N*8192, N*8192 + W*32)` of `hashes.L`; a partial tile is a shorter
//! slice of the same place, so every tile of every older tree is there too.
//!
//! **Order of a commit**: `records`, `offsets`, `hashes.*` are written and synced, then `progress` says that a sync is under way, unless
//! it did, then the note is appended to `heads`, then `head` is replaced. Bytes beyond what `head` commits to are ignored, and
//! overwritten after a crash or cut off by the next commit. A reader takes `head` and never looks past it, so it needs no lock.
//!
//! **A start after a crash is a start.** Both look at the same things: that the files reach to the head, that their hashes fold to
//! its root, that the last data tile has the records of its leaf hashes, and that a log without a head never had one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Folder;
use super::cache::read_bounded;
use super::words::unavailable;
use crate::fault::Fault;
use crate::sumdb::checkpoint::Tree;

mod files;
mod growing;
mod heads;
mod healed;
mod look;
mod mend;
mod own_writes;
mod progress;
mod proofs;
mod proven;
mod ranges;
mod read_buffer;
mod rot;
mod scan;
mod snapshot;
mod state;
mod writer;

pub use super::modes::has_sound_mode;
pub use files::OFFSET_BYTES;
pub(in crate::store) use heads::newest as newest_head;
pub use heads::{Entry, HEADS_LIMIT, entries};
pub use healed::{LogHealth, Rotten};
pub(in crate::store) use own_writes::OwnWrites;
pub use read_buffer::ReadBuffer;
pub use scan::LogFile;
pub use snapshot::Snapshot;
pub use writer::Writer;

/// The longest head that is read, in bytes (x/mod bounds a tree note's text to 10^6 bytes).
const HEAD_LIMIT: u64 = 2 << 20;

/// Whether a log's folder has a file of this name as part of the log or of its index.
fn is_log_file(name: &str) -> bool {
    matches!(name, "head" | "heads" | "records" | "offsets" | "index.sqlite") || name.starts_with("hashes.")
}

/// The files of one database's full log. Nothing is opened or made before it is needed.
#[derive(Debug, Clone)]
pub struct Log {
    folder: Folder,
    dir: PathBuf,
    health: Arc<LogHealth>,
}

impl Log {
    pub(super) fn new(folder: Folder, dir: PathBuf) -> Log {
        Log { folder, dir, health: Arc::default() }
    }

    /// Where it is: `DATA/log/NAME`.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The name of the database, as it was asked for.
    pub(super) fn name(&self) -> String {
        let name = self.dir.strip_prefix(self.folder.root().join("log")).unwrap_or(&self.dir);
        name.display().to_string()
    }

    /// The data folder that it is in.
    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The signed note that is committed, or none where nothing ever was. It is for the caller to open it.
    ///
    /// # Errors
    /// `Unavailable`: the file cannot be read, or is empty, no file, or lost, which no crash leaves behind.
    pub fn head(&self) -> Result<Option<Vec<u8>>, Fault> {
        if let Some(head) = self.read_head()? {
            return Ok(Some(head));
        }
        match progress::lost_head(&self.dir)? {
            None => Ok(None),
            // A first commit may have been made between the two looks.
            Some(lost) => self.read_head()?.map(Some).ok_or(lost),
        }
    }

    /// How many records a first sync has stored that has not committed a head yet, be it under way or stopped; none where there is a
    /// committed head, or where the log lost its head.
    ///
    /// # Errors
    /// `Unavailable`: a file cannot be read, or `head` is damaged.
    pub fn first_sync(&self) -> Result<Option<u64>, Fault> {
        Ok(if self.read_head()?.is_some() { None } else { progress::first_sync(&self.dir)? })
    }

    /// The size of the committed tree after which a sync began that is under way or was stopped; none where none was.
    ///
    /// # Errors
    /// `Unavailable`: the file that says so cannot be read.
    pub fn sync_after(&self) -> Result<Option<u64>, Fault> {
        progress::after(&self.dir)
    }

    fn read_head(&self) -> Result<Option<Vec<u8>>, Fault> {
        let path = self.dir.join("head");
        let there = path.symlink_metadata().is_ok();
        let found = read_bounded(&path, HEAD_LIMIT).map_err(|error| unavailable(&path, "read", &error))?;
        match found {
            None if there => Err(Fault::machine(
                path.display().to_string(),
                "is empty or not a file: the signed tree head of the mirror is lost. Restore it from a backup, or put the \
                 last note of the file `heads` beside it there",
            )),
            found => Ok(found),
        }
    }

    /// Every note that was ever committed, oldest first; a torn last entry is left out. It is for the caller to open them.
    ///
    /// # Errors
    /// `Unavailable`: the file cannot be read, or is damaged before its last entry.
    pub fn heads(&self) -> Result<Vec<Vec<u8>>, Fault> {
        heads::Heads::read(&self.dir.join("heads")).map(|heads| heads.notes)
    }

    /// The files of evidence that the log signed two histories. Where there is one, only a person can clear it.
    ///
    /// # Errors
    /// `Unavailable`: the folder cannot be read.
    pub fn forks(&self) -> Result<Vec<PathBuf>, Fault> {
        state::forks(&self.dir)
    }

    /// Whether a small file can be written here now.
    ///
    /// # Errors
    /// `Unavailable`: it cannot.
    pub fn check_writable(&self) -> Result<(), Fault> {
        state::check_writable(&self.folder, &self.dir)
    }

    /// How many bytes the files have, the index and the evidence among them.
    ///
    /// # Errors
    /// `Unavailable`: the folder cannot be read.
    pub fn disk_bytes(&self) -> Result<u64, Fault> {
        state::disk_bytes(&self.dir)
    }

    /// Where the index of module versions is: `DATA/log/NAME/index.sqlite`.
    pub fn index_path(&self) -> PathBuf {
        self.dir.join("index.sqlite")
    }

    /// What the files hold of `tree`, which is that of the committed head. Checked at once: the files are long enough, the right
    /// edge folds to the tree's root, and the records of the last data tile have its leaf hashes.
    ///
    /// # Errors
    /// `Unavailable`: a file is missing, too short, damaged or cannot be read, or the hashes are not those of the tree.
    pub fn snapshot(&self, tree: Tree) -> Result<Snapshot, Fault> {
        Snapshot::open(self, tree, None)
    }

    /// The same of a tree that has grown since `before`, whose proofs still hold for what was not written since, appends of this
    /// process aside.
    ///
    /// # Errors
    /// As [`Log::snapshot`].
    pub fn snapshot_after(&self, tree: Tree, before: &Snapshot) -> Result<Snapshot, Fault> {
        Snapshot::open(self, tree, Some(before))
    }

    /// The one writer, which goes on after `committed`, the tree of the committed head ([`Tree::EMPTY`] where there is none), or
    /// from where an interrupted sync had come to: see [`Writer::tree`].
    ///
    /// # Errors
    /// As [`Log::head`] and [`Log::snapshot`]; `Unavailable` where another process is writing, or the head is not that of
    /// `committed` any more. Nothing was written then.
    pub fn writer(&self, committed: Tree) -> Result<Writer, Fault> {
        Writer::open(self, committed)
    }
}
