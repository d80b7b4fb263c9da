//! Heads of others, compared with the one timeline: those that the go command remembers, and those that clients send.

use super::tiles::{Proven, Tiles};
use super::{Comparison, Database, Progress, QUIETLY, Stop};
use crate::fault::Fault;
use crate::store::HeadFile;
use crate::sumdb::checkpoint::Checkpoint;

impl Database {
    /// Compares a head that somebody else remembers, such as the go command, with ours.
    ///
    /// # Errors
    /// `Forked`: the log showed them another history. `Refused`: their note is not signed by this database's key.
    pub async fn compare(&self, note: &[u8], whose: &str, progress: Progress<'_>) -> Result<Comparison, Fault> {
        let theirs = self.notes.open(note).map_err(|error| Fault::refused(whose, error))?;
        // Ours may be that of the full log, which then has the tiles.
        self.mirror.refresh(&self.notes)?;
        self.compare_by(&self.tiles(progress), theirs).await
    }

    /// A head that somebody sent, without the signatures that nobody needs.
    ///
    /// # Errors
    /// `Refused`: it is not signed by this database's key.
    pub fn open_sent(&self, note: &[u8], whose: &str) -> Result<Checkpoint, Fault> {
        let head = self.notes.open(note).map_err(|error| Fault::refused(whose, error))?;
        let shortest = self.notes.shortest(note);
        Ok(if shortest == note { head } else { self.notes.open(&shortest).unwrap_or(head) })
    }

    /// The file with the signed heads that the data folder keeps of this database.
    pub fn head_file(&self) -> &HeadFile {
        &self.head
    }

    /// The same of a head that is opened already, from what is held here: nobody is asked.
    ///
    /// # Errors
    /// `Forked`: the log showed them another history. `Unavailable`: the data folder.
    pub async fn compare_held(&self, theirs: &Checkpoint) -> Result<Comparison, Fault> {
        let tiles = Tiles { upstreams: &self.nobody, ..self.tiles(QUIETLY) };
        self.compare_by(&tiles, theirs.clone()).await
    }

    async fn compare_by(&self, tiles: &Tiles<'_>, theirs: Checkpoint) -> Result<Comparison, Fault> {
        let Some(ours) = self.remembered()?.or_else(|| self.pins.largest().cloned()) else {
            return Ok(Comparison::OneHistory);
        };
        self.require_one_tree_a_size([&ours, &theirs].into_iter())?;
        let (old, new) = if theirs.tree().size <= ours.tree().size { (theirs, ours) } else { (ours, theirs) };
        let mut proven = Proven::nothing_of(new.tree());
        match self.require_contained(tiles, &mut proven, &old, &new).await {
            Ok(()) => {
                self.keep_tiles(&mut proven);
                Ok(Comparison::OneHistory)
            }
            Err(Stop::Unavailable(miss)) => Ok(Comparison::Unknown(miss)),
            Err(Stop::Fatal(fault)) => Err(fault),
        }
    }
}
