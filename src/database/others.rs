//! Heads of others, compared with the one timeline: those that the go command remembers, and those that clients send.

use std::cmp::Reverse;
use std::collections::HashMap;

use parking_lot::Mutex;

use super::tiles::{Proven, Tiles};
use super::{Comparison, Database, Progress, QUIETLY, Stop};
use crate::fault::Fault;
use crate::store::HeadFile;
use crate::sumdb::checkpoint::{Checkpoint, Tree};

/// The head that a route showed last, and the route.
#[derive(Default)]
pub(super) struct Expected(Mutex<Option<(Tree, String)>>);

impl Expected {
    /// The route that showed this tree, if it was the last to show one.
    pub(super) fn route_of(&self, tree: Tree) -> Option<String> {
        self.0.lock().as_ref().filter(|(shown, _)| *shown == tree).map(|(_, route)| route.clone())
    }
}

impl Database {
    /// Where this tree becomes the newest, it was first seen by this route.
    pub fn expect(&self, tree: Tree, route: String) {
        *self.expected.0.lock() = Some((tree, route));
    }

    /// Compares heads that others show with the timeline and with each other. Nothing is accepted. Gives, for each in order, whether it
    /// was shown to be of one history with the remembered head, be it by way of other heads.
    ///
    /// # Errors
    /// `Forked`: they are not of one history, the evidence saved. `Unavailable`: the data folder.
    pub async fn compare_all_of(&self, heads: &[Checkpoint]) -> Result<Vec<bool>, Fault> {
        self.mirror.refresh(&self.notes)?;
        let ours = self.remembered()?.or_else(|| self.pins.largest().cloned());
        let mut all: Vec<&Checkpoint> = heads.iter().chain(&ours).collect();
        self.require_one_tree_a_size(all.iter().copied())?;
        all.sort_by_key(|head| Reverse(head.tree().size));
        all.dedup_by_key(|head| head.tree().size);
        // By size: the largest tree that each was shown to be a beginning of. Two beginnings of one tree are of one history.
        let mut largest: HashMap<u64, u64> = HashMap::new();
        let timeline = |largest: &HashMap<u64, u64>| largest.get(&ours.as_ref()?.tree().size).copied();
        for (place, older) in all.iter().enumerate() {
            let mut within = older.tree().size;
            // The next larger one first; where that has no tiles, or is not known to be of the timeline, those after it.
            for newer in all.iter().take(place).rev() {
                let mut proven = Proven::nothing_of(newer.tree());
                match self.require_contained(&self.tiles(QUIETLY), &mut proven, older, newer).await {
                    Ok(()) => within = largest.get(&newer.tree().size).copied().unwrap_or(within),
                    Err(Stop::Unavailable(_)) => continue,
                    Err(Stop::Fatal(fault)) => return Err(fault),
                }
                if timeline(&largest).is_none_or(|timeline| timeline == within) {
                    break;
                }
            }
            largest.insert(older.tree().size, within);
        }
        let timeline = timeline(&largest);
        let is_compared = |head: &Checkpoint| timeline.is_some() && largest.get(&head.tree().size).copied() == timeline;
        Ok(heads.iter().map(is_compared).collect())
    }

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

    /// As [`Database::compare`], of a head that is opened already and from what is held here: nobody is asked.
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
