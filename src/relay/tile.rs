//! Tiles of every width of every tree up to the newest: from the full log, from memory, or fetched and proven.
//!
//! A partial tile of an older tree is the beginning of the full tile, or of the one at the right edge of the newest tree; both
//! are proven. A tile of records is proven by the leaf hashes of the tile of hashes below it.

use bytes::Bytes;

use super::Inner;
use super::heads::why;
use crate::database::{CurrentHead, Stop, Unavailable};
use crate::fault::Fault;
use crate::sumdb::hash::Hash;
use crate::sumdb::record::{join_records, split_records};
use crate::sumdb::tile::{DataTile, Tile, TilePath};

impl Inner {
    pub(super) async fn tile(&self, path: &TilePath) -> Result<Option<Bytes>, Fault> {
        let mut now = self.now().await.map_err(why)?;
        // What the full log holds of any tree it holds of every later one.
        if let Some(bytes) = self.mirrored(path).await? {
            return Ok(Some(bytes));
        }
        if now.as_ref().is_none_or(|now| !now.has(path)) {
            if self.is_offline {
                return Ok(None);
            }
            // The client that requests it has seen a newer head.
            self.catch_up_now().await?;
            now = self.heads.now();
        }
        let Some(now) = now.filter(|now| now.has(path)) else { return Ok(None) };
        let brought = match path {
            TilePath::Hashes(tile) => self.hash_tile(&now, tile).await,
            TilePath::Data(tile) => self.data_tile(&now, tile).await,
        };
        brought.map(Some).map_err(|miss| why(miss.into()))
    }

    async fn mirrored(&self, path: &TilePath) -> Result<Option<Bytes>, Fault> {
        // Of the full log as it is each time: that is the one that is healed.
        let read = || match (self.database.mirror(), path) {
            (None, _) => Ok(None),
            (Some(mirror), TilePath::Hashes(tile)) => Ok(mirror.snapshot.hash_tile(tile)?),
            (Some(mirror), TilePath::Data(tile)) => Ok(mirror.snapshot.data_tile(tile)?),
        };
        Ok(self.healing(read).await?.map(Bytes::from))
    }

    /// The leaf hash of a record of this tree.
    pub(super) async fn leaf(&self, now: &CurrentHead, id: u64) -> Result<Hash, Stop> {
        let read = || self.database.mirror().map_or(Ok(None), |mirror| Ok(mirror.snapshot.leaf(id)?));
        if let Some(leaf) = self.healing(read).await? {
            return Ok(leaf);
        }
        let place = u32::try_from(id & 0xff).unwrap_or(0);
        let tile =
            Tile::new(0, DataTile::index_of(id), place + 1).map_err(|error| Fault::refused("the tree", error))?;
        let bytes = self.hash_tile(now, &tile).await?;
        let leaf = bytes.last_chunk::<{ Hash::LEN }>().copied().map(Hash);
        leaf.ok_or_else(|| Fault::machine(tile.to_string(), "is empty").into())
    }

    /// A tile of hashes that this tree has.
    async fn hash_tile(&self, now: &CurrentHead, tile: &Tile) -> Result<Bytes, Unavailable> {
        if let Some(bytes) = self.mirrored(&TilePath::Hashes(*tile)).await? {
            return Ok(bytes);
        }
        if now.has_full(tile) {
            return self.full_tile(now, &tile.full()).await.map(|full| full.slice(..tile.byte_len().min(full.len())));
        }
        // It is in the edge, which is proven whole.
        let bytes = now.proven().tile_bytes(tile).map(Bytes::from);
        bytes.ok_or_else(|| Unavailable::NotHeld(format!("{tile} is beyond the tree of size {}", now.size())))
    }

    async fn full_tile(&self, now: &CurrentHead, tile: &Tile) -> Result<Bytes, Unavailable> {
        let path = TilePath::Hashes(*tile);
        if let Some(bytes) = self.recent.tiles.get(&path) {
            return Ok(bytes);
        }
        self.bringing.join(&path, Box::pin(self.fetch_tile(now, tile))).await
    }

    /// Brings the tiles above it first, each of which others may be waiting for too.
    async fn fetch_tile(&self, now: &CurrentHead, tile: &Tile) -> Result<Bytes, Unavailable> {
        let mut above = Vec::new();
        for parent in now.missing_above(tile) {
            let bytes = self.full_tile(now, &parent).await?;
            above.push((parent, bytes));
        }
        let bytes = self.database.tile(now, tile, &above).await?;
        self.recent.tiles.insert(TilePath::Hashes(*tile), bytes.clone());
        Ok(bytes)
    }

    /// A tile of records that this tree has.
    async fn data_tile(&self, now: &CurrentHead, tile: &DataTile) -> Result<Bytes, Unavailable> {
        // One tile is kept for all widths: the whole of what this tree has.
        let widest = self.widest(now, tile)?;
        let path = TilePath::Data(widest);
        let bytes = match self.recent.tiles.get(&path) {
            Some(bytes) => bytes,
            None => self.bringing.join(&path, Box::pin(self.fetch_data_tile(now, &widest))).await?,
        };
        let records = split_records(&bytes, u16::try_from(widest.hashes().width()).unwrap_or(0))
            .map_err(|error| Fault::refused(path.to_string(), error))?;
        let width = usize::try_from(tile.hashes().width()).unwrap_or(usize::MAX);
        Ok(Bytes::from(join_records(records.get(..width).unwrap_or(&records))))
    }

    fn widest(&self, now: &CurrentHead, tile: &DataTile) -> Result<DataTile, Unavailable> {
        let hashes = tile.hashes();
        let rest = now.size().saturating_sub(hashes.index() << 8).min(256);
        let width = u32::try_from(rest).unwrap_or(256);
        DataTile::new(hashes.index(), width).map_err(|error| Fault::refused(tile.to_string(), error).into())
    }

    async fn fetch_data_tile(&self, now: &CurrentHead, tile: &DataTile) -> Result<Bytes, Unavailable> {
        let leaves = self.hash_tile(now, &tile.hashes()).await?;
        let bytes = self.database.data_tile(tile, &leaves).await?;
        self.recent.tiles.insert(TilePath::Data(*tile), bytes.clone());
        Ok(bytes)
    }
}
