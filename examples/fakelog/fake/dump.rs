//! The database as a tree of files, for a static file server: what it would answer, path by path.

use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fs, io, thread};

use gosumcheck::sumdb::tile::{DataTile, Tile};

use super::FakeSumdb;
use super::levels::TILE_LEVELS;

/// Records of a full data tile, and hashes of a full hash tile.
const WIDTH: u64 = 256;

/// What is written besides `latest`, the data tiles and the hash tiles above level 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extra {
    /// the full hash tiles of level 0, as many files again
    pub leaves: bool,
    /// so many lookups, of records that are spread over the log
    pub lookups: u64,
}

/// Writes the database below `dir`, with all processors; gives the number of files.
pub fn dump(db: &FakeSumdb, dir: &Path, extra: Extra) -> io::Result<u64> {
    let size = db.size();
    let levels = u32::try_from(TILE_LEVELS).unwrap_or(0);
    // Of level 0 always the partial tile: it is part of the tree's edge.
    let first = |level| if level == 0 && !extra.leaves { size / WIDTH } else { 0 };
    // One row of tiles for the records, one for each level of hashes.
    let rows = (0..levels).map(|level| (Some(level), first(level)..(size >> (8 * level)).div_ceil(WIDTH)));
    let rows: Vec<(Option<u32>, Range<u64>)> = std::iter::once((None, 0..size.div_ceil(WIDTH))).chain(rows).collect();
    let lookups = extra.lookups.min(size);
    let total = rows.iter().map(|(_, tiles)| tiles.end - tiles.start).sum::<u64>() + lookups;
    let next = AtomicU64::new(0);
    let path = |number: u64| {
        let mut number = number;
        for (level, tiles) in &rows {
            let count = tiles.end - tiles.start;
            if number < count {
                let number = tiles.start + number;
                let hashes = size >> (8 * level.unwrap_or(0));
                let width = u32::try_from((hashes - number * WIDTH).min(WIDTH)).unwrap_or(0);
                return match level {
                    Some(level) => Tile::new(*level, number, width).expect("within the log").to_string(),
                    None => DataTile::new(number, width).expect("within the log").to_string(),
                };
            }
            number -= count;
        }
        db.lookup_path(number * size / lookups)
    };
    let work = || -> io::Result<()> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= total {
                return Ok(());
            }
            let path = path(number);
            write(&dir.join(&path), &db.honest(&path).expect("the log has it"))?;
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let own = work();
        others.into_iter().try_for_each(|other| other.join().expect("no panic")).and(own)
    })?;
    write(&dir.join("latest"), &db.honest("latest").expect("it is signed"))?;
    Ok(total + 1)
}

/// Writes one file; its folder is made where it is missing.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::write(path, bytes) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(path.parent().expect("every path has a folder"))?;
            fs::write(path, bytes)
        }
        written => written,
    }
}
