//! One lookup: from the full log, from memory, or asked of the upstreams and proven under the newest head.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::super::claims::{Refutation, Source, SourceAnswer};
use super::super::tiles::{Proven, Tiles};
use super::super::{Stop, Unavailable};
use super::heads::{Now, why};
use super::{Inner, LookupAnswer, QUIETLY, Recorded};
use crate::fault::Fault;
use crate::sumdb::checkpoint::Checkpoint;
use crate::sumdb::hash::Hash;
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::record::{LookupResponse, VerifiedRecord};
use crate::sumdb::tile::Want;

/// Lines of a database's denial that are repeated.
const SHOWN_DENIALS: usize = 8;

/// What became of asking, before it is written as an answer.
#[derive(Clone)]
pub(super) enum Outcome {
    Record(Arc<VerifiedRecord>),
    NotInLog(Vec<String>),
    NotHeld(String),
}

impl Inner {
    pub(super) async fn lookup(&self, module: &ModuleVersion) -> Result<LookupAnswer, Fault> {
        Ok(match self.record(module).await? {
            Recorded::Private { pattern } => LookupAnswer::Private { pattern },
            Recorded::NotInLog { by } => LookupAnswer::NotInLog { by },
            Recorded::NotHeld(why) => LookupAnswer::NotHeld(why),
            Recorded::Proven { record, .. } => match self.now().await.map_err(why)? {
                Some(now) if record.id() < now.size() => answer(&record, &now),
                _ => LookupAnswer::NotHeld("no signed tree head could be had".to_owned()),
            },
        })
    }

    /// The record itself, with the size of the tree that it was found in.
    pub(super) async fn record(&self, module: &ModuleVersion) -> Result<Recorded, Fault> {
        if let Some(pattern) = self.options.private.exemption(module.path()) {
            return Ok(Recorded::Private { pattern: pattern.to_owned() });
        }
        match self.outcome(module).await? {
            Outcome::NotInLog(by) => Ok(Recorded::NotInLog { by }),
            Outcome::NotHeld(why) => Ok(Recorded::NotHeld(why)),
            Outcome::Record(record) => {
                let size = self.heads.now().map_or(0, |now| now.size()).max(record.id() + 1);
                Ok(Recorded::Proven { record, size })
            }
        }
    }

    /// The record from memory, the full log or the cache.
    pub(super) async fn held_record(&self, module: &ModuleVersion) -> Result<Option<Arc<VerifiedRecord>>, Fault> {
        if self.options.private.exemption(module.path()).is_some() {
            return Ok(None);
        }
        let path = module.lookup_path();
        if let Some(record) = self.recent.records.get(&path) {
            return Ok(Some(record));
        }
        if let Some(record) = self.database.mirror.find(module)? {
            return Ok(Some(self.keep(path, record)));
        }
        let Some(now) = self.now().await.map_err(why)? else { return Ok(None) };
        let Some(SourceAnswer::Claim(claim)) = self.database.cached_claim(module, now.size()) else { return Ok(None) };
        let id = claim.response.id();
        if id >= now.size() {
            return Ok(None);
        }
        let mut proven = Proven { tree: now.tree.clone(), ..Proven::nothing_of(now.head.tree()) };
        let tiles = Tiles { upstreams: &self.nobody, ..self.database.tiles(QUIETLY) };
        if tiles.bring(&mut proven, &[Want::Leaf(id)]).await.is_err() {
            return Ok(None);
        }
        let record = proven.tree.leaf(id).and_then(|leaf| claim.response.prove(module, &leaf).ok());
        Ok(record.map(|record| self.keep(path, record)))
    }

    async fn outcome(&self, module: &ModuleVersion) -> Result<Outcome, Fault> {
        let path = module.lookup_path();
        if let Some(record) = self.recent.records.get(&path) {
            return Ok(Outcome::Record(record));
        }
        if let Some(record) = self.database.mirror.find(module)? {
            return Ok(Outcome::Record(self.keep(path, record)));
        }
        if let Some(by) = self.recent.denials.recent(&path, Instant::now()) {
            return Ok(Outcome::NotInLog(by));
        }
        self.lookups.join(&path, Box::pin(self.ask(module, &path))).await
    }

    fn keep(&self, path: String, record: VerifiedRecord) -> Arc<VerifiedRecord> {
        let record = Arc::new(record);
        self.recent.records.insert(path, Arc::clone(&record));
        record
    }

    /// Asks the cache, then the upstreams, until a claim is proven or nobody is left to ask.
    async fn ask(&self, module: &ModuleVersion, path: &str) -> Result<Outcome, Fault> {
        let mut lies: Option<Vec<Refutation>> = None;
        // Ends: a source whose claim was false is not asked again.
        loop {
            let known = self.now().await.map_err(why)?.map_or(0, |now| now.size());
            let said = self.database.claim(module, lies.as_deref(), known).await;
            let claim = match said {
                SourceAnswer::Claim(claim) => claim,
                SourceAnswer::NotInLog { mut by } => {
                    by.truncate(SHOWN_DENIALS);
                    self.recent.denials.keep(path, &by, Instant::now());
                    return Ok(Outcome::NotInLog(by));
                }
                SourceAnswer::Missed(miss) => return not_had(miss.into()),
            };
            let proven = match self.leaf_of(claim.response.id(), claim.head.as_slice()).await {
                Ok(leaf) => claim.response.prove(module, &leaf),
                Err(halt) => return not_had(halt),
            };
            match (proven, claim.source) {
                (Ok(record), source) => {
                    if let Source::Upstream(_, bytes) = source {
                        self.database.cache.keep(path, &bytes);
                    }
                    return Ok(Outcome::Record(self.keep(path.to_owned(), record)));
                }
                (Err(error), Source::Upstream(base, _)) => lies.get_or_insert_default().push((base, error)),
                (Err(_), _) => drop(lies.get_or_insert_default()),
            }
        }
    }

    /// The leaf hash of record `id` in the newest tree, which is that of one of `heads` or one known before.
    async fn leaf_of(&self, id: u64, heads: &[Checkpoint]) -> Result<Hash, Stop> {
        let beyond = |size| Unavailable::NotHeld(format!("record {id} is beyond the tree of size {size}"));
        match self.move_on(heads).await? {
            Some(now) if id < now.size() => self.leaf(&now, id).await,
            now => Err(beyond(now.map_or(0, |now| now.size())).into()),
        }
    }
}

fn not_had(halt: Stop) -> Result<Outcome, Fault> {
    match halt {
        Stop::Unavailable(Unavailable::NotHeld(why)) => Ok(Outcome::NotHeld(why)),
        Stop::Unavailable(Unavailable::Fault(fault)) | Stop::Fatal(fault) => Err(fault),
    }
}

fn answer(record: &VerifiedRecord, now: &Now) -> LookupAnswer {
    LookupAnswer::Found(Bytes::from(LookupResponse::build(record.id(), record.text(), &now.note)))
}
