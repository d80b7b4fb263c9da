//! The record of verifications: `DATA/verify/journal.jsonl`, one JSON object a line, each with the hash of the line before it, so
//! that no entry can be changed or taken out of the midst without all later ones showing it.
//!
//! An entry is appended whole and synced. What a crash leaves of one ends without a newline: it is not an entry, and the next one is
//! written over it. What was cut off at the end cannot be noticed from inside: to notice that, the last hash is kept elsewhere.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

mod job;
mod signed;

pub use job::Job;
pub use signed::RunSigner;

use super::Folder;
use super::lock::Lock;
use super::whole::whole;
use super::words::unavailable;
use crate::fault::Fault;
use crate::sumdb::hash::sha256;
use crate::sumdb::number::wide;

/// The longest journal that is read, in bytes: an entry a night has 1 KB, so that is a thousand years.
const LIMIT: u64 = 1 << 30;
/// What the first entry has in the place of a hash.
const NO_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// The fields by which entries are chained.
const NUMBER: &str = "number";
const PREVIOUS: &str = "previous";

/// The record of verifications of one data folder.
#[derive(Debug, Clone)]
pub struct Runs {
    folder: Folder,
    path: PathBuf,
}

/// The entries of a record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunEntries {
    /// the oldest first
    pub entries: Vec<Map<String, Value>>,
    /// the hash of the last one, in hex; of none, zeros
    pub last: String,
    /// where the last whole one ends
    end: u64,
    /// whether what a crash left of another one comes after it
    pub is_torn: bool,
}

/// The first place where a record contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenChain {
    /// which line, counted from 1
    pub line: usize,
    /// what is wrong with it
    pub why: String,
}

impl fmt::Display for BrokenChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

impl Folder {
    /// The record of verifications. Nothing is opened or made before it is needed.
    pub fn runs(&self) -> Runs {
        Runs { folder: self.clone(), path: self.root().join("verify").join("journal.jsonl") }
    }
}

impl super::Log {
    /// The record of verifications of the data folder that it is in.
    pub fn runs(&self) -> Runs {
        self.folder().runs()
    }
}

impl Runs {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a verification was begun that has not come to its end, be it that it is under way.
    pub fn has_unfinished_job(&self) -> bool {
        self.path.with_file_name(job::PROGRESS).symlink_metadata().is_ok()
    }

    /// Reads all of it.
    ///
    /// # Errors
    /// `Unavailable`: the file cannot be read. Within: the chain is broken.
    pub fn read(&self) -> Result<Result<RunEntries, BrokenChain>, Fault> {
        Ok(parse(&whole(&self.path, LIMIT)?))
    }

    /// Appends an entry with these fields, signed where there is a signer, durably; gives its hash. Two processes do so one after the
    /// other.
    ///
    /// # Errors
    /// `Unavailable`: the disk, or the chain is broken: nothing is written after an entry that was changed.
    pub fn append(&self, fields: Map<String, Value>, signer: Option<&RunSigner>) -> Result<String, Fault> {
        let dir = self.path.parent().unwrap_or(&self.path);
        let disk = self.folder.disk();
        self.folder.ensure(dir, true).map_err(|error| unavailable(dir, "create", &error))?;
        let _alone = Lock::acquire(&dir.join("lock"))?;
        let before = self.read()?.map_err(|broken| {
            let why = format!("{broken}; move the file away for a person to look at, and a new one is begun");
            Fault::machine(self.path.display().to_string(), why)
        })?;
        let mut entry = Map::new();
        entry.insert(NUMBER.to_owned(), wide(before.entries.len()).into());
        entry.insert(PREVIOUS.to_owned(), before.last.clone().into());
        entry.extend(fields);
        if let Some(signer) = signer {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            entry = signer.sign(entry, now)?;
        }
        let mut line = Value::Object(entry).to_string().into_bytes();
        let hash = hex::encode(sha256(&line).0);
        line.push(b'\n');
        let failed = |error| unavailable(&self.path, "write", &error);
        let file = disk.open(&self.path).map_err(failed)?;
        if before.is_torn {
            disk.truncate(&file, before.end).map_err(failed)?;
        }
        disk.write_at(&file, &line, before.end).map_err(failed)?;
        disk.sync(&file).map_err(failed)?;
        disk.sync_folder(dir).map_err(|error| unavailable(dir, "sync", &error))?;
        Ok(hash)
    }
}

