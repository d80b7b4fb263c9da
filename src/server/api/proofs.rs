//! `proofs/MODULE@VERSION`: the record of a module version, the signed head, and the proof that the one is in the tree of the other:
//! enough for anybody who has the log's key, a browser among them.

use serde::Serialize;

use crate::relay::ProvenRecord;
use crate::server::app::App;
use crate::server::app::request::RequestContext;
use crate::server::http::answer::Answer;
use crate::server::http::refusal::{found, unavailable};
use crate::sumdb::hash::leaf_hash;
use crate::sumdb::module::ModuleVersion;

/// A record with its proof.
#[derive(Debug, Serialize)]
pub(crate) struct ProofView {
    pub(crate) module: String,
    pub(crate) version: String,
    /// whose record it is
    pub(crate) database: String,
    /// the verifier key of that database as this server knows it: compare it with your own
    pub(crate) key: String,
    pub(crate) record: RecordView,
    pub(crate) tree: TreeView,
    /// the inclusion proof (RFC 9162 section 2.1.3), hashes in base64, the one next to the leaf first
    pub(crate) inclusion: Vec<String>,
    /// all of it as a C2SP tlog-proof, for `gosumcheck verify-proof`
    pub(crate) tlog_proof: String,
}

/// A record of the log.
#[derive(Debug, Serialize)]
pub(crate) struct RecordView {
    /// counted from 0
    pub(crate) number: u64,
    /// two go.sum lines; a leaf's hash is SHA-256 over a zero byte and this text
    pub(crate) text: String,
    /// that hash, in base64
    pub(crate) leaf_hash: String,
    /// the h1 of the zip
    pub(crate) zip: String,
    /// the h1 of the go.mod
    pub(crate) go_mod: String,
}

/// The tree that the proof leads to.
#[derive(Debug, Serialize)]
pub(crate) struct TreeView {
    pub(crate) size: u64,
    /// its root hash, in base64
    pub(crate) root: String,
    /// the signed note that has both
    pub(crate) checkpoint: String,
}

impl ProofView {
    /// The proof under the newest head. Where no full copy is held the sources of the database may be asked, as for a lookup.
    ///
    /// # Errors
    /// The answer to the client: there is no such record, a rule refuses the module version, it is private, or it could not be had.
    pub(crate) async fn find(
        app: &App,
        context: &RequestContext<'_>,
        module: &ModuleVersion,
    ) -> Result<ProofView, Answer> {
        if let Some(refused) = app.refused_by_rule(module) {
            return Err(refused);
        }
        let Some(served) = app.databases.first() else { return Err(unavailable("there is no database here")) };
        let relay = &served.relay;
        let looked_up = app.with_timeout(context.peer, relay.proof(module)).await;
        Ok(ProofView::of(relay.name(), relay.vkey(), &found(module, looked_up)?))
    }

    fn of(database: &str, key: &str, found: &ProvenRecord) -> ProofView {
        let ProvenRecord { record, tree, proof } = found;
        ProofView {
            module: record.module().path().to_string(),
            version: record.module().version().to_string(),
            database: database.to_owned(),
            key: key.to_owned(),
            record: RecordView {
                number: record.id(),
                text: record.text().to_owned(),
                leaf_hash: leaf_hash(record.text().as_bytes()).to_string(),
                zip: record.zip_hash().to_string(),
                go_mod: record.go_mod_hash().to_string(),
            },
            tree: TreeView {
                size: tree.size,
                root: tree.root.to_string(),
                checkpoint: String::from_utf8_lossy(proof.note()).into_owned(),
            },
            inclusion: proof.hashes().iter().map(ToString::to_string).collect(),
            tlog_proof: proof.to_string(),
        }
    }
}
