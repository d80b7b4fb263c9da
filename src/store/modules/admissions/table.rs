//! The file of admissions: its one table, written and read.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::super::super::sqlite::SqliteError;
use super::super::super::sqlite::table_file::{TableFile, failed};
use super::super::super::usage::micros;
use super::{Admission, AdmissionsFrom, AdmittedZip};
use crate::fault::Fault;
use crate::sumdb::module::ModuleVersion;

/// Lines that a check gives of damage.
const MAX_LINES: i32 = 100;
/// Rows that it names.
const MAX_ROWS: usize = 100;
/// Rows that are written in one go.
pub(super) const BATCH: usize = 1000;
/// The file; its application number is `gosa`. Times are microseconds since 1970, and the table is in their order. A power cut may take
/// the last of it: the stored files tell it again.
pub(super) const FILE: TableFile = TableFile {
    application: 0x676f_7361,
    schema: 1,
    about: "about admissions",
    table: "CREATE TABLE admitted (
    at INTEGER PRIMARY KEY NOT NULL, module TEXT NOT NULL, version TEXT NOT NULL, private INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX admitted_by_name ON admitted (module, version);",
};

/// When, which version, and whether it is private.
pub(super) type Row<'a> = (u64, &'a ModuleVersion, bool);

/// Makes the file at `path`, with all of `stored`, each at the time that the store says.
pub(super) fn make(path: &Path, stored: impl Iterator<Item = Result<AdmittedZip, Fault>>) -> Result<(), SqliteError> {
    let failed = |error: rusqlite::Error| failed(path, &error);
    let mut db = FILE.open(path)?;
    // Nobody reads it yet, and a torn one is thrown away. It is to be one file when it gets its name.
    db.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;").map_err(failed)?;
    let change = db.transaction().map_err(failed)?;
    let now = SystemTime::now();
    // Restored files may all have one time: how many of a second were moved on so far.
    let mut moved: HashMap<u64, u64> = HashMap::new();
    {
        let mut add = change
            .prepare("INSERT INTO admitted VALUES (?1, ?2, ?3, ?4) ON CONFLICT (module, version) DO NOTHING")
            .map_err(failed)?;
        let mut taken = change.prepare("SELECT 1 FROM admitted WHERE at = ?1").map_err(failed)?;
        for zip in stored {
            let zip = zip.map_err(SqliteError::Fault)?;
            let mut at = micros(zip.since.min(now));
            if taken.exists([signed(at)]).map_err(failed)? {
                let by = moved.entry(at).or_default();
                while taken.exists([signed(at + *by)]).map_err(failed)? {
                    *by += 1;
                }
                at += *by;
            }
            let (module, version) = (zip.module.path().as_str(), zip.module.version().as_str());
            add.execute(params![signed(at), module, version, zip.is_private]).map_err(failed)?;
        }
    }
    change.commit().map_err(failed)
}

/// Adds rows, all or none, each after all that are there. A version that is there keeps its time; one that was private and has been
/// proven since is not private any more.
pub(super) fn add(db: &mut Connection, rows: &[Row<'_>]) -> rusqlite::Result<()> {
    let change = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    {
        let mut add = change.prepare_cached(
            "INSERT INTO admitted SELECT max(?1, coalesce((SELECT max(at) FROM admitted), 0) + 1), ?2, ?3, ?4 WHERE true
                ON CONFLICT (module, version) DO UPDATE SET private = min(private, excluded.private)",
        )?;
        for (at, module, is_private) in rows {
            add.execute(params![signed(*at), module.path().as_str(), module.version().as_str(), is_private])?;
        }
    }
    change.commit()
}

/// Whether a version is written down.
pub(super) fn has(db: &Connection, module: &ModuleVersion) -> rusqlite::Result<bool> {
    Ok(time_of(db, module.path().as_str(), module.version().as_str())?.is_some())
}

/// When a version was admitted, in microseconds since 1970; none where it is not written down.
pub(super) fn time_of(db: &Connection, module: &str, version: &str) -> rusqlite::Result<Option<u64>> {
    let mut find = db.prepare_cached("SELECT at FROM admitted WHERE module = ?1 AND version = ?2")?;
    let at: Option<i64> = find.query_row([module, version], |row| row.get(0)).optional()?;
    Ok(at.and_then(|at| u64::try_from(at).ok()))
}

/// What is wrong with the file, each in a line of its own.
pub(super) fn check(db: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut wrong: Vec<String> = Vec::new();
    db.pragma(None, "integrity_check", MAX_LINES, |row| {
        let line: String = row.get(0)?;
        wrong.extend((line != "ok").then(|| format!("is damaged ({line})")));
        Ok(())
    })?;
    if wrong.is_empty() {
        read(db, AdmissionsFrom::Time(0), &mut |row| {
            if ModuleVersion::new(&row.module, &row.version).is_err() {
                wrong.push(format!("names {}@{}, and that cannot be a module version", row.module, row.version));
            }
            if wrong.len() < MAX_ROWS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
    }
    Ok(wrong)
}

/// Reads rows until `take` breaks.
pub(super) fn read(
    db: &Connection,
    from: AdmissionsFrom<'_>,
    take: &mut dyn FnMut(Admission) -> ControlFlow<()>,
) -> rusqlite::Result<()> {
    let row = |row: &rusqlite::Row<'_>| {
        let at: i64 = row.get(0)?;
        let at = u64::try_from(at).unwrap_or(0);
        Ok(Admission { at, module: row.get(1)?, version: row.get(2)?, is_private: row.get(3)? })
    };
    let all = "SELECT at, module, version, private FROM admitted";
    let mut rows = db.prepare(&match from {
        AdmissionsFrom::Time(_) => format!("{all} WHERE at >= ?1 ORDER BY at"),
        AdmissionsFrom::After(..) => format!("{all} WHERE (module, version) > (?1, ?2) ORDER BY module, version"),
    })?;
    let found = match from {
        AdmissionsFrom::Time(at) => rows.query_map(params![signed(at)], row)?,
        AdmissionsFrom::After(module, version) => rows.query_map(params![module, version], row)?,
    };
    for admission in found {
        if take(admission?).is_break() {
            break;
        }
    }
    Ok(())
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
