//! Tiles of every width of every tree up to the newest: from the full log, from memory, or brought and proven.
//!
//! A partial tile of an older tree is the beginning of the full tile, or of the one at the right edge of the newest tree; both
//! are proven. A tile of records is proven by the leaf hashes of the tile of hashes below it.

use bytes::Bytes;

use super::super::tiles::Proven;
use super::super::{Stop, Unavailable, missed};
use super::heads::{Now, hashes_of, why};
use super::{Inner, QUIETLY};
use crate::fault::Fault;
use crate::sumdb;
use crate::sumdb::hash::{Hash, leaf_hash};
use crate::sumdb::record::{MAX_DATA_TILE_BYTES, join_records, split_records};
use crate::sumdb::tile::{DataTile, Tile, TilePath, Want};
use crate::upstream::Got;

/// Bytes of a hash.
const HASH_BYTES: usize = size_of::<Hash>();

impl Inner {
    pub(super) async fn tile(&self, path: &TilePath) -> Result<Option<Bytes>, Fault> {
        let mut now = self.now().await.map_err(why)?;
        // What the full log holds of any tree it holds of every later one.
        if let Some(bytes) = self.mirrored(path)? {
            return Ok(Some(bytes));
        }
        if now.as_ref().is_none_or(|now| !now.has(path)) {
            if self.options.offline {
                return Ok(None);
            }
            // Whoever asks for it has been shown a newer head.
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

    fn mirrored(&self, path: &TilePath) -> Result<Option<Bytes>, Fault> {
        let Some(mirror) = self.database.mirror.held() else { return Ok(None) };
        let bytes = match path {
            TilePath::Hashes(tile) => mirror.snapshot.hash_tile(tile)?,
            TilePath::Data(tile) => mirror.snapshot.data_tile(tile)?,
        };
        Ok(bytes.map(Bytes::from))
    }

    /// The leaf hash of a record of this tree.
    pub(super) async fn leaf(&self, now: &Now, id: u64) -> Result<Hash, Stop> {
        if let Some(mirror) = self.database.mirror.held().filter(|mirror| id < mirror.size())
            && let Some(leaf) = mirror.snapshot.leaf(id)?
        {
            return Ok(leaf);
        }
        let place = u32::try_from(id & 0xff).unwrap_or(0);
        let tile =
            Tile::new(0, DataTile::index_of(id), place + 1).map_err(|error| Fault::refused("the tree", error))?;
        let bytes = self.hash_tile(now, &tile).await?;
        let leaf = bytes.last_chunk::<HASH_BYTES>().copied().map(Hash);
        leaf.ok_or_else(|| Fault::unavailable(tile.to_string(), "is empty").into())
    }

    /// A tile of hashes that this tree has.
    async fn hash_tile(&self, now: &Now, tile: &Tile) -> Result<Bytes, Unavailable> {
        if let Some(bytes) = self.mirrored(&TilePath::Hashes(*tile))? {
            return Ok(bytes);
        }
        if now.has_full(tile) {
            return self.full_tile(now, &tile.full()).await.map(|full| full.slice(..tile.byte_len().min(full.len())));
        }
        // It is in the edge, which is proven whole.
        let bytes = now.tree.tile_bytes(tile).map(Bytes::from);
        bytes.ok_or_else(|| Unavailable::NotHeld(format!("{tile} is beyond the tree of size {}", now.size())))
    }

    async fn full_tile(&self, now: &Now, tile: &Tile) -> Result<Bytes, Unavailable> {
        let path = TilePath::Hashes(*tile);
        if let Some(bytes) = self.recent.tiles.get(&path) {
            return Ok(bytes);
        }
        self.bringing.join(&path, Box::pin(self.bring_tile(now, tile))).await
    }

    /// Brings the tiles above it first, each of which others may be waiting for too.
    async fn bring_tile(&self, now: &Now, tile: &Tile) -> Result<Bytes, Unavailable> {
        let mut proven = Proven { tree: now.tree.clone(), ..Proven::nothing_of(now.head.tree()) };
        let mut above = Vec::new();
        while let Some(parent) = proven.tree.missing_parent(above.last().unwrap_or(tile)) {
            above.push(parent);
        }
        for parent in above.iter().rev() {
            let bytes = self.full_tile(now, parent).await?;
            proven.tree.admit(parent, &bytes).map_err(|error| Fault::refused(parent.to_string(), error))?;
        }
        self.database.tiles(QUIETLY).bring(&mut proven, &[Want::Tile(*tile)]).await?;
        self.database.keep_tiles(&mut proven);
        let Some(bytes) = proven.tree.tile_bytes(tile).map(Bytes::from) else {
            let why = || Unavailable::NotHeld(format!("{tile} could not be had"));
            return Err(proven.missed.remove(tile).unwrap_or_else(why));
        };
        self.recent.tiles.insert(TilePath::Hashes(*tile), bytes.clone());
        Ok(bytes)
    }

    /// A tile of records that this tree has.
    async fn data_tile(&self, now: &Now, tile: &DataTile) -> Result<Bytes, Unavailable> {
        // One tile is kept for all widths: the whole of what this tree has.
        let widest = self.widest(now, tile)?;
        let path = TilePath::Data(widest);
        let bytes = match self.recent.tiles.get(&path) {
            Some(bytes) => bytes,
            None => self.bringing.join(&path, Box::pin(self.bring_data_tile(now, &widest))).await?,
        };
        let records = split(&bytes, &widest).map_err(|error| Fault::refused(path.to_string(), error))?;
        let width = usize::try_from(tile.hashes().width()).unwrap_or(usize::MAX);
        Ok(Bytes::from(join_records(records.get(..width).unwrap_or(&records))))
    }

    fn widest(&self, now: &Now, tile: &DataTile) -> Result<DataTile, Unavailable> {
        let hashes = tile.hashes();
        let rest = now.size().saturating_sub(hashes.index() << 8).min(256);
        let width = u32::try_from(rest).unwrap_or(256);
        DataTile::new(hashes.index(), width).map_err(|error| Fault::refused(tile.to_string(), error).into())
    }

    async fn bring_data_tile(&self, now: &Now, tile: &DataTile) -> Result<Bytes, Unavailable> {
        let leaves = self.hash_tile(now, &tile.hashes()).await?;
        let judge = |bytes: &[u8], sent: &DataTile| judge(bytes, sent, tile, &leaves);
        let path = tile.to_string();
        let kept = self.database.cache.read(&path).ok().flatten().and_then(|bytes| judge(&bytes, tile).ok());
        let bytes = match kept {
            Some(bytes) => bytes,
            None => {
                let bytes = self.fetch_data_tile(tile, &judge).await?;
                self.database.cache.keep(&path, &bytes);
                bytes
            }
        };
        let bytes = Bytes::from(bytes);
        self.recent.tiles.insert(TilePath::Data(*tile), bytes.clone());
        Ok(bytes)
    }

    async fn fetch_data_tile(
        &self,
        tile: &DataTile,
        judge: &(impl Fn(&[u8], &DataTile) -> sumdb::Result<Vec<u8>> + Sync),
    ) -> Result<Vec<u8>, Unavailable> {
        let upstreams = &self.database.upstreams;
        let full = DataTile::new(tile.hashes().index(), 256).ok().filter(|full| full != tile);
        let mut missing = Unavailable::NotHeld(format!("{tile} is not held"));
        // A log may have dropped a partial tile once the full one exists (C2SP tlog-tiles).
        for sent in std::iter::once(*tile).chain(full) {
            let judged = |bytes: Vec<u8>| judge(&bytes, &sent);
            match upstreams.fetch_where(&sent.to_string(), MAX_DATA_TILE_BYTES, judged).await {
                Ok(Got::Body(bytes, _)) => return Ok(bytes),
                Ok(Got::Absent(absence)) if sent == *tile => {
                    let by = absence.by.join("; ");
                    missing = match absence.authoritative {
                        true => Fault::unavailable(tile.to_string(), by).into(),
                        false => Unavailable::NotHeld(by),
                    };
                }
                Ok(Got::Absent(_)) => {}
                Err(fault) => return Err(missed(upstreams, fault)),
            }
        }
        Err(missing)
    }
}

/// The records of `tile` in the bytes that were sent for `sent`, which is as wide or wider, in the one form that is served, if
/// their hashes are `leaves`.
fn judge(bytes: &[u8], sent: &DataTile, tile: &DataTile, leaves: &[u8]) -> sumdb::Result<Vec<u8>> {
    let records = split(bytes, sent)?;
    for (at, (record, leaf)) in records.iter().zip(leaves.as_chunks::<HASH_BYTES>().0).enumerate() {
        if leaf_hash(record).0 != *leaf {
            let why = format!("record {at} of it has another hash than the log's leaf");
            return Err(sumdb::Error::unproven(sent.to_string(), why));
        }
    }
    let width = usize::try_from(tile.hashes().width()).unwrap_or(usize::MAX);
    let records = records.get(..width).filter(|_| leaves.len() == tile.hashes().byte_len());
    records.map(join_records).ok_or_else(|| sumdb::Error::malformed(sent.to_string(), "too few records"))
}

fn split<'a>(bytes: &'a [u8], tile: &DataTile) -> sumdb::Result<Vec<&'a [u8]>> {
    split_records(bytes, u16::try_from(hashes_of(&TilePath::Data(*tile)).width()).unwrap_or(0))
}
