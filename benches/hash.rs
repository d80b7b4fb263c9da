//! SHA-256 of leaves, nodes and whole trees, per core: the Rust half of `bench/hash.sh`.
//!
//! `hash make PREFIX COUNT` writes COUNT synthetic records to PREFIX.dat and where each begins to PREFIX.off (u64, little
//! endian), for both halves. `hash run PREFIX` hashes them by each path and prints one line a measurement:
//! `name Mitems/s`.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::indexing_slicing)]
#![allow(clippy::as_conversions, reason = "a benchmark of our own numbers")]

use std::env;
use std::fs;
use std::hint::black_box;

use gosumcheck::sumdb::hash::{self, Hash, portable, sha256};

mod common;

/// Records hashed in one call: sixteen tiles.
const CHUNK: usize = 4096;
/// Measurements of which the median counts.
const ROUNDS: usize = 9;

fn main() {
    let args: Vec<String> = env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["make", prefix, count] => make(prefix, count.parse().expect("COUNT is a number")),
        ["run", prefix] => run(prefix),
        _ => println!("usage: hash make PREFIX COUNT | hash run PREFIX"),
    }
}

/// Records of about 190 bytes, as the log's are, with paths and versions of different lengths.
fn make(prefix: &str, count: usize) {
    let (mut records, mut offsets) = (Vec::new(), Vec::new());
    for i in 0..count {
        offsets.extend((records.len() as u64).to_le_bytes());
        let path = format!("github.com/owner{}/{}", i % 977, &"repository-name-of-some-length"[..5 + i * 7 % 25]);
        let (zip, go_mod) = (sha256(&i.to_le_bytes()), sha256(&(!i).to_le_bytes()));
        records.extend(
            format!("{path} v1.{}.{i} h1:{zip}\n{path} v1.{}.{i}/go.mod h1:{go_mod}\n", i % 50, i % 50).bytes(),
        );
    }
    offsets.extend((records.len() as u64).to_le_bytes());
    fs::write(format!("{prefix}.dat"), records).unwrap();
    fs::write(format!("{prefix}.off"), offsets).unwrap();
}

fn run(prefix: &str) {
    let bytes = fs::read(format!("{prefix}.dat")).unwrap();
    let offsets: Vec<usize> = fs::read(format!("{prefix}.off"))
        .unwrap()
        .as_chunks()
        .0
        .iter()
        .map(|at| u64::from_le_bytes(*at) as usize)
        .collect();
    let records: Vec<&[u8]> = offsets.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).collect();
    let few = &records[..CHUNK.min(records.len())];
    let leaves = hash::leaf_hashes(few);
    let (many, one) = (
        root(&records, hash::leaf_hashes, hash::parent_hashes),
        root(&records, portable::leaf_hashes, portable::parent_hashes),
    );
    assert_eq!(many, one, "both paths give one root");
    println!("root {many}");

    let rate = |name: &str, items: usize, work: &mut dyn FnMut()| {
        let seconds = common::median_cpu_seconds(ROUNDS, work);
        println!("{name} {:.3}", items as f64 / seconds / 1e6);
    };
    rate("leaf", few.len(), &mut || drop(black_box(hash::leaf_hashes(few))));
    rate("leaf-portable", few.len(), &mut || drop(black_box(portable::leaf_hashes(few))));
    rate("node", few.len() / 2, &mut || drop(black_box(hash::parent_hashes(&leaves))));
    rate("node-portable", few.len() / 2, &mut || drop(black_box(portable::parent_hashes(&leaves))));
    rate("tree", records.len(), &mut || {
        black_box(root(&records, hash::leaf_hashes, hash::parent_hashes));
    });
    rate("tree-portable", records.len(), &mut || {
        black_box(root(&records, portable::leaf_hashes, portable::parent_hashes));
    });
    #[cfg(target_arch = "x86_64")]
    rate("tree-pairs", records.len(), &mut || {
        black_box(root(&records, hash::pairs::leaf_hashes, hash::pairs::parent_hashes));
    });
}

/// The root of the tree over `records` (RFC 6962 section 2.1): subtrees of `CHUNK` leaves, then the levels above them.
fn root(records: &[&[u8]], leaf_hashes: fn(&[&[u8]]) -> Vec<Hash>, parent_hashes: fn(&[Hash]) -> Vec<Hash>) -> Hash {
    let fold = |mut level: Vec<Hash>| {
        while level.len() > 1 {
            let odd = level.last().copied().filter(|_| level.len() % 2 == 1);
            level = parent_hashes(&level);
            level.extend(odd);
        }
        level[0]
    };
    fold(records.chunks(CHUNK).map(|chunk| fold(leaf_hashes(chunk))).collect())
}
