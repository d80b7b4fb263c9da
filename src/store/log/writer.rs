//! The one writer of a log: appends proven records and commits signed heads, in the order that makes every crash harmless.

use std::path::{Path, PathBuf};

use super::super::lock::Lock;
use super::super::words::unavailable;
use super::super::{Folder, cache::read_bounded};
use super::files::{HASH_BYTES, Named, OFFSET_BYTES};
use super::heads::{self, Heads};
use super::snapshot::Snapshot;
use crate::fault::Fault;
use crate::sumdb::checkpoint::{Checkpoint, Tree};
use crate::sumdb::hash::Hash;
use crate::sumdb::tile::Edge;

/// Bytes held back for one file before they are written.
const BUFFER_BYTES: usize = 4 << 20;
/// Records of a full data tile.
const FULL: u64 = 256;

/// A file that is appended to.
#[derive(Debug)]
struct Appended {
    named: Named,
    /// where the next byte goes, those in `held` not counted
    at: u64,
    held: Vec<u8>,
}

/// Holds the lock; dropping it leaves what is not committed as bytes that nobody reads.
#[derive(Debug)]
pub struct Writer {
    folder: Folder,
    dir: PathBuf,
    edge: Edge,
    records: Appended,
    offsets: Appended,
    hashes: Vec<Appended>,
    _lock: Lock,
}

impl Writer {
    pub(super) fn open(folder: &Folder, dir: &Path, committed: Tree) -> Result<Writer, Fault> {
        folder.ensure(dir, true).map_err(|error| unavailable(dir, "create", &error))?;
        let lock = Lock::acquire(&dir.join("lock"))?;
        let mut writer = Writer {
            folder: folder.clone(),
            dir: dir.to_path_buf(),
            edge: Edge::default(),
            records: Appended::open(dir.join("records"), 0)?,
            offsets: Appended::open(dir.join("offsets"), 0)?,
            hashes: Vec::new(),
            _lock: lock,
        };
        let end = if committed.size > 0 { Snapshot::open(dir, committed)?.records_len() } else { 0 };
        writer.go_to(committed.size, end)?;
        writer.resume()?;
        Ok(writer)
    }

    /// Goes on where a first sync had come to, as far as that was synced to the disk.
    fn resume(&mut self) -> Result<(), Fault> {
        let path = self.dir.join("progress");
        let text = read_bounded(&path, 64).map_err(|error| unavailable(&path, "read", &error))?;
        let size = text.and_then(|text| String::from_utf8(text).ok()?.trim_end().parse::<u64>().ok());
        let Some(size) = size.filter(|size| *size > self.tree().size && size.is_multiple_of(FULL)) else {
            return Ok(());
        };
        self.offsets.named.require((size / FULL + 1) * OFFSET_BYTES)?;
        let end = self.offsets.named.offset(size / FULL)?;
        self.records.named.require(end)?;
        self.go_to(size, end)
    }

    /// Everything up to `size` records, which end at `end`, is on the disk; what follows is overwritten.
    fn go_to(&mut self, size: u64, end: u64) -> Result<(), Fault> {
        self.hashes.clear();
        for level in (0..).take_while(|level| Edge::hashes(size, *level) > 0) {
            let at = Edge::hashes(size, level) * HASH_BYTES;
            let file = Appended::open(self.dir.join(format!("hashes.{level}")), at)?;
            file.named.require(at)?;
            self.hashes.push(file);
        }
        self.edge = Edge::read(size, |tile| {
            let level = usize::try_from(tile.level()).unwrap_or(usize::MAX);
            let width = usize::try_from(tile.width()).unwrap_or(usize::MAX);
            let file = self.hashes.get(level);
            file.map_or(Ok(Vec::new()), |file| file.named.hashes(tile.index() * FULL, width)).map_err(ReadError)
        })
        .map_err(|ReadError(fault)| fault)?;
        self.records.at = end;
        self.offsets.at = if size == 0 { 0 } else { (size / FULL + 1) * OFFSET_BYTES };
        Ok(())
    }

    /// Gives up what was appended and not committed: goes back to `committed`, the tree of the committed head.
    ///
    /// # Errors
    /// As for opening the writer.
    pub fn rewind(&mut self, committed: Tree) -> Result<(), Fault> {
        let end = if committed.size > 0 { Snapshot::open(&self.dir, committed)?.records_len() } else { 0 };
        self.records.held.clear();
        self.offsets.held.clear();
        self.go_to(committed.size, end)
    }

    /// What was appended so far, committed or not.
    pub fn tree(&self) -> Tree {
        self.edge.tree()
    }

