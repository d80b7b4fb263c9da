//! What a mirror needs of the timeline: the newest head that can be proven, and the hashes of its tree as they are needed.

use std::path::PathBuf;

use super::current::CurrentHead;
use super::{Database, Progress, QUIETLY, Stop, Unavailable, missed};
use crate::fault::Fault;
use crate::store::{StoredHead, Swap};
use crate::sumdb;
use crate::sumdb::checkpoint::Checkpoint;
use crate::sumdb::evidence::Evidence;
use crate::sumdb::tile::{VerifiedTree, Want};
use crate::upstream::Got;

/// The longest signed head that is read, in bytes: its text is three lines, and a hundred signatures are 20 KB.
const MAX_HEAD_BYTES: usize = 64 << 10;
/// The longest signed note that is read where one upstream is asked: its text is bounded by 1,000,000 bytes (tlog.ParseTree), its
/// signatures by 100.
const MAX_NOTE_BYTES: usize = 1 << 20;
/// Rounds in which tiles are asked for before they are given up.
const ROUNDS: usize = 2;

/// The newest head that was accepted, and what is proven of its tree so far: the right edge at least.
pub struct Newest {
    current: CurrentHead,
    given: Vec<Checkpoint>,
}

impl Newest {
    /// The signed head.
    pub fn head(&self) -> &Checkpoint {
        &self.current.head
    }

    /// All signed heads that the upstreams gave. Some may not have been compared because tiles were missing.
    pub fn given(&self) -> &[Checkpoint] {
        &self.given
    }

    /// What is proven of its tree.
    pub fn tree(&self) -> &VerifiedTree {
        &self.current.proven.tree
    }

    /// Drops the full tiles of `level` and below.
    pub fn forget_up_to(&mut self, level: u32) {
        self.current.proven.tree.forget_up_to(level);
        self.current.proven.missed.clear();
    }
}

impl Database {
    /// Asks every upstream for its newest head, and moves on to the newest of them that can be proven to contain all that were
    /// accepted before. A head that is not newer than the remembered one moves nothing.
    ///
    /// # Errors
    /// `Forked`: the log is caught, the evidence saved. `Refused`, `Unavailable`: no upstream gave a head that is signed, or the
    /// tree of none of them could be had; each is named with its reason. `Unavailable` also for the data folder.
    pub async fn newest(&self, progress: Progress<'_>) -> Result<Newest, Fault> {
        self.require_no_fork()?;
        let open = |bytes: Vec<u8>| self.notes.open(&bytes);
        let heads = self.upstreams.fetch_each("latest", MAX_HEAD_BYTES, open).await?;
        match self.advance(&self.tiles(progress), &heads, None).await {
            Ok(Some(current)) => Ok(Newest { current, given: heads }),
            Ok(None) => Err(Fault::nobody(&self.name, "no signed tree head could be had")),
            Err(stop) => Err(stop.into_fault(&self.name)),
        }
    }

    /// Moves on to the newest of `heads` that is newer than the remembered one and can be proven, having compared all of them.
    /// `before` is the head that an earlier call gave: what is proven of its tree is used again. Given is the head that is in force
    /// now, with the edge of its tree; none where there never was one.
    ///
    /// # Errors
    /// `Unavailable`: what the comparison needs cannot be had, so nothing moved. `Fatal`: the log is caught, or the disk failed.
    pub async fn move_to(
        &self,
        heads: &[Checkpoint],
        before: Option<&CurrentHead>,
    ) -> Result<Option<CurrentHead>, Stop> {
        let moved = self.advance(&self.tiles(QUIETLY), heads, before.cloned()).await?;
        let Some(mut current) = moved else { return Ok(None) };
        self.keep_tiles(&mut current.proven);
        let current = current.with_edge_only();
        current.map(Some).ok_or_else(|| Fault::machine("the tree", "its right edge is not held").into())
    }

    /// The newest head that the first upstream that answers has signed. Nothing of its tree is proven yet.
    ///
    /// # Errors
    /// `Refused`, `Unavailable`: no upstream gave one.
    pub async fn fetch_latest(&self) -> Result<Checkpoint, Fault> {
        let open = |note: Vec<u8>| self.notes.open(&note);
        match self.upstreams.fetch_where("latest", MAX_NOTE_BYTES, open).await {
            Ok(Got::Body(head, _)) => Ok(head),
            Ok(Got::Absent(absence)) => Err(Fault::unavailable(absence.cause(), "latest", absence.by.join("; "))),
            Err(fault) => Err(missed(&self.upstreams, fault).into_fault("the data folder")),
        }
    }

