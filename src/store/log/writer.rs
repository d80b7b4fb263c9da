//! The one writer of a log: appends proven records and commits signed heads, in the order that makes every crash harmless.

use std::time::Duration;

use super::super::Folder;
use super::super::lock::Lock;
use super::super::words::unavailable;
use super::Log;
use super::files::{Files, same};
use super::growing::Growing;
use super::heads::Heads;
use super::progress::Progress;
use super::snapshot::Snapshot;
use crate::fault::Fault;
use crate::sumdb::checkpoint::{Checkpoint, FIRST_LINE, Tree};
use crate::sumdb::hash::Hash;
use crate::sumdb::number::wide;
use crate::sumdb::record::MAX_RECORD_BYTES;
use crate::sumdb::tile::{Edge, FULL, FULL_LEN};

/// How long another writer is waited for: long enough for one that is ending, and no sync is worth waiting for.
const PATIENCE: Duration = Duration::from_millis(200);

/// Holds the lock; dropping it leaves what is not committed as bytes that nobody reads.
///
/// Once a write or a sync failed, nobody knows what is on the disk: from then on it refuses to append, to mark and to commit.
/// [`Writer::rewind`], or another writer, begins again from what is known.
#[derive(Debug)]
pub struct Writer {
    log: Log,
    growing: Growing,
    /// records of the committed head
    committed: u64,
    /// a call is under way, or failed
    unsure: bool,
    _lock: Lock,
}

impl Writer {
    pub(super) fn open(log: &Log, committed: Tree) -> Result<Writer, Fault> {
        let (folder, dir) = (&log.folder, &log.dir);
        folder.ensure(dir, true).map_err(|error| unavailable(dir, "create", &error))?;
        let path = dir.join("lock");
        let lock = Lock::acquire_within(&path, PATIENCE)?.ok_or_else(|| {
            let why = "another process is writing this log, perhaps a sync that takes long: let it finish, or end it";
            Fault::machine(path.display().to_string(), why)
        })?;
        let snapshot = begin(log, committed)?;
        let growing = match resumed(log, committed.size)? {
            Some(growing) => growing,
            None => go_on(log, snapshot)?,
        };
        Ok(Writer { log: log.clone(), growing, committed: committed.size, unsure: false, _lock: lock })
    }

    /// What was appended so far, committed or not.
    pub fn tree(&self) -> Tree {
        self.growing.edge().tree()
    }

    /// Appends records that have been proven, with their leaf hashes. They are held in memory for a while.
    ///
    /// # Errors
    /// `Usage`: not as many hashes as records, or a text that could not be told from its neighbours; nothing was appended.
    /// `Unavailable`: the disk.
    pub fn append(&mut self, records: &[&[u8]], leaves: &[Hash]) -> Result<(), Fault> {
        self.require_apart(records, leaves)?;
        self.attempt(|writer| writer.growing.append(records, leaves))
    }

    /// As [`Writer::append`], of all records of a full data tile, whose leaf hashes were proven to hash to `root`.
    ///
    /// # Errors
    /// As [`Writer::append`].
    pub fn append_tile(&mut self, records: &[&[u8]], leaves: &[Hash; FULL_LEN], root: Hash) -> Result<(), Fault> {
        self.require_apart(records, leaves)?;
        self.attempt(|writer| writer.growing.append_tile(records, leaves, root))
    }

    /// That there are as many records as hashes, and that each record's text ends where the next one's begins.
    fn require_apart(&self, records: &[&[u8]], leaves: &[Hash]) -> Result<(), Fault> {
        if records.len() != leaves.len() {
            return Err(Fault::Usage(format!("{} records with {} leaf hashes", records.len(), leaves.len())));
        }
        let blank = memchr::memmem::Finder::new(b"\n\n");
        let stands_alone = |record: &&[u8]| {
            record.len() <= MAX_RECORD_BYTES
                && record.ends_with(b"\n")
                && !record.starts_with(b"\n")
                && blank.find(record).is_none()
        };
        if let Some(place) = records.iter().position(|record| !stands_alone(record)) {
            let id = self.growing.edge().size() + wide(place);
            return Err(Fault::Usage(format!(
                "record {id} is too long, has a blank line or does not end its last line"
            )));
        }
        Ok(())
    }

    /// Makes what was appended durable without committing it, so that an interrupted sync can go on from here. Only a whole
    /// number of data tiles can be marked; otherwise nothing is done.
    ///
    /// # Errors
    /// `Unavailable`: the disk.
    pub fn mark(&mut self) -> Result<(), Fault> {
        let size = self.growing.edge().size();
        if !size.is_multiple_of(FULL) || size <= self.committed {
            return Ok(());
        }
        self.attempt(|writer| {
            writer.growing.sync()?;
            Progress { size, after: writer.committed }.write(&writer.log.folder, &writer.log.dir)
        })
    }

