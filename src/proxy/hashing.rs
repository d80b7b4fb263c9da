//! How many zips are hashed at once: as many as the lists of their entries find room for. The contents take a few megabytes, however
//! many there are; what is held of a zip with a million entries is the list, up to three times as large as in the zip.

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::store::modules::{Admitted, Arrival};
use crate::sumdb::dirhash::{ReadAt, directory_bytes};

/// Bytes of the directories of all zips that are hashed at once. The largest modules have one of 5 MB, common ones of 50 KB.
const ROOM_BYTES: u64 = 8 << 20;
/// Bytes that one permit stands for.
const UNIT_BYTES: u64 = 4 << 10;
/// The directory of a zip of at most this many bytes is not read: it is shorter than the zip.
const SHORT_ZIP_BYTES: u64 = 64 << 10;

/// The room that is left.
pub(super) struct Hashing {
    room: Semaphore,
}

/// Room for one zip, given back when it is dropped.
pub(super) struct Room<'a> {
    _units: Option<SemaphorePermit<'a>>,
}

impl Default for Hashing {
    fn default() -> Hashing {
        Hashing { room: Semaphore::new(usize::try_from(ROOM_BYTES / UNIT_BYTES).unwrap_or(1)) }
    }
}

impl Hashing {
    /// Waits for room for a zip that has arrived. One whose directory is longer than all the room is hashed alone.
    pub(super) async fn room_for(&self, arrival: &Arrival) -> Room<'_> {
        let bytes = match arrival.zip() {
            _ if arrival.len() <= SHORT_ZIP_BYTES => arrival.len(),
            Ok(zip) => directory_of(zip).await,
            Err(_) => 0,
        };
        self.room_of(bytes).await
    }

    /// The same for a zip that is stored.
    pub(super) async fn room_for_stored(&self, file: &Admitted) -> Room<'_> {
        let bytes = if file.len() <= SHORT_ZIP_BYTES { file.len() } else { directory_of(file.clone()).await };
        self.room_of(bytes).await
    }

    async fn room_of(&self, bytes: u64) -> Room<'_> {
        // The semaphore is never closed.
        Room { _units: self.room.acquire_many(units(bytes)).await.ok() }
    }
}

/// Bytes of the directory of a zip. One that has none is refused before anything of it is held.
async fn directory_of(zip: impl ReadAt + Send + 'static) -> u64 {
    let bytes = tokio::task::spawn_blocking(move || directory_bytes(&zip).unwrap_or(0)).await;
    bytes.unwrap_or(ROOM_BYTES)
}

fn units(bytes: u64) -> u32 {
    u32::try_from(bytes.min(ROOM_BYTES).div_ceil(UNIT_BYTES)).unwrap_or(1).max(1)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn common_zips_are_hashed_side_by_side_and_huge_ones_alone() {
        let hashing = Hashing::default();
        let take = |bytes| hashing.room.acquire_many(units(bytes)).now_or_never();
        let common: Vec<_> = (0..100).map(|_| take(50 << 10)).collect();
        assert!(common.iter().all(Option::is_some));
        assert!(take(u64::MAX).is_none());
        drop(common);
        let huge = take(80 << 20);
        assert!(huge.is_some() && take(0).is_none());
    }

    #[tokio::test]
    async fn a_zip_takes_room_for_its_directory() {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for number in 0..1000 {
            zip.start_file(format!("m@v1.0.0/{number:04}"), zip::write::SimpleFileOptions::default()).unwrap();
        }
        let bytes = zip.finish().unwrap().into_inner();
        // The end record ends with the offset of the directory (4 bytes) and the length of the comment (2 bytes, here 0).
        let [place @ .., _, _] = *bytes.last_chunk::<6>().unwrap();
        let rest = bytes.get(usize::try_from(u32::from_le_bytes(place)).unwrap()..).unwrap();
        let length = u64::try_from(rest.len()).unwrap();
        assert!(length > 1000 * 46);
        assert_eq!(directory_of(bytes).await, length);
        assert_eq!(directory_of(b"no zip".to_vec()).await, 0);
    }
}
