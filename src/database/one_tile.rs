//! One tile, of hashes or of records, fetched and proven under the head in force on its own: what a relay serves.

use bytes::Bytes;

use super::current::CurrentHead;
use super::{Database, QUIETLY, Unavailable, missed};
use crate::fault::Fault;
use crate::sumdb;
use crate::sumdb::hash::{Hash, leaf_hash};
use crate::sumdb::record::{MAX_DATA_TILE_BYTES, join_records, split_records};
use crate::sumdb::tile::{DataTile, Tile, Want};
use crate::upstream::Got;

impl Database {
    /// The bytes of one full tile of hashes of the tree of `current`, from the disk or the upstreams, proven; it is kept in the
    /// cache. `above` are the tiles of [`CurrentHead::missing_above`], in its order, each with its bytes.
    ///
    /// # Errors
    /// The tile cannot be had, or the bytes of one above it do not prove.
    pub async fn tile(
        &self,
        current: &CurrentHead,
        tile: &Tile,
        above: &[(Tile, Bytes)],
    ) -> Result<Bytes, Unavailable> {
        let mut proven = current.proven.clone();
        for (parent, bytes) in above {
            proven.tree.admit(parent, bytes).map_err(|error| Fault::refused(parent.to_string(), error))?;
        }
        self.tiles(QUIETLY).fetch(&mut proven, &[Want::Tile(*tile)]).await?;
        self.keep_tiles(&mut proven);
        let why = || Unavailable::NotHeld(format!("{tile} could not be had"));
        let bytes = proven.tree.tile_bytes(tile).map(Bytes::from);
        bytes.ok_or_else(|| proven.missed.remove(tile).unwrap_or_else(why))
    }

    /// The bytes of one tile of records, from the cache or the upstreams, in the one form that is served; `leaves` are the proven
    /// bytes of the tile of hashes below it. It is kept in the cache.
    ///
    /// # Errors
    /// The tile cannot be had, or what the upstreams sent has other hashes.
    pub async fn data_tile(&self, tile: &DataTile, leaves: &[u8]) -> Result<Bytes, Unavailable> {
        let path = tile.to_string();
        let kept = self.cache.read(&path).ok().flatten().and_then(|bytes| check(&bytes, tile, tile, leaves).ok());
        if let Some(bytes) = kept {
            return Ok(Bytes::from(bytes));
        }
        let bytes = self.fetch_data_tile(tile, leaves).await?;
        self.cache.keep(&path, &bytes);
        Ok(Bytes::from(bytes))
    }

    async fn fetch_data_tile(&self, tile: &DataTile, leaves: &[u8]) -> Result<Vec<u8>, Unavailable> {
        let full = DataTile::new(tile.hashes().index(), 256).ok().filter(|full| full != tile);
        let mut missing = Unavailable::NotHeld(format!("{tile} is not held"));
        // A log may have dropped a partial tile once the full one exists (C2SP tlog-tiles).
        for sent in std::iter::once(*tile).chain(full) {
            let checked = |bytes: Vec<u8>| check(&bytes, &sent, tile, leaves);
            match self.upstreams.fetch_where(&sent.to_string(), MAX_DATA_TILE_BYTES, checked).await {
                Ok(Got::Body(bytes, _)) => return Ok(bytes),
                Ok(Got::Absent(absence)) if sent == *tile => {
                    let by = absence.by.join("; ");
                    missing = match absence.authoritative {
                        true => Fault::upstream(tile.to_string(), by).into(),
                        false => Unavailable::NotHeld(by),
                    };
                }
                Ok(Got::Absent(_)) => {}
                Err(fault) => return Err(missed(&self.upstreams, fault)),
            }
        }
        Err(missing)
    }
}

/// The records of `tile` in the bytes that were sent for `sent`, which is as wide or wider, in the one form that is served, if
/// their hashes are `leaves`.
fn check(bytes: &[u8], sent: &DataTile, tile: &DataTile, leaves: &[u8]) -> sumdb::Result<Vec<u8>> {
    let records = split_records(bytes, u16::try_from(sent.hashes().width()).unwrap_or(0))?;
    for (at, (record, leaf)) in records.iter().zip(leaves.as_chunks::<{ Hash::LEN }>().0).enumerate() {
        if leaf_hash(record).0 != *leaf {
            let why = format!("record {at} of it has another hash than the log's leaf");
            return Err(sumdb::Error::unproven(sent.to_string(), why));
        }
    }
    let width = usize::try_from(tile.hashes().width()).unwrap_or(usize::MAX);
    let records = records.get(..width).filter(|_| leaves.len() == tile.hashes().byte_len());
    records.map(join_records).ok_or_else(|| sumdb::Error::malformed(sent.to_string(), "too few records"))
}