    /// Commits `head`, whose tree is exactly what was appended.
    ///
    /// # Errors
    /// `Usage`: it is another tree. `Refused`: no note that can be kept. `Unavailable`: the disk; then the old head stands, or
    /// the new one, whole.
    pub fn commit(&mut self, head: &Checkpoint) -> Result<(), Fault> {
        let (head_tree, tree) = (head.tree(), self.tree());
        if !same(head_tree, tree) {
            return Err(Fault::Usage(format!("the head commits to {head_tree:?}, and appended was {tree:?}")));
        }
        self.attempt(|writer| {
            let (folder, dir) = (&writer.log.folder, &writer.log.dir);
            writer.growing.trim()?;
            writer.growing.sync()?;
            // The old head too: `heads` may have been lost.
            let old = writer.log.head()?;
            let notes: Vec<&[u8]> = old.as_deref().into_iter().chain([head.bytes()]).collect();
            if old.is_some() {
                writer.say_that_it_commits()?;
            }
            Heads::remember(folder, &dir.join("heads"), &notes)?;
            if old.is_none() {
                sync_names(folder, &writer.log)?;
            }
            folder.write(&dir.join("head"), head.bytes(), true)?;
            Progress::remove(folder, dir);
            writer.committed = tree.size;
            Ok(())
        })
    }

    /// Notes that a sync is under way, unless that stands there: `heads` is about to be ahead of `head`, and without this nobody could
    /// tell a commit from a head that was put back.
    fn say_that_it_commits(&self) -> Result<(), Fault> {
        let (folder, dir, after) = (&self.log.folder, &self.log.dir, self.committed);
        if Progress::read(dir)?.is_some_and(|progress| progress.after == after) {
            return Ok(());
        }
        let size = self.growing.edge().size();
        Progress { size: (size - size % FULL).max(after), after }.write(folder, dir)
    }

    /// Gives up what was appended since the committed head, marked or not: it does not belong to the tree that is wanted, or a
    /// disk that was full has space again. `committed` is the tree of the committed head.
    ///
    /// # Errors
    /// As [`Log::writer`].
    pub fn rewind(&mut self, committed: Tree) -> Result<(), Fault> {
        self.unsure = true;
        let snapshot = begin(&self.log, committed)?;
        Progress { size: committed.size, after: committed.size }.write(&self.log.folder, &self.log.dir)?;
        self.growing = go_on(&self.log, snapshot)?;
        self.committed = committed.size;
        self.unsure = false;
        Ok(())
    }

    /// Does something that leaves nobody sure of the files when it fails.
    fn attempt(&mut self, step: impl FnOnce(&mut Writer) -> Result<(), Fault>) -> Result<(), Fault> {
        if self.unsure {
            let why = "an earlier write failed, so that nothing is appended or committed; begin again from the committed head";
            return Err(Fault::machine(self.log.dir.display().to_string(), why));
        }
        self.unsure = true;
        step(self)?;
        self.unsure = false;
        Ok(())
    }
}

/// Looks whether the log can be written after `committed`, before anything is written. Gives the committed log, if there is any.
fn begin(log: &Log, committed: Tree) -> Result<Option<Snapshot>, Fault> {
    let progress = Progress::read(&log.dir)?;
    match log.head()? {
        Some(note) if is_about(&note, committed) => {
            if progress.is_some_and(|progress| progress.size <= committed.size) {
                Progress::remove(&log.folder, &log.dir);
            }
        }
        None if committed.size == 0 => {
            if progress.is_none_or(|progress| progress.after > 0) {
                Progress { size: 0, after: 0 }.write(&log.folder, &log.dir)?;
            }
        }
        _ => {
            let why = format!(
                "is not about the {} records that it was taken to be about: another process has committed or removed it \
                 meanwhile; try again",
                committed.size
            );
            return Err(Fault::machine(log.dir.join("head").display().to_string(), why));
        }
    }
    if committed.size > 0 { Snapshot::open(log, committed, None).map(Some) } else { Ok(None) }
}

/// The files, to go on after the committed log.
fn go_on(log: &Log, committed: Option<Snapshot>) -> Result<Growing, Fault> {
    let (edge, end) = match committed {
        None => (Edge::default(), 0),
        Some(snapshot) => (snapshot.edge().clone(), snapshot.records_len()),
    };
    Growing::open(&log.folder, &log.dir, edge, end)
}

/// Where an interrupted sync had come to, if that is beyond the committed head. What `progress` claims and the files do not have
/// is not resumed from: nothing depends on it.
fn resumed(log: &Log, committed: u64) -> Result<Option<Growing>, Fault> {
    let progress = Progress::read(&log.dir)?;
    let Some(size) = progress.map(|it| it.size).filter(|size| *size > committed && size.is_multiple_of(FULL)) else {
        return Ok(None);
    };
    let there = Files::open(&log.dir, size).and_then(|files| {
        let end = files.offsets.offset(size / FULL)?;
        files.records.require(end)?;
        Ok((files.edge()?, end))
    });
    there.ok().map(|(edge, end)| Growing::open(&log.folder, &log.dir, edge, end)).transpose()
}

/// Is `note`, whose signature was for the caller to verify, about `tree`?
fn is_about(note: &[u8], tree: Tree) -> bool {
    if tree.size == 0 {
        // The root is of no matter, see `same`.
        return note.starts_with(format!("{FIRST_LINE}\n0\n").as_bytes());
    }
    note.starts_with(tree.note_text().as_bytes())
}

/// Syncs the names of the folders that lead to the log: the process that made them may have died before it synced them.
fn sync_names(folder: &Folder, log: &Log) -> Result<(), Fault> {
    let above = log.dir.ancestors().skip(1).take_while(|above| above.starts_with(folder.root()));
    for dir in above {
        folder.disk().sync_folder(dir).map_err(|error| unavailable(dir, "sync", &error))?;
    }
    // The folder above the data folder may be one that we must not even read.
    let _ = folder.root().parent().map(|dir| folder.disk().sync_folder(dir));
    Ok(())
}
