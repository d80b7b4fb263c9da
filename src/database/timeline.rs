//! One timeline: every signed head that is accepted contains all that were accepted before, or the log is caught.
//!
//! The head moves only forward, to a tree that has been shown to contain the remembered one, which is the largest of all heads
//! that the data folder holds. At first contact, where it holds none, the first signed head must be consistent with those that are
//! pinned (`pins`); beyond them, and where none is, it is trusted, as the go command does.
//! Two heads that cannot both be true become evidence, and nothing is
//! accepted or kept. A head whose tree cannot be had moves nothing: what the next older one proves stays proven.

use std::collections::HashMap;

use super::current::CurrentHead;
use super::pins;
use super::tiles::{Proven, Tiles};
use super::{Database, Stop, Unavailable};
use crate::fault::Fault;
use crate::store::Swap;
use crate::store::failures::WriteKind;
use crate::store::head::Sighting;
use crate::sumdb::checkpoint::Checkpoint;
use crate::sumdb::evidence::Evidence;
use crate::sumdb::tile::Want;

/// Tries to move the head while other processes move it too.
const MAX_CONFLICTS: usize = 16;
/// New heads that are tried, the largest first, before the remembered one must do.
const MAX_CANDIDATES: usize = 4;

/// The heads that the data folder remembers, and the one that it could not take.
pub(super) struct Memory {
    /// the largest first, each tree once
    heads: Vec<Checkpoint>,
    /// what stands in the file that is changed when a larger one is accepted
    latest: Option<Vec<u8>>,
}

impl Memory {
    /// The remembered head.
    fn known(&self) -> Option<&Checkpoint> {
        self.heads.first()
    }
}

impl Database {
    /// The remembered head: the largest that the data folder holds.
    ///
    /// # Errors
    /// As [`Database::remembered_heads`].
    pub fn remembered(&self) -> Result<Option<Checkpoint>, Fault> {
        Ok(self.memory()?.heads.into_iter().next())
    }

    /// All heads that the data folder holds as the newest of something, the largest first.
    ///
    /// # Errors
    /// `Forked`: two of them are of one size and differ. `Unavailable`: the disk, or one of them is damaged or not signed by this
    /// database's key; none is passed over.
    pub fn remembered_heads(&self) -> Result<Vec<Checkpoint>, Fault> {
        Ok(self.memory()?.heads)
    }

    fn memory(&self) -> Result<Memory, Fault> {
        let stored = self.head.all()?;
        let mut heads = stored.iter().map(|head| self.notes.open_stored(head)).collect::<Result<Vec<_>, _>>()?;
        heads.extend(self.unstored.head());
        self.require_one_tree_a_size(heads.iter())?;
        // Stable: of several notes about one tree the first is kept, that of `latest`.
        heads.sort_by_key(|head| std::cmp::Reverse(head.tree().size));
        heads.dedup_by_key(|head| head.tree().size);
        let path = self.head.path();
        let latest = stored.into_iter().find(|head| head.path == path).map(|head| head.note);
        Ok(Memory { heads, latest })
    }

