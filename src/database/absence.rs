//! Is a module version in the log, where the sources say that they do not have it? A "no" of anybody else does not speak for the log.
//! It counts in two cases, under a head that was proven in this run:
//!
//! - a full copy of the tree of that head has no such record: the copy that is synced, and what was added since, read now; a small
//!   log is read as a whole;
//! - the database itself says so, over TLS under its own name, and gave a head that the proven one contains.
//!
//! A database that could not fetch a module in time (golang/go#56174) has said nothing about it.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::claims::Claim;
use super::current::CurrentHead;
use super::{Answer, Database, Denial, QUIETLY, Unavailable, Unread};
use crate::fault::Fault;
use crate::sumdb::checkpoint::Checkpoint;
use crate::sumdb::hash::{Hash, leaf_hash};
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::record::{VerifiedRecord, split_records, subject};
use crate::sumdb::tile::{DataTile, FULL, Want};
use crate::upstream::Got;

/// The longest signed head that is read, in bytes.
const MAX_HEAD_BYTES: usize = 64 << 10;
/// Records that are read to find out whether one of them is the record: 64 data tiles.
const MAX_READ: u64 = 64 * FULL;
/// Their bytes that are held at most.
const MAX_BYTES: usize = 16 << 20;
/// Lines of a denial that are repeated.
const MAX_LINES: usize = 8;
/// Data tiles asked for at once.
const TILES_AT_ONCE: usize = 8;
/// What a database says that could not find out: none of it is a statement about the module.
const PASSING: [&str; 10] = [
    "timed out",
    "timeout",
    "deadline exceeded",
    "try again",
    "temporar",
    "unavailable",
    "connection re",
    "too many",
    "internal error",
    "bad gateway",
];

/// The records of a tree that the full copy does not hold, as they were read.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// the tree, and the first record that was read
    of: Option<(u64, Hash, u64)>,
    /// number, text and leaf hash by module version
    records: HashMap<ModuleVersion, (u64, Bytes, Hash)>,
}

/// The heads of the sources that the database itself is, by source.
pub type OwnHeads = Vec<(usize, Checkpoint)>;

impl Database {
    /// Signed heads from the sources, so that a denial can be judged: of the database itself where it said "no", else of the first
    /// source that has one. Nothing of their trees is proven yet.
    pub async fn heads_for(&self, denials: &[&Denial]) -> (Vec<Checkpoint>, OwnHeads) {
        let mut own: Vec<usize> = denials.iter().filter_map(|denial| denial.own).collect();
        own.sort_unstable();
        own.dedup();
        let mut heads = Vec::new();
        for source in own {
            let got = self.upstreams.fetch_from(source, "latest", MAX_HEAD_BYTES).await;
            if let Ok(Got::Body(note, _)) = got
                && let Ok(head) = self.notes.open(&note).inspect_err(|error| self.upstreams.refute(source, error))
            {
                heads.push((source, head));
            }
        }
        let others = if heads.is_empty() { self.fetch_latest().await.ok() } else { None };
        (heads.iter().map(|(_, head)| head.clone()).chain(others).collect(), heads)
    }

    /// What a denial comes to under `current`: the record after all, its absence, or that nothing could be learned. `own` are the
    /// heads of [`Database::heads_for`].
    pub async fn judge(
        &self,
        module: &ModuleVersion,
        denial: &Denial,
        current: &CurrentHead,
        own: &OwnHeads,
    ) -> Answer {
        let (size, name) = (current.size(), &self.name);
        let read = self.read_rest(current).await;
        let found = read.as_ref().map(|read| self.find_in(module, read));
        let said = denial.own.filter(|source| own.iter().any(|(own, head)| own == source && current.contains(head)));
        let proof = match found {
            Ok(Ok(Some(record))) => return Answer::Found(record),
            Ok(Err(fault)) => return Answer::Unknown(fault.into()),
            Ok(Ok(None)) => {
                Some(format!("none of the {size} records of the log is its record (the full copy was searched)"))
            }
            Err(_) => said
                .map(|_| format!("{name} itself says so, over TLS under its own name, after a proven head of its own")),
        };
        if let Some(words) = denial.by.iter().find(|words| is_passing(words)) {
            let why = format!("{words}: the database could not find out in time; try again later");
            return Answer::Unknown(Fault::upstream(module.to_string(), why).into());
        }
        match proof {
            Some(proof) => {
                Answer::NotInLog { by: denial.by.iter().take(MAX_LINES).cloned().chain(Some(proof)).collect() }
            }
            None => Answer::Unknown(Unavailable::Denied(denial.clone())),
        }
    }

    /// Signed heads for judging what is denied, where anything is.
    pub(super) async fn heads_of_denials(&self, said: &[Option<Answer<Claim>>]) -> (Vec<Checkpoint>, OwnHeads) {
        let denials = said.iter().flatten().filter_map(|said| match said {
            Answer::Unknown(Unavailable::Denied(denial)) => Some(denial),
            _ => None,
        });
        let denials: Vec<&Denial> = denials.collect();
        if denials.is_empty() { (Vec::new(), Vec::new()) } else { self.heads_for(&denials).await }
    }

