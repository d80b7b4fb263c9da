//! Which records are about a module version, and which about any version of a module: `DATA/log/NAME/index.sqlite`.
//!
//! **The index decides nothing.** It names records that may be meant; the caller reads them, and a record says itself what it is
//! about. So a collision of keys costs a second look, and an index that was damaged or tampered with can make a lookup fail and
//! cannot make it lie. It is derived from the log and can be rebuilt at any time ([`rebuild`]).
//!
//! One b-tree of `(key, id)`: the key is 36 bits of the module path in lower case and 27 of the module version (see `key`), so
//! that the versions of a module, and those of paths that differ in case only, are a range of keys. Measured by `benches/index.rs`
//! (bytes over 5 million records; lookups over 1 million, one at a time, CPU time, the file in the page cache; SQLite 3.54):
//!
//! ```text
//! table                                       bytes a record   lookup
//! (key, id), WITHOUT ROWID, 63-bit key             19.5        3.9 us     this one
//! (key, id), WITHOUT ROWID, 47-bit key             17.2        3.8 us     1 path of 100 shares its range with another
//! 63-bit key as rowid, probing past collisions     18.1        3.7 us     a range of keys is not one module: collisions, versions
//! `MODULE VERSION` as text, WITHOUT ROWID          71.7        5.5 us
//! ```
//!
//! Over 50 million records this one takes 20.4 bytes a record and is made in half a minute with two threads and 160 MiB.
//!
//! A lookup takes 3.5 us in a file that is in WAL mode, 6.8 us in one that is not, 2 us within a longer transaction.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use rusqlite::Connection;

use super::log::{Log, Snapshot};
use super::words::unavailable;
use crate::fault::Fault;
use crate::sumdb::module::{ModulePath, ModuleVersion};
use crate::sumdb::record::Heading;
use file::Meta;

mod anomaly;
mod append;
mod build;
mod file;
mod gather;
mod grow;
mod key;
mod layout;
mod spill;
mod stream;
mod suspects;
mod tally;
mod tuning;

pub use anomaly::{Anomaly, AnomalyKind, MAX_OF_A_KIND};
pub use gather::{Entries, Gathered};
pub use grow::{Grown, grow_tuned, rebuild, update, update_with};
pub use tally::Tally;
pub use tuning::Tuning;

/// Records that one module version may have. An honest log has one; a damaged index may seem to have any number.
const MAX_CANDIDATES: usize = 1 << 16;
/// Records that the versions of one module may have: the whole log of 2026 has 70 million.
const MAX_VERSIONS: usize = 1 << 22;
/// Connections that are kept open while nobody uses them.
const MAX_IDLE: usize = 8;

/// The read side. Threads may share it; a writer, also in another process, may append meanwhile.
#[derive(Debug)]
pub struct Index {
    path: PathBuf,
    meta: Meta,
    /// which file this is: a rebuilt index is another one
    identity: (u64, u64),
    idle: Mutex<Vec<Connection>>,
}

impl Index {
    /// The index of `log`; none where there is none yet.
    ///
    /// # Errors
    /// `Unavailable`: the file cannot be read, is damaged, of another database, or made by a newer gosumcheck. Answers can then
    /// be found by reading the log.
    pub fn open(log: &Log) -> Result<Option<Index>, Fault> {
        let path = log.index_path();
        let Some(found) = look(&path)? else { return Ok(None) };
        let (db, meta) = file::open_to_read(&path)?;
        let name = log.name();
        if meta.origin != name {
            return Err(file::broken(&path, &format!("is the index of {}, not of {name}", meta.origin)));
        }
        let identity = (found.dev(), found.ino());
        Ok(Some(Index { path, meta, identity, idle: Mutex::new(vec![db]) }))
    }

    /// Records with a number below this are indexed.
    ///
    /// # Errors
    /// `Unavailable`: the file cannot be read or is damaged.
    pub fn size(&self) -> Result<u64, Fault> {
        Ok(self.read_meta()?.size)
    }

    /// The records that may be about this module version, ascending. The caller confirms each by its text, and looks himself
    /// at the records that are not indexed yet.
    ///
    /// # Errors
    /// As [`Index::size`].
    pub fn candidates(&self, module: &ModuleVersion) -> Result<Vec<u64>, Fault> {
        let key = self.meta.width.key(module.path().as_str(), module.version().as_str());
        self.ids(key, key, MAX_CANDIDATES)
    }