    /// Moves on to the newest of `heads` that is newer than the remembered one and can be proven, having compared all of
    /// them. `before` is what an earlier call gave.
    ///
    /// # Errors
    /// `Unavailable`: what the comparison needs cannot be had, so nothing moved. `Fatal`: the log is caught, or the disk failed.
    pub(super) async fn advance(
        &self,
        tiles: &Tiles<'_>,
        heads: &[Checkpoint],
        mut before: Option<CurrentHead>,
    ) -> Result<Option<CurrentHead>, Stop> {
        let countable;
        let (heads, unmet) = if self.notes.policy().least_cosignatures() == 0 {
            (heads, None)
        } else {
            countable = Box::pin(self.countable(heads, self.memory()?.known())).await;
            (countable.heads.as_slice(), countable.unmet)
        };
        'conflict: for _ in 0..MAX_CONFLICTS {
            let memory = self.memory()?;
            if heads.iter().any(|head| is_news(memory.known(), head)) {
                self.require_no_fork()?;
            }
            let pins = self.pins.open(memory.known(), &self.head);
            self.require_one_tree_a_size(memory.heads.iter().chain(heads).chain(pins))?;
            let mut beyond = unmet.clone().map(Unavailable::Fault);
            for head in candidates(memory.known(), heads, pins) {
                if !head.has_quorum() {
                    beyond.get_or_insert_with(|| self.uncosigned(head, None).into());
                    continue;
                }
                let is_news = memory.known().is_none_or(|known| known.tree() != head.tree());
                let pins = if is_news { pins } else { &[] };
                if let Some(pin) = pins.iter().find(|pin| pin.tree().size > head.tree().size) {
                    beyond = Some(pins::older(head, pin, beyond));
                    continue;
                }
                let same = before.take_if(|before| before.head.tree() == head.tree());
                let mut proven = same.map_or_else(|| Proven::nothing_of(head.tree()), |same| same.proven);
                let uncompared = match self.compare_all(tiles, &mut proven, (&memory.heads, pins), heads, head).await {
                    Ok(uncompared) => uncompared,
                    Err(Stop::Unavailable(miss)) => {
                        beyond.get_or_insert(miss);
                        continue;
                    }
                    Err(stop) => return Err(stop),
                };
                if let Swap::Conflict(_) = self.put_latest(&memory, head, &mut proven)? {
                    continue 'conflict; // another process moved it: look at what it moved to
                }
                if !pins.is_empty() {
                    self.note_pinned();
                }
                return Ok(Some(CurrentHead { head: head.clone(), proven, uncompared, beyond }));
            }
            return beyond.map_or(Ok(None), |miss| Err(miss.into()));
        }
        let path = self.head.path().display().to_string();
        Err(Fault::machine(path, "other processes keep changing the remembered head; try again").into())
    }

    /// Writes `head`, which is the remembered one or newer, to `latest`, unless it stands there.
    fn put_latest(&self, memory: &Memory, head: &Checkpoint, proven: &mut Proven) -> Result<Swap, Fault> {
        let is_known = memory.known().is_some_and(|known| known.tree() == head.tree());
        // One that came with the cosignatures that the remembered one lacks takes its place.
        let is_better = memory.known().is_some_and(|known| head.has_quorum() && !known.has_quorum());
        let stands = is_known && !is_better && memory.latest.as_deref() == memory.known().map(Checkpoint::bytes);
        // A folder that is opened read-only does not store the head.
        if self.folder.reads_only() || stands {
            return Ok(Swap::Done);
        }
        // First the tiles: a head whose edge is not at hand could not be used offline.
        self.keep_tiles(proven);
        match self.head.swap(memory.latest.as_deref(), head.bytes()) {
            // It is remembered elsewhere, in the data folder or in memory; `latest` takes it over when the disk lets it.
            Err(fault) if is_known => {
                self.folder.note_failure(WriteKind::Head, &fault);
                Ok(Swap::Done)
            }
            Err(fault) if fault.is_disk() => {
                self.folder.note_failure(WriteKind::Head, &fault);
                self.unstored.hold(head);
                Ok(Swap::Done)
            }
            swapped => {
                if matches!(swapped, Ok(Swap::Done)) {
                    self.unstored.stored(head);
                    if !is_known {
                        self.note_sighting(head);
                    }
                }
                swapped
            }
        }
    }

    /// Notes that the timeline contains the pinned heads. Nothing depends on it but the next comparison with them.
    fn note_pinned(&self) {
        if let Err(fault) = self.pins.contained(&self.head, self.folder.reads_only()) {
            self.folder.note_failure(WriteKind::Head, &fault);
        }
    }

    /// Notes when and by which route a head was first seen. Nothing depends on it.
    fn note_sighting(&self, head: &Checkpoint) {
        let used = self.upstreams.standings().into_iter().find(|source| source.is_used);
        let asked = used.map_or_else(|| "the data folder".to_owned(), |source| source.name);
        let is_pinned = self.pins().iter().any(|pin| pin.bytes() == head.bytes());
        let route = self.expected.route_of(head.tree()).unwrap_or(asked);
        let route = if is_pinned { "pinned before first contact".to_owned() } else { route };
        if let Err(fault) = self.head.note_sighting(&Sighting::now(head.tree(), route)) {
            self.folder.note_failure(WriteKind::Head, &fault);
        }
    }

    /// Two roots at one size differ without any tile.
    pub(super) fn require_one_tree_a_size<'a>(&self, heads: impl Iterator<Item = &'a Checkpoint>) -> Result<(), Fault> {
        let mut seen: HashMap<u64, &Checkpoint> = HashMap::new();
        for head in heads {
            let first = *seen.entry(head.tree().size).or_insert(head);
            if let Some(evidence) = Evidence::of_one_size(first, head) {
                return Err(self.caught(evidence));
            }
        }
        Ok(())
    }

    /// Shows that `old` is the beginning of `head`'s tree.
    pub(super) async fn require_contained(
        &self,
        tiles: &Tiles<'_>,
        proven: &mut Proven,
        old: &Checkpoint,
        head: &Checkpoint,
    ) -> Result<(), Stop> {
        let size = old.tree().size;
        if size == 0 || old.tree() == head.tree() {
            return Ok(());
        }
        tiles.fetch(proven, &[Want::RootAt(size)]).await?;
        match proven.tree.root_at(size) {
            Some(root) if root == old.tree().root => Ok(()),
            Some(_) => Err(self.proof_of_fork(tiles, proven, old, head).await.into()),
            None => {
                let plan = proven.tree.plan(&[Want::RootAt(size)]).unwrap_or_default();
                let misses = plan.tiles().iter().filter_map(|tile| proven.missed.get(tile)).cloned();
                Err(Unavailable::worst(misses.collect()).into())
            }
        }
    }

    /// Compares the remembered heads, of which the largest must be contained in `head` as must those that are pinned, and those that
    /// came along with answers.
    /// What else is remembered was compared when it was accepted, and the others are not adopted: one that cannot be compared is
    /// only counted.
    async fn compare_all(
        &self,
        tiles: &Tiles<'_>,
        proven: &mut Proven,
        (remembered, pins): (&[Checkpoint], &[Checkpoint]),
        heads: &[Checkpoint],
        head: &Checkpoint,
    ) -> Result<usize, Stop> {
        tiles.fetch(proven, &[]).await?;
        let all = remembered.iter().chain(pins).chain(heads);
        let others = || all.clone().filter(|other| other.tree() != head.tree() && other.tree().size > 0);
        let sizes = others().map(|other| other.tree().size);
        let wants: Vec<_> = sizes.filter(|size| *size < head.tree().size).map(Want::RootAt).collect();
        tiles.fetch(proven, &wants).await?;
        let unstored = self.unstored.head();
        for known in remembered.first().into_iter().chain(pins).chain(&unstored) {
            self.require_contained(tiles, proven, known, head).await?;
        }
        let mut uncompared = 0;
        for other in others() {
            match proven.tree.root_at(other.tree().size) {
                Some(root) if root == other.tree().root => {}
                Some(_) => return Err(self.proof_of_fork(tiles, proven, other, head).await.into()),
                None => uncompared += 1,
            }
        }
        Ok(uncompared)
    }
}

