//! Healing the full log: what nothing on the disk proves is asked of the upstreams, and put in its place.

use crate::database::Database;
use crate::fault::Fault;
use crate::store::log::{LogHealth, Rotten, Snapshot};
use crate::sumdb::record::MAX_DATA_TILE_BYTES;
use crate::sumdb::tile::TilePath;
use crate::upstream::Got;

/// Why the full log does not say what it holds.
#[derive(Debug, Clone)]
pub enum Unread {
    /// a stretch of it is damaged, and nothing on the disk has the right bytes
    Rotten(Rotten),
    /// anything else
    Fault(Fault),
}

impl From<Rotten> for Unread {
    fn from(rotten: Rotten) -> Unread {
        Unread::Rotten(rotten)
    }
}

impl From<Fault> for Unread {
    fn from(fault: Fault) -> Unread {
        Unread::Fault(fault)
    }
}

impl Unread {
    /// As a fault, where nothing is healed.
    pub fn into_fault(self) -> Fault {
        match self {
            Unread::Rotten(rotten) => rotten.into_fault(),
            Unread::Fault(fault) => fault,
        }
    }
}

impl Database {
    /// Fetches a rotten stretch of `snapshot` from the first upstream whose bytes prove; from then on these are given.
    ///
    /// # Errors
    /// `Unavailable`: no upstream has it; the fault names the file.
    pub async fn heal(&self, snapshot: &Snapshot, rotten: &Rotten) -> Result<(), Fault> {
        let path = rotten.tile.to_string();
        let longest = match rotten.tile {
            TilePath::Hashes(tile) => tile.byte_len(),
            TilePath::Data(_) => MAX_DATA_TILE_BYTES,
        };
        let judge = |bytes: Vec<u8>| snapshot.heal(&rotten.tile, &bytes);
        let why = match self.upstreams.fetch_where(&path, longest, judge).await {
            Ok(Got::Body((), _)) => return Ok(()),
            Ok(Got::Absent(absence)) => absence.by.join("; "),
            Err(fault) => fault.to_string(),
        };
        let source = rotten.path.display().to_string();
        Err(Fault::machine(
            source,
            format!("{path} is damaged, and no source has it now ({why}); `gosumcheck verify --repair` tries again"),
        ))
    }

    /// Whether something was healed that is not in its place yet.
    pub fn has_healed(&self) -> bool {
        self.mirror.current().is_some_and(|mirror| mirror.snapshot.has_open())
    }

    /// Writes what was healed where it belongs, if anything was. Waits for the disk.
    ///
    /// # Errors
    /// `Unavailable`: another process writes the log, or the disk.
    pub fn put_back_healed(&self) -> Result<(), Fault> {
        let Some(mirror) = self.mirror.current().filter(|mirror| mirror.snapshot.has_open()) else { return Ok(()) };
        self.mirror.log.put_back(&mirror.snapshot)
    }

    /// What was found and healed in the full log since the start.
    pub fn log_health(&self) -> &LogHealth {
        self.mirror.log.health()
    }
}
