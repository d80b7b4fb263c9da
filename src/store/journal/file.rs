//! The file of a journal: its tables, how it is opened, what a failure of it means, and where a broken one goes.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::super::Folder;
use super::super::modes;
use super::super::sqlite::{self, COMPANIONS, SqliteError, beside};
use super::super::words::unavailable;
use super::rows::MAX_HINT_BYTES;
use crate::fault::Fault;

/// `gosp`, in the file's header.
const APPLICATION: i32 = 0x676f_7370;
/// Raised with every change of the tables.
const SCHEMA: i32 = 1;
/// How long one process waits for another: each is done in milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);
/// Room in a row for what is not the hint itself.
const ROW_BYTES: usize = 1 << 20;
/// The log of SQLite is cut back to this many bytes.
const WAL_BYTES: i32 = 32 << 20;
/// Lines that a check gives.
const MAX_FINDINGS: i32 = 100;
/// Broken files that are kept; then the last of them is replaced.
const MAX_BROKEN: u32 = 8;

/// Times are nanoseconds since 1970.
const TABLES: [(&str, &str); 3] = [
    (
        "hint",
        "CREATE TABLE hint (
            path TEXT PRIMARY KEY NOT NULL, bytes BLOB NOT NULL, source TEXT NOT NULL, fetched INTEGER NOT NULL,
            size INTEGER NOT NULL
        ) STRICT",
    ),
    ("hint_by_age", "CREATE INDEX hint_by_age ON hint (fetched, size)"),
    (
        "incident",
        "CREATE TABLE incident (
            id INTEGER PRIMARY KEY, at INTEGER NOT NULL, module TEXT NOT NULL, version TEXT NOT NULL, file TEXT NOT NULL,
            expected TEXT NOT NULL, got TEXT NOT NULL, upstream TEXT NOT NULL, record INTEGER, tree INTEGER, report BLOB,
            why TEXT NOT NULL
        ) STRICT",
    ),
];

/// What a failure of SQLite means.
pub(super) fn failed(path: &Path, error: &rusqlite::Error) -> SqliteError {
    SqliteError::of(path, PATIENCE, error)
}

/// The fault of a journal that cannot be used.
pub(super) fn fault(path: &Path, error: SqliteError) -> Fault {
    error.fault(path, "the server begins a new one")
}

/// Opens the journal at `path`, and makes it where nothing stands there.
pub(super) fn open(path: &Path) -> Result<Connection, SqliteError> {
    let failed = |error: rusqlite::Error| failed(path, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = sqlite::require_files(path)
        .and_then(|()| {
            modes::reserve(path);
            Connection::open_with_flags(path, flags)
        })
        .map_err(failed)?;
    guard(&db).map_err(failed)?;
    if is_new(&db).map_err(failed)? {
        create(&mut db).map_err(failed)?;
    }
    if let Some(wrong) = wrong_form(&db).map_err(failed)? {
        return Err(wrong.at(path));
    }
    // A power cut may take the last hints. Incidents wait for the disk, see `rows::add`.
    db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;").map_err(failed)?;
    db.pragma_update(None, "journal_size_limit", WAL_BYTES).map_err(failed)?;
    Ok(db)
}

/// Opens the journal at `path`, which is there, for reading only: beside it nothing can be written.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, SqliteError> {
    let look = |opened: rusqlite::Result<Connection>| {
        let db = opened?;
        guard(&db)?;
        Ok((wrong_form(&db)?, db))
    };
    // As immutable it is what was last written back into it; a writer would have been found by `open`.
    let opened = look(sqlite::reader(path, false)).or_else(|_| look(sqlite::reader(path, true)));
    match opened.map_err(|error: rusqlite::Error| failed(path, &error))? {
        (None, db) => Ok(db),
        (Some(wrong), _) => Err(wrong.at(path)),
    }
}

/// Which file stands at `path`.
pub(super) fn identity(path: &Path) -> Option<(u64, u64)> {
    path.symlink_metadata().ok().map(|found| (found.dev(), found.ino()))
}

fn guard(db: &Connection) -> rusqlite::Result<()> {
    sqlite::guard(db, PATIENCE, MAX_HINT_BYTES + ROW_BYTES)
}

fn header(db: &Connection, name: &str) -> rusqlite::Result<i32> {
    db.pragma_query_value(None, name, |row| row.get(0))
}

fn is_new(db: &Connection) -> rusqlite::Result<bool> {
    let empty: bool = db.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))?;
    Ok(empty && header(db, "application_id")? == 0 && header(db, "user_version")? == 0)
}

