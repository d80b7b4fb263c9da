//! The proof that one record is in the tree of the head in force: for others to check.

use super::current::CurrentHead;
use super::{Database, QUIETLY, Unavailable};
use crate::sumdb::hash::Hash;
use crate::sumdb::tile::Want;

impl Database {
    /// The hashes that show that record number `id` is in the tree of `current`, the one next to the leaf first. The tiles that it
    /// needs come from the disk or the upstreams, and are kept in the cache.
    ///
    /// # Errors
    /// A tile cannot be had, or the tree has no such record.
    pub async fn inclusion(&self, current: &CurrentHead, id: u64) -> Result<Vec<Hash>, Unavailable> {
        let mut proven = current.proven.clone();
        self.tiles(QUIETLY).fetch(&mut proven, &[Want::Leaf(id)]).await?;
        self.keep_tiles(&mut proven);
        let missing = || {
            let missed = proven.missed.values().next().cloned();
            missed.unwrap_or_else(|| Unavailable::NotHeld(format!("the proof of record {id} could not be had")))
        };
        proven.tree.inclusion_proof(id).ok_or_else(missing)
    }
}
