//! `verify --repair`, of a full log: what is damaged is derived again from what is proven here, or fetched again and proven, and put
//! in its place.
//!
//! A straight line: links become files and modes are set (`places`) → the remembered head (`remembered`), without which nothing is
//! judged → the signed heads (`signed`) → the hashes above the leaves, from
//! what lies below them or from an upstream, and the data tiles of which anything differs, from the file where they lie or from an
//! upstream, each proven under the signed head (`tiles`) → the index. Damaged bytes are kept in `refused/` before they are replaced.
//! What nobody has stays as it is, and is said. Nothing is ever deleted, and no good byte is written.

use crate::database::Database;
use crate::fault::Fault;
use crate::report::Integrity;
use crate::report::integrity::{Flaw, Repair};
use crate::store::{Folder, Log, index};
use crate::sumdb::checkpoint::{Checkpoint, Policy};
use crate::sumdb::number::wide;

mod beside;
mod cosigned;
mod fetched;
mod places;
mod remembered;
mod signed;
mod tiles;

pub use beside::{mend_cached, mend_kept, mend_modes};
pub use cosigned::mend_cosigned;
pub use remembered::mend_remembered;

use super::VerifyOptions;

/// A log that is repaired, and what it takes.
pub struct LogRepair<'a> {
    /// the data folder, opened for writing
    pub folder: &'a Folder,
    /// the log in it
    pub log: &'a Log,
    /// who may have the right bytes
    pub database: &'a Database,
    /// whose signature counts
    pub policy: &'a Policy,
    /// as for the verification that found the damage
    pub options: &'a VerifyOptions,
}

/// What became of a repair.
#[derive(Debug, Default)]
pub struct Repaired {
    /// what was put in place
    pub repairs: Vec<Repair>,
    /// what could not be repaired, and why
    pub failed: Vec<String>,
}

impl LogRepair<'_> {
    /// Repairs all that can be repaired, while no other process writes the log.
    ///
    /// # Errors
    /// `Unavailable`: another process writes the log, or the disk fails. `Forked`: the log is caught; nothing of the tree is
    /// replaced then.
    pub async fn run(&self) -> Result<Repaired, Fault> {
        let _alone = self.log.hold()?;
        let mut done = Repaired::default();
        places::mend(self, &mut done)?;
        let remembered = mend_remembered(self.folder, self.database, self.policy, &mut done).await?;
        let Some(head) = signed::mend(self, remembered, &mut done)? else { return Ok(done) };
        tiles::mend(self, &head, &mut done).await?;
        if !self.options.skip_index {
            self.rebuild_index(&head, &mut done);
        }
        Ok(done)
    }

    /// Makes the index again where it is not that of the records.
    fn rebuild_index(&self, head: &Checkpoint, done: &mut Repaired) {
        let mut report = Integrity::new("");
        let checked = super::index_alone(self.log, head.tree(), self.options, &mut report);
        // What is odd in the log itself is in a right index too.
        let is_wrong = report.counts.iter().any(|(flaw, _)| *flaw == Flaw::IndexWrong);
        if checked.is_ok() && !is_wrong {
            return;
        }
        let rebuilt =
            self.log.snapshot(head.tree()).and_then(|snapshot| index::rebuild(self.log, &snapshot, &|_, _| {}));
        match rebuilt {
            Ok(_) => done.repairs.push(Repair::of_file("index.sqlite", "was built again from the records")),
            Err(fault) => done.failed.push(format!("index.sqlite: {fault}")),
        }
    }

    /// Puts proven bytes in place, after the damaged ones were kept; notes it where anything differed.
    fn replace(&self, name: &str, at: u64, proven: &[u8], what: &str, done: &mut Repaired) -> Result<(), Fault> {
        let Some(changed) = self.log.replace(name, at, proven)? else { return Ok(()) };
        let bytes = Some(at..at + wide(proven.len()));
        done.note(Repair { bytes, changed, ..Repair::of_file(name, what) });
        Ok(())
    }
}

impl Repaired {
    /// Adds what became of another part.
    pub fn extend(&mut self, more: Repaired) {
        self.repairs.extend(more.repairs);
        self.failed.extend(more.failed);
    }

    /// Adds a repair; one of the bytes after those of the last one joins it.
    fn note(&mut self, repair: Repair) {
        let joins = self.repairs.last_mut().filter(|last| {
            let end = last.bytes.as_ref().map(|bytes| bytes.end);
            last.file == repair.file
                && last.what == repair.what
                && end == repair.bytes.as_ref().map(|bytes| bytes.start)
        });
        match (joins, &repair.bytes) {
            (Some(last), Some(bytes)) => {
                last.bytes = last.bytes.take().map(|before| before.start..bytes.end);
                last.changed += repair.changed;
            }
            _ => self.repairs.push(repair),
        }
    }
}