    /// Appends records that have been proven, with their leaf hashes.
    ///
    /// # Errors
    /// `Unavailable`: the disk. What was appended since the last commit must then be given up: drop the writer.
    pub fn append(&mut self, records: &[&[u8]], leaves: &[Hash]) -> Result<(), Fault> {
        if self.offsets.is_empty() {
            self.offsets.held.extend_from_slice(&0_u64.to_le_bytes());
        }
        for (id, record) in (self.edge.tree().size..).zip(records) {
            if !id.is_multiple_of(FULL) {
                self.records.held.push(b'\n');
            }
            self.records.held.extend_from_slice(record);
            if (id + 1).is_multiple_of(FULL) {
                let end = self.records.end();
                self.offsets.held.extend_from_slice(&end.to_le_bytes());
            }
        }
        let Writer { edge, hashes, dir, .. } = self;
        let mut opened = Ok(());
        edge.append(leaves, |level, grown| {
            let at = usize::try_from(level).unwrap_or(usize::MAX);
            if hashes.len() <= at {
                match Appended::open(dir.join(format!("hashes.{level}")), 0) {
                    Ok(file) => hashes.push(file),
                    Err(fault) => opened = Err(fault),
                }
            }
            if let Some(file) = hashes.get_mut(at) {
                grown.iter().for_each(|hash| file.held.extend_from_slice(&hash.0));
            }
        });
        opened?;
        if self.records.held.len() >= BUFFER_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Fault> {
        let files = [&mut self.records, &mut self.offsets].into_iter().chain(&mut self.hashes);
        for file in files.filter(|file| !file.held.is_empty()) {
            let written = self.folder.disk().write_at(&file.named.file, &file.held, file.at);
            written.map_err(|error| unavailable(&file.named.path, "write", &error))?;
            file.at = file.end();
            file.held.clear();
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Fault> {
        self.flush()?;
        for file in [&self.records, &self.offsets].into_iter().chain(&self.hashes) {
            let synced = self.folder.disk().sync(&file.named.file);
            synced.map_err(|error| unavailable(&file.named.path, "sync", &error))?;
        }
        self.folder.disk().sync_folder(&self.dir).map_err(|error| unavailable(&self.dir, "sync", &error))
    }

    /// Makes what was appended durable without committing it, so that an interrupted sync can go on from here. Only a whole
    /// number of data tiles can be marked.
    ///
    /// # Errors
    /// As [`Writer::append`].
    pub fn mark(&mut self) -> Result<(), Fault> {
        let size = self.tree().size;
        if !size.is_multiple_of(FULL) {
            return Ok(());
        }
        self.sync()?;
        self.folder.write(&self.dir.join("progress"), format!("{size}\n").as_bytes(), true)
    }

    /// Commits `head`, whose tree is exactly what was appended.
    ///
    /// # Errors
    /// `Usage`: it is another tree. `Unavailable`: the disk; then the old head stands.
    pub fn commit(&mut self, head: &Checkpoint) -> Result<(), Fault> {
        if head.tree() != self.tree() {
            let (head, tree) = (head.tree(), self.tree());
            return Err(Fault::Usage(format!("the head commits to {head:?}, and appended was {tree:?}")));
        }
        self.sync()?;
        self.remember(head.bytes())?;
        self.folder.write(&self.dir.join("head"), head.bytes(), true)
    }

    /// Makes `note` the last entry of `heads`, unless it is that already: a commit that failed late is made again.
    fn remember(&self, note: &[u8]) -> Result<(), Fault> {
        let path = self.dir.join("heads");
        let entry = heads::entry(note)?;
        let heads = Heads::read(&path)?;
        if heads.torn > 0 {
            // Whole or not at all: the notes that are there are not to be lost over a torn one.
            let again = heads.notes.iter().any(|there| there == note);
            let mut bytes: Vec<u8> = heads.notes.iter().flat_map(|note| [note, &b"\n"[..]].concat()).collect();
            bytes.extend_from_slice(if again { &[] } else { &entry });
            return self.folder.write(&path, &bytes, true);
        }
        let file = Named::write(path)?;
        let disk = self.folder.disk();
        let written = if heads.notes.iter().any(|there| there == note) {
            disk.sync(&file.file)
        } else {
            disk.write_at(&file.file, &entry, heads.end).and_then(|()| disk.sync(&file.file))
        };
        written.map_err(|error| unavailable(&file.path, "write", &error))
    }
}

impl Appended {
    fn open(path: PathBuf, at: u64) -> Result<Appended, Fault> {
        Ok(Appended { named: Named::write(path)?, at, held: Vec::new() })
    }

    fn end(&self) -> u64 {
        self.at + u64::try_from(self.held.len()).unwrap_or(0)
    }

    fn is_empty(&self) -> bool {
        self.end() == 0
    }
}

/// A fault on the way through the pure core, which has its own errors.
struct ReadError(Fault);

impl From<crate::sumdb::Error> for ReadError {
    fn from(error: crate::sumdb::Error) -> ReadError {
        ReadError(Fault::refused("the right edge", error))
    }
}
