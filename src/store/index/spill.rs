//! Entries on their way to being sorted: parted by the first bits of their keys into files that have no name, so that each part
//! fits into memory and nothing is left behind by a crash.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use super::super::log::Log;
use super::super::words::unavailable;
use super::key::{IndexEntry, Width};
use crate::fault::Fault;

/// 256 parts at most, since a thread holds some of each back.
const MAX_PART_BITS: u32 = 8;
/// Entries that a thread holds back for one part before it writes them: 64 KiB.
const HELD: usize = 4096;

/// The parts. Threads may share them.
#[derive(Debug)]
pub(super) struct Spill {
    folder: PathBuf,
    width: Width,
    bits: u32,
    parts: Vec<Mutex<File>>,
}

/// What one thread has to add.
#[derive(Debug)]
pub(super) struct Buffers {
    parts: Vec<Vec<u8>>,
}

impl Spill {
    /// Room for `size` entries, about `part` of them in each part.
    fn new(folder: &Path, width: Width, size: u64, part: u64) -> Result<Spill, Fault> {
        let wanted = (size / part.max(1)).max(1).ilog2();
        let bits = wanted.min(MAX_PART_BITS).min(width.bits().0);
        let parts = (0..1_u32 << bits).map(|_| tempfile::tempfile_in(folder).map(Mutex::new)).collect::<Result<_, _>>();
        let parts = parts.map_err(|error| unavailable(folder, "write", &error))?;
        Ok(Spill { folder: folder.to_path_buf(), width, bits, parts })
    }

    /// The same among the temporary files of a log's data folder.
    pub(super) fn of_log(log: &Log, width: Width, size: u64, part: u64) -> Result<Spill, Fault> {
        let tmp = log.folder().tmp();
        log.folder().ensure(&tmp, false).map_err(|error| unavailable(&tmp, "create", &error))?;
        Spill::new(&tmp, width, size, part)
    }

    pub(super) fn buffers(&self) -> Buffers {
        Buffers { parts: vec![Vec::new(); self.parts.len()] }
    }

    pub(super) fn width(&self) -> Width {
        self.width
    }

    /// How many parts there are, to be taken in their order.
    pub(super) fn parts(&self) -> usize {
        self.parts.len()
    }

    /// The entries of a part, sorted. Its room on the disk is given back.
    pub(super) fn take(&self, part: usize) -> Result<Vec<IndexEntry>, Fault> {
        let Some(file) = self.parts.get(part) else { return Ok(Vec::new()) };
        let mut file = file.lock();
        let mut bytes = Vec::new();
        let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_end(&mut bytes));
        read.and_then(|_| file.set_len(0)).map_err(|error| unavailable(&self.folder, "read", &error))?;
        let mut entries: Vec<IndexEntry> =
            bytes.as_chunks().0.iter().map(|bytes| IndexEntry::from_bytes(*bytes)).collect();
        entries.sort_unstable();
        Ok(entries)
    }

    fn write(&self, part: usize, bytes: &mut Vec<u8>) -> Result<(), Fault> {
        let Some(file) = self.parts.get(part) else { return Ok(()) };
        let mut file = file.lock();
        file.write_all(bytes).map_err(|error| unavailable(&self.folder, "write", &error))?;
        bytes.clear();
        Ok(())
    }
}

impl Buffers {
    /// Adds to `spill`, of whose parts this was made.
    pub(super) fn add(&mut self, spill: &Spill, entries: &[IndexEntry]) -> Result<(), Fault> {
        for entry in entries {
            let part = usize::try_from(spill.width.part(entry.key, spill.bits)).unwrap_or(usize::MAX);
            let Some(buffers) = self.parts.get_mut(part) else { continue };
            buffers.extend_from_slice(&entry.to_bytes());
            if buffers.len() >= HELD * IndexEntry::BYTES {
                spill.write(part, buffers)?;
            }
        }
        Ok(())
    }

    /// Writes what is left.
    pub(super) fn finish(mut self, spill: &Spill) -> Result<(), Fault> {
        self.parts.iter_mut().enumerate().try_for_each(|(part, buffers)| spill.write(part, buffers))
    }
}
