//! The rows of a journal, and how many of them there may be.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{Hint, Incident};
use crate::sumdb::number::wide;

/// Hints that are kept; the oldest leave.
pub const MAX_HINTS: usize = 100_000;
/// Bytes of all hints together; the oldest leave.
pub const MAX_HINTS_BYTES: u64 = 1 << 30;
/// The longest hint, in bytes: 40 times the longest list that is known.
pub const MAX_HINT_BYTES: usize = 16 << 20;
/// Incidents that are kept.
pub const MAX_INCIDENTS: usize = 10_000;
/// Incidents of one upstream that are kept: the first half of that many for ever, and the newest.
pub const MAX_SOURCE_INCIDENTS: usize = 2_000;
/// The longest text of an incident, and the longest path of a hint, in bytes.
pub const MAX_TEXT: usize = 4 << 10;
/// Hints that are added before their number is looked at again: it is counted by reading all of the index.
const LOOK_AGAIN: usize = 1000;
/// Bytes of hints that are added before the sum is looked at again.
const LOOK_AGAIN_BYTES: u64 = 64 << 20;

/// What was added since room was last made.
#[derive(Debug, Default)]
pub(super) struct Written {
    looked: bool,
    hints: usize,
    bytes: u64,
}

pub(super) fn hint(db: &Connection, path: &str) -> rusqlite::Result<Option<Hint>> {
    let mut found = db.prepare_cached("SELECT bytes, source, fetched FROM hint WHERE path = ?1")?;
    let hint = |row: &Row<'_>| {
        let bytes = Bytes::from(row.get::<_, Vec<u8>>(0)?);
        Ok(Hint { bytes, from: row.get(1)?, fetched: time(row.get(2)?) })
    };
    found.query_row([path], hint).optional()
}

pub(super) fn keep_hint(db: &Connection, written: &mut Written, path: &str, hint: &Hint) -> rusqlite::Result<()> {
    let size = wide(hint.bytes.len());
    if !written.looked || written.hints >= LOOK_AGAIN || written.bytes.saturating_add(size) > LOOK_AGAIN_BYTES {
        make_room(db)?;
        *written = Written { looked: true, ..Written::default() };
    }
    let sql = "INSERT OR REPLACE INTO hint (path, bytes, source, fetched, size) VALUES (?1, ?2, ?3, ?4, ?5)";
    let row = params![path, hint.bytes.as_ref(), cut(&hint.from), nanos(hint.fetched), number(size)];
    db.prepare_cached(sql)?.execute(row)?;
    written.hints += 1;
    written.bytes += size;
    Ok(())
}

/// Leaves room for as much as is added before the next look.
fn make_room(db: &Connection) -> rusqlite::Result<()> {
    let mut by_age = db.prepare_cached("SELECT rowid, fetched, size FROM hint ORDER BY fetched DESC, rowid DESC")?;
    let mut rows = by_age.query([])?;
    let (mut kept, mut bytes) = (0, 0_u64);
    while let Some(row) = rows.next()? {
        let (id, fetched, size): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        kept += 1;
        bytes = bytes.saturating_add(u64::try_from(size).unwrap_or(u64::MAX));
        if kept > MAX_HINTS - LOOK_AGAIN || bytes > MAX_HINTS_BYTES - LOOK_AGAIN_BYTES {
            drop(rows);
            let sql = "DELETE FROM hint WHERE (fetched, rowid) <= (?1, ?2)";
            return db.prepare_cached(sql)?.execute([fetched, id]).map(drop);
        }
    }
    Ok(())
}

pub(super) fn sweep(db: &Connection, before: SystemTime) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM hint WHERE fetched < ?1")?.execute([nanos(before)]).map(drop)
}

pub(super) fn add(db: &Connection, incident: &Incident) -> rusqlite::Result<()> {
    db.execute_batch("PRAGMA synchronous = FULL")?;
    let change = db.unchecked_transaction()?;
    let report = incident.report.as_ref().map(|path| path.as_os_str().as_bytes());
    change.execute(
        "INSERT INTO incident (at, module, version, file, expected, got, upstream, record, tree, report, why)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            nanos(incident.at),
            cut(&incident.module),
            cut(&incident.version),
            cut(&incident.file),
            cut(&incident.expected),
            cut(&incident.got),
            cut(&incident.upstream),
            incident.record.map(number),
            incident.tree.map(number),
            report,
            cut(&incident.why),
        ],
    )?;
    bound_incidents(&change, cut(&incident.upstream))?;
    change.commit()?;
    db.execute_batch("PRAGMA synchronous = NORMAL")
}

