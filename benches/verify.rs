//! `verify` of a full log against what bounds it, in one run: the Rust half of `bench/verify.sh`.
//!
//! `verify make DATA COUNT` writes a synthetic log of COUNT records below DATA. `verify run DATA [THREADS]` prints one line a
//! measurement, wall seconds for all of the log: `disk` reads its files in large pieces after they were thrown out of the
//! page cache, `read` does so as they are after a verification, `hash` derives the tree from records in memory, `cold` and `warm` are
//! `verify` after they were thrown out and again after that.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::indexing_slicing)]
#![allow(clippy::as_conversions, reason = "a benchmark of our own numbers")]

#[path = "../examples/fakelog/fake/mod.rs"]
mod fake;

use std::fs::{self, File};
use std::hint::black_box;
use std::io::Read as _;
use std::num::NonZero;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use std::{env, thread};

use fake::FakeSumdb;
use gosumcheck::report::integrity::{Coverage, Since};
use gosumcheck::store::log::ReadBuffer;
use gosumcheck::store::{Folder, Log};
use gosumcheck::sumdb::checkpoint::{Checkpoint, Policy, Tree};
use gosumcheck::sumdb::hash::{leaf_hashes, parent_hashes};
use gosumcheck::sumdb::note::VerifierKey;
use gosumcheck::verify::{self, VerifyOptions};

/// The seed of every log made here.
const SEED: u64 = 1;
/// Records that are appended at a time.
const RUN: u64 = 65_536;
/// Records that a night brings.
const NIGHT: u64 = 60_000;
/// Records in memory that the bound of hashing is measured with: sixteen tiles at a time, over and over.
const SAMPLE: usize = 1 << 18;
/// Records hashed in one call.
const CHUNK: usize = 4096;
/// Bytes read at a time.
const AT_ONCE: u64 = 4 << 20;

fn main() {
    let args: Vec<String> = env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["make", data, count] => make(Path::new(data), count.parse().expect("COUNT is a number")),
        ["run", data] => run(Path::new(data), threads),
        ["run", data, threads] => run(Path::new(data), threads.parse().expect("THREADS is a number")),
        _ => println!("usage: verify make DATA COUNT | verify run DATA [THREADS]"),
    }
}

/// Writes the log and, beside it, the key and the size that `run` needs.
fn make(data: &Path, count: u64) {
    let db = FakeSumdb::synthetic(count, SEED);
    let log = Folder::open(data).unwrap().log(db.name()).unwrap();
    let mut writer = log.writer(Tree::EMPTY).unwrap();
    for begin in (0..count).step_by(RUN as usize) {
        let texts: Vec<String> = (begin..count.min(begin + RUN)).map(|id| db.record_text(id)).collect();
        let records: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
        writer.append(&records, &leaf_hashes(&records)).unwrap();
    }
    let policy = Policy::log(VerifierKey::parse(&db.vkey()).unwrap());
    writer.commit(&Checkpoint::open(db.head(count).as_bytes(), &policy).unwrap()).unwrap();
    fs::write(data.join("vkey"), db.vkey()).unwrap();
    println!("vkey: {}", db.vkey());
}

