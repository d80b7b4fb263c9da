//! A checksum database: module versions in, verified records out, all under one head of one timeline.
//!
//! Claims come from the cache or the upstreams (`claims`), and with each the tiles that it needs are asked for (`ahead`, `edge`). The head
//! moves to the newest that came with them (`timeline`), tiles are proven (`tiles`), and each claim is checked against its leaf. If a
//! claim is false, the next source is asked. Only proven bytes are cached, so that the next run sends no request.

mod absence;
mod accept;
mod ahead;
mod answer;
mod batch_cache;
mod cache_writer;
mod cached_entry;
mod carried;
mod check;
mod claims;
mod committed;
mod current;
mod edge;
mod forks;
mod inclusion;
mod mirror;
mod notes;
mod one_tile;
mod others;
mod pins;
mod restore;
mod tiles;
mod timeline;
mod unstored;
mod witnessed;

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::{StreamExt as _, future};

pub use absence::OwnHeads;
pub use accept::Newest;
use ahead::Ahead;
pub use answer::{Answer, Batch, Comparison, Denial, Stop, Unavailable};
use batch_cache::BatchCache;
use cache_writer::CacheWriter;
pub use carried::{Carried, carried};
use check::{Checked, WantedProofs, check_all, heads};
pub use claims::{Claim, Refutations};
use claims::{Refutation, Source, UnderWay};
pub use committed::CommittedLog;
pub use current::CurrentHead;
use mirror::CurrentMirror;
pub use mirror::{Mirror, Unread};
use notes::Notes;
use others::Expected;
use pins::Pins;
pub use restore::Restorable;
use tiles::{BATCH, Proven, Tiles};
use unstored::Unstored;
use witnessed::Distributors;

use crate::fault::Fault;
use crate::store::{Cache, Folder, HeadFile};
use crate::sumdb::bundle::RecordProof;
use crate::sumdb::checkpoint::Policy;
use crate::sumdb::hash::Hash;
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::record::LookupResponse;
use crate::upstream::{Http, Settings, Upstreams};

/// Told how far a stage is: its name, how many of its requests are answered, how many there are.
pub type Progress<'a> = &'a (dyn Fn(&str, usize, usize) + Sync);

/// Progress that is not shown.
const QUIETLY: Progress<'static> = &|_, _, _| {};

/// One checksum database, as seen through one data folder and its upstreams.
pub struct Database {
    name: String,
    /// the log's verifier key, which distinguishes databases of one name
    vkey: String,
    folder: Folder,
    cache: Cache,
    head: HeadFile,
    /// the newest proven head, where it could not be stored
    unstored: Unstored,
    /// heads that first contact must be consistent with
    pins: Pins,
    expected: Expected,
    mirror: CurrentMirror,
    upstreams: Upstreams,
    /// asked for what must come from the disk
    nobody: Upstreams,
    notes: Notes,
    /// asked for heads that witnesses cosigned
    distributors: Distributors,
    /// records that were read to tell whether one is in the log
    read: tokio::sync::Mutex<Arc<absence::Read>>,
    jobs: usize,
}

impl Database {
    /// The database `name`, whose heads satisfy `policy`, kept in `folder`. `jobs` requests are in flight at most.
    ///
    /// # Errors
    /// `Usage`: the name cannot be a folder's.
    pub fn open(
        folder: &Folder,
        name: &str,
        policy: Policy,
        upstreams: Upstreams,
        jobs: usize,
    ) -> Result<Database, Fault> {
        let vkey = policy.log_key().map(ToString::to_string).unwrap_or_default();
        Ok(Database {
            name: name.to_owned(),
            pins: Pins::carried(&vkey, &policy),
            vkey,
            folder: folder.clone(),
            cache: folder.cache(name)?,
            head: folder.head(name)?,
            unstored: Unstored::default(),
            expected: Expected::default(),
            mirror: CurrentMirror::unopened(folder.log(name)?),
            upstreams,
            nobody: Upstreams::new(Http::new(Settings::default()), Vec::new()),
            notes: Notes::new(policy),
            distributors: Distributors::default(),
            read: tokio::sync::Mutex::default(),
            jobs: jobs.max(1),
        })
    }

    /// The same without requests over the network.
    pub fn offline(mut self) -> Database {
        self.upstreams = self.upstreams.trees_only();
        self.distributors.stay_here();
        self
    }

    /// Its sources, with what they were asked so far.
    pub fn upstreams(&self) -> &Upstreams {
        &self.upstreams
    }

    /// The records of `asked`, in order, under one head.
    ///
    /// # Errors
    /// `Forked`: the log is caught. `Unavailable`: the data folder.
    pub async fn records(&self, asked: &[ModuleVersion], progress: Progress<'_>) -> Result<Batch, Fault> {
        self.prove(asked, &mut WantedProofs::default(), progress).await
    }

    /// As [`Database::records`], and a proof for each record that others can check.
    ///
    /// # Errors
    /// As [`Database::records`].
    pub async fn records_with_proofs(
        &self,
        asked: &[ModuleVersion],
        progress: Progress<'_>,
    ) -> Result<(Batch, Vec<RecordProof>), Fault> {
        let mut wanted = WantedProofs { proofs: Some(Vec::new()), ..WantedProofs::default() };
        let batch = self.prove(asked, &mut wanted, progress).await?;
        Ok((batch, wanted.proofs.unwrap_or_default()))
    }

