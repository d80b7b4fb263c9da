//! The files of a log as they are read: by position, and never beyond the tree that is asked about.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rustix::buffer::spare_capacity;

use super::super::disk::Disk;
use super::super::words::unavailable;
use crate::fault::Fault;
use crate::files;
use crate::sumdb::checkpoint::{Tree, parse_decimal};
use crate::sumdb::hash::Hash;
use crate::sumdb::number::wide;
use crate::sumdb::tile::{Edge, FULL};

/// Bytes of one entry of `offsets`.
pub const OFFSET_BYTES: u64 = 8;

/// One open file with its path, for messages.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) file: File,
    pub(super) path: PathBuf,
}

impl Named {
    pub(super) fn read(path: PathBuf) -> Result<Named, Fault> {
        match fs::metadata(&path) {
            Ok(found) if !found.is_file() => {
                let why = "is not a file: something else stands where the log belongs; move it away, and restore the file from a backup";
                return Err(Fault::machine(path.display().to_string(), why));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(Fault::machine(path.display().to_string(), lost("is missing", &path)));
            }
            Err(error) => return Err(unavailable(&path, "open", &error)),
            Ok(_) => {}
        }
        let file = files::open(&path).map_err(|error| unavailable(&path, "open", &error))?;
        Ok(Named { file, path })
    }

    /// For reading and writing; made where it is missing.
    pub(super) fn write(disk: &dyn Disk, path: PathBuf) -> Result<Named, Fault> {
        let file = disk.open(&path).map_err(|error| unavailable(&path, "open", &error))?;
        Ok(Named { file, path })
    }

    pub(super) fn len(&self) -> Result<u64, Fault> {
        self.file.metadata().map(|found| found.len()).map_err(|error| unavailable(&self.path, "read", &error))
    }

    /// Exactly these bytes. The room for them is not set to zeros first, which costs half as much as reading them.
    pub(super) fn bytes(&self, at: u64, len: usize) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::with_capacity(len);
        while bytes.len() < len {
            let from = at + wide(bytes.len());
            match rustix::io::pread(&self.file, spare_capacity(&mut bytes), from) {
                Ok(0) => return Err(unavailable(&self.path, "read", &ErrorKind::UnexpectedEof.into())),
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(unavailable(&self.path, "read", &error.into())),
            }
        }
        bytes.truncate(len);
        Ok(bytes)
    }

    /// These bytes, or as many of them as there are: a writer may be cutting the file off meanwhile.
    pub(super) fn bytes_at_most(&self, at: u64, len: usize) -> Result<Vec<u8>, Fault> {
        let there = usize::try_from(self.len()?.saturating_sub(at)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; there.min(len)];
        let filled = read_at(&self.file, at, &mut bytes).map_err(|error| unavailable(&self.path, "read", &error))?;
        bytes.truncate(filled);
        Ok(bytes)
    }

    pub(super) fn hashes(&self, first: u64, count: usize) -> Result<Vec<Hash>, Fault> {
        let bytes = self.bytes(first * wide(Hash::LEN), count * Hash::LEN)?;
        Ok(bytes.as_chunks().0.iter().copied().map(Hash).collect())
    }

    /// Entry `index` of `offsets`, and the next one.
    pub(super) fn offsets(&self, index: u64) -> Result<[u64; 2], Fault> {
        let mut bytes = [[0; size_of::<u64>()]; 2];
        let read = self.file.read_exact_at(bytes.as_flattened_mut(), index * OFFSET_BYTES);
        read.map_err(|error| unavailable(&self.path, "read", &error))?;
        Ok(bytes.map(u64::from_le_bytes))
    }

    /// Entry `index` of `offsets`.
    pub(super) fn offset(&self, index: u64) -> Result<u64, Fault> {
        let mut bytes = [0; size_of::<u64>()];
        let read = self.file.read_exact_at(&mut bytes, index * OFFSET_BYTES);
        read.map_err(|error| unavailable(&self.path, "read", &error))?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// Fails where the file is shorter than `needed` bytes.
    pub(super) fn require(&self, needed: u64) -> Result<(), Fault> {
        let len = self.len()?;
        if len >= needed {
            return Ok(());
        }
        let what = format!("has {len} bytes where the committed head needs {needed}: it was cut off");
        Err(Fault::machine(self.path.display().to_string(), lost(&what, &self.path)))
    }
}

/// What to do about a file that lost something. The folder is moved and not deleted: evidence and old heads are in it.
fn lost(what: &str, path: &Path) -> String {
    let folder = path.parent().unwrap_or(Path::new("")).display();
    format!("{what}; restore it from a backup, or move the folder {folder} away and sync again")
}

