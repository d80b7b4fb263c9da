//! The file of the uses: its one table, written and read.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::super::sqlite::table_file::TableFile;
use super::Use;

/// The file; its application number is `gosu`. Times are microseconds since 1970.
pub(super) const FILE: TableFile = TableFile {
    application: 0x676f_7375,
    schema: 1,
    about: "about uses",
    table: "CREATE TABLE used (
    name TEXT PRIMARY KEY NOT NULL, hits INTEGER NOT NULL, bytes INTEGER NOT NULL, last INTEGER NOT NULL,
    vanished INTEGER NOT NULL
) STRICT, WITHOUT ROWID",
};

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
