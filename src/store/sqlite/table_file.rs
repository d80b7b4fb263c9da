//! A SQLite file of ours with one table: how it is made, opened, and told from other files.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::super::modes;
use super::SqliteError;
use crate::fault::Fault;

/// How long one process waits for another.
const PATIENCE: Duration = Duration::from_secs(5);
/// No text in such a table is longer, in bytes.
const LONGEST: usize = 1 << 16;

/// What such files have in common.
#[derive(Debug)]
pub(in crate::store) struct TableFile {
    /// the application number in the file's header
    pub(in crate::store) application: i32,
    /// raised with every change of the table
    pub(in crate::store) schema: i32,
    /// what it is about, as in "about uses"
    pub(in crate::store) about: &'static str,
    /// the statement that makes the table
    pub(in crate::store) table: &'static str,
}

impl TableFile {
    /// Opens the file at `path`, and makes it where nothing stands there. A power cut may take the last of what is written.
    ///
    /// # Errors
    /// It is damaged or not such a file, or the disk fails.
    pub(in crate::store) fn open(&self, path: &Path) -> Result<Connection, SqliteError> {
        let failed = |error: rusqlite::Error| failed(path, &error);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        super::require_files(path).map_err(failed)?;
        modes::reserve(path);
        let db = Connection::open_with_flags(path, flags).map_err(failed)?;
        super::guard(&db, PATIENCE, LONGEST).map_err(failed)?;
        let is_empty: bool =
            db.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0)).map_err(failed)?;
        if is_empty {
            db.pragma_update(None, "application_id", self.application).map_err(failed)?;
            db.pragma_update(None, "user_version", self.schema).map_err(failed)?;
            db.execute_batch(self.table).map_err(failed)?;
        }
        self.require_form(&db, path)?;
        db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;").map_err(failed)?;
        Ok(db)
    }

    /// What `take` makes of the file at `path`, opened for reading; another process may be writing it. It may be called twice.
    ///
    /// # Errors
    /// As [`TableFile::open`].
    pub(in crate::store) fn read<T>(
        &self,
        path: &Path,
        take: impl Fn(Connection) -> rusqlite::Result<T>,
    ) -> Result<T, SqliteError> {
        super::open_to_read(path, |opened| {
            let failed = |error: rusqlite::Error| failed(path, &error);
            let db = opened.map_err(failed)?;
            super::guard(&db, PATIENCE, LONGEST).map_err(failed)?;
            self.require_form(&db, path)?;
            take(db).map_err(failed)
        })
    }

    fn require_form(&self, db: &Connection, path: &Path) -> Result<(), SqliteError> {
        let (application, form) = (self.application, self.schema);
        let header = |name: &str| db.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
        match (header("application_id"), header("user_version")) {
            (Ok(found), Ok(of)) if (found, of) == (application, form) => Ok(()),
            (Ok(found), Ok(newer)) if found == application && newer > form => {
                let why = format!("is of form {newer}, made by a newer gosumcheck than this, which knows form {form}");
                Err(SqliteError::Fault(Fault::machine(path.display().to_string(), why)))
            }
            (Ok(_), Ok(_)) => Err(SqliteError::Damaged(format!("is not a file of gosumcheck {}", self.about))),
            (Err(error), _) | (_, Err(error)) => Err(failed(path, &error)),
        }
    }
}

/// What `error` means for such a file at `path`.
pub(in crate::store) fn failed(path: &Path, error: &rusqlite::Error) -> SqliteError {
    SqliteError::of(path, PATIENCE, error)
}