/// Makes the tables, unless another process has meanwhile.
fn create(db: &mut Connection) -> rusqlite::Result<()> {
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if is_new(&change)? {
        change.pragma_update(None, "application_id", APPLICATION)?;
        change.pragma_update(None, "user_version", SCHEMA)?;
        TABLES.iter().try_for_each(|(_, sql)| change.execute_batch(sql))?;
    }
    change.commit()
}

/// Why a file is not a journal of this version.
#[derive(Debug)]
enum WrongForm {
    Foreign(String),
    Newer(i32),
}

impl WrongForm {
    fn text(&self) -> String {
        match self {
            WrongForm::Foreign(why) => why.clone(),
            WrongForm::Newer(form) => format!(
                "is a journal of form {form}, made by a newer gosumcheck than this, which knows form {SCHEMA}; use the newer one"
            ),
        }
    }

    fn at(self, path: &Path) -> SqliteError {
        let text = self.text();
        match self {
            WrongForm::Foreign(_) => SqliteError::Damaged(text),
            WrongForm::Newer(_) => SqliteError::Fault(Fault::machine(path.display().to_string(), text)),
        }
    }
}

fn wrong_form(db: &Connection) -> rusqlite::Result<Option<WrongForm>> {
    if header(db, "application_id")? != APPLICATION {
        return Ok(Some(WrongForm::Foreign("is not a journal of gosumcheck".to_owned())));
    }
    match header(db, "user_version")? {
        SCHEMA => {}
        newer if newer > SCHEMA => return Ok(Some(WrongForm::Newer(newer))),
        other => return Ok(Some(WrongForm::Foreign(format!("is a journal of form {other}, which is no longer read")))),
    }
    for (name, sql) in TABLES {
        let mut found = db.prepare("SELECT sql FROM sqlite_schema WHERE name = ?1")?;
        let texts: Vec<Option<String>> = found.query_map([name], |row| row.get(0))?.collect::<Result<_, _>>()?;
        if texts != [Some(sql.to_owned())] {
            return Ok(Some(WrongForm::Foreign(format!("is damaged (its {name} is not as it was made)"))));
        }
    }
    Ok(None)
}

/// What is wrong with the file at `path`, which is not changed.
pub(super) fn check(path: &Path) -> Result<Vec<String>, Fault> {
    match path.symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unavailable(path, "read", &error)),
        // A link is named as one, as of every other kept file.
        Ok(found) if found.is_symlink() => return Ok(Vec::new()),
        Ok(found) if !found.is_file() => return Ok(vec!["is not a file".to_owned()]),
        Ok(_) => {}
    }
    match try_check(path) {
        Ok(wrong) => Ok(wrong),
        Err(error) => match failed(path, &error) {
            SqliteError::Damaged(why) => Ok(vec![why]),
            SqliteError::Fault(fault) => Err(fault),
        },
    }
}

fn try_check(path: &Path) -> rusqlite::Result<Vec<String>> {
    // A reader makes the files that writers share with it. Where there is no writer none are needed.
    if !is_written(path) {
        let found = sqlite::reader(path, true).and_then(|db| findings(&db));
        // What a writer who has come meanwhile does may look like damage.
        if matches!(&found, Ok(wrong) if wrong.is_empty()) || !is_written(path) {
            return found;
        }
    }
    sqlite::open_to_read(path, |opened| findings(&opened?))
}

/// Whether somebody has it open for writing, or died so.
fn is_written(path: &Path) -> bool {
    beside(path, "-wal").exists()
}

fn findings(db: &Connection) -> rusqlite::Result<Vec<String>> {
    guard(db)?;
    if is_new(db)? {
        return Ok(Vec::new());
    }
    if let Some(wrong) = wrong_form(db)? {
        return Ok(vec![wrong.text()]);
    }
    let mut found = db.prepare(&format!("PRAGMA integrity_check({MAX_FINDINGS})"))?;
    let lines = found.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(lines.into_iter().filter(|line| line != "ok").collect())
}

/// Renames a broken file, and what SQLite keeps beside it, so that a new one can be made.
pub(super) fn set_aside(folder: &Folder, path: &Path, why: &str) -> Result<(), Fault> {
    let aside = |n: u32| beside(path, &format!(".broken-{n}"));
    let to = aside((1..MAX_BROKEN).find(|n| aside(*n).symlink_metadata().is_err()).unwrap_or(MAX_BROKEN));
    for suffix in COMPANIONS.into_iter().chain([""]) {
        match folder.disk().rename(&beside(path, suffix), &beside(&to, suffix)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(unavailable(path, "rename", &error)),
            _ => {}
        }
    }
    tracing::warn!(file = %path.display(), aside = %to.display(), why, "the proxy's journal was set aside; a new one begins");
    Ok(())
}
