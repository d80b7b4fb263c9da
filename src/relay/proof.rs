//! A record with the proof that it is in the tree of the newest head: what somebody needs who trusts nothing but the log's key.

use std::sync::Arc;

use super::heads::why;
use super::{LookupAnswer, Relay};
use crate::fault::Fault;
use crate::sumdb::bundle::RecordProof;
use crate::sumdb::checkpoint::Tree;
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::record::VerifiedRecord;

/// A record, and the proof of it for others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenRecord {
    /// the record
    pub record: Arc<VerifiedRecord>,
    /// the tree that it is in
    pub tree: Tree,
    /// with the signed head of that tree
    pub proof: RecordProof,
}

impl Relay {
    /// The record of a module version, with the proof that it is in the tree of the newest head.
    ///
    /// # Errors
    /// As [`Relay::lookup`].
    pub async fn proof(&self, module: &ModuleVersion) -> Result<LookupAnswer<ProvenRecord>, Fault> {
        let record = match self.inner.find(module).await?.found() {
            Ok(record) => record,
            Err(other) => return Ok(other),
        };
        let now = match self.inner.now().await.map_err(why)? {
            Some(now) if record.id() < now.size() => now,
            _ => return Ok(LookupAnswer::NotHeld("no signed tree head could be had".to_owned())),
        };
        let hashes = self.inner.database.inclusion(&now, record.id()).await;
        let hashes = hashes.map_err(|missing| why(missing.into()))?;
        let proof = RecordProof::new(record.text(), record.id(), hashes, now.head());
        Ok(LookupAnswer::Found(ProvenRecord { record, tree: now.tree(), proof }))
    }
}
