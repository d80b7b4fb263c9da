//! The file of an index: its tables, how it is opened for reading and for writing, and what a failure of it means.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, params};

use super::super::modes;
use super::super::sqlite::{self, SqliteError};
use super::anomaly;
use super::key::Width;
use crate::fault::Fault;
use crate::sumdb::hash::Hash;

/// `gosc`, in the file's header.
const APPLICATION: i32 = 0x676f_7363;
/// Raised with every change of the tables.
const SCHEMA: i32 = 1;
/// How long a reader or the writer waits for another: both are done in milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);
/// Page cache of a reader: it holds the inner pages of an index of 100 million records.
const READER_CACHE_KIB: i32 = 8 << 10;
const WRITER_CACHE_KIB: i32 = 64 << 10;
/// What to do about a damaged index.
const REBUILD: &str = "run `gosumcheck index --rebuild`";
/// The longest text or blob that is taken, in bytes.
const LONGEST: usize = 1 << 20;

/// The one row about the index itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meta {
    /// the name of the database
    pub(super) origin: String,
    /// records below this number are indexed
    pub(super) size: u64,
    /// the leaf hash of the last of them, by which another log is recognised; of none, zeros
    pub(super) last: Hash,
    pub(super) width: Width,
}

/// What is wrong with the index at `path`, and that it can be rebuilt.
pub(super) fn broken(path: &Path, why: &str) -> Fault {
    SqliteError::Damaged(why.to_owned()).fault(path, REBUILD)
}

/// What a failure of SQLite means.
pub(super) fn failed(path: &Path, error: &rusqlite::Error) -> Fault {
    SqliteError::of(path, PATIENCE, error).fault(path, REBUILD)
}

/// A new index without records, in a file of its own that nobody else opens.
pub(super) fn create(path: &Path, meta: &Meta) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    modes::reserve(path);
    let db = Connection::open_with_flags(path, flags)?;
    // Whatever happens before it has its name, the file is thrown away: no journal, no waiting for the disk.
    db.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;")?;
    guard(&db)?;
    db.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    db.pragma_update(None, "application_id", APPLICATION)?;
    db.pragma_update(None, "user_version", SCHEMA)?;
    db.execute_batch(
        "CREATE TABLE record (key INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (key, id)) WITHOUT ROWID, STRICT;
         CREATE TABLE meta (
             one INTEGER PRIMARY KEY CHECK (one = 1), origin TEXT NOT NULL, size INTEGER NOT NULL, last BLOB NOT NULL,
             path_bits INTEGER NOT NULL, version_bits INTEGER NOT NULL
         ) STRICT;",
    )?;
    db.execute_batch(anomaly::TABLE)?;
    let (path_bits, version_bits) = meta.width.bits();
    db.execute(
        "INSERT INTO meta VALUES (1, ?1, 0, ?2, ?3, ?4)",
        params![meta.origin, Hash::default().0, path_bits, version_bits],
    )?;
    set_size(&db, meta.size, &meta.last)?;
    Ok(db)
}

/// Records below `size` are indexed, of which the last has this leaf hash.
pub(super) fn set_size(db: &Connection, size: u64, last: &Hash) -> rusqlite::Result<()> {
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    db.prepare_cached("UPDATE meta SET size = ?1, last = ?2")?.execute(params![size, last.0]).map(drop)
}

/// Opens the index at `path` for appending.
pub(super) fn open_to_write(path: &Path) -> Result<(Connection, Meta), Fault> {
    let failed = |error| failed(path, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = sqlite::require_files(path).and_then(|()| Connection::open_with_flags(path, flags));
    let db = opened.map_err(failed)?;
    guard(&db).map_err(failed)?;
    let meta = check(&db, path)?;
    // Readers go on reading meanwhile. What a power cut takes of the last transactions is indexed again.
    db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;").map_err(failed)?;
    db.pragma_update(None, "cache_size", -WRITER_CACHE_KIB).map_err(failed)?;
    Ok((db, meta))
}

/// Opens the index at `path` for reading, also on a disk that cannot be written.
pub(super) fn open_to_read(path: &Path) -> Result<(Connection, Meta), Fault> {
    let failed = |error| failed(path, &error);
    sqlite::open_to_read(path, |opened| {
        let db = opened.map_err(failed)?;
        guard(&db).map_err(failed)?;
        db.pragma_update(None, "cache_size", -READER_CACHE_KIB).map_err(failed)?;
        db.pragma_update(None, "query_only", true).map_err(failed)?;
        let meta = check(&db, path)?;
        Ok((db, meta))
    })
}

fn guard(db: &Connection) -> rusqlite::Result<()> {
    sqlite::guard(db, PATIENCE, LONGEST)
}

/// The file is an index of a schema that is known here.
fn check(db: &Connection, path: &Path) -> Result<Meta, Fault> {
    let failed = |error| failed(path, &error);
    let header = |name: &str| db.pragma_query_value(None, name, |row| row.get::<_, i32>(0)).map_err(failed);
    if header("application_id")? != APPLICATION {
        return Err(broken(path, "is not an index of gosumcheck"));
    }
    match header("user_version")? {
        SCHEMA => {}
        newer if newer > SCHEMA => {
            let why = format!(
                "is an index of form {newer}, made by a newer gosumcheck than this, which knows form {SCHEMA}; use the newer \
                 one, or run `gosumcheck index --rebuild`"
            );
            return Err(Fault::machine(path.display().to_string(), why));
        }
        older => return Err(broken(path, &format!("is an index of form {older}, which is no longer read"))),
    }
    meta(db).map_err(failed)?.ok_or_else(|| broken(path, "the index is damaged (it does not say what it is about)"))
}

/// `None` where its numbers are inconsistent.
pub(super) fn meta(db: &Connection) -> rusqlite::Result<Option<Meta>> {
    let sql = "SELECT origin, size, last, path_bits, version_bits FROM meta WHERE one = 1";
    db.prepare_cached(sql)?.query_row([], |row| {
        let (size, path_bits, version_bits): (i64, i64, i64) = (row.get(1)?, row.get(3)?, row.get(4)?);
        let bits = u32::try_from(path_bits).ok().zip(u32::try_from(version_bits).ok());
        let (origin, last) = (row.get(0)?, Hash(row.get(2)?));
        let meta = |((path, version), size)| Some(Meta { origin, size, last, width: Width::new(path, version)? });
        Ok(bits.zip(u64::try_from(size).ok()).and_then(meta))
    })
}
