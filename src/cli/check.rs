//! `gosumcheck verify-proof` and `verify-evidence`: files that anybody can check with the log's key, without any network.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::help::EXCLUDE;
use super::output::{code_of, complain, say, tell, worst};
use super::{audit, setup, witnesses};
use crate::audit::exclude::Exclusions;
use crate::audit::inputs::Inputs;
use crate::audit::look::Look;
use crate::audit::{Answers, misbehaviour, questions, verdicts};
use crate::config::units;
use crate::database::{Answer, Unavailable};
use crate::fault::Fault;
use crate::files;
use crate::report::{Artifact, Format, Head, Input, Report};
use crate::sumdb;
use crate::sumdb::bundle::{RecordProof, parse_proofs};
use crate::sumdb::checkpoint::{Checkpoint, Policy};
use crate::sumdb::evidence::Evidence;
use crate::sumdb::hash::leaf_hash;
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::number::wide;
use crate::sumdb::record::{VerifiedRecord, subject};

/// A proof file of a million records has this size; a larger one is refused.
const MAX_PROOF_BYTES: u64 = 4 << 30;
/// A report of a fork has a few thousand bytes; the rest is the log of a build around it.
const MAX_EVIDENCE_BYTES: u64 = 64 << 20;

#[derive(Debug, Args)]
pub(super) struct VerifyProofArgs {
    /// Proof file that `audit --proof` wrote
    file: PathBuf,
    /// go.sum files whose every line the proof file must prove; folders and - as for audit
    #[arg(value_name = "PATH")]
    gosum: Vec<String>,
    #[arg(long, value_name = "PATTERN", help = EXCLUDE)]
    exclude: Vec<String>,
    /// Checksum database, as in GOSUMDB: NAME or a verifier key NAME+HASH+KEY
    #[arg(long, value_name = "GOSUMDB")]
    sumdb: Option<String>,
    /// Accept proofs only under tree heads that the witnesses of this policy file cosigned, as it says (C2SP tlog-policy)
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Accept proofs only under tree heads that the policy's quorum cosigned at least so long ago, such as 7d or 12h
    #[arg(long, value_name = "DURATION", requires = "policy", value_parser = units::duration)]
    min_age: Option<Duration>,
    /// Skip modules that match these patterns, as in GONOSUMDB; "none" skips no module [default: GONOSUMDB, else GOPRIVATE]
    #[arg(long, value_name = "PATTERNS")]
    private: Option<String>,
    /// Output format: text, json, sarif or junit
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// Show every line, not only those that need attention
    #[arg(long, short)]
    verbose: bool,
}

#[derive(Debug, Args)]
pub(super) struct VerifyEvidenceArgs {
    /// Report that an audit saved, or any text that contains go's SECURITY ERROR
    file: PathBuf,
    /// Checksum database, as in GOSUMDB: NAME or a verifier key NAME+HASH+KEY
    #[arg(long, value_name = "GOSUMDB")]
    sumdb: Option<String>,
}

/// What the proofs of a file prove together.
#[derive(Default)]
struct Proven {
    answers: Answers,
    /// the trees that they are in, by size
    heads: BTreeMap<u64, Checkpoint>,
}

/// Checks a proof file, and go.sum files against it; gives the exit code.
pub(super) fn proof(args: &VerifyProofArgs) -> Result<u8, Fault> {
    let (name, policy, exempt, notices) =
        setup::offline(args.sumdb.as_deref(), args.policy.as_deref(), args.private.as_deref())?;
    let exclusions = Exclusions::parse(&args.exclude)?;
    let path = args.file.display().to_string();
    if args.min_age.is_some() && policy.least_cosignatures() == 0 {
        let why = "--min-age goes by the times of cosignatures, and the policy's quorum needs none";
        return Err(Fault::Usage(why.to_owned()));
    }
    let proofs = parse_proofs(&read(&args.file, MAX_PROOF_BYTES)?).map_err(|error| proves_nothing(&path, &error))?;
    let mut report = Report::new(&name);
    report.notices = notices;
    report.input = Input::ProofFile;
    report.inherits_exemptions = args.private.is_none();
    let judged = together(&path, &proofs, &policy).and_then(|proven| old_enough(&path, proven, args.min_age));
    let Proven { mut answers, heads } = match judged {
        Ok(proven) if args.gosum.is_empty() => return summary(&path, &name, &proven),
        Ok(proven) => proven,
        Err(fault @ Fault::Forked { .. }) if !args.gosum.is_empty() => {
            report.misbehaviour = misbehaviour(&fault);
            Proven::default()
        }
        Err(fault) => return Err(fault),
    };
    report.head = heads.values().next_back().map(Head::of);
    report.notices.extend(setup::noted(heads.values().filter_map(witnesses::told)));
    let Inputs { files, notices, .. } = audit::read(&args.gosum, Look::For(Artifact::GoSum), &exclusions);
    report.notices.extend(notices.into_iter().chain(audit::unread_advice(&files, false)));
    // A log that signed two histories proves nothing about any line.
    if report.misbehaviour.is_none() {
        for module in questions(&files, &exempt) {
            let unknown = || Answer::Unknown(Unavailable::NotHeld(format!("{path} has no proof of it")));
            answers.entry(module).or_insert_with(unknown);
        }
    }
    report.files = verdicts(files, &exempt, &answers);
    report.notices.extend(audit::skipped_notice(&report));
    let printed = audit::print(&mut report, args.format, args.verbose);
    Ok(worst(&[report.exit_code(), code_of(printed)]))
}

