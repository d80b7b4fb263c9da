//! What a module proxy remembers beside its files, in `DATA/proxy.sqlite`: hints (lists, newest versions: what nothing proves) to
//! answer with while upstreams are down, and the incidents in which an upstream sent wrong bytes.
//!
//! **No proof rests on it, and no outage comes of it.** A call that fails says so and its caller goes on without. A file that is
//! broken, or is something else, is renamed to `proxy.sqlite.broken-N` by the next call that writes, which begins anew.
//! Nothing is opened or made before it is needed.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use rusqlite::Connection;

use super::Folder;
use super::sqlite::SqliteError;
use super::words::unavailable;
use crate::fault::Fault;

mod file;
mod rows;

pub use rows::{MAX_HINT_BYTES, MAX_HINTS, MAX_HINTS_BYTES, MAX_INCIDENTS, MAX_SOURCE_INCIDENTS, MAX_TEXT};

use rows::Written;

/// The journal. Threads may share it, and other processes may write to the file meanwhile.
#[derive(Debug)]
pub struct Journal {
    folder: Folder,
    path: PathBuf,
    open: Mutex<Option<Open>>,
}

#[derive(Debug)]
struct Open {
    db: Connection,
    /// which file it is: one that was deleted or set aside is not written to
    identity: Option<(u64, u64)>,
    /// what was added since room was last made
    written: Written,
}

/// For which questions a hint may be given: a private module's to nobody who is asked in public, one that was completed from a
/// log under no other log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// public modules, under the database with this key
    Public(&'a str),
    /// private modules
    Private,
}

impl Scope<'_> {
    /// The name under which the hint for `path`, the escaped path of a question, is kept. What an earlier version kept under the
    /// path alone is never asked for again.
    pub fn key(self, path: &str) -> String {
        match self {
            Scope::Public(vkey) => format!("public {vkey} {path}"),
            Scope::Private => format!("private {path}"),
        }
    }
}

/// An unproven answer of an upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// the answer
    pub bytes: Bytes,
    /// which upstream gave it
    pub from: String,
    /// when
    pub fetched: SystemTime,
}

/// An upstream sent something else than the log has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// when
    pub at: SystemTime,
    /// the module's path
    pub module: String,
    /// its version
    pub version: String,
    /// which file of it: `zip` or `mod`
    pub file: String,
    /// the hash that was proven or pinned
    pub expected: String,
    /// the hash that came, or what came instead
    pub got: String,
    /// who sent it
    pub upstream: String,
    /// the number of the log's record; none where the log has none
    pub record: Option<u64>,
    /// the size of the tree that it was proven in
    pub tree: Option<u64>,
    /// where the report is; none where it could not be kept
    pub report: Option<PathBuf>,
    /// what is wrong, in words
    pub why: String,
}

