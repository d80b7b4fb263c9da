//! The files of a log as they grow: what is appended is held back for a moment, then written, then synced.

use std::io;
use std::path::{Path, PathBuf};

use super::super::Folder;
use super::super::disk::Disk;
use super::super::words::unavailable;
use super::files::{Named, hashes_path, levels, offsets_len};
use crate::fault::Fault;
use crate::sumdb::hash::Hash;
use crate::sumdb::number::wide;
use crate::sumdb::tile::{Edge, FULL, FULL_LEN};

/// Bytes held back for one file before they are written: few enough to be still in the processor's cache then.
const BUFFER_BYTES: usize = 512 << 10;

/// A file that is appended to.
#[derive(Debug)]
struct Appended {
    named: Named,
    /// where the next byte goes, those in `held` not counted
    at: u64,
    held: Vec<u8>,
}

/// All that grow, and the right edge of the tree so far.
#[derive(Debug)]
pub(super) struct Growing {
    folder: Folder,
    dir: PathBuf,
    edge: Edge,
    records: Appended,
    offsets: Appended,
    hashes: Vec<Appended>,
}

impl Growing {
    /// Goes on after the tree of `edge`, whose records end at `end`; what the files have beyond is overwritten.
    pub(super) fn open(folder: &Folder, dir: &Path, edge: Edge, end: u64) -> Result<Growing, Fault> {
        let size = edge.tree().size;
        let open = |path, at| Appended::open(folder, path, at);
        let hashes =
            levels(size).map(|level| open(hashes_path(dir, level), Edge::hashes(size, level) * wide(Hash::LEN)));
        Ok(Growing {
            hashes: hashes.collect::<Result<_, _>>()?,
            records: open(dir.join("records"), end)?,
            offsets: open(dir.join("offsets"), offsets_len(size))?,
            folder: folder.clone(),
            dir: dir.to_path_buf(),
            edge,
        })
    }

    pub(super) fn edge(&self) -> &Edge {
        &self.edge
    }

    /// Appends records and their leaf hashes, a data tile's worth at a time, so that memory is bounded.
    pub(super) fn append(&mut self, records: &[&[u8]], leaves: &[Hash]) -> Result<(), Fault> {
        let tile = usize::try_from(FULL).unwrap_or(1);
        for (records, leaves) in records.chunks(tile).zip(leaves.chunks(tile)) {
            self.hold_records(records);
            self.hold_hashes(|edge, grown| edge.append(leaves, grown))?;
            self.flush_if_full()?;
        }
        Ok(())
    }

    /// As [`Growing::append`], of a whole data tile whose leaf hashes are known to hash to `root`.
    pub(super) fn append_tile(
        &mut self,
        records: &[&[u8]],
        leaves: &[Hash; FULL_LEN],
        root: Hash,
    ) -> Result<(), Fault> {
        self.hold_records(records);
        self.hold_hashes(|edge, grown| edge.append_tile(leaves, root, grown))?;
        self.flush_if_full()
    }

    fn flush_if_full(&mut self) -> Result<(), Fault> {
        if self.files().any(|file| file.held.len() >= BUFFER_BYTES) { self.flush() } else { Ok(()) }
    }

    fn hold_records(&mut self, records: &[&[u8]]) {
        if self.offsets.end() == 0 {
            self.offsets.held.extend_from_slice(&0_u64.to_le_bytes());
        }
        for (id, record) in (self.edge.size()..).zip(records) {
            if !id.is_multiple_of(FULL) {
                self.records.held.push(b'\n');
            }
            self.records.held.extend_from_slice(record);
            if (id + 1).is_multiple_of(FULL) {
                let end = self.records.end();
                self.offsets.held.extend_from_slice(&end.to_le_bytes());
            }
        }
    }

    fn hold_hashes(&mut self, append: impl FnOnce(&mut Edge, &mut dyn FnMut(u32, &[Hash]))) -> Result<(), Fault> {
        let Growing { edge, hashes, dir, folder, .. } = self;
        let mut opened = Ok(());
        append(edge, &mut |level, grown| {
            let at = usize::try_from(level).unwrap_or(usize::MAX);
            if hashes.len() <= at {
                match Appended::open(folder, hashes_path(dir, level), 0) {
                    Ok(file) => hashes.push(file),
                    Err(fault) => opened = Err(fault),
                }
            }
            if let Some(file) = hashes.get_mut(at) {
                grown.iter().for_each(|hash| file.held.extend_from_slice(&hash.0));
            }
        });
        opened
    }

    fn files(&self) -> impl Iterator<Item = &Appended> {
        [&self.records, &self.offsets].into_iter().chain(&self.hashes)
    }

    fn flush(&mut self) -> Result<(), Fault> {
        for file in self.files().filter(|file| !file.held.is_empty()) {
            let written = self.change(file, |disk, file| disk.write_at(&file.named.file, &file.held, file.at));
            written.map_err(|error| unavailable(&file.named.path, "write", &error))?;
        }
        for file in [&mut self.records, &mut self.offsets].into_iter().chain(&mut self.hashes) {
            file.at = file.end();
            file.held.clear();
        }
        Ok(())
    }

    /// Changes a file beyond what is committed, so that readers know that it was this process.
    fn change(&self, file: &Appended, change: impl FnOnce(&dyn Disk, &Appended) -> io::Result<()>) -> io::Result<()> {
        let change = || change(self.folder.disk(), file);
        let (records, offsets) = (&self.records.named, &self.offsets.named);
        let own = &self.folder.shared.appends;
        // These two are looked at together, as `Snapshot` does.
        match file.named.path == records.path || file.named.path == offsets.path {
            true => own.write(&records.path, &[&offsets.file, &records.file], change),
            false => own.write(&file.named.path, &[&file.named.file], change),
        }
    }

    /// Everything that was appended is on the disk from here on.
    pub(super) fn sync(&mut self) -> Result<(), Fault> {
        self.flush()?;
        for file in self.files() {
            let synced = self.folder.disk().sync(&file.named.file);
            synced.map_err(|error| unavailable(&file.named.path, "sync", &error))?;
        }
        self.folder.disk().sync_folder(&self.dir).map_err(|error| unavailable(&self.dir, "sync", &error))
    }

    /// Cuts off what an earlier attempt left beyond the end, so that a copy of the files is a copy of the log.
    pub(super) fn trim(&mut self) -> Result<(), Fault> {
        self.flush()?;
        for file in self.files() {
            if file.named.len()? > file.at {
                let cut = self.change(file, |disk, file| disk.truncate(&file.named.file, file.at));
                cut.map_err(|error| unavailable(&file.named.path, "cut off", &error))?;
            }
        }
        Ok(())
    }
}

impl Appended {
    fn open(folder: &Folder, path: PathBuf, at: u64) -> Result<Appended, Fault> {
        Ok(Appended { named: Named::write(folder.disk(), path)?, at, held: Vec::new() })
    }

    fn end(&self) -> u64 {
        self.at + wide(self.held.len())
    }
}