/// Bounds the incidents of `upstream`, one of whose has been added, and of all of them. What leaves is neither among the first nor
/// among the newest of an upstream: one that goes on lying pushes neither its own first lies out nor those of others.
fn bound_incidents(db: &Connection, upstream: &str) -> rusqlite::Result<()> {
    let count = "SELECT count(*) FROM incident WHERE upstream = ?1";
    let of_upstream: i64 = db.prepare_cached(count)?.query_row([upstream], |row| row.get(0))?;
    if of_upstream > signed(MAX_SOURCE_INCIDENTS) {
        remove_incidents(db, upstream, signed(MAX_SOURCE_INCIDENTS / 2), of_upstream - signed(MAX_SOURCE_INCIDENTS))?;
    }
    let all: i64 = db.prepare_cached("SELECT count(*) FROM incident")?.query_row([], |row| row.get(0))?;
    if all > signed(MAX_INCIDENTS) {
        let most = "SELECT upstream, count(*) FROM incident GROUP BY upstream ORDER BY count(*) DESC, upstream LIMIT 1";
        let (upstream, count): (String, i64) =
            db.prepare_cached(most)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        remove_incidents(db, &upstream, count / 2, all - signed(MAX_INCIDENTS))?;
    }
    Ok(())
}

/// Removes so many incidents of `upstream`, behind its `first` ones.
fn remove_incidents(db: &Connection, upstream: &str, first: i64, count: i64) -> rusqlite::Result<()> {
    let sql = "DELETE FROM incident
               WHERE id IN (SELECT id FROM incident WHERE upstream = ?1 ORDER BY id LIMIT ?3 OFFSET ?2)";
    db.prepare_cached(sql)?.execute(params![upstream, first, count]).map(drop)
}

fn signed(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn incidents(db: &Connection, newest: usize) -> rusqlite::Result<Vec<Incident>> {
    let mut found = db.prepare_cached(
        "SELECT at, module, version, file, expected, got, upstream, record, tree, report, why
         FROM incident ORDER BY id DESC LIMIT ?1",
    )?;
    found.query_map([i64::try_from(newest).unwrap_or(i64::MAX)], incident)?.collect()
}

/// Those with lower numbers than `before`, with their numbers.
pub(super) fn incidents_before(
    db: &Connection,
    before: Option<i64>,
    newest: usize,
) -> rusqlite::Result<Vec<(i64, Incident)>> {
    let mut found = db.prepare_cached(
        "SELECT at, module, version, file, expected, got, upstream, record, tree, report, why, id
         FROM incident WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
    )?;
    let numbered = |row: &Row<'_>| Ok((row.get(11)?, incident(row)?));
    found.query_map([before.unwrap_or(i64::MAX), signed(newest)], numbered)?.collect()
}

/// Those of one module version.
pub(super) fn incidents_of(
    db: &Connection,
    module: &str,
    version: &str,
    newest: usize,
) -> rusqlite::Result<Vec<Incident>> {
    let mut found = db.prepare_cached(
        "SELECT at, module, version, file, expected, got, upstream, record, tree, report, why
         FROM incident WHERE module = ?1 AND version = ?2 ORDER BY id DESC LIMIT ?3",
    )?;
    found.query_map((module, version, i64::try_from(newest).unwrap_or(i64::MAX)), incident)?.collect()
}

fn incident(row: &Row<'_>) -> rusqlite::Result<Incident> {
    let count = |column: usize| row.get::<_, Option<i64>>(column).map(|n| n.and_then(|n| u64::try_from(n).ok()));
    let report = row.get::<_, Option<Vec<u8>>>(9)?.map(|bytes| PathBuf::from(OsString::from_vec(bytes)));
    Ok(Incident {
        at: time(row.get(0)?),
        module: row.get(1)?,
        version: row.get(2)?,
        file: row.get(3)?,
        expected: row.get(4)?,
        got: row.get(5)?,
        upstream: row.get(6)?,
        record: count(7)?,
        tree: count(8)?,
        report,
        why: row.get(10)?,
    })
}

/// The first [`MAX_TEXT`] bytes of a text, or some less, so that no character is cut in two.
fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_TEXT)).unwrap_or(text)
}

fn number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Nanoseconds since 1970, which reach to the year 2262.
fn nanos(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |nanos| -nanos),
    }
}

fn time(nanos: i64) -> SystemTime {
    let span = Duration::from_nanos(nanos.unsigned_abs());
    if nanos < 0 { UNIX_EPOCH - span } else { UNIX_EPOCH + span }
}
