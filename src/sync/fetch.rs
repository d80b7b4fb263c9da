//! Bringing one data tile: from the upstream whose turn it is, else from the others, until the bytes prove.

use super::panicked;
use super::rate::Rate;
use super::tile::{Proven, Wanted, prove};
use crate::fault::Fault;
use crate::sumdb::record::MAX_DATA_TILE_BYTES;
use crate::sumdb::tile::DataTile;
use crate::upstream::{Got, Upstreams};

/// The longest data tile that is expected, in bytes. Real ones have 50 KiB; many of this length fit into memory at once.
const COMMON_BYTES: usize = 1 << 20;

/// How data tiles are brought.
pub(super) struct Fetch<'a> {
    upstreams: &'a Upstreams,
    rate: Option<Rate>,
    /// of tiles that are longer than any should be there is one in memory at a time
    huge: tokio::sync::Mutex<()>,
}

impl<'a> Fetch<'a> {
    pub(super) fn new(upstreams: &'a Upstreams, rate: Option<Rate>) -> Fetch<'a> {
        Fetch { upstreams, rate, huge: tokio::sync::Mutex::default() }
    }

    /// The wanted tile, proven. What could not be had is asked for once more, with room for the longest tile that there can be.
    ///
    /// # Errors
    /// `Refused` or `Unavailable`, with every upstream's reason.
    pub(super) async fn bring(&self, wanted: Wanted) -> Result<Proven, Fault> {
        match self.bring_within(&wanted, COMMON_BYTES).await {
            Err(Fault::Unavailable { .. }) => {
                let _one = self.huge.lock().await;
                self.bring_within(&wanted, MAX_DATA_TILE_BYTES).await
            }
            other => other,
        }
    }

    async fn bring_within(&self, wanted: &Wanted, limit: usize) -> Result<Proven, Fault> {
        let hashes = wanted.tile.hashes();
        let first = self.bring_as(&wanted.tile, wanted, limit).await;
        let Err(why) = first else { return first };
        if hashes.is_full() {
            return Err(why);
        }
        // A log may drop a partial tile once the full one exists (C2SP tlog-tiles): that one begins with the same records.
        let full = hashes.full();
        let full = DataTile::new(full.index(), full.width()).map_err(|error| Fault::refused("the tree", error))?;
        self.bring_as(&full, wanted, limit).await.map_err(|_| why)
    }

    /// The wanted tile under the name of `asked`.
    async fn bring_as(&self, asked: &DataTile, wanted: &Wanted, limit: usize) -> Result<Proven, Fault> {
        let (path, turn) = (asked.to_string(), asked.hashes().index());
        let mut refuted = Vec::new();
        // Ends: an upstream whose bytes did not prove is not asked again.
        loop {
            if let Some(rate) = &self.rate {
                rate.pass().await;
            }
            match self.upstreams.fetch_from_turn(turn, &path, limit, &refuted, Ok).await? {
                Got::Body(bytes, base) => {
                    if let Some(rate) = &self.rate {
                        rate.spent(bytes.len());
                    }
                    let wanted = wanted.clone();
                    let proof = tokio::task::spawn_blocking(move || prove(&wanted, bytes)).await;
                    match proof.map_err(|error| panicked(&error))? {
                        Ok(proven) => return Ok(proven),
                        Err(error) => {
                            self.upstreams.refute(base, &error);
                            refuted.push((base, error));
                        }
                    }
                }
                Got::Absent(absence) => {
                    let why = "the log signed a tree with this tile, and it does not have it (an outdated mirror?)";
                    return Err(Fault::unavailable(path, format!("{}: {why}", absence.by.join("; "))));
                }
            }
        }
    }
}
