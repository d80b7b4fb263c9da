//! When each module version was admitted first, in the order of these times: `DATA/store/admitted.sqlite`.
//!
//! **A version that is written down keeps its time**: through restarts, removals from the store and new downloads. Each new one comes
//! after all that are written down already, also where the clock was set back, so that a reader who goes on from the last time it
//! has seen misses none.
//!
//! What stands beside stored files tells the same, less exactly. [`Admissions::complete`] adds from it what is not written down: all of
//! a data folder of an older version, and what a power cut took. The first time it writes the whole file under another name, so that
//! nobody reads half of it; until then what is admitted is left for it to find.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use parking_lot::Mutex;
use rusqlite::Connection;

use super::super::failures::WriteKind;
use super::super::sqlite::table_file::failed;
use super::super::sqlite::{self, SqliteError, beside};
use super::super::usage::micros;
use super::super::words::unavailable;
use super::super::{Folder, STORE_FOLDER};
use crate::fault::Fault;
use crate::sumdb::module::{ModulePath, ModuleVersion, Version};

mod table;

/// A module version that was admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// when, in microseconds since 1970; no two have the same
    pub at: u64,
    /// the module's path
    pub module: String,
    /// its version
    pub version: String,
    /// whether it was private
    pub is_private: bool,
}

/// What the store says of a version whose zip was admitted.
#[derive(Debug, Clone)]
pub struct AdmittedZip {
    /// which one
    pub module: ModuleVersion,
    /// whether it is in the tree of private modules
    pub is_private: bool,
    /// since when its zip, or the hash of it, has been here
    pub since: SystemTime,
}

/// From where admissions are read.
#[derive(Debug, Clone, Copy)]
pub enum AdmissionsFrom<'a> {
    /// in order of time, from this one on, in microseconds since 1970
    Time(u64),
    /// in order of path and version, those after this one
    After(&'a str, &'a str),
}

/// All admissions of a data folder. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Admissions {
    inner: Arc<AdmissionsState>,
}

#[derive(Debug)]
struct AdmissionsState {
    folder: Folder,
    path: PathBuf,
    /// what is written to; opened by the first admission
    open: Mutex<Option<Connection>>,
    /// whether nothing is missing: no file means that nothing was admitted
    is_complete: AtomicBool,
    /// whether something was admitted that is not written down
    lacks: AtomicBool,
}

impl Admissions {
    pub(super) fn new(folder: Folder) -> Admissions {
        let path = folder.root().join(STORE_FOLDER).join("admitted.sqlite");
        let (open, is_complete, lacks) = (Mutex::default(), AtomicBool::new(false), AtomicBool::new(true));
        Admissions { inner: Arc::new(AdmissionsState { folder, path, open, is_complete, lacks }) }
    }

    /// Where they are kept.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Writes down that a version was admitted now, unless it was before. A file that cannot be written keeps nobody waiting:
    /// [`Admissions::complete`] finds the version later.
    pub fn note(&self, module: &ModuleVersion, is_private: bool) {
        let state = &*self.inner;
        let is_here = state.path.symlink_metadata().is_ok();
        if !is_here && !state.is_complete.load(Ordering::Acquire) {
            state.lacks.store(true, Ordering::Release);
            return;
        }
        let row = (micros(SystemTime::now()), module, is_private);
        if let Err(error) = self.write(|db| table::add(db, &[row])) {
            state.lacks.store(true, Ordering::Release);
            state.folder.note_failure(WriteKind::Module, &self.fault(error));
        }
    }

    /// Whether something may be missing, so that [`Admissions::complete`] has something to do.
    pub fn lacks_some(&self) -> bool {
        self.inner.lacks.load(Ordering::Acquire)
    }

    /// A number that is another one after another process has written down an admission; none before this one has written any.
    pub fn others(&self) -> Option<i64> {
        let open = self.inner.open.lock();
        open.as_ref()?.query_row("PRAGMA data_version", [], |row| row.get(0)).ok()
    }

    /// Adds what the store has and the file has not. A damaged file is set aside and written anew.
    ///
    /// # Errors
    /// `Unavailable`: the disk fails. It is to be tried again.
    pub fn complete<I>(&self, stored: impl Fn() -> I) -> Result<(), Fault>
    where
        I: Iterator<Item = Result<AdmittedZip, Fault>>,
    {
        let state = &*self.inner;
        state.lacks.store(false, Ordering::Release);
        let done = self.try_complete(stored);
        match &done {
            Ok(()) => state.is_complete.store(true, Ordering::Release),
            Err(_) => state.lacks.store(true, Ordering::Release),
        }
        done
    }

    fn try_complete<I>(&self, stored: impl Fn() -> I) -> Result<(), Fault>
    where
        I: Iterator<Item = Result<AdmittedZip, Fault>>,
    {
        let AdmissionsState { folder, path, .. } = &*self.inner;
        if path.symlink_metadata().is_ok() {
            match self.add_missing(stored()) {
                Err(SqliteError::Damaged(why)) => {
                    tracing::warn!(file = %path.display(), why, "the times of admission are taken from the stored files: the file with them was set aside");
                    self.set_aside()?;
                }
                done => return done.map_err(|error| self.fault(error)),
            }
        }
        let mut stored = stored().peekable();
        if stored.peek().is_none() {
            return Ok(());
        }
        folder.take_room(0).map_err(|error| unavailable(path, "write", &error))?;
        let parent = path.parent().unwrap_or(path);
        folder.ensure(parent, false).map_err(|error| unavailable(parent, "create", &error))?;
        let new = beside(path, ".new");
        let _ = folder.disk().remove(&new);
        table::make(&new, stored).map_err(|error| self.fault(error))?;
        folder.disk().rename(&new, path).map_err(|error| unavailable(path, "write", &error))
    }

