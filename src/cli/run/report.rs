//! What a command used, for a file: each module with its record and its proof, and all that was refused.

use std::collections::BTreeSet;
use std::ffi::OsString;

use futures_util::StreamExt as _;
use serde::Serialize;

use super::outcome::RunOutcome;
use crate::fault::Fault;
use crate::relay::{LookupAnswer, Relay};
use crate::sumdb::bundle::RecordProof;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::ModuleVersion;

/// Proofs that are made at once.
const AT_ONCE: usize = 64;

/// A whole report.
#[derive(Debug, Serialize)]
pub(super) struct RunReport {
    command: Vec<String>,
    /// of this program: that of the command, unless something was refused
    exit_code: u8,
    database: DatabaseName,
    tree: Option<TreeSize>,
    modules: Vec<UsedModule>,
    /// files of private modules that were given, each as `MODULE@VERSION.zip` or `.mod`: nothing proves them
    private: Vec<String>,
    refused: Vec<RefusedRequest>,
    /// go.sum lines that are not what the database says
    differing: Vec<DifferingLine>,
    /// module versions in go.sum that the database does not have
    not_in_log: Vec<String>,
    /// module versions in go.sum of which nothing could be learnt
    unknown: Vec<String>,
}

#[derive(Debug, Serialize)]
struct DatabaseName {
    name: String,
    key: String,
}

#[derive(Debug, Serialize)]
struct TreeSize {
    size: u64,
    root: String,
}

#[derive(Debug, Serialize)]
struct UsedModule {
    path: String,
    version: String,
    /// the number of its record in the log
    record: u64,
    zip: String,
    go_mod: String,
    /// the files that the command was given; what the go command had in its own module cache is not among them
    given: Vec<&'static str>,
    /// a C2SP tlog-proof; all of them one after the other are a file for `verify-proof`
    proof: String,
}

#[derive(Debug, Serialize)]
struct RefusedRequest {
    request: String,
    why: Vec<String>,
}

#[derive(Debug, Serialize)]
struct DifferingLine {
    place: String,
    line: String,
    log: String,
}

impl RunReport {
    /// Of what came of `command`. The proofs are made now, all in the tree of the newest head.
    ///
    /// # Errors
    /// `Forked`, `Unavailable`: a record cannot be proven any more.
    pub(super) async fn of(
        command: &[OsString],
        code: u8,
        outcome: &RunOutcome,
        relay: &Relay,
    ) -> Result<(RunReport, Vec<RecordProof>), Fault> {
        let used = outcome.proven();
        let (modules, proofs) = modules(&used, outcome, relay).await?;
        let refused = outcome.account.refused.iter();
        let differing = outcome.judged.differing.iter().map(|differing| DifferingLine {
            place: differing.said.place.clone(),
            line: differing.said.hash.to_string(),
            log: differing.proven.to_string(),
        });
        let file = |(module, kind): &(ModuleVersion, Kind)| format!("{module}.{}", kind.extension());
        let report = RunReport {
            command: command.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
            exit_code: code,
            database: DatabaseName { name: relay.name().to_owned(), key: relay.vkey().to_owned() },
            tree: relay.head().map(|tree| TreeSize { size: tree.size, root: tree.root.to_string() }),
            modules,
            private: outcome.account.private.iter().map(file).collect(),
            refused: refused
                .map(|(request, why)| RefusedRequest { request: request.clone(), why: why.clone() })
                .collect(),
            differing: differing.collect(),
            not_in_log: outcome.judged.absent.iter().map(ToString::to_string).collect(),
            unknown: outcome.judged.unknown.iter().map(|(module, _)| module.to_string()).collect(),
        };
        Ok((report, proofs))
    }
}

/// The modules with their proofs, in order.
async fn modules(
    used: &BTreeSet<ModuleVersion>,
    outcome: &RunOutcome,
    relay: &Relay,
) -> Result<(Vec<UsedModule>, Vec<RecordProof>), Fault> {
    let prove = |module: &ModuleVersion| {
        let module = module.clone();
        async move {
            match relay.proof(&module).await? {
                LookupAnswer::Found(proven) => Ok((module, proven)),
                _ => Err(Fault::nobody(relay.name(), format!("{module} cannot be proven any more"))),
            }
        }
    };
    let mut proven = futures_util::stream::iter(used.iter().map(prove)).buffered(AT_ONCE);
    let (mut modules, mut proofs) = (Vec::new(), Vec::new());
    while let Some(next) = proven.next().await {
        let (module, proven) = next?;
        let is_given = |kind: &Kind| outcome.account.proven.contains_key(&(module.clone(), *kind));
        let given = [Kind::Zip, Kind::GoMod].into_iter().filter(is_given).map(Kind::extension).collect();
        modules.push(UsedModule {
            path: module.path().to_string(),
            version: module.version().to_string(),
            record: proven.record.id(),
            zip: proven.record.zip_hash().to_string(),
            go_mod: proven.record.go_mod_hash().to_string(),
            given,
            proof: proven.proof.to_string(),
        });
        proofs.push(proven.proof);
    }
    Ok((modules, proofs))
}