    /// A head that somebody else keeps.
    ///
    /// # Errors
    /// Those of [`Checkpoint::open`].
    pub fn open_head(&self, note: &[u8]) -> sumdb::Result<Checkpoint> {
        self.notes.open(note)
    }

    /// A head that is kept in the data folder, in the file at `path`.
    ///
    /// # Errors
    /// `Unavailable`: it is not signed by this database's key; with what to do about it.
    pub fn open_stored_head(&self, path: PathBuf, note: Vec<u8>) -> Result<Checkpoint, Fault> {
        self.notes.open_stored(&StoredHead { path, note })
    }

    /// Shows that `old` is the beginning of the newest tree.
    ///
    /// # Errors
    /// `Forked` where it is not, with the evidence saved; else as [`Database::fetch_tiles`].
    pub async fn require_contains(
        &self,
        newest: &mut Newest,
        old: &Checkpoint,
        progress: Progress<'_>,
    ) -> Result<(), Fault> {
        self.require_one_tree_a_size([newest.head(), old].into_iter())?;
        let head = newest.head().clone();
        match self.require_contained(&self.tiles(progress), &mut newest.current.proven, old, &head).await {
            Ok(()) => Ok(()),
            Err(stop) => Err(stop.into_fault(&self.name)),
        }
    }

    /// Brings the tiles that `wants` need, proven. Nothing of them is kept in the cache.
    ///
    /// # Errors
    /// `Refused` or `Unavailable`: a tile could not be had from any upstream; each is named with its reason.
    pub async fn fetch_tiles(&self, newest: &mut Newest, wants: &[Want], progress: Progress<'_>) -> Result<(), Fault> {
        let mut miss = Unavailable::NotHeld("nothing was asked".to_owned());
        for _ in 0..ROUNDS {
            let proven = &mut newest.current.proven;
            proven.missed.clear();
            let brought = self.tiles(progress).fetch(proven, wants).await;
            proven.fresh.clear();
            let plan = proven.tree.plan(wants).map_err(|error| Fault::refused("the tree", error))?;
            miss = match brought {
                Ok(()) if plan.tiles().is_empty() => return Ok(()),
                Ok(()) => Unavailable::worst(
                    plan.tiles().iter().filter_map(|tile| proven.missed.get(tile)).cloned().collect(),
                ),
                Err(miss) => miss,
            };
        }
        Err(miss.into_fault(&self.name))
    }

    /// The fault that the log signed two histories, `old` and `new`, where the tree of `new` is at hand; the evidence is saved.
    pub(super) fn caught_rewriting(&self, old: &Checkpoint, new: &Checkpoint, tree: &VerifiedTree) -> Fault {
        let size = old.tree().size;
        let rewritten = tree.root_at(size).unwrap_or_default();
        self.caught(Evidence::new(old, new, rewritten, tree.consistency_proof(size).unwrap_or_default()))
    }

    /// Remembers `head`, which has been shown to contain all that are remembered and not larger; `edge` are the tiles at its right
    /// edge, by path. Nothing is done where `latest` has one as large. Another process that moved on meanwhile has looked at what
    /// it moved from itself.
    ///
    /// # Errors
    /// `Unavailable`: the data folder.
    pub fn remember(&self, head: &Checkpoint, edge: &[(String, Vec<u8>)]) -> Result<(), Fault> {
        // Also where it is known: the cache that held the tiles may have been cleared.
        self.cache.keep_all(edge);
        let latest = self.head.load()?;
        let known = latest.as_deref().and_then(|note| self.notes.open(note).ok());
        if known.is_some_and(|known| known.tree().size >= head.tree().size) {
            return Ok(());
        }
        match self.head.swap(latest.as_deref(), head.bytes())? {
            Swap::Done | Swap::Conflict(_) => Ok(()),
        }
    }

    /// How the database is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The log's verifier key, `NAME+HASH+KEY`: what is proven by one key is not proven by another of the same name.
    pub fn vkey(&self) -> &str {
        &self.vkey
    }
}
