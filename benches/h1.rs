//! h1 of every zip in a folder: the Rust half of `bench/h1.sh`.
//!
//! `h1 print DIR` prints `NAME h1:...` a zip, as the Go half does; `h1 run DIR UNPACKED_MB THREADS` prints one line,
//! `h1-THREADS MB/s` of unpacked bytes: by CPU seconds for one thread, by wall seconds for more. `h1 bound DIR THREADS` prints the packed
//! MB/s, by wall seconds, that inflate and SHA-256 allow: of the zips below DIR that are in memory, with nothing checked.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]
#![allow(clippy::as_conversions, reason = "a benchmark of our own numbers")]

use std::env;
use std::fs;
use std::hint::black_box;
use std::io::{Cursor, Read as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use gosumcheck::store::zipfile::ZipFile;
use gosumcheck::sumdb::dirhash::h1_zip;
use gosumcheck::sumdb::hash::{Hash, sha256_many};
use zip::{CompressionMethod, ZipArchive};
use zlib_rs::{Inflate, InflateFlush};

mod common;

/// Bytes of zips that are held in memory for the bound.
const HELD: usize = 1 << 30;

/// Measurements of which the median counts.
const ROUNDS: usize = 7;

fn main() {
    let args: Vec<String> = env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["print", dir] => {
            for zip in zips(Path::new(dir)) {
                println!("{} h1:{}", zip.file_name().unwrap().display(), h1(&zip, 2));
            }
        }
        ["run", dir, megabytes, threads] => {
            let zips = zips(Path::new(dir));
            let count = threads.parse().expect("THREADS is a number");
            let mut work = || {
                for zip in &zips {
                    black_box(h1(zip, count));
                }
            };
            let seconds = match count {
                1 => common::median_cpu_seconds(ROUNDS, &mut work),
                _ => common::median_wall_seconds(ROUNDS, &mut work),
            };
            println!("h1-{threads} {:.1}", megabytes.parse::<f64>().expect("MB is a number") / seconds);
        }
        ["bound", dir, threads] => {
            let (held, bytes) = held(Path::new(dir));
            let threads = threads.parse().expect("THREADS is a number");
            let seconds = common::median_wall_seconds(ROUNDS, &mut || unpack(&held, threads));
            println!("bound-{threads} {:.1}", bytes as f64 / 1e6 / seconds);
        }
        _ => println!("usage: h1 print DIR | h1 run DIR UNPACKED_MB THREADS | h1 bound DIR THREADS"),
    }
}

/// The files of one zip: their bytes as they are in it, whether these are deflated, and how many they are unpacked.
type Packed = Vec<(Vec<u8>, bool, usize)>;

/// The zips below `dir`, and how many bytes they have together.
fn held(dir: &Path) -> (Vec<Packed>, usize) {
    let (mut held, mut bytes) = (Vec::new(), 0);
    let files = walkdir::WalkDir::new(dir).into_iter().map(|entry| entry.unwrap().into_path());
    for path in files.filter(|path| path.extension().is_some_and(|extension| extension == "zip")) {
        let zip = fs::read(path).unwrap();
        bytes += zip.len();
        let mut archive = ZipArchive::new(Cursor::new(zip)).unwrap();
        let packed = (0..archive.len()).map(|number| {
            let mut file = archive.by_index_raw(number).unwrap();
            let mut packed = Vec::new();
            file.read_to_end(&mut packed).unwrap();
            (packed, file.compression() == CompressionMethod::Deflated, file.size() as usize)
        });
        held.push(packed.collect());
        if bytes > HELD {
            break;
        }
    }
    // The largest first, so that the threads end together.
    held.sort_by_key(|packed: &Packed| std::cmp::Reverse(packed.iter().map(|(bytes, ..)| bytes.len()).sum::<usize>()));
    (held, bytes)
}

/// Inflates and hashes each file.
fn unpack(held: &[Packed], threads: usize) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut inflate = Inflate::new(false, 15);
                while let Some(packed) = held.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let contents = packed.iter().map(|(packed, is_deflated, size)| {
                        if !is_deflated {
                            return packed.clone();
                        }
                        let mut content = vec![0; *size];
                        inflate.reset(false);
                        inflate.decompress(packed, &mut content, InflateFlush::Finish).unwrap();
                        content
                    });
                    let contents: Vec<Vec<u8>> = contents.collect();
                    black_box(sha256_many(&contents.iter().map(Vec::as_slice).collect::<Vec<_>>()));
                }
            });
        }
    });
}

fn zips(dir: &Path) -> Vec<PathBuf> {
    let mut zips: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    zips.retain(|path| path.extension().is_some_and(|extension| extension == "zip"));
    zips.sort();
    zips
}

fn h1(zip: &Path, threads: usize) -> Hash {
    h1_zip(&ZipFile::open(zip).unwrap(), threads).unwrap_or_else(|error| panic!("{}: {error}", zip.display()))
}