/// A file of the log, by its name there.
#[derive(Debug, Clone, Copy)]
pub(super) enum LogPart {
    Records,
    Offsets,
    Hashes(u32),
}

impl LogPart {
    pub(super) fn parse(name: &str) -> Option<LogPart> {
        Some(match name {
            "records" => LogPart::Records,
            "offsets" => LogPart::Offsets,
            name => {
                let level = name.strip_prefix("hashes.").and_then(parse_decimal)?;
                LogPart::Hashes(u32::try_from(level).ok()?)
            }
        })
    }
}

/// The files that a log of some size has.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) records: Named,
    pub(super) offsets: Named,
    /// by level
    pub(super) hashes: Vec<Named>,
    size: u64,
}

impl Files {
    /// Opens those of a log of `size` records. They are long enough for it, `records` aside: where that ends, its last records
    /// must decide.
    pub(super) fn open(dir: &Path, size: u64) -> Result<Files, Fault> {
        let hashes = levels(size).map(|level| Named::read(hashes_path(dir, level))).collect::<Result<Vec<_>, _>>()?;
        let (records, offsets) = (Named::read(dir.join("records"))?, Named::read(dir.join("offsets"))?);
        for (level, file) in (0..).zip(&hashes) {
            file.require(Edge::hashes(size, level) * wide(Hash::LEN))?;
        }
        offsets.require(offsets_len(size))?;
        Ok(Files { records, offsets, hashes, size })
    }

    /// The right edge of the tree.
    pub(super) fn edge(&self) -> Result<Edge, Fault> {
        let read = Edge::read(self.size, |tile| {
            let width = usize::try_from(tile.width()).unwrap_or(usize::MAX);
            self.hashes_of(tile.level(), tile.index() * FULL, width).map_err(ReadError)
        });
        read.map_err(|ReadError(fault)| fault)
    }

    /// Hashes of one level.
    pub(super) fn hashes_of(&self, level: u32, first: u64, count: usize) -> Result<Vec<Hash>, Fault> {
        let file = usize::try_from(level).ok().and_then(|level| self.hashes.get(level));
        file.map_or(Ok(Vec::new()), |file| file.hashes(first, count))
    }

    /// The right edge, where the ends of the hash files are those of `tree`: the edge folds to its root, and where a level ends with
    /// a full tile, which is not part of the edge, that tile folds to the last hash one level up.
    pub(super) fn edge_of(&self, tree: Tree) -> Result<Option<Edge>, Fault> {
        let edge = self.edge()?;
        if !same(edge.tree(), tree) {
            return Ok(None);
        }
        let whole = |level: &u32| Edge::hashes(self.size, *level).is_multiple_of(FULL);
        for level in levels(self.size).filter(whole) {
            let count = Edge::hashes(self.size, level);
            let tile = self.hashes_of(level, count - FULL, usize::try_from(FULL).unwrap_or(0))?;
            let above = self.hashes_of(level + 1, count / FULL - 1, 1)?;
            let mut fold = None;
            Edge::default().append(&tile, |up, hashes| {
                if up == 1 {
                    fold = hashes.first().copied();
                }
            });
            if fold != above.first().copied() {
                return Ok(None);
            }
        }
        Ok(Some(edge))
    }
}

/// The levels that a tree of `size` leaves has.
pub(super) fn levels(size: u64) -> impl Iterator<Item = u32> {
    (0..).take_while(move |level| Edge::hashes(size, *level) > 0)
}

pub(super) fn hashes_path(dir: &Path, level: u32) -> PathBuf {
    dir.join(format!("hashes.{level}"))
}

/// How many bytes of `offsets` belong to a log of `size` records.
pub(super) fn offsets_len(size: u64) -> u64 {
    if size == 0 { 0 } else { (size / FULL + 1) * OFFSET_BYTES }
}

/// Before 2024 Go signed the empty tree with a root of zeros; it is empty all the same.
pub(super) fn same(one: Tree, other: Tree) -> bool {
    one == other || (one.size == 0 && other.size == 0)
}

/// A fault on the way through the pure core, which has its own errors.
struct ReadError(Fault);

impl From<crate::sumdb::Error> for ReadError {
    fn from(error: crate::sumdb::Error) -> ReadError {
        ReadError(Fault::refused("the right edge", error))
    }
}

/// Fills `into` from `at` on; says how many bytes there were.
pub(super) fn read_at(file: &File, mut at: u64, into: &mut [u8]) -> io::Result<usize> {
    let (mut rest, mut done) = (into, 0);
    while !rest.is_empty() {
        match file.read_at(rest, at) {
            Ok(0) => break,
            Ok(count) => {
                rest = rest.get_mut(count..).unwrap_or_default();
                at += wide(count);
                done += count;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}
