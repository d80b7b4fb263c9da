//! The index of a full log: how long it takes to make, to append to and to ask, and what it takes of disk and memory.
//!
//! `index make DIR COUNT` writes a log of COUNT synthetic records (rounded up to whole data tiles) below DIR. `index run DIR
//! COUNT` indexes it, asks, and prints one line a measurement. `index schemas DIR COUNT` compares tables that an index could have.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::indexing_slicing)]
#![allow(clippy::as_conversions, reason = "a benchmark of our own numbers")]

use std::env;
use std::fs;
use std::hint::black_box;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Instant;

use gosumcheck::store::index::{rebuild, update};
use gosumcheck::store::log::Snapshot;
use gosumcheck::store::{Folder, Index, Log};
use gosumcheck::sumdb::checkpoint::Tree;
use gosumcheck::sumdb::hash::{Hash, leaf_hashes, sha256};
use gosumcheck::sumdb::module::ModuleVersion;
use gosumcheck::sumdb::record::{heading, subject};
use gosumcheck::sumdb::tile::Edge;
use rusqlite::{Connection, OpenFlags};

mod common;

const NAME: &str = "bench.example";
/// Records in one data tile.
const FULL: u64 = 256;
/// Module versions that are looked up in one measurement.
const LOOKUPS: u64 = 20_000;
/// Records that are appended to an index.
const APPENDED: u64 = 20_480;
const ROUNDS: usize = 5;

fn main() {
    let args: Vec<String> = env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["make", dir, count] => make(dir, whole(count)),
        ["run", dir, count] => run(dir, whole(count)),
        ["schemas", dir, count] => schemas(dir, whole(count)),
        _ => println!("usage: index make DIR COUNT | index run DIR COUNT | index schemas DIR COUNT"),
    }
}

fn whole(count: &str) -> u64 {
    count.parse::<u64>().expect("COUNT is a number").next_multiple_of(FULL)
}

