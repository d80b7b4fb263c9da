//! The signed heads: the committed one, under which everything is derived, and every other that was ever accepted, which must
//! have the root that the log had at its size.

use std::collections::HashMap;
use std::ops::Range;

use super::{VerifyOptions, cosigned};
use crate::fault::Fault;
use crate::report::integrity::{Finding, Flaw};
use crate::report::{Integrity, Level, Misbehaviour, Notice};
use crate::store::Log;
use crate::store::log::{HEADS_LIMIT, entries};
use crate::sumdb;
use crate::sumdb::checkpoint::{Checkpoint, Policy, Tree};
use crate::sumdb::evidence::Evidence;
use crate::sumdb::hash::Hash;
use crate::sumdb::number::wide;
use crate::sumdb::tile::{Tile, VerifiedTree, Want};

/// The heads that were found, all of them signed by the log.
#[derive(Debug)]
pub(super) struct Heads {
    /// the newest that was committed and whose records are here: everything is derived under it
    pub(super) head: Checkpoint,
    /// all others, with where each is
    others: Vec<(Checkpoint, Place)>,
}

/// Where a head is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// pinned from outside: trusted before first contact
    Pinned,
    /// remembered of answers that were asked for, so perhaps newer than anything that is held
    Remembered,
    /// cosigned here by the key of this id, so never newer than what was committed
    Cosigned(u32),
    Head,
    Heads,
}

/// Reads the heads; `options` has those that are kept outside the log's own folder. Reports entries that are not signed heads.
///
/// # Errors
/// `Unavailable`: there is no log here, or no signed head of it.
pub(super) fn read(
    log: &Log,
    policy: &Policy,
    options: &VerifyOptions,
    report: &mut Integrity,
) -> Result<Heads, Fault> {
    // `heads` is read first: what is added to it later belongs to a later commit.
    let (mut others, torn) = read_heads(log, policy, report)?;
    let committed = log.head();
    others.extend(read_remembered(policy, options, report));
    let cosigned = cosigned::read(policy, options, report);
    others.extend(cosigned.into_iter().map(|(head, key_id)| (head, Place::Cosigned(key_id))));
    others.extend(options.pinned.iter().map(|head| (head.clone(), Place::Pinned)));
    match read_committed(log, policy, committed, &others)? {
        Ok(head) => {
            let is_listed =
                |(other, place): &(Checkpoint, Place)| *place == Place::Heads && other.bytes() == head.bytes();
            if !others.iter().any(is_listed) {
                let why = "it lacks the committed head, which is written there first".to_owned();
                damaged(report, "heads", None, why);
            } else if torn {
                let text = "the last entry of heads is torn: a commit was interrupted; the next one writes over it";
                notice(report, text);
            }
            newest_committed(log, head, others, report)
        }
        Err(_) if is_first_commit(log, &others) => {
            notice(report, "the first commit is under way or was interrupted: `gosumcheck sync` finishes it");
            let newest =
                others.iter().filter(|(_, place)| *place == Place::Heads).max_by_key(|(head, _)| head.tree().size);
            let nothing = || Fault::machine(log.dir().display().to_string(), "has no signed head");
            let head = newest.map(|(head, _)| head.clone()).ok_or_else(nothing)?;
            Ok(Heads { head, others })
        }
        Err(why) => {
            report.add(Finding::of_file(Flaw::HeadDamaged, "head", why.clone()));
            let stored = others.iter().filter(|(_, place)| !matches!(place, Place::Pinned | Place::Cosigned(_)));
            let newest = stored.max_by_key(|(other, place)| (*place == Place::Heads, other.tree().size));
            let lost = || {
                let why = format!("has no signed head left ({why}), and without one it cannot be verified");
                Fault::machine(log.dir().display().to_string(), why)
            };
            let head = newest.map(|(head, _)| head.clone()).ok_or_else(lost)?;
            Ok(Heads { head, others })
        }
    }
}

/// Whether a first sync has put its head into `heads`, and not yet into `head`.
fn is_first_commit(log: &Log, others: &[(Checkpoint, Place)]) -> bool {
    others.iter().any(|(_, place)| *place == Place::Heads) && matches!(log.first_sync(), Ok(Some(_)))
}