fn parse(bytes: &[u8]) -> Result<RunEntries, BrokenChain> {
    let mut read = RunEntries { last: NO_HASH.to_owned(), ..RunEntries::default() };
    for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let broken = |why: &str| BrokenChain { line: index + 1, why: why.to_owned() };
        let Some(line) = line.strip_suffix(b"\n") else {
            read.is_torn = true;
            break;
        };
        let Ok(Value::Object(entry)) = serde_json::from_slice::<Value>(line) else {
            return Err(broken("is not a JSON object"));
        };
        if entry.get(NUMBER).and_then(Value::as_u64) != Some(wide(index)) {
            return Err(broken("has another number than its place: an entry was taken out, or added"));
        }
        if entry.get(PREVIOUS).and_then(Value::as_str) != Some(read.last.as_str()) {
            return Err(broken("does not have the hash of the entry before it: one of the two was changed"));
        }
        read.last = hex::encode(sha256(line).0);
        read.end += wide(line.len() + 1);
        read.entries.push(entry);
    }
    Ok(read)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::failing::{FailingDisk, Moment, Then};

    fn fields(code: u64) -> Map<String, Value> {
        [("exit_code".to_owned(), Value::from(code))].into_iter().collect()
    }

    fn runs(root: &Path) -> Runs {
        Folder::open(root).unwrap().runs()
    }

    #[test]
    fn entries_are_chained_and_a_change_shows() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(runs(root.path()).read().unwrap().unwrap().entries.len(), 0);
        let hashes: Vec<String> = (0..4).map(|code| runs(root.path()).append(fields(code), None).unwrap()).collect();
        let read = runs(root.path()).read().unwrap().unwrap();
        assert_eq!((read.entries.len(), &read.last, read.is_torn), (4, &hashes[3], false));
        assert_eq!(read.entries[2]["previous"], hashes[1].as_str());
        let path = runs(root.path()).path().to_owned();
        let good = std::fs::read(&path).unwrap();
        // Each byte but those of the last line, of which nothing says what it was; its own fields aside.
        let last = good[..good.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
        for at in 0..last {
            let mut changed = good.clone();
            changed[at] ^= 1;
            std::fs::write(&path, &changed).unwrap();
            assert!(runs(root.path()).read().unwrap().is_err(), "byte {at}");
            assert!(runs(root.path()).append(fields(9), None).is_err());
            assert_eq!(std::fs::read(&path).unwrap(), changed, "nothing is written after it");
        }
        let lines: Vec<&[u8]> = good.split_inclusive(|byte| *byte == b'\n').collect();
        for without in 0..3 {
            let kept: Vec<&[u8]> = (0..4).filter(|line| *line != without).map(|line| lines[line]).collect();
            std::fs::write(&path, kept.concat()).unwrap();
            assert!(runs(root.path()).read().unwrap().is_err(), "without line {without}");
        }
    }

    #[test]
    fn a_last_line_that_a_crash_tore_is_written_over() {
        let root = tempfile::tempdir().unwrap();
        runs(root.path()).append(fields(0), None).unwrap();
        let path = runs(root.path()).path().to_owned();
        let good = std::fs::read(&path).unwrap();
        for end in 1..good.len() {
            std::fs::write(&path, [&good[..], &good[..end]].concat()).unwrap();
            let read = runs(root.path()).read().unwrap().unwrap();
            assert_eq!((read.entries.len(), read.is_torn), (1, true), "{end}");
            runs(root.path()).append(fields(1), None).unwrap();
            let read = runs(root.path()).read().unwrap().unwrap();
            assert_eq!((read.entries.len(), read.is_torn), (2, false), "{end}");
        }
    }

    #[test]
    fn a_process_that_dies_at_any_write_leaves_a_record_that_verifies() {
        for at in 0..12 {
            for moment in [Moment::Before, Moment::Torn, Moment::After] {
                let root = tempfile::tempdir().unwrap();
                runs(root.path()).append(fields(0), None).unwrap();
                let disk = Arc::new(FailingDisk::new(at, moment, Then::Dead));
                let written = Folder::open_on(root.path(), Box::new(disk)).unwrap().runs().append(fields(1), None);
                let read = runs(root.path()).read().unwrap().unwrap();
                let least = if written.is_ok() { 2 } else { 1 };
                assert!(read.entries.len() >= least, "{at} {moment:?}");
                runs(root.path()).append(fields(2), None).unwrap();
                assert!(runs(root.path()).read().unwrap().is_ok(), "{at} {moment:?}");
            }
        }
    }
}