    /// What the denials among the answers come to under the head in force. A record that was found by reading is a claim like others.
    pub(super) async fn judge_denials(
        &self,
        asked: &[ModuleVersion],
        said: &mut [Option<Answer<Claim>>],
        now: &CurrentHead,
        own: &OwnHeads,
    ) {
        for (module, said) in asked.iter().zip(said) {
            let Some(Answer::Unknown(Unavailable::Denied(denial))) = said else { continue };
            *said = Some(match self.judge(module, denial, now, own).await {
                Answer::Found(record) => Claim::of_record(&record)
                    .map_or_else(|fault| Answer::Unknown(Unavailable::Fault(fault)), Answer::Found),
                Answer::NotInLog { by } => Answer::NotInLog { by },
                Answer::Unknown(miss) => Answer::Unknown(miss),
            });
        }
    }

    fn find_in(&self, module: &ModuleVersion, read: &Read) -> Result<Option<VerifiedRecord>, Fault> {
        if let Some(record) = self.mirror.find(module).map_err(Unread::into_fault)? {
            return Ok(Some(record));
        }
        let Some((id, text, leaf)) = read.records.get(module) else { return Ok(None) };
        let damaged = |error| Fault::refused("the log", error);
        VerifiedRecord::check(module, *id, text, leaf).map(Some).map_err(damaged)
    }

    /// The records of the tree of `current` that the full copy does not hold, if they are not too many.
    async fn read_rest(&self, current: &CurrentHead) -> Result<Arc<Read>, Unavailable> {
        let (size, root) = (current.size(), current.tree().root);
        let held = self.mirror.current().filter(|mirror| mirror.is_indexed()).map_or(0, |mirror| mirror.size());
        let from = held.min(size);
        if size - from > MAX_READ {
            let why = format!("{} records of the log are not held here, too many to be read now", size - from);
            return Err(Unavailable::NotHeld(why));
        }
        if from == size {
            return Ok(Arc::default());
        }
        let mut read = self.read.lock().await;
        if read.of.is_none_or(|(known, at, first)| (known, at) != (size, root) || first > from) {
            *read = Arc::new(self.read_records(current, from).await?);
        }
        Ok(Arc::clone(&read))
    }

    async fn read_records(&self, current: &CurrentHead, from: u64) -> Result<Read, Unavailable> {
        let (size, root) = (current.size(), current.tree().root);
        let mut proven = current.proven.clone();
        let wants: Vec<Want> = (from..size).map(Want::Leaf).collect();
        self.tiles(QUIETLY).fetch(&mut proven, &wants).await?;
        let leaves: Option<Vec<Hash>> = (from / FULL * FULL..size).map(|id| proven.tree.leaf(id)).collect();
        let leaves = leaves.ok_or_else(|| Unavailable::NotHeld("a tile of the log could not be had".to_owned()))?;
        self.keep_tiles(&mut proven);
        let whole = leaves.chunks(usize::try_from(FULL).unwrap_or(256)).map(|leaves| {
            let hashes: Vec<u8> = leaves.iter().flat_map(|leaf| leaf.0).collect();
            (u32::try_from(leaves.len()).unwrap_or(0), hashes)
        });
        let tiles: Vec<(u64, (u32, Vec<u8>))> = (from / FULL..).zip(whole).collect();
        let brought = stream::iter(tiles).map(|(index, (width, hashes))| async move {
            let tile = DataTile::new(index, width).map_err(|error| Fault::refused("the tree", error))?;
            Ok::<_, Unavailable>((index * FULL, self.data_tile(&tile, &hashes).await?, width))
        });
        let mut brought = std::pin::pin!(brought.buffer_unordered(TILES_AT_ONCE));
        let (mut records, mut bytes) = (HashMap::new(), 0);
        while let Some((first, tile, width)) = brought.try_next().await? {
            bytes += tile.len();
            if bytes > MAX_BYTES {
                return Err(Unavailable::NotHeld(format!("more than {MAX_BYTES} bytes of records")));
            }
            let texts = split_records(&tile, u16::try_from(width).unwrap_or(0));
            let texts = texts.map_err(|error| Fault::refused("the log", error))?;
            for (id, text) in (first..).zip(texts).filter(|(id, _)| *id >= from) {
                // A record that is none of a module version is not the one that was asked for.
                if let Ok(module) = subject(text) {
                    records.entry(module).or_insert_with(|| (id, Bytes::copy_from_slice(text), leaf_hash(text)));
                }
            }
        }
        Ok(Read { of: Some((size, root, from)), records })
    }
}

/// Whether a source says that it could not find out.
fn is_passing(words: &str) -> bool {
    // What stands before it is the source's own URL.
    let words = words.split_once("server says: ").map_or("", |(_, words)| words).to_ascii_lowercase();
    PASSING.iter().any(|passing| words.contains(passing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_that_could_not_be_fetched_is_not_denied() {
        let said = |words: &str| format!("https://timeout.example: 404 Not Found (server says: {words})");
        for passing in ["not found: fetch timed out", "not found: x: Internal error", "dial tcp: i/o timeout"] {
            assert!(is_passing(&said(passing)), "{passing}");
        }
        for lasting in ["not found: example.com/x@v1.0.0: invalid version: unknown revision v1.0.0", "gone"] {
            assert!(!is_passing(&said(lasting)), "{lasting}");
        }
        assert!(!is_passing("https://timeout.example: 404 Not Found"));
    }
}