/// The heads that are kept outside the log's own folder. What is damaged among them is a finding.
pub(super) fn read_remembered(
    policy: &Policy,
    options: &VerifyOptions,
    report: &mut Integrity,
) -> Vec<(Checkpoint, Place)> {
    for fault in &options.unreadable {
        match fault {
            Fault::Unavailable { source_name, why, .. } => damaged(report, source_name, None, why.clone()),
            fault => damaged(report, "latest", None, fault.to_string()),
        }
    }
    let mut heads = Vec::new();
    for kept in &options.remembered {
        match Checkpoint::open(&kept.note, policy) {
            Ok(head) => heads.push((head, Place::Remembered)),
            Err(error) => damaged(report, &kept.path.display().to_string(), None, unsigned(policy, &kept.note, &error)),
        }
    }
    heads
}

/// The committed head, or what is wrong with it.
///
/// # Errors
/// `Unavailable`: there is no log here.
fn read_committed(
    log: &Log,
    policy: &Policy,
    committed: Result<Option<Vec<u8>>, Fault>,
    others: &[(Checkpoint, Place)],
) -> Result<Result<Checkpoint, String>, Fault> {
    match committed {
        Ok(Some(note)) => Ok(Checkpoint::open(&note, policy).map_err(|error| unsigned(policy, &note, &error))),
        // A head that is remembered from lookups is not a log.
        Ok(None) if !others.iter().any(|(_, at)| *at == Place::Heads) && !log.open_file("records")?.is_there() => {
            let why = "there is no mirror of this log here: `gosumcheck sync` makes one";
            Err(Fault::machine(log.dir().display().to_string(), why))
        }
        Ok(None) => Ok(Err("it is not there".to_owned())),
        Err(fault) => Ok(Err(fault.to_string())),
    }
}

/// The entries of `heads` that the log signed, and whether the last one is torn.
fn read_heads(log: &Log, policy: &Policy, report: &mut Integrity) -> Result<(Vec<(Checkpoint, Place)>, bool), Fault> {
    let bytes = log.open_file("heads")?.bytes(0, usize::try_from(HEADS_LIMIT).unwrap_or(usize::MAX));
    let (mut heads, mut torn) = (Vec::new(), false);
    for entry in entries(&bytes) {
        match Checkpoint::open(entry.bytes(), policy) {
            Ok(head) => heads.push((head, Place::Heads)),
            // The next commit writes over it.
            Err(_) if entry.is_torn() => torn = true,
            Err(error) => {
                let range = entry.range();
                let what = unsigned(policy, entry.bytes(), &error);
                damaged(report, "heads", Some(wide(range.start)..wide(range.end)), what);
            }
        }
    }
    Ok((heads, torn))
}

/// The head to derive everything under. `head` is committed; where `heads` has a newer one it was put back, or its commit was
/// interrupted between the two files. All that was ever committed is on the disk, and is checked: an attacker would hide
/// changes behind an older head.
fn newest_committed(
    log: &Log,
    head: Checkpoint,
    mut others: Vec<(Checkpoint, Place)>,
    report: &mut Integrity,
) -> Result<Heads, Fault> {
    let listed = others.iter().filter(|(_, place)| *place == Place::Heads);
    let newest = listed.map(|(other, _)| other).max_by_key(|other| other.tree().size);
    let (size, Some(newest)) = (head.tree().size, newest.filter(|newest| newest.tree().size > head.tree().size)) else {
        return Ok(Heads { head, others });
    };
    let held = log.open_file("hashes.0")?.len() / wide(Hash::LEN);
    let newer = newest.tree().size;
    if held >= newer && log.sync_after().is_ok_and(|after| after == Some(size)) {
        notice(
            report,
            "a commit is under way or was interrupted, after `heads` and before `head`: `gosumcheck sync` finishes it",
        );
        let newest = newest.clone();
        others.push((head, Place::Head));
        return Ok(Heads { head: newest, others });
    }
    let checked = if held < newer {
        format!("of those after it {} are held, and not checked", held.saturating_sub(size))
    } else {
        format!("all {newer} are checked")
    };
    let what =
        format!("commits to {size} records, and heads has a head of {newer} that was committed after it: {checked}");
    report.add(Finding::of_file(Flaw::HeadBehind, "head", what));
    if held < newer {
        return Ok(Heads { head, others });
    }
    let newest = newest.clone();
    if !others.iter().any(|(other, _)| other.bytes() == head.bytes()) {
        others.push((head, Place::Head));
    }
    Ok(Heads { head: newest, others })
}

