//! What a module zip of very many files costs in memory: such a zip is cheap to make, and a server hashes what strangers name.

#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

use std::io::{Cursor, Write as _};

use gosumcheck::sumdb::dirhash::h1_zip;
use gosumcheck::sumdb::modzip::check_zip;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Files in the zip.
const FILES: u64 = 50_000;
/// Bytes that each may cost: its entry 40 and its name 50, and then either its hash 32 and its rank 4, or its place in a table
/// that doubles as it grows, 29 to 58.
const BYTES_EACH: u64 = 135;
/// Bytes that any zip may cost: one thread's buffers.
const BYTES_FOR_ALL: u64 = 4 << 20;

fn zip_of_many() -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("example.com/m@v1.0.0/go.mod", SimpleFileOptions::default()).unwrap();
    zip.write_all(b"module example.com/m\n").unwrap();
    for number in 1..FILES {
        let name = format!("example.com/m@v1.0.0/folder{}/file{number}.go", number % 1000);
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn many_files_cost_little_each() {
    let zip = zip_of_many();
    let bound = FILES * BYTES_EACH + BYTES_FOR_ALL;
    let hashing = allocation_counter::measure(|| {
        h1_zip(&zip[..], 1).unwrap();
    });
    assert!(hashing.bytes_max < bound, "h1: {} bytes, {} a file", hashing.bytes_max, hashing.bytes_max / FILES);
    let checking = allocation_counter::measure(|| check_zip(&zip[..], "example.com/m", "v1.0.0").unwrap());
    assert!(checking.bytes_max < bound, "rules: {} bytes, {} a file", checking.bytes_max, checking.bytes_max / FILES);
}
