//! How much of the disk is left alone: below the floor nothing is stored that could be fetched again, so that heads, evidence and
//! the other users of the disk still find room. What is stored is still given.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use super::Folder;
use crate::sumdb::number::wide;

/// How old a reading of the disk may be. What this process writes meanwhile is subtracted from it.
const FRESH: Duration = Duration::from_secs(1);
/// The floor of a large disk, in bytes, unless another one is set.
const USUAL_FLOOR: u64 = 256 << 20;
/// The part of a small disk, as a divisor, that is its floor unless another one is set: 5 %.
const SMALL_DISK: u64 = 20;
/// Files that can still be made when the floor is reached, on a file system that counts them.
const USUAL_FILES: u64 = 1024;

/// A reading of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// bytes that this user may still write
    pub free: u64,
    /// bytes of the file system
    pub size: u64,
    /// files that this user may still make
    pub free_files: u64,
    /// files that the file system can have; 0 where it does not count them
    pub files: u64,
}

/// Below which free space nothing is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Floor {
    /// everything is stored until the disk is full
    #[default]
    Off,
    /// 256 MiB, or a twentieth of a disk smaller than 5 GiB
    Auto,
    /// that many bytes
    Bytes(u64),
}

impl Floor {
    /// In bytes, on that disk.
    fn bytes(self, space: Space) -> u64 {
        match self {
            Floor::Off => 0,
            Floor::Auto => USUAL_FLOOR.min(space.size / SMALL_DISK),
            Floor::Bytes(bytes) => bytes,
        }
    }

    /// In files, on that disk.
    fn files(self, space: Space) -> u64 {
        if self == Floor::Off { 0 } else { USUAL_FILES.min(space.files / SMALL_DISK) }
    }
}

/// What may still be stored.
#[derive(Debug, Default)]
pub(super) struct FreeSpace {
    floor: Floor,
    reading: Option<Reading>,
}

#[derive(Debug)]
struct Reading {
    at: Instant,
    /// the floor, in bytes
    floor: u64,
    /// bytes above the floor
    bytes: u64,
    /// whether new files may be made
    files: bool,
}

impl Reading {
    fn of(floor: Floor, space: Space, at: Instant) -> Reading {
        let (bytes, files) = (floor.bytes(space), floor.files(space));
        // Equal to the floor is enough for nothing more.
        let has_files = space.files == 0 || floor == Floor::Off || space.free_files > files;
        Reading { at, floor: bytes, bytes: space.free.saturating_sub(bytes), files: has_files }
    }

    /// Takes that many bytes; gives whether there were more than that.
    fn take(&mut self, bytes: u64) -> bool {
        let has_room = self.files && self.bytes > bytes;
        if has_room {
            self.bytes -= bytes;
        }
        has_room
    }
}

impl Folder {
    /// Whether nothing can be written through this folder.
    pub fn reads_only(&self) -> bool {
        self.shared.reads_only
    }

    /// Sets the floor, for all clones of this folder. A folder begins without one.
    pub fn set_floor(&self, floor: Floor) {
        let mut room = self.shared.room.lock();
        *room = FreeSpace { floor, reading: None };
    }

    /// Takes room for `bytes` more. Where there is none above the floor, nothing is to be written.
    ///
    /// # Errors
    /// `StorageFull`, with words for people.
    pub(super) fn take_room(&self, bytes: usize) -> io::Result<()> {
        let bytes = wide(bytes);
        let mut room = self.shared.room.lock();
        if room.floor == Floor::Off {
            return Ok(());
        }
        let now = Instant::now();
        if let Some(reading) = &mut room.reading
            && now.saturating_duration_since(reading.at) < FRESH
            && reading.take(bytes)
        {
            return Ok(());
        }
        // Where the file system does not say, the write itself will fail.
        let Some(space) = self.space() else { return Ok(()) };
        let floor = room.floor;
        let reading = room.reading.insert(Reading::of(floor, space, now));
        if reading.take(bytes) {
            return Ok(());
        }
        let why = if reading.files {
            format!(
                "the {} bytes that are free reach down to the floor of {} (--disk-floor)",
                space.free, reading.floor
            )
        } else {
            format!("only {} more files can be made there: too few (--disk-floor)", space.free_files)
        };
        Err(io::Error::new(io::ErrorKind::StorageFull, why))
    }

    /// Whether anything may be stored now.
    ///
    /// # Errors
    /// As [`Folder::take_room`].
    pub(super) fn has_room(&self) -> io::Result<()> {
        self.take_room(0)
    }

    /// The reading of the file system that the folder is on, or will be on.
    pub fn space(&self) -> Option<Space> {
        let root = &self.shared.root;
        let here = std::path::absolute(root).ok()?;
        here.ancestors().find(|path| path.is_dir()).and_then(|path: &Path| self.disk().space(path).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn space(free: u64, size: u64) -> Space {
        Space { free, size, free_files: 1 << 20, files: 1 << 20 }
    }

    #[test]
    fn the_floor_of_a_small_disk_is_a_part_of_it() {
        for (floor, size, bytes) in [
            (Floor::Auto, 1 << 40, 256 * MIB),
            (Floor::Auto, 20 * MIB, MIB),
            (Floor::Bytes(7), 20 * MIB, 7),
            (Floor::Off, 20 * MIB, 0),
        ] {
            assert_eq!(floor.bytes(space(0, size)), bytes, "{floor:?} {size}");
        }
    }

    #[test]
    fn room_is_what_is_above_the_floor_and_is_taken_once() {
        let mut reading = Reading::of(Floor::Bytes(10), space(30, 100), Instant::now());
        assert!(reading.take(12) && !reading.take(8) && reading.take(7) && !reading.take(1));
        assert!(!Reading::of(Floor::Bytes(10), space(10, 100), Instant::now()).take(0));
        assert!(!Reading::of(Floor::Bytes(10), space(9, 100), Instant::now()).take(0));
    }

    #[test]
    fn files_run_out_too_where_they_are_counted() {
        let with = |free_files, files| Space { free_files, files, ..space(1 << 40, 1 << 41) };
        let takes = |floor, space| Reading::of(floor, space, Instant::now()).take(1);
        assert!(takes(Floor::Auto, with(51, 1000)) && !takes(Floor::Auto, with(50, 1000)));
        assert!(!takes(Floor::Auto, with(1024, 1 << 30)) && takes(Floor::Auto, with(0, 0)));
    }
}
