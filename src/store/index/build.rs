//! An index made in bulk: the records are read in order by some threads, their entries parted and sorted, and inserted in the
//! order of the b-tree, into a file that gets its name when it is whole. What a crash leaves is a file that the next attempt
//! throws away: all of it takes about a minute for 50 million records.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use rusqlite::{Connection, params_from_iter};

use super::super::log::{Log, Snapshot};
use super::super::sqlite::{COMPANIONS, beside};
use super::super::words::unavailable;
use super::anomaly::{Anomaly, AnomalyTable};
use super::file;
use super::gather::{Gathered, Ready};
use super::key::{IndexEntry, Width};
use super::layout::{headings, meta_of};
use super::spill::Spill;
use super::stream::Stream;
use super::suspects;
use super::tuning::Tuning;
use crate::fault::Fault;
use crate::sumdb::number::wide;
use crate::sumdb::tile::FULL;

/// Data tiles that a thread takes at a time.
const SHARE_TILES: u64 = 64;
/// Sorted parts that wait to be inserted.
const WAITING_PARTS: usize = 1;
/// Rows inserted by one statement: each begins where the last one is, and only the first has to look for its place.
const ROWS: usize = 256;
/// Entries between two reports of progress.
const REPORT: usize = 1 << 16;

/// Makes the index of `snapshot` and puts it in the place of what is there. Gives all anomalies of the log.
pub(super) fn build(
    log: &Log,
    snapshot: &Snapshot,
    gathered: Option<Gathered>,
    tuning: Tuning,
    progress: &dyn Fn(u64, u64),
) -> Result<Vec<Anomaly>, Fault> {
    let (path, size) = (log.index_path(), snapshot.tree().size);
    let meta = meta_of(log, snapshot, tuning)?;
    let ready = match gathered.and_then(|gathered| gathered.ready(meta.width, size)) {
        Some(ready) => ready,
        None => {
            Ready { spill: Spill::of_log(log, meta.width, size, tuning.part)?, records: 0..0, malformed: Vec::new() }
        }
    };
    let Ready { spill, records, malformed } = ready;
    // Each record is done twice: read, then inserted.
    let read = read_all(log, snapshot, (&spill, &records), tuning.threads, &|done| progress(done / 2, size))?;
    let malformed = in_order(vec![malformed, read]);

    let new = beside(&path, ".new");
    discard(log, &new)?;
    let failed = |error| file::failed(&new, &error);
    let db = file::create(&new, &meta).map_err(failed)?;
    let mut keeper = AnomalyTable::open(&db).map_err(failed)?;
    db.execute_batch("BEGIN").map_err(failed)?;
    malformed.into_iter().try_for_each(|anomaly| keeper.keep(&db, anomaly)).map_err(failed)?;
    thread::scope(|scope| {
        let (send, sorted) = sync_channel(WAITING_PARTS);
        let width = meta.width;
        let spill = &spill;
        scope.spawn(move || sort_all(spill, width, snapshot, &send));
        insert_all(&db, &sorted, &mut keeper, &failed, &|done| progress((size + done) / 2, size))
    })?;
    // Readers of a file in WAL mode take half the time to begin.
    db.execute_batch("COMMIT; PRAGMA journal_mode = WAL;").map_err(failed)?;
    db.close().map_err(|(_, error)| failed(error))?;
    install(log)?;
    Ok(keeper.news)
}

/// Gives the new file its name, in place of the old one. The companions of the old file go before: SQLite would take them for
/// the new one's. Between the two there is no index, which every reader can do without.
fn install(log: &Log) -> Result<(), Fault> {
    let path = log.index_path();
    let new = beside(&path, ".new");
    let disk = log.folder().disk();
    let named = |error| unavailable(&path, "write", &error);
    let file = std::fs::File::open(&new).map_err(named)?;
    disk.sync(&file).map_err(named)?;
    drop(file);
    discard(log, &path)?;
    disk.rename(&new, &path).and_then(|()| disk.sync_folder(log.dir())).map_err(named)
}

