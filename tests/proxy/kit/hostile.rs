//! Zips that no honest writer writes: small ones of large files, and names that lead elsewhere.

use std::io::Write as _;

use flate2::write::DeflateEncoder;
use flate2::{Compress, Compression, Crc, FlushCompress};

use super::crafted::{Item, raw, zip};
use super::zips::Entry;

/// A small zip that is large when it is unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bomb {
    /// one file of 4 GiB (less a byte), and it says so
    Honest,
    /// the same file, which says that it has 1,000 bytes
    Lying,
    /// 60,000 files of 64 KiB that share their bytes
    Overlapping,
}

/// Zeros that are deflated at once.
const BLOCK: usize = 16 << 20;
/// Blocks of the large file; with `TAIL` 4 GiB - 1 byte, the most that a size without zip64 can say.
const BLOCKS: u64 = 255;
/// Zeros after the blocks.
const TAIL: usize = BLOCK - 1;
/// What the lying one says.
const LIE: u64 = 1_000;
/// Files that share their bytes.
const OVERLAPPING: usize = 60_000;

/// The bytes of a bomb of the module whose files are named `M@V/...`.
pub fn bomb(prefix: &str, kind: Bomb) -> Vec<u8> {
    let name = |file: &str| format!("{prefix}{file}").into_bytes();
    let go_mod = raw(&name("go.mod"), b"", Vec::new(), 0);
    match kind {
        Bomb::Honest => zip(vec![go_mod, zeros(name("zeros"))]).bytes(),
        Bomb::Lying => zip(vec![go_mod, Item { size: LIE, ..zeros(name("zeros")) }]).bytes(),
        Bomb::Overlapping => {
            let content = vec![0; 64 << 10];
            let first = raw(&name("f00000"), &content, deflated(&content), 8);
            let others = (1..OVERLAPPING).map(|n| Item {
                name: name(&format!("f{n:05}")),
                // Each one's own local header holds no bytes; its directory entry points at the first one's.
                packed: Vec::new(),
                header: Some(0),
                ..first.clone()
            });
            zip(std::iter::once(first.clone()).chain(others).collect()).bytes()
        }
    }
}

/// A file of 4 GiB - 1 zeros, without ever having them: deflate's blocks stand for themselves after a full flush.
fn zeros(name: Vec<u8>) -> Item {
    let block = vec![0; BLOCK];
    let mut flushed = vec![0; BLOCK / 100];
    let mut compress = Compress::new(Compression::best(), false);
    compress.compress(&block, &mut flushed, FlushCompress::Full).unwrap();
    assert_eq!(compress.total_in(), BLOCK as u64);
    flushed.truncate(compress.total_out() as usize);
    let mut packed = flushed.repeat(BLOCKS as usize);
    packed.extend(deflated(&block[..TAIL]));
    let (mut crc, mut one) = (Crc::new(), Crc::new());
    one.update(&block);
    (0..BLOCKS).for_each(|_| crc.combine(&one));
    crc.update(&block[..TAIL]);
    let size = BLOCKS * BLOCK as u64 + TAIL as u64;
    Item { size, crc: crc.sum(), ..raw(&name, b"", packed, 8) }
}

fn deflated(content: &[u8]) -> Vec<u8> {
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::best());
    deflate.write_all(content).unwrap();
    deflate.finish().unwrap()
}

/// These entries and one more of this name, whatever it is.
pub(super) fn with_name(entries: &[Entry], name: &str) -> Vec<u8> {
    let honest = |entry: &Entry| match entry.stored {
        true => raw(entry.name.as_bytes(), &entry.content, entry.content.clone(), 0),
        false => raw(entry.name.as_bytes(), &entry.content, deflated(&entry.content), 8),
    };
    let mut items: Vec<Item> = entries.iter().map(honest).collect();
    let content = b"package escaped\n";
    items.push(raw(name.as_bytes(), content, content.to_vec(), 0));
    zip(items).bytes()
}

/// Bytes before the zip and a comment's worth of them after it.
pub(super) fn wrapped(zip: &[u8]) -> Vec<u8> {
    [b"#!/bin/sh\nexit 1\n", zip].concat()
}