    /// Renames the file, so that the next one begins anew.
    pub(super) fn set_aside(&self) -> Result<(), Fault> {
        *self.inner.open.lock() = None;
        sqlite::set_aside(&self.inner.folder, &self.inner.path)
    }

    /// Adds those that are not written down, a few at a time: others write meanwhile.
    fn add_missing(&self, stored: impl Iterator<Item = Result<AdmittedZip, Fault>>) -> Result<(), SqliteError> {
        let reader = table::FILE.read(&self.inner.path, Ok)?;
        let mut missing = Vec::new();
        for zip in stored {
            let zip = zip.map_err(SqliteError::Fault)?;
            if !table::has(&reader, &zip.module).map_err(|error| failed(&self.inner.path, &error))? {
                missing.push(zip);
            }
            if missing.len() >= table::BATCH {
                self.add_all(&mut missing)?;
            }
        }
        self.add_all(&mut missing)
    }

    fn add_all(&self, zips: &mut Vec<AdmittedZip>) -> Result<(), SqliteError> {
        zips.sort_by_key(|zip| zip.since);
        let now = SystemTime::now();
        let rows: Vec<_> = zips.iter().map(|zip| (micros(zip.since.min(now)), &zip.module, zip.is_private)).collect();
        if !rows.is_empty() {
            self.write(|db| table::add(db, &rows))?;
        }
        zips.clear();
        Ok(())
    }

    /// Reads admissions until `take` breaks; none where they are not known yet. Another process may be writing meanwhile. Reads the
    /// disk.
    ///
    /// # Errors
    /// `Unavailable`: the file cannot be read, or is damaged.
    pub fn read(
        &self,
        from: AdmissionsFrom<'_>,
        take: &mut dyn FnMut(Admission) -> ControlFlow<()>,
    ) -> Result<Option<()>, Fault> {
        let state = &*self.inner;
        if state.path.symlink_metadata().is_err() {
            return Ok(state.is_complete.load(Ordering::Acquire).then_some(()));
        }
        let read = table::FILE
            .read(&state.path, Ok)
            .and_then(|db| table::read(&db, from, take).map_err(|error| failed(&state.path, &error)));
        if matches!(read, Err(SqliteError::Damaged(_))) {
            state.lacks.store(true, Ordering::Release);
        }
        read.map(Some).map_err(|error| self.fault(error))
    }

    /// When these versions of a module were admitted, in microseconds since 1970, in their order; 0 for one that is not written down.
    /// Reads the disk.
    ///
    /// # Errors
    /// As [`Admissions::read`].
    pub fn times(&self, module: &ModulePath, versions: &[Version]) -> Result<Vec<u64>, Fault> {
        let path = &self.inner.path;
        if path.symlink_metadata().is_err() {
            return Ok(vec![0; versions.len()]);
        }
        let times = table::FILE.read(path, Ok).and_then(|db| {
            let one = |version: &Version| table::time_of(&db, module.as_str(), version.as_str());
            let all: rusqlite::Result<Vec<_>> = versions.iter().map(one).collect();
            all.map_err(|error| failed(path, &error))
        });
        let times = times.map_err(|error| self.fault(error))?;
        Ok(times.into_iter().map(Option::unwrap_or_default).collect())
    }

    /// What is wrong with the file, each in a line of its own, and how many of `stored` are not written down; nothing where there is no
    /// file. Changes nothing, and a server may go on writing meanwhile.
    ///
    /// # Errors
    /// `Unavailable`: the file, or the store, cannot be read.
    pub(super) fn check(
        &self,
        stored: impl Iterator<Item = Result<AdmittedZip, Fault>>,
    ) -> Result<(Vec<String>, u64), Fault> {
        let path = &self.inner.path;
        if path.symlink_metadata().is_err() {
            return Ok((Vec::new(), 0));
        }
        let db = match table::FILE.read(path, |db| Ok((table::check(&db)?, db))) {
            Ok((wrong, db)) if wrong.is_empty() => db,
            Ok((wrong, _)) => return Ok((wrong, 0)),
            Err(SqliteError::Damaged(why)) => return Ok((vec![why], 0)),
            Err(error @ SqliteError::Fault(_)) => return Err(self.fault(error)),
        };
        let mut missing = 0;
        for zip in stored {
            let has = table::has(&db, &zip?.module).map_err(|error| self.fault(failed(path, &error)))?;
            missing += u64::from(!has);
        }
        Ok((Vec::new(), missing))
    }

    fn fault(&self, error: SqliteError) -> Fault {
        error.fault(&self.inner.path, "the server begins a new one")
    }

    fn write(&self, write: impl FnOnce(&mut Connection) -> rusqlite::Result<()>) -> Result<(), SqliteError> {
        let AdmissionsState { folder, path, open, .. } = &*self.inner;
        let mut open = open.lock();
        if path.symlink_metadata().is_err() {
            (*open, ()) = (None, folder.forget());
        }
        let disk = |doing, error| SqliteError::Fault(unavailable(path, doing, &error));
        folder.take_room(0).map_err(|error| disk("write", error))?;
        folder.ensure(path.parent().unwrap_or(path), false).map_err(|error| disk("create", error))?;
        if open.is_none() {
            *open = Some(table::FILE.open(path)?);
        }
        let Some(db) = open.as_mut() else { return Ok(()) };
        write(db).map_err(|error| {
            *open = None;
            failed(path, &error)
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
#[path = "admissions/tests.rs"]
mod tests;
