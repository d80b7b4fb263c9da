//! How much each stored module file is used: how often and when it was last given, and how many bytes of it. Counted in memory, and
//! written to `DATA/store/use.sqlite` now and then.
//!
//! **A request that finds its file costs three atomic additions and no lock**: what this process knows of a file
//! (`modules::Known`) holds the counter. What was counted since the last [`Usage::flush`] is lost in a crash; what was flushed is
//! whole. No proof rests on it, and a file that is damaged is set aside and begun anew: then the order in which modules leave a full
//! store begins anew too.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use rusqlite::Connection;

use super::Folder;
use super::sqlite::{self, SqliteError, table_file};
use super::words::unavailable;
use crate::fault::Fault;
use crate::sumdb::number;

mod table;

/// How a file was used so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Use {
    /// how often it was given
    pub hits: u64,
    /// bytes of these answers
    pub bytes: u64,
    /// when it was last given, in microseconds since 1970; 0 where it never was
    pub last: u64,
    /// when no upstream had it any more, in microseconds since 1970; 0 where it was never found missing
    pub vanished: u64,
}

/// Counts the uses of one file. Threads share it.
#[derive(Debug, Default)]
pub struct UseCounter {
    hits: AtomicU64,
    bytes: AtomicU64,
    last: AtomicU64,
}

impl UseCounter {
    /// It was given, `bytes` of it.
    pub fn used(&self, bytes: u64) {
        self.hits.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.last.fetch_max(micros(SystemTime::now()), Ordering::Relaxed);
    }

    fn read(&self) -> Use {
        let load = |of: &AtomicU64| of.load(Ordering::Relaxed);
        Use { hits: load(&self.hits), bytes: load(&self.bytes), last: load(&self.last), vanished: 0 }
    }

    /// What was counted since it was last taken.
    fn take(&self) -> Use {
        let take = |of: &AtomicU64| of.swap(0, Ordering::Relaxed);
        Use { hits: take(&self.hits), bytes: take(&self.bytes), last: self.last.load(Ordering::Relaxed), vanished: 0 }
    }
}

impl Use {
    fn and(self, more: Use) -> Use {
        Use {
            hits: self.hits.saturating_add(more.hits),
            bytes: self.bytes.saturating_add(more.bytes),
            last: self.last.max(more.last),
            vanished: self.vanished.max(more.vanished),
        }
    }
}

/// The uses of all files of a data folder, each under its path below it (`modules/example.com/a/@v/v1.0.0.zip`). Cheap to clone.
#[derive(Debug, Clone)]
pub struct Usage {
    inner: Arc<UsageState>,
}

#[derive(Debug)]
struct UsageState {
    folder: Folder,
    path: PathBuf,
    /// those that somebody may count on, and those that are not written down yet
    counters: Mutex<HashMap<String, Arc<UseCounter>>>,
    /// opened by the first flush
    open: Mutex<Option<Connection>>,
}

impl Usage {
    pub(super) fn new(folder: Folder) -> Usage {
        let path = folder.root().join(super::STORE_FOLDER).join("use.sqlite");
        Usage { inner: Arc::new(UsageState { folder, path, counters: Mutex::default(), open: Mutex::default() }) }
    }

    /// The counter of the file at `path`.
    pub(super) fn counter(&self, path: &Path) -> Arc<UseCounter> {
        let mut counters = self.inner.counters.lock();
        Arc::clone(counters.entry(self.name(path)).or_default())
    }

    /// Under which name the file at `path` is counted.
    pub fn name(&self, path: &Path) -> String {
        path.strip_prefix(self.inner.folder.root()).unwrap_or(path).display().to_string()
    }

    /// Writes down what was counted since the last time.
    ///
    /// # Errors
    /// `Unavailable`: the disk takes nothing. What was counted is kept for the next time.
    pub fn flush(&self) -> Result<(), Fault> {
        let counted: Vec<(String, Use)> = {
            let mut counters = self.inner.counters.lock();
            let counted = counters.iter().map(|(name, counter)| (name.clone(), counter.take()));
            let counted = counted.filter(|(_, used)| used.hits > 0).collect();
            // Nobody else holds it, so nobody counts on it until it is asked for again.
            counters.retain(|_, counter| Arc::strong_count(counter) > 1);
            counted
        };
        if counted.is_empty() {
            return Ok(());
        }
        self.write(|db| table::add(db, &counted)).inspect_err(|_| self.put_back(&counted))
    }

    fn put_back(&self, counted: &[(String, Use)]) {
        let mut counters = self.inner.counters.lock();
        for (name, used) in counted {
            let counter = counters.entry(name.clone()).or_default();
            counter.hits.fetch_add(used.hits, Ordering::Relaxed);
            counter.bytes.fetch_add(used.bytes, Ordering::Relaxed);
            counter.last.fetch_max(used.last, Ordering::Relaxed);
        }
    }