fn run(data: &Path, threads: usize) {
    let key = VerifierKey::parse(fs::read_to_string(data.join("vkey")).unwrap().trim()).unwrap();
    let log = Folder::open(data).unwrap().log(key.name()).unwrap();
    let name = key.name().to_owned();
    let policy = Policy::log(key);
    let size = Checkpoint::open(&log.head().unwrap().unwrap(), &policy).unwrap().tree().size;
    let options = VerifyOptions { threads: NonZero::new(threads), skip_index: true, ..VerifyOptions::default() };
    let verify = || {
        let report = verify::log(&log, &name, &policy, &options, &|_, _| {}).unwrap();
        assert_eq!(report.exit_code(), 0);
    };
    let bytes: u64 = ["records", "hashes.0"].map(|name| log.dir().join(name).metadata().unwrap().len()).iter().sum();
    println!("records {size}\nbytes {bytes}");
    forget(&log);
    seconds("disk", || disk(&log, threads));
    forget(&log);
    seconds("cold", verify);
    seconds("warm", verify);
    // Large files are read past the page cache, also then.
    seconds("read", || disk(&log, threads));
    println!("memory {}", peak_memory());
    let since = Since { records: size.saturating_sub(NIGHT), began: 0 };
    let coverage = Coverage::Part { since: Some(since), sample: None };
    let options = VerifyOptions { coverage, ..options.clone() };
    forget(&log);
    seconds("increment", || {
        let report = verify::log(&log, &name, &policy, &options, &|_, _| {}).unwrap();
        assert_eq!(report.exit_code(), 0);
    });
    let cpu = cpu_seconds();
    let (each, measured) = hash(&log, threads);
    println!("hash {:.3}\nhash-cpu {:.2}", each * size as f64, (cpu_seconds() - cpu) / measured as f64 * size as f64);
}

/// The most memory that this process had, in MB.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / 1000
}

fn seconds(name: &str, work: impl FnOnce()) {
    let (start, cpu) = (Instant::now(), cpu_seconds());
    work();
    let wall = start.elapsed().as_secs_f64();
    println!("{name} {wall:.3}\n{name}-cpu {:.2}", cpu_seconds() - cpu);
}

/// User and system seconds of this process, in steps of 10 ms.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// Throws the files out of the page cache (`dd` asks the system to, which needs no rights).
fn forget(log: &Log) {
    for entry in fs::read_dir(log.dir()).unwrap() {
        let input = format!("if={}", entry.unwrap().path().display());
        let done = Command::new("dd").args([&input, "iflag=nocache", "count=0", "status=none"]).status();
        assert!(done.is_ok_and(|status| status.success()), "dd throws {input} out of the cache");
    }
}

/// Reads the records and the leaf hashes as `verify` does: in order, with more than one read under way.
fn disk(log: &Log, threads: usize) {
    for name in ["records", "hashes.0"] {
        let (file, next) = (log.open_file(name).unwrap(), AtomicU64::new(0));
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    let mut buffer = ReadBuffer::default();
                    loop {
                        let at = next.fetch_add(AT_ONCE, Ordering::Relaxed);
                        let Some(left) = file.len().checked_sub(at).filter(|left| *left > 0) else { return };
                        assert!(file.read_range(at, AT_ONCE.min(left) as usize, &mut buffer).unwrap());
                        black_box(buffer.bytes());
                    }
                });
            }
        });
    }
}

/// Seconds for one record of a tree, with nothing to read and nothing to cut, and the records hashed.
fn hash(log: &Log, threads: usize) -> (f64, usize) {
    let mut bytes = vec![0; SAMPLE * 256];
    let len = File::open(log.dir().join("records")).unwrap().read(&mut bytes).unwrap();
    let records: Vec<&[u8]> = bytes[..len].split_inclusive(|byte| *byte == b'\n').collect();
    // Two lines are a record; blank lines are not measured.
    let lines: Vec<&[u8]> = records.into_iter().filter(|line| line.len() > 1).collect();
    let starts = lines.chunks_exact(2).map(|two| two[0].as_ptr() as usize - bytes.as_ptr() as usize);
    let records: Vec<&[u8]> =
        starts.zip(lines.chunks_exact(2)).map(|(at, two)| &bytes[at..at + two[0].len() + two[1].len()]).collect();
    let start = Instant::now();
    let rounds = 8;
    thread::scope(|scope| {
        for part in records.chunks(records.len().div_ceil(threads)) {
            scope.spawn(move || {
                for chunk in (0..rounds).flat_map(|_| part.chunks(CHUNK)) {
                    let mut level = leaf_hashes(chunk);
                    while level.len() > 1 {
                        level = parent_hashes(&level);
                    }
                    black_box(level);
                }
            });
        }
    });
    let measured = rounds * records.len();
    (start.elapsed().as_secs_f64() / measured as f64, measured)
}