    async fn prove(
        &self,
        asked: &[ModuleVersion],
        wanted: &mut WantedProofs,
        progress: Progress<'_>,
    ) -> Result<Batch, Fault> {
        self.mirror.refresh(&self.notes)?;
        let (ahead, mut refuted) = (Ahead::new(BATCH), HashMap::new());
        let batch_cache = BatchCache::of(asked, &self.cache);
        let mut known = self.remembered()?.map_or(0, |head| head.tree().size);
        let mut said = cached_answers(asked, &batch_cache, known);
        let mut current = None;
        // Ends: a source whose claim was false is not asked again about that module version.
        loop {
            // What is asked once more has its tiles at hand.
            let (is_cold, first) = (self.cache.is_empty(), Some(&ahead).filter(|_| refuted.is_empty()));
            let tiles = Tiles { is_cold, ahead: first, ..self.tiles(progress) };
            let mut under_way = UnderWay::new();
            self.fill(asked, &refuted, &mut said, known, &tiles, &mut under_way).await?;
            let advance = async {
                let (more, own) = self.heads_of_denials(&said).await;
                let heads = heads(&said).into_iter().chain(more);
                (self.advance(&tiles, &heads.collect::<Vec<_>>(), current.take()).await, own)
            };
            // The tiles that are still under way hold the permits that this waits for.
            let ((advanced, own), ()) = future::join(advance, under_way.collect::<()>()).await;
            let mut now = match advanced {
                Ok(Some(current)) => current,
                Ok(None) => return Ok(Batch::unproven(said, None)),
                Err(Stop::Unavailable(miss)) => return Ok(Batch::unproven(said, Some(miss))),
                Err(Stop::Fatal(fault)) => return Err(fault),
            };
            self.keep_tiles(&mut now.proven);
            wanted.proofs.as_mut().map(Vec::clear);
            wanted.paths = batch_cache.is_due(&said).then(HashMap::new);
            let writer = CacheWriter::start(&self.cache);
            let tiles = Tiles { is_cold, writer: Some(&writer), ahead: Some(&ahead), ..self.tiles(progress) };
            self.judge_denials(asked, &mut said, &now, &own).await;
            let checked = check_all(asked, &said, &mut now, &tiles, wanted).await;
            if checked.iter().all(Result::is_ok) {
                batch_cache.write(&checked, wanted.paths.as_ref());
                writer.finish();
                return Ok(Batch {
                    answers: checked.into_iter().flatten().collect(),
                    proven_under: Some(now.head),
                    uncompared: now.uncompared,
                });
            }
            writer.finish(); // the next pass finds in the cache what this one has brought
            withdraw(&mut said, checked, &mut refuted);
            known = now.head.tree().size;
            current = Some(now);
        }
    }

    fn tiles<'a>(&'a self, progress: Progress<'a>) -> Tiles<'a> {
        let mirror = self.mirror.current();
        Tiles {
            mirror,
            cache: &self.cache,
            is_cold: false,
            upstreams: &self.upstreams,
            jobs: self.jobs,
            progress,
            writer: None,
            ahead: None,
        }
    }

    /// Asks the sources for the missing answers, and for the tiles that these need.
    async fn fill<'a>(
        &self,
        asked: &[ModuleVersion],
        refuted: &HashMap<usize, Vec<Refutation>>,
        said: &mut [Option<Answer<Claim>>],
        known: u64,
        tiles: &'a Tiles<'a>,
        ahead: &mut UnderWay<'a>,
    ) -> Result<(), Fault> {
        for (at, (module, said)) in asked.iter().zip(&mut *said).enumerate() {
            if said.is_none() && !refuted.contains_key(&at) {
                *said = self.mirrored_claim(module)?.map(Answer::Found);
            }
        }
        let open: Vec<usize> = said.iter().enumerate().filter(|(_, said)| said.is_none()).map(|(at, _)| at).collect();
        let questions: Vec<_> =
            open.iter().filter_map(|at| Some((asked.get(*at)?, refuted.get(at).map(Vec::as_slice)))).collect();
        for (at, answer) in open.iter().zip(self.claims(&questions, known, tiles, ahead).await) {
            if let Some(slot) = said.get_mut(*at) {
                *slot = Some(answer);
            }
        }
        Ok(())
    }

    /// Keeps the tiles that came by the network, all of them proven.
    fn keep_tiles(&self, proven: &mut Proven) {
        self.cache.keep_all(&std::mem::take(&mut proven.fresh));
    }
}

/// The claims in the batch cache about records below `known`, the size of the accepted tree.
fn cached_answers(asked: &[ModuleVersion], batch_cache: &BatchCache<'_>, known: u64) -> Vec<Option<Answer<Claim>>> {
    let claim = |(response, path): (LookupResponse, Vec<Hash>)| {
        let is_known = response.id() < known;
        is_known.then_some(Answer::Found(Claim { response, head: None, source: Source::BatchCache(path) }))
    };
    batch_cache.read().map_or_else(|| asked.iter().map(|_| None).collect(), |all| all.into_iter().map(claim).collect())
}

/// Removes the claims that turned out false, so that other sources are asked; `refuted` remembers the source of each.
fn withdraw(said: &mut [Option<Answer<Claim>>], checked: Vec<Checked>, refuted: &mut HashMap<usize, Vec<Refutation>>) {
    for (at, (slot, checked)) in said.iter_mut().zip(checked).enumerate() {
        let (Some(Answer::Found(claim)), Err(error)) = (&*slot, checked) else { continue };
        match &claim.source {
            Source::BatchCache(_) => {}
            Source::Mirror | Source::Cache => drop(refuted.entry(at).or_default()),
            Source::Upstream(base, _) => refuted.entry(at).or_default().push((*base, error)),
        }
        *slot = None;
    }
}

/// What a failed request means: without a source to ask, no source failed.
fn missed(upstreams: &Upstreams, fault: Fault) -> Unavailable {
    let nobody = "the data folder does not hold it, and there is no source to ask";
    if upstreams.names().len() == 0 { Unavailable::NotHeld(nobody.to_owned()) } else { Unavailable::Fault(fault) }
}
