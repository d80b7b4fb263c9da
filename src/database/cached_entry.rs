//! The bytes that an entry of the cache should have, where those that it has are damaged.

use super::tiles::Proven;
use super::{Answer, Database, QUIETLY};
use crate::fault::Fault;
use crate::sumdb::checkpoint::Checkpoint;
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::tile::{TilePath, Want};

impl Database {
    /// The bytes that a cached tile or answer of this name has under `head`, the remembered one, from wherever they can be had.
    ///
    /// # Errors
    /// `Refused`, `Unavailable`: nobody has bytes that prove. `Usage`: nothing is cached by such a name.
    pub async fn proven_entry(&self, head: &Checkpoint, name: &str) -> Result<Vec<u8>, Fault> {
        let lacking = |why: &str| Fault::nobody(name, why);
        let _ = self.mirror.refresh(&self.notes);
        if let Ok(module) = ModuleVersion::parse_lookup_path(name) {
            let batch = self.records(&[module], QUIETLY).await?;
            return match (batch.answers.into_iter().next(), batch.proven_under) {
                (Some(Answer::Found(record)), Some(head)) => Ok(record.to_response(head.bytes())),
                (Some(Answer::Unknown(miss)), _) => Err(miss.into_fault(&self.name)),
                _ => Err(lacking("the log has no such record")),
            };
        }
        let Ok(TilePath::Hashes(tile)) = TilePath::parse(name) else {
            return Err(Fault::Usage(format!("{name} is not the name of a cached tile or answer")));
        };
        let (tiles, mut proven) = (self.tiles(QUIETLY), Proven::nothing_of(head.tree()));
        // One of the right edge comes with it.
        let is_of_edge = proven.tree.edge().iter().any(|edge| edge.full() == tile.full());
        let wants = if is_of_edge { Vec::new() } else { vec![Want::Tile(tile.full())] };
        tiles.fetch(&mut proven, &wants).await.map_err(|miss| miss.into_fault(&self.name))?;
        proven.tree.tile_bytes(&tile).ok_or_else(|| lacking("nobody has bytes of it that prove"))
    }
}
