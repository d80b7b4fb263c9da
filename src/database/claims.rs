//! Bringing lookup responses: from the cache, else from the upstreams. A response is a claim; what makes it a fact is the
//! leaf hash at its number, later.

use futures_util::future::BoxFuture;
use futures_util::stream::{self, FuturesUnordered, StreamExt as _};

use super::current::CurrentHead;
use super::tiles::Tiles;
use super::{Answer, Database, Denial, QUIETLY, Unavailable, Unread, missed};
use crate::fault::Fault;
use crate::sumdb;
use crate::sumdb::checkpoint::Checkpoint;
use crate::sumdb::hash::Hash;
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::record::{LookupResponse, VerifiedRecord};
use crate::sumdb::tile::Want;
use crate::upstream::{Absence, Got};

/// Bytes of a response that are taken from an upstream, less than the format allows: it is a record of a few hundred bytes
/// and a note. No path that can be asked makes a record of more than 5 KB, and a hundred signatures are less than 20 KB. All
/// responses of a batch are held until they are proven.
const MAX_FETCHED_BYTES: usize = 64 << 10;

/// Lookups that wait for each that is in flight, so that a source that takes many requests over one connection is seen to be worth
/// another, and no tile, which is asked for when a lookup is there, is before them in the line. More than the source can ever be sent
/// at once would take memory and time for nothing.
const WAITING: usize = 4;

/// Heads whose edges are asked for before it is known which of them is the newest. Sources may send one with each lookup.
const EDGES: usize = 2;

/// A claim about one module version.
pub struct Claim {
    pub(super) response: LookupResponse,
    /// the head that came with it, where the claim is not about a tree that is known already
    pub(super) head: Option<Checkpoint>,
    pub(super) source: Source,
}

/// Who made a claim.
pub(super) enum Source {
    /// what the same questions were answered last time, with the path of the leaf through its tile
    BatchCache(Vec<Hash>),
    /// the full log, whose committed head is the claim's
    Mirror,
    /// the cache's entry for it
    Cache,
    /// the upstream of that number, with the bytes as they came, to be kept once they are proven
    Upstream(usize, Vec<u8>),
}

/// An upstream whose claim about a module version turned out false, with why. It is not asked about that again, nor is the
/// cache.
pub(super) type Refutation = (usize, sumdb::Error);

/// Requests for tiles that are under way. They go on only while they are polled.
pub(super) type UnderWay<'a> = FuturesUnordered<BoxFuture<'a, ()>>;

/// The claims about one module version that turned out false.
#[derive(Default)]
pub struct Refutations(Option<Vec<Refutation>>);

impl Claim {
    /// What a record says that was read here.
    pub(super) fn of_record(record: &VerifiedRecord) -> Result<Claim, Fault> {
        let damaged = |error| Fault::refused("the full log", error);
        let response = LookupResponse::parse(&record.to_response(&[])).map_err(damaged)?;
        Ok(Claim { response, head: None, source: Source::Cache })
    }

    /// The number of the record that is claimed.
    pub fn id(&self) -> u64 {
        self.response.id()
    }

    /// The signed head that came with it, where the claim is not about a tree that is known already.
    pub fn head(&self) -> Option<&Checkpoint> {
        self.head.as_ref()
    }
}