/// Spreads numbers as a hash would.
fn mix(number: u64) -> u64 {
    let mut x = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// What record `id` is about: one module of 20 records on average, a few with very many, as in the log.
fn module(id: u64) -> String {
    let spread = 1 + id / 20;
    let number = mix(id) % spread;
    let number = if mix(id ^ 1).is_multiple_of(16) { number % 1000 } else { number };
    let name = mix(number);
    let upper = if name.is_multiple_of(12) { "Cased" } else { "plain" };
    let owner = name % 400_009;
    format!("github.com/{upper}-owner{owner}/repo-{number:x} v1.{}.{id}", id % 60)
}

fn log(dir: &str) -> Log {
    Folder::open(Path::new(dir)).unwrap().log(NAME).unwrap()
}

fn make(dir: &str, count: u64) {
    let mut writer = log(dir).writer(Tree::EMPTY).unwrap();
    for first in (writer.tree().size..count).step_by(1 << 14) {
        let text = |id: u64| {
            let (about, salt) = (module(id), id.to_le_bytes());
            format!("{about} h1:{}\n{about}/go.mod h1:{}\n", sha256(&salt), sha256(about.as_bytes()))
        };
        let texts: Vec<String> = (first..count.min(first + (1 << 14))).map(text).collect();
        let records: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
        writer.append(&records, &leaf_hashes(&records)).unwrap();
    }
    writer.mark().unwrap();
    let tree = writer.tree();
    println!("records {} root {}", tree.size, tree.root);
}

fn run(dir: &str, count: u64) {
    let log = log(dir);
    // The writer knows the tree of what was marked.
    let tree = log.writer(Tree::EMPTY).unwrap().tree();
    assert_eq!(tree.size, count, "make a log of this size before");
    let snapshot = log.snapshot(tree).unwrap();
    let start = Instant::now();
    let grown = rebuild(&log, &snapshot, &|_, _| {}).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    println!("build-seconds {seconds:.2}");
    println!("build-million-records-a-second {:.3}", count as f64 / seconds / 1e6);
    println!("findings {}", grown.findings.len());
    println!("peak-memory-MiB {}", peak_memory() >> 20);
    let bytes = fs::metadata(log.index_path()).unwrap().len();
    println!("bytes-a-record {:.2}", bytes as f64 / count as f64);
    let start = Instant::now();
    update(&log, &snapshot, &|_, _| {}).unwrap();
    println!("nothing-new-milliseconds {:.2}", start.elapsed().as_secs_f64() * 1e3);

    let index = Index::open(&log).unwrap().unwrap();
    let start = Instant::now();
    index.tally().unwrap();
    println!("tally-seconds {:.2}", start.elapsed().as_secs_f64());
    let asked: Vec<ModuleVersion> = (0..LOOKUPS).map(|n| parsed(&module(mix(n) % count))).collect();
    let mut looks = 0;
    let seconds = common::median_cpu_seconds(ROUNDS, &mut || {
        looks = asked.iter().map(|module| index.candidates(module).unwrap().len()).sum::<usize>();
    });
    println!("lookup-us {:.2}", seconds * 1e6 / LOOKUPS as f64);
    println!("candidates-a-lookup {:.4}", looks as f64 / LOOKUPS as f64);
    let seconds = common::median_cpu_seconds(ROUNDS, &mut || {
        for module in &asked {
            for id in index.candidates(module).unwrap() {
                black_box(subject(&snapshot.record(id).unwrap().unwrap()).unwrap());
            }
        }
    });
    println!("lookup-and-record-us {:.2}", seconds * 1e6 / LOOKUPS as f64);
    let seconds = common::median_cpu_seconds(ROUNDS, &mut || {
        asked.iter().take(500).for_each(|module| drop(black_box(index.versions(module.path()).unwrap())));
    });
    println!("versions-us {:.2}", seconds * 1e6 / 500.0);
    let texts: Vec<Vec<u8>> = (0..10_000).map(|n| snapshot.record(mix(n) % count).unwrap().unwrap()).collect();
    for (name, seconds) in [
        ("heading", common::median_cpu_seconds(ROUNDS, &mut || texts.iter().for_each(|t| drop(black_box(heading(t)))))),
        ("subject", common::median_cpu_seconds(ROUNDS, &mut || texts.iter().for_each(|t| drop(black_box(subject(t)))))),
    ] {
        println!("{name}-ns {:.0}", seconds * 1e9 / texts.len() as f64);
    }
    append(dir, count);
}

/// Appends the last records of the log to an index of those before.
fn append(dir: &str, count: u64) {
    let log = log(dir);
    let snapshot = log.snapshot(log.writer(Tree::EMPTY).unwrap().tree()).unwrap();
    let older = log.snapshot(older(&snapshot, count - APPENDED.min(count / 2).next_multiple_of(FULL))).unwrap();
    rebuild(&log, &older, &|_, _| {}).unwrap();
    let start = Instant::now();
    update(&log, &snapshot, &|_, _| {}).unwrap();
    println!("append-us-a-record {:.2}", start.elapsed().as_secs_f64() * 1e6 / (count - older.tree().size) as f64);
}

/// The tree of the first `size` records.
fn older(snapshot: &Snapshot, size: u64) -> Tree {
    let (hashes, _) = snapshot.file("hashes.0").unwrap();
    let mut edge = Edge::default();
    for first in (0..size).step_by(1 << 16) {
        let count = (size - first).min(1 << 16);
        let mut bytes = vec![0; count as usize * 32];
        hashes.read_exact_at(&mut bytes, first * 32).unwrap();
        let leaves: Vec<Hash> = bytes.as_chunks().0.iter().copied().map(Hash).collect();
        edge.append(&leaves, |_, _| {});
    }
    edge.tree()
}

/// Tables that an index could have, with the same keys: seconds to fill, bytes a record, CPU microseconds a lookup.
fn schemas(dir: &str, count: u64) {
    let pair = "key INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (key, id)) WITHOUT ROWID, STRICT";
    let rowid = "key INTEGER PRIMARY KEY, id INTEGER NOT NULL) STRICT";
    for (name, bits, columns) in [("pair-63", 63, pair), ("pair-47", 47, pair), ("rowid-63", 63, rowid)] {
        let key = |id: u64| {
            let text = module(id);
            let (path, _) = text.split_once(' ').unwrap();
            let top = |text: &str, bits: u32| {
                u64::from_be_bytes(*sha256(text.as_bytes()).0.first_chunk().unwrap()) >> (64 - bits)
            };
            let version_bits = bits * 27 / 63;
            (top(path, bits - version_bits) << version_bits | top(&text, version_bits)) as i64
        };
        let mut rows: Vec<(i64, i64)> = (0..count).map(|id| (key(id), id as i64)).collect();
        rows.sort_unstable();
        if columns == rowid {
            // Probing: the next free key.
            (1..rows.len()).for_each(|n| rows[n].0 = rows[n].0.max(rows[n - 1].0 + 1));
        }
        fill(&format!("{dir}/{name}.sqlite"), name, columns, &rows);
    }
    let text = "key TEXT PRIMARY KEY, id INTEGER NOT NULL) WITHOUT ROWID, STRICT";
    let mut rows: Vec<(String, i64)> = (0..count).map(|id| (module(id), id as i64)).collect();
    rows.sort_unstable();
    fill(&format!("{dir}/text.sqlite"), "text", text, &rows);
}

fn fill<K: rusqlite::ToSql>(path: &str, name: &str, columns: &str, rows: &[(K, i64)]) {
    let _ = fs::remove_file(path);
    let db = Connection::open(path).unwrap();
    db.execute_batch(&format!(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; CREATE TABLE record ({columns}; BEGIN"
    ))
    .unwrap();
    let start = Instant::now();
    let mut insert = db.prepare("INSERT INTO record VALUES (?1, ?2)").unwrap();
    rows.iter().for_each(|(key, id)| assert_eq!(insert.execute((key, id)).unwrap(), 1));
    drop(insert);
    db.execute_batch("COMMIT; PRAGMA journal_mode = WAL").unwrap();
    db.close().unwrap();
    let seconds = start.elapsed().as_secs_f64();
    let bytes = fs::metadata(path).unwrap().len() as f64 / rows.len() as f64;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).unwrap();
    db.pragma_update(None, "cache_size", -8192).unwrap();
    let lookup = common::median_cpu_seconds(ROUNDS, &mut || {
        for n in 0..LOOKUPS {
            let (key, _) = &rows[(mix(n) % rows.len() as u64) as usize];
            let mut found = db.prepare_cached("SELECT id FROM record WHERE key = ?1").unwrap();
            black_box(found.query_row([key], |row| row.get::<_, i64>(0)).unwrap());
        }
    });
    println!(
        "{name} fill-seconds {seconds:.2} bytes-a-record {bytes:.2} lookup-us {:.2}",
        lookup * 1e6 / LOOKUPS as f64
    );
    drop(db);
    fs::remove_file(path).unwrap();
}

fn parsed(text: &str) -> ModuleVersion {
    let (path, version) = text.split_once(' ').unwrap();
    ModuleVersion::new(path, version).unwrap()
}

fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) << 10
}