fn damaged(report: &mut Integrity, file: &str, bytes: Option<Range<u64>>, what: String) {
    report.add(Finding { bytes, ..Finding::of_file(Flaw::HeadsDamaged, file, what) });
}

/// Why a note is not a head of the log.
fn unsigned(policy: &Policy, note: &[u8], error: &sumdb::Error) -> String {
    if policy.is_of_another_key(note) {
        return format!(
            "it is signed under the log's name by another key than the one that is set: another log's ({error})"
        );
    }
    error.to_string()
}

fn notice(report: &mut Integrity, text: impl Into<String>) {
    report.notices.push(Notice { level: Level::Note, text: text.into() });
}

impl Heads {
    /// Those that were cosigned here, each with the id of the key.
    pub(super) fn cosigned(&self) -> impl Iterator<Item = (&Checkpoint, u32)> {
        self.others.iter().filter_map(|(head, place)| match place {
            Place::Cosigned(key_id) => Some((head, *key_id)),
            _ => None,
        })
    }

    /// Compares every head with the log that the files hold. `hashes` gives what is true of a level: from, how many.
    pub(super) fn compare(&self, hashes: &dyn Fn(&Tile) -> Vec<Hash>, report: &mut Integrity) {
        let tree = self.head.tree();
        let body = |tile: &Tile| hashes(tile).iter().flat_map(|hash| hash.0).collect::<Vec<u8>>();
        let mut verified = VerifiedTree::new(tree);
        let edge: Vec<Vec<u8>> = verified.edge().iter().map(body).collect();
        let has_edge = verified.admit_edge(&edge).is_ok();
        let mut by_size: HashMap<u64, &Checkpoint> = HashMap::from([(tree.size, &self.head)]);
        let (mut beyond, mut uncompared) = (0_u64, 0_u64);
        report.figures.heads += u64::from(has_edge);
        for (other, place) in &self.others {
            let Tree { size, root } = other.tree();
            let same_size = *by_size.entry(size).or_insert(other);
            if let Some(evidence) = Evidence::of_one_size(same_size, other) {
                caught(report, evidence);
            } else if size > tree.size {
                beyond += u64::from(matches!(place, Place::Head | Place::Heads));
            } else if other.tree() != tree && size > 0 {
                let found = root_at(&verified, size, &body).filter(|_| has_edge);
                match found {
                    Some((found, _)) if found == root => report.figures.heads += 1,
                    Some((found, proof)) => caught(report, Evidence::new(other, &self.head, found, proof)),
                    None => uncompared += 1,
                }
            }
        }
        if beyond > 0 {
            let text =
                format!("{beyond} heads are of larger trees than the one that was checked; their records are not held");
            notice(report, text);
        }
        if uncompared > 0 {
            let text =
                format!("{uncompared} older heads could not be compared, because what they commit to is damaged here");
            report.notices.push(Notice { level: Level::Warning, text });
        }
    }
}

/// The root that the tree had at `size`, with the proof that it begins so, if its tiles are here.
fn root_at(edge: &VerifiedTree, size: u64, body: &dyn Fn(&Tile) -> Vec<u8>) -> Option<(Hash, Vec<Hash>)> {
    let mut tree = edge.clone();
    let admit = |tree: &mut VerifiedTree, want| {
        let plan = tree.plan(&[want]).ok()?;
        plan.tiles().iter().try_for_each(|tile| tree.admit(tile, &body(tile)).ok())
    };
    admit(&mut tree, Want::RootAt(size))?;
    let root = tree.root_at(size)?;
    // For the proof alone, which is only needed where the log is caught, nothing fails.
    let _ = admit(&mut tree, Want::Consistency(size));
    Some((root, tree.consistency_proof(size).unwrap_or_default()))
}

fn caught(report: &mut Integrity, evidence: Evidence) {
    report.misbehaviour.get_or_insert(Misbehaviour { evidence: evidence.to_string(), saved: None });
}