impl Database {
    /// What is said of each of `asked`, in order. `known` is the size of the tree that is known already: a cached claim
    /// about a record in it needs no signed note of its own. The tiles that the claims need are asked for through `tiles`, whose
    /// requests are `ahead`: those that are still under way in the end.
    pub(super) async fn claims<'a>(
        &self,
        asked: &[(&ModuleVersion, Option<&[Refutation]>)],
        known: u64,
        tiles: &'a Tiles<'a>,
        ahead: &mut UnderWay<'a>,
    ) -> Vec<Answer<Claim>> {
        let cached = |module| if tiles.is_cold { None } else { self.cached_claim(module, known).map(Answer::Found) };
        let mut said: Vec<Option<Answer<Claim>>> =
            asked.iter().map(|(module, refuted)| if refuted.is_none() { cached(module) } else { None }).collect();
        let absent: Vec<usize> = said.iter().enumerate().filter(|(_, said)| said.is_none()).map(|(at, _)| at).collect();
        let total = absent.len();
        let answers = stream::iter(absent)
            .filter_map(|at| async move { asked.get(at).map(|asked| (at, asked)) })
            .map(|(at, (module, refuted))| async move {
                (at, self.fetch_claim(module, refuted.unwrap_or_default(), known).await)
            })
            .buffer_unordered(self.jobs.saturating_mul(WAITING).min(self.upstreams.most().max(1)));
        let mut answers = std::pin::pin!(answers);
        let (mut done, mut edges, mut newest) = (0, 0, known);
        while done < total {
            let (at, answer) = tokio::select! {
                Some(answered) = answers.next() => answered,
                Some(()) = ahead.next() => continue,
                else => break,
            };
            done += 1;
            (tiles.progress)("lookups", done, total);
            if let Answer::Found(Claim { response, head: Some(head), source: Source::Upstream(..) }) = &answer {
                if edges < EDGES && head.tree().size > newest {
                    (edges, newest) = (edges + 1, head.tree().size);
                    ahead.extend(tiles.ask_edge_ahead(head.tree()));
                }
                ahead.extend(tiles.ask_ahead(head.tree(), response.id()));
            }
            if let Some(slot) = said.get_mut(at) {
                *slot = Some(answer);
            }
        }
        let nothing = || Answer::Unknown(Unavailable::NotHeld("nothing was asked".to_owned()));
        said.into_iter().map(|said| said.unwrap_or_else(nothing)).collect()
    }

    /// What the sources say of one module version, those left out whose claims about it were refuted. `known` is the size of the
    /// tree that is known already.
    pub async fn claim(&self, module: &ModuleVersion, refuted: &Refutations, known: u64) -> Answer<Claim> {
        match (&refuted.0, self.cached_claim(module, known)) {
            (None, Some(claim)) => Answer::Found(claim),
            (refuted, _) => self.fetch_claim(module, refuted.as_deref().unwrap_or_default(), known).await,
        }
    }

    /// Holds a claim against `leaf`, the proven hash at its number. A true one is kept in the cache; a false one is added to
    /// `refuted`, so that its source is not asked again.
    pub fn settle(
        &self,
        module: &ModuleVersion,
        claim: Claim,
        leaf: &Hash,
        refuted: &mut Refutations,
    ) -> Option<VerifiedRecord> {
        match (claim.response.prove(module, leaf), claim.source) {
            (Ok(record), source) => {
                if let Source::Upstream(_, bytes) = source {
                    self.cache.keep(&module.lookup_path(), &bytes);
                }
                return Some(record);
            }
            (Err(error), Source::Upstream(base, _)) => refuted.0.get_or_insert_default().push((base, error)),
            (Err(_), _) => drop(refuted.0.get_or_insert_default()),
        }
        None
    }

    /// The record of a module version, if the cache holds it and the disk the tiles that prove it under `current`. Asks nobody.
    pub async fn cached_record(&self, module: &ModuleVersion, current: &CurrentHead) -> Option<VerifiedRecord> {
        let claim = self.cached_claim(module, current.size())?;
        let id = claim.id();
        if id >= current.size() {
            return None;
        }
        let mut proven = current.proven.clone();
        let tiles = Tiles { upstreams: &self.nobody, ..self.tiles(QUIETLY) };
        tiles.fetch(&mut proven, &[Want::Leaf(id)]).await.ok()?;
        claim.response.prove(module, &proven.tree.leaf(id)?).ok()
    }

    /// The full log's claim under its committed head, if it holds the record.
    pub(super) fn mirrored_claim(&self, module: &ModuleVersion) -> Result<Option<Claim>, Fault> {
        let Some(mirror) = self.mirror.current() else { return Ok(None) };
        let Some(record) = mirror.find(module).map_err(Unread::into_fault)? else { return Ok(None) };
        let claim = Claim::of_record(&record)?;
        Ok(Some(Claim { head: Some(mirror.checkpoint().clone()), source: Source::Mirror, ..claim }))
    }

    /// The cache's claim, if it holds one that can be used: damage there counts as absence, as in the go command.
    fn cached_claim(&self, module: &ModuleVersion, known: u64) -> Option<Claim> {
        let bytes = self.cache.read(&module.lookup_path()).ok().flatten()?;
        let response = LookupResponse::parse(&bytes).ok()?;
        let head = if response.id() < known { None } else { Some(self.head_of(&response, known).ok()?) };
        Some(Claim { response, head, source: Source::Cache })
    }

    async fn fetch_claim(&self, module: &ModuleVersion, refuted: &[Refutation], known: u64) -> Answer<Claim> {
        let check = |bytes: Vec<u8>| {
            let response = LookupResponse::parse(&bytes)?;
            let head = self.head_of(&response, known)?;
            Ok((response, head, bytes))
        };
        let got = self.upstreams.fetch_beyond(&module.lookup_path(), MAX_FETCHED_BYTES, refuted, check).await;
        match got {
            Ok(Got::Body((response, head, bytes), base)) => {
                Answer::Found(Claim { response, head: Some(head), source: Source::Upstream(base, bytes) })
            }
            Ok(Got::Absent(Absence { by, own, authoritative: true })) => {
                Answer::Unknown(Unavailable::Denied(Denial { by, own }))
            }
            Ok(Got::Absent(absence)) => Answer::Unknown(Unavailable::NotHeld(absence.by.join("; "))),
            Err(fault) => Answer::Unknown(missed(&self.upstreams, fault)),
        }
    }

    /// The signed head in a response. The record must be in its tree or in the one that is known.
    fn head_of(&self, response: &LookupResponse, known: u64) -> sumdb::Result<Checkpoint> {
        let head = self.notes.open(response.note())?;
        let (id, size) = (response.id(), head.tree().size);
        if id >= size.max(known) {
            return Err(sumdb::Error::unproven(format!("record {id}"), format!("its own tree has size {size}")));
        }
        Ok(head)
    }
}