    /// The records that may be about a version of this module, ascending; among them are those of modules whose paths differ in
    /// case only.
    ///
    /// # Errors
    /// As [`Index::size`].
    pub fn versions(&self, path: &ModulePath) -> Result<Vec<u64>, Fault> {
        let (first, last) = self.meta.width.range(path.as_str());
        self.ids(first, last, MAX_VERSIONS)
    }

    /// What an auditor would ask about, oldest finding first.
    ///
    /// # Errors
    /// As [`Index::size`].
    pub fn anomalies(&self) -> Result<Vec<Anomaly>, Fault> {
        self.with(anomaly::all)
    }

    /// Whether this is still the file of that name: not so after [`rebuild`], by whatever process. Then open it anew.
    pub fn is_current(&self) -> bool {
        look(&self.path).is_ok_and(|found| found.is_some_and(|found| (found.dev(), found.ino()) == self.identity))
    }

    /// That the index is of this log, and does not know more than it.
    ///
    /// # Errors
    /// `Unavailable`: it is ahead of the log (which was restored from a backup?) or of another one, and as [`Index::size`].
    pub fn check(&self, snapshot: &Snapshot) -> Result<(), Fault> {
        grow::belongs(&self.path, &self.read_meta()?, snapshot)
    }

    /// What all entries come to: equal to the sum of [`Index::expected`] over all records below [`Index::size`], or the index is
    /// damaged. Reads all of it: some seconds for 50 million records.
    ///
    /// # Errors
    /// As [`Index::size`].
    pub fn tally(&self) -> Result<Tally, Fault> {
        self.with(Tally::of_table)
    }

    /// What the entries of records should come to, given the number of each and what it says it is about
    /// ([`claimed`](crate::sumdb::record::claimed)).
    pub fn expected(&self, claims: &[(u64, Heading<'_>)]) -> Tally {
        Tally::of_claims(self.meta.width, claims)
    }

    fn read_meta(&self) -> Result<Meta, Fault> {
        let meta = self.with(file::meta)?;
        meta.ok_or_else(|| file::broken(&self.path, "the index is damaged (it does not say how far it goes)"))
    }

    fn ids(&self, first: u64, last: u64, limit: usize) -> Result<Vec<u64>, Fault> {
        let mut ids = self.with(|db| ids(db, first, last, limit + 1))?;
        if ids.len() > limit || ids.iter().any(|id| *id >= key::MAX_RECORDS) {
            return Err(file::broken(&self.path, "the index is damaged (it names too many records)"));
        }
        ids.sort_unstable();
        Ok(ids)
    }

    /// Reads by one of the connections. One that failed is not used again.
    fn with<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Fault> {
        let kept = self.idle.lock().pop();
        let db = match kept {
            Some(db) => db,
            None => file::open_to_read(&self.path)?.0,
        };
        let found = read(&db).map_err(|error| file::failed(&self.path, &error))?;
        let mut idle = self.idle.lock();
        if idle.len() < MAX_IDLE {
            idle.push(db);
        }
        Ok(found)
    }
}

/// The numbers of the records with a key from `first` to `last`; a number that no record has counts as too large.
fn ids(db: &Connection, first: u64, last: u64, limit: usize) -> rusqlite::Result<Vec<u64>> {
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let sql = "SELECT id FROM record WHERE key BETWEEN ?1 AND ?2 LIMIT ?3";
    let mut found = db.prepare_cached(sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = found.query_map([number(first), number(last), limit], |row| row.get::<_, i64>(0))?;
    rows.map(|id| Ok(u64::try_from(id?).unwrap_or(u64::MAX))).collect()
}

/// What stands at `path`, if anything; a file that a crash or a full disk emptied does not count as an index.
fn look(path: &Path) -> Result<Option<Metadata>, Fault> {
    match path.metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unavailable(path, "read", &error)),
        Ok(found) if !found.is_file() => Err(Fault::machine(path.display().to_string(), "is not a file")),
        Ok(found) if found.len() == 0 => Err(file::broken(path, "the index is empty")),
        Ok(found) => Ok(Some(found)),
    }
}
