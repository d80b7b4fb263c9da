//! The records of a snapshot in their order, read in large pieces.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use super::super::log::{Log, Snapshot};
use super::super::words::unavailable;
use crate::fault::Fault;
use crate::sumdb::number::wide;
use crate::sumdb::record::{MAX_DATA_TILE_BYTES, record_ranges};
use crate::sumdb::tile::{FULL, FULL_LEN};

/// Bytes that are read at once, unless one data tile is larger.
const PIECE_BYTES: u64 = 4 << 20;
/// Offsets that are read at once: so many data tiles have about 3 MiB.
const PIECE_TILES: u64 = 64;

/// What is done with some records, the first of which has this number.
pub(super) type Take<'a> = dyn FnMut(u64, &[&[u8]]) -> Result<(), Fault> + 'a;

/// Reads the records of one snapshot. Threads may share it.
#[derive(Debug)]
pub(super) struct Stream<'a> {
    snapshot: &'a Snapshot,
    records: (&'a File, u64, PathBuf),
    offsets: (&'a File, u64, PathBuf),
}

impl<'a> Stream<'a> {
    pub(super) fn new(log: &Log, snapshot: &'a Snapshot) -> Result<Stream<'a>, Fault> {
        let open = |name: &str| {
            let path = log.dir().join(name);
            let (file, len) =
                snapshot.file(name).ok_or_else(|| Fault::machine(path.display().to_string(), "is not open"))?;
            Ok((file, len, path))
        };
        Ok(Stream { snapshot, records: open("records")?, offsets: open("offsets")? })
    }

    /// Hands out the records from `from` to `to` (excluded), some at a time with the number of the first of them.
    pub(super) fn each(&self, from: u64, to: u64, take: &mut Take<'_>) -> Result<(), Fault> {
        let to = to.min(self.snapshot.tree().size);
        let (mut tile, end_tile) = (from / FULL, to.div_ceil(FULL));
        while tile < end_tile {
            let ends = self.ends(tile, end_tile.min(tile + PIECE_TILES))?;
            let start = *ends.first().unwrap_or(&0);
            let fits = ends.iter().skip(1).take_while(|end| **end - start <= PIECE_BYTES).count().max(1);
            let bytes = self.bytes(start, ends.get(fits).map_or(0, |end| end - start))?;
            for (index, pair) in (tile..).zip(ends.windows(2)).take(fits) {
                let [begin, end] = [0, 1].map(|n| pair.get(n).and_then(|at| usize::try_from(at - start).ok()));
                let text = begin.zip(end).and_then(|(begin, end)| bytes.get(begin..end));
                self.tile(index, text.unwrap_or_default(), from, to, take)?;
            }
            tile += wide(fits);
        }
        Ok(())
    }

    /// The records of one data tile that are asked for.
    fn tile(&self, index: u64, bytes: &[u8], from: u64, to: u64, take: &mut Take<'_>) -> Result<(), Fault> {
        let first = index * FULL;
        let width = (self.snapshot.tree().size - first).min(FULL);
        let mut records: Vec<&[u8]> = Vec::with_capacity(FULL_LEN);
        records.extend(record_ranges(bytes).filter_map(|range| bytes.get(range)));
        // Between two data tiles there is no blank line.
        if wide(records.len()) != width || bytes.ends_with(b"\n\n") {
            return Err(self.damaged(index));
        }
        let place = |id: u64| usize::try_from(id.clamp(first, first + width) - first).unwrap_or(usize::MAX);
        take(first.max(from), records.get(place(from)..place(to)).unwrap_or_default())
    }

    /// Where data tiles `tile` to `end_tile` (excluded) begin, and where the last of them ends.
    fn ends(&self, tile: u64, end_tile: u64) -> Result<Vec<u64>, Fault> {
        let (file, len, path) = &self.offsets;
        let last = (end_tile + 1).min(len / 8);
        let mut bytes = vec![0; usize::try_from((last - tile) * 8).unwrap_or(0)];
        file.read_exact_at(&mut bytes, tile * 8).map_err(|error| unavailable(path, "read", &error))?;
        let mut ends: Vec<u64> = bytes.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
        if end_tile * FULL > self.snapshot.tree().size {
            // The data tile at the edge is not full, and no offset says where it ends.
            ends.push(self.snapshot.records_len());
        }
        let limit = wide(MAX_DATA_TILE_BYTES);
        let broken =
            |pair: &[u64]| pair.get(1).zip(pair.first()).and_then(|(end, begin)| end.checked_sub(*begin)) > Some(limit);
        let backwards = !ends.is_sorted() || ends.last() > Some(&self.records.1);
        match ends.windows(2).position(|pair| backwards || broken(pair)) {
            Some(at) => Err(self.damaged(tile + wide(at))),
            None => Ok(ends),
        }
    }

    fn bytes(&self, start: u64, len: u64) -> Result<Vec<u8>, Fault> {
        let (file, _, path) = &self.records;
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
        file.read_exact_at(&mut bytes, start).map_err(|error| unavailable(path, "read", &error))?;
        Ok(bytes)
    }

    fn damaged(&self, index: u64) -> Fault {
        let why = format!("data tile {index} is damaged; run `gosumcheck verify` to find where");
        Fault::machine(self.records.2.display().to_string(), why)
    }
}
