//! The file of the uses: its one table, and how it is opened.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};

use super::super::modes;
use super::super::sqlite::{self, SqliteError};
use super::Use;

/// `gosu`, in the file's header.
const APPLICATION: i32 = 0x676f_7375;
/// Raised with every change of the table.
const SCHEMA: i32 = 1;
/// How long one process waits for another.
const PATIENCE: Duration = Duration::from_secs(5);
/// No name of a file is longer, in bytes.
const LONGEST: usize = 1 << 16;
/// Times are microseconds since 1970.
const TABLE: &str = "CREATE TABLE used (
    name TEXT PRIMARY KEY NOT NULL, hits INTEGER NOT NULL, bytes INTEGER NOT NULL, last INTEGER NOT NULL,
    vanished INTEGER NOT NULL
) STRICT, WITHOUT ROWID";

pub(super) fn failed(path: &Path, error: &rusqlite::Error) -> SqliteError {
    SqliteError::of(path, PATIENCE, error)
}

/// Opens the file at `path`, and makes it where nothing stands there.
pub(super) fn open(path: &Path) -> Result<Connection, SqliteError> {
    let failed = |error: rusqlite::Error| failed(path, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    sqlite::require_files(path).map_err(failed)?;
    modes::reserve(path);
    let db = Connection::open_with_flags(path, flags).map_err(failed)?;
    sqlite::guard(&db, PATIENCE, LONGEST).map_err(failed)?;
    let is_empty: bool =
        db.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0)).map_err(failed)?;
    if is_empty {
        db.pragma_update(None, "application_id", APPLICATION).map_err(failed)?;
        db.pragma_update(None, "user_version", SCHEMA).map_err(failed)?;
        db.execute_batch(TABLE).map_err(failed)?;
    }
    require_form(&db, path)?;
    // A power cut may take the last of it.
    db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;").map_err(failed)?;
    Ok(db)
}

/// What `read` finds in the file at `path`, which another process may be writing.
pub(super) fn read(
    path: &Path,
    read: impl Fn(&Connection) -> rusqlite::Result<HashMap<String, Use>>,
) -> Result<HashMap<String, Use>, SqliteError> {
    sqlite::open_to_read(path, |opened| {
        let failed = |error: rusqlite::Error| failed(path, &error);
        let db = opened.map_err(failed)?;
        sqlite::guard(&db, PATIENCE, LONGEST).map_err(failed)?;
        require_form(&db, path)?;
        read(&db).map_err(failed)
    })
}

fn require_form(db: &Connection, path: &Path) -> Result<(), SqliteError> {
    sqlite::require_form(db, path, (APPLICATION, SCHEMA), PATIENCE, "about uses")
}

pub(super) fn all(db: &Connection) -> rusqlite::Result<HashMap<String, Use>> {
    let mut rows = db.prepare_cached("SELECT name, hits, bytes, last, vanished FROM used")?;
    rows.query_map([], row)?.collect()
}

/// The uses of the files of these names.
pub(super) fn some(db: &Connection, names: &[String]) -> rusqlite::Result<HashMap<String, Use>> {
    let mut rows = db.prepare_cached("SELECT name, hits, bytes, last, vanished FROM used WHERE name = ?1")?;
    names.iter().filter_map(|name| rows.query_row([name], row).optional().transpose()).collect()
}

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<(String, Use)> {
    let number = |at: usize| row.get::<_, i64>(at).map(|number| u64::try_from(number).unwrap_or(0));
    Ok((row.get(0)?, Use { hits: number(1)?, bytes: number(2)?, last: number(3)?, vanished: number(4)? }))
}

/// Adds to what is written down, all or nothing.
pub(super) fn add(db: &mut Connection, more: &[(String, Use)]) -> rusqlite::Result<()> {
    let change = db.transaction()?;
    {
        let mut row = change.prepare_cached(
            "INSERT INTO used VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (name) DO UPDATE SET hits = hits + excluded.hits,
                bytes = bytes + excluded.bytes, last = max(last, excluded.last), vanished = max(vanished, excluded.vanished)",
        )?;
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        for (name, Use { hits, bytes, last, vanished }) in more {
            row.execute(params![name, signed(*hits), signed(*bytes), signed(*last), signed(*vanished)])?;
        }
    }
    change.commit()
}

/// Forgets the files of these names, all or none.
pub(super) fn remove(db: &mut Connection, names: &[String]) -> rusqlite::Result<()> {
    let change = db.transaction()?;
    {
        let mut row = change.prepare_cached("DELETE FROM used WHERE name = ?1")?;
        for name in names {
            row.execute([name])?;
        }
    }
    change.commit()
}