    /// The uses of all files, those that are not written down yet too.
    ///
    /// # Errors
    /// `Unavailable`: what was written down cannot be read.
    pub fn all(&self) -> Result<HashMap<String, Use>, Fault> {
        let mut all = self.read(table::all)?;
        for (name, counter) in &*self.inner.counters.lock() {
            let now = all.entry(name.clone()).or_default();
            *now = now.and(counter.read());
        }
        Ok(all)
    }

    /// The uses of the files of these names, those that are not written down yet too; a file that was never used has none.
    ///
    /// # Errors
    /// `Unavailable`: what was written down cannot be read.
    pub fn of(&self, names: &[String]) -> Result<HashMap<String, Use>, Fault> {
        let mut some = self.read(|db| table::some(db, names))?;
        let counters = self.inner.counters.lock();
        for (name, counter) in names.iter().filter_map(|name| Some((name, counters.get(name)?))) {
            let now = some.entry(name.clone()).or_default();
            *now = now.and(counter.read());
        }
        Ok(some)
    }

    /// When this process last gave the file of that name; 0 where it did not, or has written that down.
    pub fn last(&self, name: &str) -> u64 {
        self.inner.counters.lock().get(name).map_or(0, |counter| counter.read().last)
    }

    /// Notes that no upstream had the files of these names at `at`, in microseconds since 1970.
    ///
    /// # Errors
    /// `Unavailable`: the disk takes nothing.
    pub fn note_vanished(&self, names: &[String], at: u64) -> Result<(), Fault> {
        if names.is_empty() {
            return Ok(());
        }
        let vanished = |name: &String| (name.clone(), Use { vanished: at, ..Use::default() });
        let vanished: Vec<_> = names.iter().map(vanished).collect();
        self.write(|db| table::add(db, &vanished))
    }

    /// Forgets files that are not `stored` and were last used before `before`, in microseconds since 1970. How much the others
    /// were used decides how long they stay once they come again.
    ///
    /// # Errors
    /// `Unavailable`: the disk takes nothing.
    pub fn forget(&self, stored: impl Fn(&str) -> bool, before: u64) -> Result<(), Fault> {
        let old: Vec<String> = self
            .read(table::all)?
            .into_iter()
            .filter(|(name, used)| used.last < before && !stored(name))
            .map(|(name, _)| name)
            .collect();
        if old.is_empty() { Ok(()) } else { self.write(|db| table::remove(db, &old)) }
    }

    fn fault(&self, error: SqliteError) -> Fault {
        error.fault(&self.inner.path, "the server begins a new one")
    }

    /// What `read` finds of what is written down; nothing where there is no file yet, or a damaged one, which is replaced by the
    /// next flush.
    fn read(
        &self,
        read: impl Fn(&Connection) -> rusqlite::Result<HashMap<String, Use>>,
    ) -> Result<HashMap<String, Use>, Fault> {
        let path = &self.inner.path;
        if path.symlink_metadata().is_err() {
            return Ok(HashMap::new());
        }
        let open = self.inner.open.lock();
        let found = match &*open {
            Some(db) => read(db).map_err(|error| table_file::failed(path, &error)),
            None => table::FILE.read(path, |db| read(&db)),
        };
        match found {
            Err(SqliteError::Damaged(_)) => Ok(HashMap::new()),
            found => found.map_err(|error| self.fault(error)),
        }
    }

    fn write(&self, write: impl Fn(&mut Connection) -> rusqlite::Result<()>) -> Result<(), Fault> {
        let UsageState { path, folder, open, .. } = &*self.inner;
        let mut open = open.lock();
        let parent = path.parent().unwrap_or(path);
        if path.symlink_metadata().is_err() {
            (*open, ()) = (None, folder.forget());
        }
        folder.take_room(0).map_err(|error| unavailable(path, "write", &error))?;
        folder.ensure(parent, false).map_err(|error| unavailable(parent, "create", &error))?;
        let mut once = || -> Result<(), SqliteError> {
            if open.is_none() {
                *open = Some(table::FILE.open(path)?);
            }
            let Some(db) = open.as_mut() else { return Ok(()) };
            let written = write(db).map_err(|error| table_file::failed(path, &error));
            if written.is_err() {
                *open = None;
            }
            written
        };
        match once() {
            Err(SqliteError::Damaged(why)) => {
                tracing::warn!(file = %path.display(), why, "how modules were used is forgotten: its file was set aside");
                sqlite::set_aside(folder, path)?;
                once().map_err(|error| self.fault(error))
            }
            other => other.map_err(|error| self.fault(error)),
        }
    }
}

/// Microseconds since 1970.
pub fn micros(time: SystemTime) -> u64 {
    number::micros(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}
