//! What the SQLite files of the store have in common: nothing in such a file is believed, one on a disk that
//! cannot be written is read all the same, and a failure means the same of each.

pub(super) mod table_file;

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::ffi::ErrorCode;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use super::Folder;
use super::words::unavailable;
use crate::fault::Fault;

/// What another SQLite file may stand beside it.
pub(super) const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Bytes of the file that readers of a database share (sqlite.org/walformat.html, "The WAL-Index File").
const SHARED_BYTES: usize = 32 << 10;

/// Why a SQLite file cannot be used.
#[derive(Debug)]
pub(super) enum SqliteError {
    /// the file is damaged, or something else: what is wrong with it
    Damaged(String),
    /// the file may be right: the disk, another process, a newer version
    Fault(Fault),
}

impl SqliteError {
    /// What `error` means for the file at `path`, on which another process is waited for as long as `patience`.
    pub(super) fn of(path: &Path, patience: Duration, error: &rusqlite::Error) -> SqliteError {
        if let rusqlite::Error::InvalidPath(path) = error {
            let why = "is not a regular file: something else stands in its place; move it away";
            return SqliteError::Fault(Fault::machine(path.display().to_string(), why));
        }
        let damaged = || SqliteError::Damaged(format!("is damaged ({error})"));
        let rusqlite::Error::SqliteFailure(code, _) = error else { return damaged() };
        let disk = |doing, kind: ErrorKind| SqliteError::Fault(unavailable(path, doing, &kind.into()));
        let name = path.display().to_string();
        let unusable = format!("cannot be read or written: {error}");
        match code.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
                let why = format!("another process has held it for {} s; is one stuck?", patience.as_secs());
                SqliteError::Fault(Fault::machine(name, why))
            }
            ErrorCode::DiskFull => disk("write", ErrorKind::StorageFull),
            ErrorCode::ReadOnly => disk("write", ErrorKind::ReadOnlyFilesystem),
            ErrorCode::PermissionDenied => disk("open", ErrorKind::PermissionDenied),
            // It makes files beside the database.
            ErrorCode::CannotOpen | ErrorCode::SystemIoFailure => SqliteError::Fault(Fault::disk(name, unusable)),
            // Nothing that is written here is longer than `guard` lets it be.
            ErrorCode::TooBig
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::TypeMismatch
            | ErrorCode::ConstraintViolation
            | ErrorCode::Unknown => damaged(),
            _ => SqliteError::Fault(Fault::machine(name, unusable)),
        }
    }

    /// The fault, with what to do next about a file at `path` that is damaged.
    pub(super) fn fault(self, path: &Path, next: &str) -> Fault {
        match self {
            SqliteError::Fault(fault) => fault,
            SqliteError::Damaged(why) => Fault::machine(path.display().to_string(), format!("{why}; {next}")),
        }
    }
}

pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The file may be anybody's: it names no function, no trigger and no other file that would be believed. Waits that long for
/// another process, and takes no text and no blob of more than `longest` bytes.
pub(super) fn guard(db: &Connection, patience: Duration, longest: usize) -> rusqlite::Result<()> {
    db.busy_timeout(patience)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    db.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    db.set_limit(Limit::SQLITE_LIMIT_LENGTH, i32::try_from(longest).unwrap_or(i32::MAX))?;
    db.pragma_update(None, "cell_size_check", true)
}

/// Renames a damaged file, and what SQLite keeps beside it; the one before it is replaced.
pub(super) fn set_aside(folder: &Folder, path: &Path) -> Result<(), Fault> {
    let to = beside(path, ".broken");
    for suffix in COMPANIONS.into_iter().chain([""]) {
        match folder.disk().rename(&beside(path, suffix), &beside(&to, suffix)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(unavailable(path, "rename", &error)),
            _ => {}
        }
    }
    Ok(())
}

/// Opens the file at `path` for reading, also on a disk that cannot be written; `look` takes the connection into use.
pub(super) fn open_to_read<T, E>(
    path: &Path,
    look: impl Fn(rusqlite::Result<Connection>) -> Result<T, E>,
) -> Result<T, E> {
    // Looked for first: a reader makes an empty one, and fails only then.
    let has_log = beside(path, "-wal").metadata().is_ok_and(|log| log.len() > 0);
    match look(reader(path, false)) {
        // Readers share a file beside the database, which cannot be made here. Then nobody can change the database either.
        Err(_) if !has_log && !takes_shared_file(path) => look(reader(path, true)),
        looked => looked,
    }
}

