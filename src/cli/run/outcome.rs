//! What came of a command: what it was given, what go.sum says and the log does not, and the exit code that follows.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::prefetch::list;
use super::child::Ended;
use crate::fault::Fault;
use crate::prefetch::{self, Judged, Wanted};
use crate::proxy::Accounted;
use crate::relay::Relay;
use crate::report::{counted, grouped};
use crate::sumdb::module::{ModuleVersion, Patterns};
use crate::sumdb::number::wide;

/// How long the lines of go.sum may still be proven once the command has ended.
const PATIENCE: Duration = Duration::from_secs(30);
/// What came of it.
pub(super) struct RunOutcome {
    /// how the command ended
    pub(super) ended: Ended,
    /// what it was given, and what was refused
    pub(super) account: Accounted,
    /// what the records say of go.sum
    pub(super) judged: Judged,
    /// module versions in go.sum that are private
    exempt: usize,
    /// what could not be read of go.sum
    unread: Vec<String>,
}

impl RunOutcome {
    /// With the lines of go.sum as the command left them.
    pub(super) async fn of(
        mut wanted: Wanted,
        private: &Patterns,
        relay: &Relay,
        ended: Ended,
        account: Accounted,
        at_once: usize,
    ) -> Result<RunOutcome, Fault> {
        let exempt = wanted.leave_out(private);
        // A command that failed is not waited for any longer. One that a signal made succeed has not proven anything.
        let judged = if ended.by_signal && ended.code != 0 {
            Judged::default()
        } else {
            match tokio::time::timeout(PATIENCE, prefetch::judge(relay, &wanted, at_once)).await {
                Ok(judged) => judged?,
                Err(_) => Judged { unknown: all_unknown(&wanted), ..Judged::default() },
            }
        };
        let unread = wanted.unread.into_iter().chain(wanted.malformed).collect();
        Ok(RunOutcome { ended, account, judged, exempt, unread })
    }

    /// The module versions that were proven: given to the command, or in go.sum as the log has them.
    pub(super) fn proven(&self) -> BTreeSet<ModuleVersion> {
        let given = self.account.proven.keys().map(|(module, _)| module.clone());
        given.chain(self.judged.proven.iter().cloned()).collect()
    }

    /// The exit code of this program.
    pub(super) fn exit_code(&self) -> u8 {
        let is_wrong =
            !self.account.refused.is_empty() || !self.judged.differing.is_empty() || !self.judged.absent.is_empty();
        let is_unproven = !self.judged.unknown.is_empty() || !self.unread.is_empty();
        let proves_nothing = self.exempt > 0 && self.proven().is_empty();
        match self.ended.code {
            0 if is_wrong => 1,
            0 if is_unproven || proves_nothing => 2,
            code => code,
        }
    }

    /// All that is to be said, a line each: what is wrong first.
    pub(super) fn findings(&self) -> Vec<String> {
        let refused =
            self.account.refused.iter().map(|(request, lines)| format!("REFUSED  {request}: {}", lines.join(" / ")));
        let differing = self.judged.differing.iter().map(|differing| {
            let (place, request) = (&differing.said.place, &differing.request);
            format!(
                "DIFFERS  {place}: {request}: the line has {}, the log has {}",
                differing.said.hash, differing.proven
            )
        });
        let absent = self.judged.absent.iter().map(|module| {
            format!("NOT IN LOG  {module}, in go.sum; if it is private, name it in GOPRIVATE or with --private")
        });
        let unknown = self.judged.unknown.iter().map(|(module, why)| format!("not proven: {module}: {why}"));
        let unread = self.unread.iter().map(|why| format!("not read: {why}"));
        let failed = self.account.failed.iter().map(|(request, why)| format!("not had: {request}: {why}"));
        let failed = failed.filter(|_| self.ended.code != 0);
        list(refused)
            .chain(list(differing))
            .chain(list(absent))
            .chain(list(unknown))
            .chain(list(unread))
            .chain(list(failed))
            .collect()
    }

    /// One line.
    pub(super) fn summary(&self, relay: &Relay) -> String {
        let proven = counted(wide(self.proven().len()), "module");
        let refused = grouped(wide(self.account.refused.len()));
        let tree = relay.head().map_or_else(|| "no tree".to_owned(), |tree| format!("tree {}", grouped(tree.size)));
        let private = match self.exempt {
            0 => String::new(),
            exempt => format!(", {} private and not proven", grouped(wide(exempt))),
        };
        format!("{proven} proven, {refused} refused{private}, {tree}")
    }
}

fn all_unknown(wanted: &Wanted) -> Vec<(ModuleVersion, String)> {
    let modules: BTreeSet<&ModuleVersion> = wanted.files.keys().map(|(module, _)| module).collect();
    let why = || format!("no source proved it within {} s", PATIENCE.as_secs());
    modules.into_iter().map(|module| (module.clone(), why())).collect()
}