/// Whether a head is newer than the remembered one.
fn is_news(known: Option<&Checkpoint>, head: &Checkpoint) -> bool {
    known.is_none_or(|known| head.tree().size > known.tree().size)
}

/// The heads that may be in force, best first: some that are newer than the remembered one, among them those of `pins` where anything
/// newer came, and the remembered one.
fn candidates<'a>(
    known: Option<&'a Checkpoint>,
    heads: &'a [Checkpoint],
    pins: &'a [Checkpoint],
) -> Vec<&'a Checkpoint> {
    let mut newer: Vec<&Checkpoint> = heads.iter().filter(|head| is_news(known, head)).collect();
    let pins = pins.iter().filter(|pin| !newer.is_empty() && is_news(known, pin)).collect::<Vec<_>>();
    newer.sort_by_key(|head| std::cmp::Reverse(head.tree().size));
    newer.truncate(MAX_CANDIDATES);
    // Stable: of several notes about one tree the one that came is kept.
    newer.extend(pins);
    newer.sort_by_key(|head| std::cmp::Reverse(head.tree().size));
    let cosigned = |known: &Checkpoint| heads.iter().find(|head| head.tree() == known.tree() && head.has_quorum());
    newer.extend(known.map(|known| cosigned(known).filter(|_| !known.has_quorum()).unwrap_or(known)));
    newer
}
