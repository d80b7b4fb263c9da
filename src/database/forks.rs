//! Forks of the log: the evidence of one, saved, stops every advance until a person clears it: as long as it is kept, no newer head is
//! accepted. What the remembered head proves stays proven.

use super::Database;
use super::tiles::{Proven, Tiles};
use crate::fault::Fault;
use crate::store::evidence::read_evidence;
use crate::store::failures::WriteKind;
use crate::sumdb::checkpoint::Checkpoint;
use crate::sumdb::evidence::Evidence;
use crate::sumdb::tile::Want;

impl Database {
    /// Fails where evidence of a fork is kept that nobody has cleared.
    ///
    /// # Errors
    /// `Forked`, with the evidence. `Unavailable`: it cannot be read, or no longer shows a fork: that clears nothing.
    pub fn require_no_fork(&self) -> Result<(), Fault> {
        let Some(path) = self.folder.log(&self.name)?.forks()?.into_iter().next() else { return Ok(()) };
        let damaged = |why: String| {
            let next = "restore it from a backup, or look at what is known of that fork and clear it with `gosumcheck heads clear-fork`";
            Fault::machine(path.display().to_string(), format!("is kept as evidence of a fork, and {why}: {next}"))
        };
        let text = read_evidence(&path).map_err(|error| damaged(format!("cannot be read ({error})")))?;
        let evidence = Evidence::parse(&text).map_err(|error| damaged(error.to_string()))?;
        evidence.check(self.notes.policy()).map_err(|error| damaged(error.to_string()))?;
        Err(Fault::Forked { evidence: Box::new(evidence), saved: Some(path) })
    }

    /// The evidence that `head`'s tree does not contain `old`, saved.
    pub(super) async fn proof_of_fork(
        &self,
        tiles: &Tiles<'_>,
        proven: &mut Proven,
        old: &Checkpoint,
        head: &Checkpoint,
    ) -> Fault {
        let size = old.tree().size;
        // What is missing for the proof stays missing: both heads are signed, and the tree is proven to be another.
        let _ = tiles.fetch(proven, &[Want::Consistency(size)]).await;
        let rewritten = proven.tree.root_at(size).unwrap_or_default();
        let proof = proven.tree.consistency_proof(size).unwrap_or_default();
        self.caught(Evidence::new(old, head, rewritten, proof))
    }

    /// The fault that the log signed two histories, where somebody shows evidence of that in `text`; it is saved. None where nothing in it
    /// holds.
    pub fn accused(&self, text: &str) -> Option<Fault> {
        let shown = Evidence::parse(text).ok()?;
        shown.check(self.notes.policy()).is_ok().then(|| self.caught(shown))
    }

    pub(super) fn caught(&self, evidence: Evidence) -> Fault {
        let saved = self.folder.save_evidence(&self.name, &format!("{evidence}\n"));
        let saved = saved.inspect_err(|fault| self.folder.note_failure(WriteKind::Evidence, fault)).ok();
        Fault::Forked { evidence: Box::new(evidence), saved }
    }
}
