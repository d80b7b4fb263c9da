//! One lookup: from the full log, from memory, or fetched from the upstreams and proven under the newest head.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures_util::FutureExt as _;

use super::heads::why;
use super::{Inner, LookupAnswer, Recorded};
use crate::database::{Answer, CurrentHead, Denial, Refutations, Stop, Unavailable};
use crate::fault::Fault;
use crate::sumdb::checkpoint::Checkpoint;
use crate::sumdb::hash::Hash;
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::record::{LookupResponse, VerifiedRecord};

/// The record that was found.
type Found = LookupAnswer<Arc<VerifiedRecord>>;

impl Inner {
    pub(super) async fn lookup(&self, module: &ModuleVersion) -> Result<LookupAnswer, Fault> {
        let record = match self.find(module).await?.found() {
            Ok(record) => record,
            Err(other) => return Ok(other),
        };
        Ok(match self.now().await.map_err(why)? {
            Some(now) if record.id() < now.size() => answer(&record, &now),
            _ => LookupAnswer::NotHeld("no signed tree head could be had".to_owned()),
        })
    }

    /// The record itself, with the size of the tree that it was found in.
    pub(super) async fn record(&self, module: &ModuleVersion) -> Result<LookupAnswer<Recorded>, Fault> {
        Ok(self.find(module).await?.map(|record| {
            let size = self.heads.now().map_or(0, |now| now.size()).max(record.id() + 1);
            Recorded { record, size }
        }))
    }

    /// The record from memory, the full log or the cache.
    pub(super) async fn local_record(&self, module: &ModuleVersion) -> Result<Option<Arc<VerifiedRecord>>, Fault> {
        if self.private.load().exemption(module.path()).is_some() {
            return Ok(None);
        }
        let path = module.lookup_path();
        if let Some(record) = self.recent.records.get(&path) {
            return Ok(Some(record));
        }
        if let Some(record) = self.healing(|| self.database.mirrored_record(module)).await? {
            return Ok(Some(self.keep(path, record)));
        }
        let Some(now) = self.now().await.map_err(why)? else { return Ok(None) };
        let record = self.database.cached_record(module, &now).await;
        Ok(record.map(|record| self.keep(path, record)))
    }

    pub(super) async fn find(&self, module: &ModuleVersion) -> Result<Found, Fault> {
        if let Some(pattern) = self.private.load().exemption(module.path()) {
            return Ok(Found::Private { pattern: pattern.to_owned() });
        }
        let path = module.lookup_path();
        if let Some(record) = self.recent.records.get(&path) {
            return Ok(Found::Found(record));
        }
        if let Some(record) = self.healing(|| self.database.mirrored_record(module)).await? {
            return Ok(Found::Found(self.keep(path, record)));
        }
        if let Some(by) = self.recent.denied(&path, Instant::now()) {
            return Ok(Found::NotInLog { by });
        }
        self.lookups.join(&path, Box::pin(self.ask(module, &path))).await
    }

    fn keep(&self, path: String, record: VerifiedRecord) -> Arc<VerifiedRecord> {
        let record = Arc::new(record);
        self.recent.records.insert(path, Arc::clone(&record));
        record
    }

    /// Asks the cache, then the upstreams, until a claim is proven or no source is left to ask.
    async fn ask(&self, module: &ModuleVersion, path: &str) -> Result<Found, Fault> {
        let mut refuted = Refutations::default();
        // Ends: a source whose claim was false is not asked again.
        loop {
            let known = self.now().await.map_err(why)?.map_or(0, |now| now.size());
            let claim = match self.database.claim(module, &refuted, known).await {
                Answer::Found(claim) => claim,
                Answer::NotInLog { by } => return Ok(self.not_in_log(path, by)),
                Answer::Unknown(Unavailable::Denied(denial)) => return self.judge(module, path, &denial).boxed().await,
                Answer::Unknown(miss) => return not_had(miss.into()),
            };
            let head = claim.head().map(std::slice::from_ref).unwrap_or_default();
            let leaf = match self.leaf_of(claim.id(), head).await {
                Ok(leaf) => leaf,
                Err(stop) => return not_had(stop),
            };
            if let Some(record) = self.database.settle(module, claim, &leaf, &mut refuted) {
                return Ok(Found::Found(self.keep(path.to_owned(), record)));
            }
        }
    }

    /// What a denial comes to under the newest head.
    async fn judge(&self, module: &ModuleVersion, path: &str, denial: &Denial) -> Result<Found, Fault> {
        let (heads, own) = self.database.heads_for(&[denial]).await;
        let now = match self.move_on(&heads).await {
            Ok(Some(now)) => now,
            Ok(None) => return Err(denial.as_fault()),
            Err(stop) => return not_had(stop),
        };
        match self.database.judge(module, denial, &now, &own).await {
            Answer::Found(record) => Ok(Found::Found(self.keep(path.to_owned(), record))),
            Answer::NotInLog { by } => Ok(self.not_in_log(path, by)),
            Answer::Unknown(miss) => not_had(miss.into()),
        }
    }

    fn not_in_log(&self, path: &str, by: Vec<String>) -> Found {
        self.recent.deny(path, &by, Instant::now());
        Found::NotInLog { by }
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

fn not_had(stop: Stop) -> Result<Found, Fault> {
    match stop {
        Stop::Unavailable(Unavailable::NotHeld(why)) => Ok(Found::NotHeld(why)),
        Stop::Unavailable(Unavailable::Denied(denial)) => Err(denial.as_fault()),
        Stop::Unavailable(Unavailable::Fault(fault)) | Stop::Fatal(fault) => Err(fault),
    }
}

fn answer(record: &VerifiedRecord, now: &CurrentHead) -> LookupAnswer {
    LookupAnswer::Found(Bytes::from(LookupResponse::build(record.id(), record.text(), now.head().bytes())))
}