/// Removes a database and its companions, the database first.
fn discard(log: &Log, path: &std::path::Path) -> Result<(), Fault> {
    let companions = COMPANIONS.map(|suffix| beside(path, suffix));
    for path in std::iter::once(path).chain(companions.iter().map(std::path::PathBuf::as_path)) {
        match log.folder().disk().remove(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(unavailable(path, "remove", &error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Reads all records by some threads, but for those of which `spill` has the entries already; to it go the others'. Gives what is
/// malformed among them.
fn read_all(
    log: &Log,
    snapshot: &Snapshot,
    filled: (&Spill, &Range<u64>),
    threads: usize,
    progress: &dyn Fn(u64),
) -> Result<Vec<Anomaly>, Fault> {
    let stream = Stream::new(log, snapshot)?;
    let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let reader = |done: Sender<u64>| {
        let found = read_shares(&stream, snapshot, filled, (&next, &stop), &done);
        stop.fetch_or(found.is_err(), Ordering::Relaxed);
        found
    };
    let found = thread::scope(|scope| {
        let (send, counts) = channel();
        let readers: Vec<_> =
            std::iter::repeat_n(send, threads.max(1)).map(|send| scope.spawn(|| reader(send))).collect();
        let mut done = 0;
        for count in counts {
            done += count;
            progress(done);
        }
        readers.into_iter().map(join).collect::<Result<Vec<_>, _>>()
    })?;
    Ok(in_order(found))
}

/// Findings from several hands, oldest first.
fn in_order(found: Vec<Vec<Anomaly>>) -> Vec<Anomaly> {
    let mut found: Vec<Anomaly> = found.into_iter().flatten().collect();
    found.sort_by_key(Anomaly::newest);
    found
}

/// The value of a thread, whose panic goes on here.
fn join<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn read_shares(
    stream: &Stream<'_>,
    snapshot: &Snapshot,
    (spill, filled): (&Spill, &Range<u64>),
    (next, stop): (&AtomicU64, &AtomicBool),
    done: &Sender<u64>,
) -> Result<Vec<Anomaly>, Fault> {
    let (share, size) = (SHARE_TILES * FULL, snapshot.tree().size);
    let (mut buffers, mut malformed) = (spill.buffers(), Vec::new());
    loop {
        let from = next.fetch_add(share, Ordering::Relaxed);
        if from >= size || stop.load(Ordering::Relaxed) {
            buffers.finish(spill)?;
            return Ok(malformed);
        }
        let to = from + share;
        for (from, to) in [(from, to.min(filled.start)), (from.max(filled.end), to)] {
            stream.each(from, to, &mut |first, records| {
                let headings = headings(first, records, &mut malformed);
                buffers.add(spill, &spill.width().entries(&headings))
            })?;
        }
        // Nobody listens where another thread has failed.
        let _ = done.send(share.min(size - from));
    }
}

type Sorted = Result<(Vec<IndexEntry>, Vec<Anomaly>), Fault>;

/// Hands out the parts in their order, sorted, with their anomalies.
fn sort_all(spill: &Spill, width: Width, snapshot: &Snapshot, send: &SyncSender<Sorted>) {
    for part in 0..spill.parts() {
        let sorted = spill.take(part).and_then(|entries| {
            let found = suspects::find(&entries, width, snapshot)?;
            Ok((entries, found))
        });
        let failed = sorted.is_err();
        if send.send(sorted).is_err() || failed {
            return;
        }
    }
}

fn insert_all(
    db: &Connection,
    sorted: &Receiver<Sorted>,
    keeper: &mut AnomalyTable,
    failed: &dyn Fn(rusqlite::Error) -> Fault,
    progress: &dyn Fn(u64),
) -> Result<(), Fault> {
    let rows = |count: usize| {
        let places = vec!["(?,?)"; count].join(",");
        db.prepare(&format!("INSERT INTO record (key, id) VALUES {places}")).map_err(failed)
    };
    let (mut many, mut one) = (rows(ROWS)?, rows(1)?);
    let mut done = 0;
    for part in sorted {
        let (entries, found) = part?;
        for entries in entries.chunks(REPORT) {
            let (groups, rest) = entries.as_chunks::<ROWS>();
            for group in groups {
                many.execute(params_from_iter(group.iter().flat_map(|entry| entry.row()))).map_err(failed)?;
            }
            for entry in rest {
                one.execute(entry.row()).map_err(failed)?;
            }
            done += wide(entries.len());
            progress(done);
        }
        found.into_iter().try_for_each(|anomaly| keeper.keep(db, anomaly)).map_err(failed)?;
    }
    Ok(())
}
