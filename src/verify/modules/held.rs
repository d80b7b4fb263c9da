//! What proves a stored module where the database answers nothing: while a sync is between two of its steps, the remembered head may be
//! ahead of the records that are held, and an index may not be there yet. The proof beside a file says which record it is; that record
//! is read from the full log, under the newest signed head whose tree the files hold. A record that a sync has yet to bring proves nothing,
//! and nothing is wrong with its module.

use super::Known;
use crate::database::Database;
use crate::report::Integrity;
use crate::report::integrity::Flaw;
use crate::store::log::Snapshot;
use crate::store::{Folder, Modules};
use crate::sumdb::checkpoint::Checkpoint;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::record::VerifiedRecord;

/// Why a module that nothing proved is in order all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unproven {
    /// the record is beyond those that the full log holds so far
    Awaited,
    /// what would prove it is damaged, which is a finding of its own
    Damaged,
}

/// The full log, up to where its files reach.
pub(super) struct HeldLog<'a> {
    database: &'a Database,
    store: Modules,
    /// under the newest head whose tree the files hold; none where that lacks the quorum of the policy
    snapshot: Option<Snapshot>,
    /// records of that head
    held: u64,
    /// whether anything of a full log is here
    is_there: bool,
    /// whether a first sync is under way or was stopped, so that nothing is held under a signed head
    is_first: bool,
    /// records of the largest tree that was accepted; none where none is remembered
    accepted: Option<u64>,
    is_damaged: bool,
}

impl<'a> HeldLog<'a> {
    /// That of `folder`; `report` says what is damaged.
    pub(super) fn open(folder: &Folder, database: &'a Database, report: &Integrity) -> HeldLog<'a> {
        let log = folder.log(database.name()).ok();
        let heads = database.remembered_heads();
        let open = |head: &Checkpoint| Some((log.as_ref()?.snapshot(head.tree()).ok()?, head.has_quorum()));
        let newest = heads.as_ref().ok().and_then(|heads| heads.iter().find_map(open));
        let held = newest.as_ref().map_or(0, |(snapshot, _)| snapshot.tree().size);
        HeldLog {
            database,
            store: folder.modules(),
            snapshot: newest.filter(|(_, has_quorum)| *has_quorum).map(|(snapshot, _)| snapshot),
            held,
            is_there: heads.is_ok() && log.as_ref().is_some_and(super::super::is_there),
            is_first: log.is_some_and(|log| matches!(log.first_sync(), Ok(Some(_)))),
            accepted: heads.ok().and_then(|heads| heads.first().map(|head| head.tree().size)),
            is_damaged: report.findings.iter().any(|finding| hides_records(finding.flaw)),
        }
    }

    /// What is known of a module version that the database did not answer for, for the reason `why`.
    pub(super) fn known(&self, module: &ModuleVersion, why: String) -> Known {
        let numbers = self.numbers(module);
        // What was stored before there were proofs is where the index says.
        let indexed = || self.snapshot.as_ref().and_then(|_| self.database.mirrored_record(module).ok().flatten());
        let record = numbers.iter().find_map(|id| self.record(module, *id)).or_else(indexed);
        match record {
            Some(record) => Known::Record(record),
            None if numbers.is_empty() && !self.is_first => Known::Nothing(why),
            None if self.is_damaged => Known::Unproven(Unproven::Damaged),
            None if numbers.iter().all(|id| self.is_awaited(*id)) => Known::Unproven(Unproven::Awaited),
            None => Known::Nothing(why),
        }
    }

    /// The records of this database that the proofs beside the module's files name.
    fn numbers(&self, module: &ModuleVersion) -> Vec<u64> {
        let beside = [Kind::Zip, Kind::GoMod].map(|kind| self.store.beside(super::Tree::Proven, module, kind));
        let proofs = beside.into_iter().flatten().filter_map(|beside| beside.proof).map(|(_, proof)| proof);
        let mut numbers: Vec<u64> =
            proofs.filter(|proof| proof.database == self.database.vkey()).map(|proof| proof.record).collect();
        numbers.dedup();
        numbers
    }

    /// The record of this number, if it is about the module; proven under the head.
    fn record(&self, module: &ModuleVersion, id: u64) -> Option<VerifiedRecord> {
        let snapshot = self.snapshot.as_ref()?;
        let (text, leaf) = (snapshot.record(id).ok()??, snapshot.leaf(id).ok()??);
        VerifiedRecord::check(module, id, &text, &leaf).ok()
    }

    /// Whether a record is one of those that were accepted and that a sync brings.
    fn is_awaited(&self, id: u64) -> bool {
        self.is_there && id >= self.held && self.accepted.is_none_or(|accepted| id < accepted)
    }
}

/// Whether records may not be found, or not be proven, for the damage that such a finding names.
fn hides_records(flaw: Flaw) -> bool {
    matches!(flaw, Flaw::IndexWrong | Flaw::HeadsDamaged | Flaw::CacheDamaged | Flaw::NotAFile)
        || Flaw::is_of_log_id(flaw.id())
}
