//! A full data tile that lies in a file of the full log as it is sent, so that it is sent from there.

use std::fs::File;
use std::io;
use std::ops::Range;

use crate::relay::Relay;
use crate::store::log::{Rotten, Snapshot};
use crate::sumdb::tile::DataTile;

/// The file of the full log that has the records.
const RECORDS: &str = "records";

/// Where such a tile lies. It holds no file open and no state of the log, so that it can be kept among the cached answers.
#[derive(Debug, Clone)]
pub(crate) struct DataTilePlace {
    relay: Relay,
    tile: DataTile,
    /// bytes of the file
    range: Range<u64>,
}

/// The same in the full log as it was when it was opened.
#[derive(Debug, Clone)]
pub(crate) struct OpenDataTile {
    /// none if there was none any more, which fails the body
    snapshot: Option<Snapshot>,
    place: DataTilePlace,
}

impl DataTilePlace {
    /// Where the tile lies, if it is in the full log and proven.
    pub(crate) fn of(relay: &Relay, tile: &DataTile) -> Option<DataTilePlace> {
        let range = relay.log_snapshot()?.place_of(tile)?;
        Some(DataTilePlace { relay: relay.clone(), tile: *tile, range })
    }

    /// Whether it lies there now, proven.
    pub(crate) fn is_current(&self) -> bool {
        self.relay.log_snapshot().is_some_and(|snapshot| self.is_proven_in(&snapshot))
    }

    fn is_proven_in(&self, snapshot: &Snapshot) -> bool {
        snapshot.place_of(&self.tile).as_ref() == Some(&self.range)
    }

    /// Where in the file it begins.
    pub(crate) fn begin(&self) -> u64 {
        self.range.start
    }

    /// Its length in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.range.end - self.range.start
    }

    /// Opens it in the full log as it is now.
    pub(crate) fn open(&self) -> OpenDataTile {
        OpenDataTile { snapshot: self.relay.log_snapshot(), place: self.clone() }
    }
}

impl OpenDataTile {
    /// Where it lies.
    pub(crate) fn place(&self) -> &DataTilePlace {
        &self.place
    }

    /// The file.
    pub(crate) fn file(&self) -> io::Result<&File> {
        Ok(self.snapshot()?.file(RECORDS).ok_or(io::ErrorKind::NotFound)?.0)
    }

    /// Whether it lies there proven, and the files look as they did then.
    pub(crate) fn is_proven(&self) -> bool {
        self.snapshot().is_ok_and(|snapshot| self.place.is_proven_in(snapshot))
    }

    /// Some of its bytes, from `at` in the file on, proven; or that it is rotten, and nothing here has the right ones.
    ///
    /// # Errors
    /// `NotFound`: the full log is no longer held. `UnexpectedEof`.
    pub(crate) fn read(&self, at: u64, into: &mut [u8]) -> io::Result<Result<(), Rotten>> {
        let bytes = match self.snapshot()?.data_tile(&self.place.tile) {
            Ok(bytes) => bytes.unwrap_or_default(),
            Err(rotten) => return Ok(Err(rotten)),
        };
        let from = at.checked_sub(self.place.begin()).and_then(|from| usize::try_from(from).ok());
        let bytes = from.and_then(|from| bytes.get(from..)?.get(..into.len()));
        into.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(Ok(()))
    }

    /// The full log that it is read from.
    ///
    /// # Errors
    /// `NotFound`: it is no longer held.
    pub(crate) fn snapshot(&self) -> io::Result<&Snapshot> {
        self.snapshot.as_ref().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Who fetches it again if it is rotten.
    pub(crate) fn relay(&self) -> &Relay {
        &self.place.relay
    }
}