impl Journal {
    pub(super) fn new(folder: Folder) -> Journal {
        let path = folder.root().join("proxy.sqlite");
        Journal { folder, path, open: Mutex::default() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The hint that is kept under a [`Scope::key`].
    ///
    /// # Errors
    /// `Unavailable`: the file cannot be read.
    pub fn hint(&self, key: &str) -> Result<Option<Hint>, Fault> {
        self.read(|db| rows::hint(db, key)).map(Option::flatten)
    }

    /// Keeps a hint in place of the last one under that key. The oldest leave for it.
    ///
    /// # Errors
    /// `Usage` for one of more than [`MAX_HINT_BYTES`]; `Unavailable`: the file cannot be written.
    pub fn keep_hint(&self, key: &str, hint: &Hint) -> Result<(), Fault> {
        if hint.bytes.len() > MAX_HINT_BYTES || key.len() > MAX_TEXT {
            let (bytes, name) = (hint.bytes.len(), key.len());
            let text = format!("an answer of {bytes} bytes under a name of {name} is too long to be kept as a hint");
            return Err(Fault::Usage(text));
        }
        self.folder.take_room(hint.bytes.len()).map_err(|error| unavailable(&self.path, "write", &error))?;
        self.write(|open| rows::keep_hint(&open.db, &mut open.written, key, hint))
    }

    /// Forgets the hints that were fetched before then.
    ///
    /// # Errors
    /// `Unavailable`: the file cannot be written.
    pub fn sweep(&self, before: SystemTime) -> Result<(), Fault> {
        if self.path.symlink_metadata().is_err() {
            return Ok(());
        }
        self.write(|open| rows::sweep(&open.db, before))
    }

    /// Writes an incident down, durably. Texts of more than [`MAX_TEXT`] bytes are cut.
    ///
    /// # Errors
    /// `Unavailable`: the file cannot be written.
    pub fn add(&self, incident: &Incident) -> Result<(), Fault> {
        self.write(|open| rows::add(&open.db, incident))
    }

    /// The newest incidents, newest first.
    ///
    /// # Errors
    /// `Unavailable`: the file cannot be read.
    pub fn incidents(&self, newest: usize) -> Result<Vec<Incident>, Fault> {
        self.read(|db| rows::incidents(db, newest)).map(Option::unwrap_or_default)
    }

    /// The newest incidents before number `before` or, without that, the newest of all: newest first, each with its number. Numbers
    /// only grow.
    ///
    /// # Errors
    /// As [`Journal::incidents`].
    pub fn incidents_before(&self, before: Option<i64>, newest: usize) -> Result<Vec<(i64, Incident)>, Fault> {
        self.read(|db| rows::incidents_before(db, before, newest)).map(Option::unwrap_or_default)
    }

    /// The newest incidents of one module version, newest first.
    ///
    /// # Errors
    /// As [`Journal::incidents`].
    pub fn incidents_of(&self, module: &str, version: &str, newest: usize) -> Result<Vec<Incident>, Fault> {
        self.read(|db| rows::incidents_of(db, module, version, newest)).map(Option::unwrap_or_default)
    }

    /// What is wrong with the file, each in a line of its own; nothing where there is none yet. Changes nothing, and a server may
    /// go on writing meanwhile.
    ///
    /// # Errors
    /// `Unavailable`: the file cannot be read.
    pub fn check(&self) -> Result<Vec<String>, Fault> {
        file::check(&self.path)
    }

    /// The connection to the file that has the name now, if there is one already.
    fn lock(&self) -> MutexGuard<'_, Option<Open>> {
        let mut open = self.open.lock();
        if open.as_ref().is_some_and(|open| open.identity != file::identity(&self.path)) {
            *open = None;
        }
        open
    }

    fn connect(&self) -> Result<Open, SqliteError> {
        let db = file::open(&self.path)?;
        Ok(Open { db, identity: file::identity(&self.path), written: Written::default() })
    }

    /// A disk that takes nothing is read all the same. What is written to such a connection fails, and ends it.
    fn connect_to_read(&self) -> Result<Open, SqliteError> {
        self.connect().or_else(|error| match error {
            damaged @ SqliteError::Damaged(_) => Err(damaged),
            SqliteError::Fault(_) => {
                let db = file::open_to_read(&self.path)?;
                Ok(Open { db, identity: file::identity(&self.path), written: Written::default() })
            }
        })
    }

    /// None where there is no file yet.
    fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<Option<T>, Fault> {
        let mut open = self.lock();
        if open.is_none() {
            if self.path.symlink_metadata().is_err() {
                return Ok(None);
            }
            *open = Some(self.connect_to_read().map_err(|error| file::fault(&self.path, error))?);
        }
        let Some(found) = open.as_ref().map(|open| read(&open.db)) else { return Ok(None) };
        found.map(Some).map_err(|error| {
            // Whatever it is, a new connection looks at it anew.
            *open = None;
            file::fault(&self.path, file::failed(&self.path, &error))
        })
    }

    /// Sets a broken file aside, once, and writes to a new one.
    fn write(&self, write: impl Fn(&mut Open) -> rusqlite::Result<()>) -> Result<(), Fault> {
        let mut open = self.lock();
        match self.try_write(&mut open, &write) {
            Err(SqliteError::Damaged(why)) => {
                *open = None;
                file::set_aside(&self.folder, &self.path, &why)?;
                self.try_write(&mut open, &write).map_err(|error| file::fault(&self.path, error))
            }
            other => other.map_err(|error| file::fault(&self.path, error)),
        }
    }

    fn try_write(
        &self,
        open: &mut Option<Open>,
        write: &impl Fn(&mut Open) -> rusqlite::Result<()>,
    ) -> Result<(), SqliteError> {
        if open.is_none() {
            let root = self.folder.root();
            self.folder.ensure(root, true).map_err(|error| SqliteError::Fault(unavailable(root, "create", &error)))?;
            *open = Some(self.connect()?);
        }
        let Some(opened) = open.as_mut() else { return Ok(()) };
        write(opened).map_err(|error| {
            *open = None;
            file::failed(&self.path, &error)
        })
    }
}
