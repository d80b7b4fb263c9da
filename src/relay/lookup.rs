//! One lookup: from the full log, from memory, or asked of the upstreams and proven under the newest head.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::heads::why;
use super::{Inner, LookupAnswer, Recorded};
use crate::database::{CurrentHead, Refutations, SourceAnswer, Stop, Unavailable};
use crate::fault::Fault;
use crate::sumdb::checkpoint::Checkpoint;
use crate::sumdb::hash::Hash;
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::record::{LookupResponse, VerifiedRecord};

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
        if let Some(record) = self.database.mirrored_record(module)? {
            return Ok(Some(self.keep(path, record)));
        }
        let Some(now) = self.now().await.map_err(why)? else { return Ok(None) };
        let record = self.database.cached_record(module, &now).await;
        Ok(record.map(|record| self.keep(path, record)))
    }

    async fn outcome(&self, module: &ModuleVersion) -> Result<Outcome, Fault> {
        let path = module.lookup_path();
        if let Some(record) = self.recent.records.get(&path) {
            return Ok(Outcome::Record(record));
        }
        if let Some(record) = self.database.mirrored_record(module)? {
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
        let mut refuted = Refutations::default();
        // Ends: a source whose claim was false is not asked again.
        loop {
            let known = self.now().await.map_err(why)?.map_or(0, |now| now.size());
            let claim = match self.database.claim(module, &refuted, known).await {
                SourceAnswer::Claim(claim) => claim,
                SourceAnswer::NotInLog { mut by } => {
                    by.truncate(SHOWN_DENIALS);
                    self.recent.denials.keep(path, &by, Instant::now());
                    return Ok(Outcome::NotInLog(by));
                }
                SourceAnswer::Unavailable(miss) => return not_had(miss.into()),
            };
            let leaf = match self.leaf_of(claim.id(), claim.head().map(std::slice::from_ref).unwrap_or_default()).await
            {
                Ok(leaf) => leaf,
                Err(stop) => return not_had(stop),
            };
            if let Some(record) = self.database.settle(module, claim, &leaf, &mut refuted) {
                return Ok(Outcome::Record(self.keep(path.to_owned(), record)));
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

fn not_had(stop: Stop) -> Result<Outcome, Fault> {
    match stop {
        Stop::Unavailable(Unavailable::NotHeld(why)) => Ok(Outcome::NotHeld(why)),
        Stop::Unavailable(Unavailable::Fault(fault)) | Stop::Fatal(fault) => Err(fault),
    }
}

fn answer(record: &VerifiedRecord, now: &CurrentHead) -> LookupAnswer {
    LookupAnswer::Found(Bytes::from(LookupResponse::build(record.id(), record.text(), now.head().bytes())))
}