fn proves_nothing(path: &str, error: &sumdb::Error) -> Fault {
    Fault::machine(path, format!("proves nothing: {error}; ask its author for another"))
}

/// Checks the proofs of one file, and holds them against each other: two heads of one size are one tree, and a module version
/// has one record.
fn together(path: &str, proofs: &[RecordProof], policy: &Policy) -> Result<Proven, Fault> {
    let Proven { mut answers, mut heads } = Proven::default();
    for proof in proofs {
        let (module, record, head) = check(proof, policy).map_err(|error| proves_nothing(path, &error))?;
        let first = heads.entry(head.tree().size).or_insert_with(|| head.clone());
        if let Some(evidence) = Evidence::of_one_size(first, &head) {
            return Err(Fault::Forked { evidence: Box::new(evidence), saved: None });
        }
        if let Some(Answer::Found(other)) = answers.get(&module)
            && other.text() != record.text()
        {
            let why = format!(
                "proves two records of {module} that are not the same, {} and {}: the log recorded it twice, or it \
                 signed two histories; no line can be held against them. Keep the file, and report it",
                other.id(),
                record.id()
            );
            return Err(Fault::machine(path, why));
        }
        answers.insert(module, Answer::Found(record));
    }
    Ok(Proven { answers, heads })
}

/// What is proven, unless the quorum cosigned one of its heads less than `least` ago by our clock.
fn old_enough(path: &str, proven: Proven, least: Option<Duration>) -> Result<Proven, Fault> {
    let Some(least) = least else { return Ok(proven) };
    let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or_default();
    let latest = now.saturating_sub(least.as_secs());
    let is_young = |head: &&Checkpoint| head.quorum_since().is_none_or(|since| since > latest);
    let Some(young) = proven.heads.values().find(is_young) else { return Ok(proven) };
    let since = young.quorum_since().map_or_else(|| "never".to_owned(), witnesses::time);
    let (size, latest) = (young.tree().size, witnesses::time(latest));
    let why = format!(
        "too young: the quorum cosigned the tree head of size {size} at {since}, and --min-age asks for {latest} or before"
    );
    Err(Fault::machine(path, why))
}

/// What one proof proves. Its `extra` is the record's text, whose hash must be the leaf.
fn check(proof: &RecordProof, policy: &Policy) -> sumdb::Result<(ModuleVersion, VerifiedRecord, Checkpoint)> {
    let text = proof.extra().ok_or_else(|| {
        sumdb::Error::malformed("tlog-proof", format!("the proof of record {} does not carry its text", proof.index()))
    })?;
    let leaf = leaf_hash(text);
    let head = proof.check(&leaf, policy)?;
    let module = subject(text)?;
    let record = VerifiedRecord::check(&module, proof.index(), text, &leaf)?;
    Ok((module, record, head))
}

fn summary(path: &str, name: &str, proven: &Proven) -> Result<u8, Fault> {
    let sizes: Vec<_> = proven.heads.keys().map(u64::to_string).collect();
    let (count, sizes) = (proven.answers.len(), sizes.join(" and "));
    proven.heads.values().filter_map(witnesses::told).for_each(|told| say(&told));
    tell(|out| {
        writeln!(out, "{path}: {count} module versions are proven to be in the tree of size {sizes} of {name}")
    })?;
    Ok(0)
}

/// Checks evidence that a log signed two histories; gives 3 where it holds.
pub(super) fn evidence(args: &VerifyEvidenceArgs) -> Result<u8, Fault> {
    let (name, policy, _, _) = setup::offline(args.sumdb.as_deref(), None, None)?;
    let path = args.file.display().to_string();
    let bytes = read(&args.file, MAX_EVIDENCE_BYTES)?;
    // Bytes that are not text, anywhere in a build's log, do not spoil the report beside them.
    let text = String::from_utf8_lossy(&bytes);
    let fork = Evidence::find(&text, &policy).map_err(|error| {
        let is_text = matches!(text, Cow::Borrowed(_));
        let hint = if is_text { "" } else { "; the file is not UTF-8 text" };
        Fault::machine(&path, format!("holds no valid evidence against {name}: {error}{hint}"))
    })?;
    let printed = tell(|out| {
        writeln!(out, "{name} misbehaved: its key signed two trees that cannot both be true.")?;
        writeln!(out, "  tree of size {}: root {}", fork.old.size, fork.old.root)?;
        writeln!(out, "  tree of size {}: root {}", fork.new.size, fork.new.root)?;
        writeln!(out, "  at size {} the second has root {}", fork.old.size, fork.rewritten)?;
        writeln!(out, "Nobody but the holder of the key can make this. Publish the file; trust neither tree.")
    });
    if let Err(fault) = printed {
        complain(&fault);
    }
    Ok(3)
}

/// The bytes of the file that the user named.
fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Fault> {
    let name = path.display().to_string();
    let read = files::open_named(path).and_then(|file| files::read_bounded(file, limit));
    let bytes =
        read.map_err(|error: io::Error| Fault::machine(&name, format!("cannot be read: {}", files::explain(&error))))?;
    if wide(bytes.len()) > limit {
        let why = format!("has more than {} MiB; give only the part that is to be checked", limit >> 20);
        return Err(Fault::machine(name, why));
    }
    Ok(bytes)
}
