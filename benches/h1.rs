//! h1 of every zip in a folder: the Rust half of `bench/h1.sh`.
//!
//! `h1 print DIR` prints `NAME h1:...` a zip, as the Go half does; `h1 run DIR UNPACKED_MB THREADS` prints one line,
//! `h1-THREADS MB/s` of unpacked bytes: by CPU seconds for one thread, by wall seconds for more.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]
#![allow(clippy::as_conversions, reason = "a benchmark of our own numbers")]

use std::env;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use gosumcheck::store::zipfile::ZipFile;
use gosumcheck::sumdb::dirhash::h1_zip;
use gosumcheck::sumdb::hash::Hash;

mod common;

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
        _ => println!("usage: h1 print DIR | h1 run DIR UNPACKED_MB THREADS"),
    }
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