/// Whether there is room beside the database for the file that readers share.
fn takes_shared_file(path: &Path) -> bool {
    let folder = path.parent().unwrap_or(path);
    tempfile::tempfile_in(folder).and_then(|mut file| file.write_all(&[0; SHARED_BYTES])).is_ok()
}

/// Opens the file at `path` for reading. As `immutable` nothing is made beside it and nobody is waited for: it must not change
/// meanwhile.
pub(super) fn reader(path: &Path, immutable: bool) -> rusqlite::Result<Connection> {
    require_files(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if immutable {
        Connection::open_with_flags(uri(path), flags | OpenFlags::SQLITE_OPEN_URI)
    } else {
        Connection::open_with_flags(path, flags)
    }
}

/// Fails where `path`, or a companion that SQLite looks for beside it, is not a regular file: SQLite would wait for a pipe.
///
/// # Errors
/// `InvalidPath`, with what is in the way.
pub(super) fn require_files(path: &Path) -> rusqlite::Result<()> {
    let mut paths = COMPANIONS.iter().map(|suffix| beside(path, suffix)).chain([path.to_owned()]);
    let is_no_file = |path: &PathBuf| path.metadata().is_ok_and(|found| !found.is_file());
    paths.find(is_no_file).map_or(Ok(()), |path| Err(rusqlite::Error::InvalidPath(path)))
}

fn uri(path: &Path) -> String {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match char::from(*byte) {
            plain if plain.is_ascii_alphanumeric() || "/-._~".contains(plain) => uri.push(plain),
            _ => uri.push_str(&format!("%{byte:02x}")),
        }
    }
    uri + "?immutable=1"
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_is_damage_or_has_a_cause() {
        let of = |code: i32| {
            let error = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
            SqliteError::of(Path::new("/data/x.sqlite"), Duration::from_secs(7), &error)
        };
        for (code, words) in [
            (rusqlite::ffi::SQLITE_CORRUPT, "is damaged ("),
            (rusqlite::ffi::SQLITE_NOTADB, "is damaged ("),
            (rusqlite::ffi::SQLITE_TOOBIG, "is damaged ("),
            (rusqlite::ffi::SQLITE_ERROR, "is damaged ("),
        ] {
            assert!(matches!(of(code), SqliteError::Damaged(why) if why.starts_with(words)), "{code}");
        }
        for (code, is_disk, words) in [
            (rusqlite::ffi::SQLITE_BUSY, false, "another process has held it for 7 s"),
            (rusqlite::ffi::SQLITE_NOMEM, false, "cannot be read or written: "),
            (rusqlite::ffi::SQLITE_FULL, true, "cannot write: no storage space"),
            (rusqlite::ffi::SQLITE_READONLY, true, "cannot write: read-only filesystem"),
            (rusqlite::ffi::SQLITE_PERM, true, "cannot open: permission denied"),
            (rusqlite::ffi::SQLITE_IOERR, true, "cannot be read or written: "),
        ] {
            let fault = of(code).fault(Path::new("/data/x.sqlite"), "make a new one");
            assert_eq!(fault.is_disk(), is_disk, "{fault}");
            assert!(fault.to_string().starts_with(&format!("/data/x.sqlite: {words}")), "{fault}");
        }
    }

    #[test]
    fn a_pipe_beside_a_file_is_not_waited_for() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("x.sqlite");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (n)").unwrap();
        assert!(reader(&path, false).is_ok());
        let pipe = beside(&path, "-journal");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
        assert!(matches!(reader(&path, false), Err(rusqlite::Error::InvalidPath(found)) if found == pipe));
    }

    #[test]
    fn a_file_on_a_disk_that_cannot_be_written_is_read_whatever_its_path() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("a?b#c%41 d");
        std::fs::create_dir(&folder).unwrap();
        let path = folder.join("x.sqlite");
        let db = Connection::open(&path).unwrap();
        db.execute_batch("CREATE TABLE t (n); INSERT INTO t VALUES (2); PRAGMA journal_mode = WAL").unwrap();
        db.close().unwrap();
        let db = reader(&path, true).unwrap();
        guard(&db, Duration::ZERO, 100).unwrap();
        assert_eq!(db.query_row("SELECT n FROM t", [], |row| row.get::<_, i64>(0)).unwrap(), 2);
        assert!(COMPANIONS.iter().all(|suffix| !beside(&path, suffix).exists()));
        assert!(db.execute_batch("DELETE FROM t").is_err());
    }
}
