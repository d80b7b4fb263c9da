//! `verify`: re-verifies everything stored from its bytes. Nothing that is stored is believed. Two parts, with one report: a full
//! log derived again under the head that it signed (`log`), and the module store hashed again (`modules`).
//!
//! First the levels above the leaves, which are small, are folded to the signed root. Then all records are read in order: each
//! gives its leaf hash, each data tile its hash in level 1 (`stream`). Where anything differs a closer look finds out what is
//! damaged, the records, the hashes or the table of offsets (`locate`, `cut`), by what is proven under the root (`levels`).
//! The index must have the entries that the records ask for and no others (`indexed`). Every other head that was ever accepted
//! must have the root that the log had at its size (`heads`).
//!
//! Only reads, and takes the head once: a server and a sync may be at work meanwhile.

use std::io;
use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use crate::fault::Fault;
use crate::report::integrity::{Coverage, Finding, Flaw};
use crate::report::{Head, Integrity, Level, Notice, grouped};
use crate::store::head::CosignedHead;
use crate::store::scrub::ScrubPace;
use crate::store::{Log, StoredHead};
use crate::sumdb::checkpoint::{Checkpoint, Policy, Tree};
use crate::sumdb::hash::{Hash, leaf_hashes};
use crate::sumdb::note::VerifierKey;
use crate::sumdb::number::wide;
use crate::sumdb::tile::{FULL, Tile};

mod cosigned;
mod cut;
mod damaged;
mod diagnose;
mod files;
mod heads;
mod in_order;
mod indexed;
mod kept;
mod levels;
mod locate;
mod modules;
mod open_runs;
mod parts;
mod passed;
mod places;
mod recorded;
mod repair;
mod reporter;
mod resume;
mod stream;
mod structure;

pub use diagnose::diagnose;
pub use kept::{cached, evidence, has_cache};
pub use modules::{ModuleOptions, SourcesOf, modules, upstreams};
pub use open_runs::{OpenRun, last_complete, open_counts, open_runs};
pub use places::places;
pub use recorded::RecordedRun;
pub use repair::{LogRepair, Repaired, mend_cached, mend_cosigned, mend_kept, mend_modes, mend_remembered};
pub use resume::{JobScope, NOTE_EVERY, Resume};
pub use structure::structure;

use files::Files;
use heads::Heads;
use indexed::Indexed;
use levels::Levels;
use passed::Passed;
use reporter::Reporter;
use stream::Reference;

/// The files by which a full log is known.
const LOG_FILES: [&str; 4] = ["head", "heads", "records", "progress"];

/// How to verify.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// threads that hash; as many as there are processors where none are named
    pub threads: Option<NonZero<usize>>,
    /// the signed heads that are remembered outside the log's folder
    pub remembered: Vec<StoredHead>,
    /// heads that the log must be consistent with, wherever they came from
    pub pinned: Vec<Checkpoint>,
    /// why others of them cannot be read
    pub unreadable: Vec<Fault>,
    /// the files with what keys of ours cosigned last
    pub cosigned: Vec<CosignedHead>,
    /// keys of cosigners that are known
    pub cosigners: Vec<VerifierKey>,
    /// do not check the index
    pub skip_index: bool,
    /// which records are read; the index is compared only where all are
    pub coverage: Coverage,
    /// how fast records are read; none for no limit
    pub pace: Option<ScrubPace>,
    /// where it is noted how far the verification has come; none where it is not
    pub resume: Option<Arc<Resume>>,
}

impl VerifyOptions {
    fn thread_count(&self) -> usize {
        self.threads.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZero::get)
    }
}

/// Whether anything of a full log is here, be it damaged: where only answers are cached there is none to derive again.
pub fn is_there(log: &Log) -> bool {
    LOG_FILES.iter().any(|name| may_be_there(&log.dir().join(name)))
}

/// Whether something is at `path`, or it cannot be told.
pub fn may_be_there(path: &Path) -> bool {
    path.symlink_metadata().map_or_else(|error| error.kind() != io::ErrorKind::NotFound, |_| true)
}

/// Derives the log `name` again, whose heads must satisfy `policy`. `progress` gets the number of records that are done, and of all.
///
/// Where a first sync has not committed a head yet, what it has stored is compared with its own hashes.
///
/// # Errors
/// `Unavailable`: there is no log here, no signed head of it, or a file cannot be opened; all else is a finding.
pub fn log(
    log: &Log,
    name: &str,
    policy: &Policy,
    options: &VerifyOptions,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Integrity, Fault> {
    let mut report = Integrity::new(name);
    places::of_log(log, &mut report);
    if let Some(records) = first_sync(log) {
        remembered(policy, options, &mut report);
        // What was cosigned comes again with the records.
        let _ = cosigned::read(policy, options, &mut report);
        let options = VerifyOptions { skip_index: true, resume: None, coverage: Coverage::Full, ..options.clone() };
        derive(log, unsigned_tree(log, records)?, None, &options, progress, &mut report)?;
        let text = format!(
            "a first sync is under way or was stopped: {} records are stored so far, and no signed tree head. They were compared \
             with their stored hashes; `gosumcheck sync` goes on and proves them under a signed head",
            grouped(records)
        );
        report.notices.push(Notice { level: Level::Note, text });
        return Ok(report);
    }
    report.coverage = options.coverage;
    let heads = heads::read(log, policy, options, &mut report)?;
    report.head = Some(Head::of(&heads.head));
    derive(log, heads.head.tree(), Some(&heads), options, progress, &mut report)?;
    Ok(report)
}

/// Judges the heads that are remembered outside a log's folder, by their signatures alone: those of `options`. What is damaged
/// among them is a finding.
pub fn remembered(policy: &Policy, options: &VerifyOptions, report: &mut Integrity) {
    heads::read_remembered(policy, options, report);
}

/// Judges what was cosigned where no full log is held, which it says is held.
pub fn cosigned_without_log(policy: &Policy, options: &VerifyOptions, report: &mut Integrity) {
    let heads = cosigned::read(policy, options, report);
    cosigned::compare_sizes(options, heads.iter().map(|(head, key_id)| (head, *key_id)), None, report);
}

/// How many records, in whole data tiles, a first sync has stored that has committed no head.
fn first_sync(log: &Log) -> Option<u64> {
    let records = log.first_sync().ok()??;
    // With a head in `heads` its first commit is under way: the records of that head are there.
    log.heads().is_ok_and(|heads| heads.is_empty()).then_some(records - records % FULL)
}

/// The tree of `records` records that the stored hashes give. No signature is over it, so it shows damage and proves nothing.
fn unsigned_tree(log: &Log, records: u64) -> Result<Tree, Fault> {
    let empty = Tree { size: records, ..Tree::EMPTY };
    let root = Levels::read(&Files::open(log, empty)?).stored_root().unwrap_or_default();
    Ok(if records == 0 { Tree::EMPTY } else { Tree { size: records, root } })
}

/// Derives everything under `tree`, and compares the other heads with it.
fn derive(
    log: &Log,
    tree: Tree,
    heads: Option<&Heads>,
    options: &VerifyOptions,
    progress: &(dyn Fn(u64, u64) + Sync),
    report: &mut Integrity,
) -> Result<(), Fault> {
    let files = Files::open(log, tree)?;
    let levels = Levels::read(&files);
    let done = std::sync::atomic::AtomicU64::new(0);
    let count = |more: u64| {
        let before = done.fetch_add(more, std::sync::atomic::Ordering::Relaxed);
        progress(before + more, tree.size);
    };
    let index = if options.skip_index { None } else { Indexed::open(log, tree.size, report) };
    let (coverage, pace) = (options.coverage, options.pace.as_ref());
    let reference = Reference { tops: levels.stored(1), index: index.as_ref(), progress: &count, coverage, pace };
    let (mut passed, found) = thread::scope(|scope| {
        let whole = index.as_ref().filter(|_| coverage.is_full());
        let found = whole.map(|index| scope.spawn(|| index.found()));
        (parts::pass(&files, &reference, options), found.and_then(|found| found.join().ok()))
    });
    let edge = edge(&files, index.as_ref(), coverage, &mut passed);
    let mut reporter = Reporter::new(tree, report);
    let recovered = if passed.bad.is_empty() && levels.are_whole(&edge) && files.has_all_offsets() {
        None
    } else {
        let marked = locate::cuts(&files, &passed.bad, &mut reporter);
        Some(locate::locate(&files, &levels, &marked, &mut reporter))
    };
    for (file, bytes) in &passed.unreadable {
        reporter.unreadable(file, bytes.clone());
    }
    reporter.finish();
    if let Some((index, found)) = index.as_ref().zip(found) {
        index.compare(passed.expected, found, passed.bad.is_empty(), report);
    } else if let Some(index) = &index {
        index.report_lacking(passed.looked_up, passed.lacking, report);
    }
    malformed(&passed, report);
    if let Some(heads) = heads {
        let hashes = |tile: &Tile| hashes(&files, &levels, recovered.as_ref(), tile);
        heads.compare(&hashes, report);
        cosigned::compare_sizes(options, heads.cosigned(), Some(tree.size), report);
    }
    figures(&files, options, report);
    Ok(())
}

/// Compares the index alone with the records of a log that is in order under `tree`.
fn index_alone(log: &Log, tree: Tree, options: &VerifyOptions, report: &mut Integrity) -> Result<(), Fault> {
    derive(log, tree, None, options, &|_, _| {}, report)
}

/// Looks at the partial data tile at the end, which the fast pass left out; gives the stored hashes of its records.
fn edge(files: &Files, index: Option<&Indexed>, coverage: Coverage, passed: &mut Passed) -> Vec<Hash> {
    let tile = files.full_tiles();
    if tile == files.tiles() {
        return Vec::new();
    }
    let stored = files.leaves(tile);
    let bytes = files.begin(tile).map(|begin| {
        let end = files.tree_end(begin, files.width(tile));
        files.cut_bytes(cut::Cut { begin, end })
    });
    let pieces: Vec<&[u8]> =
        bytes.as_deref().map(cut::pieces).unwrap_or_default().into_iter().map(|(_, text)| text).collect();
    if pieces.len() == files.width(tile) && leaf_hashes(&pieces) == stored {
        passed.check_records(tile * FULL, &pieces, index, coverage);
    } else {
        passed.bad.push(tile);
    }
    stored
}

/// The hashes of a tile, the true ones where a closer look was taken.
fn hashes(files: &Files, levels: &Levels, recovered: Option<&levels::RecoveredLevels>, tile: &Tile) -> Vec<Hash> {
    let level = usize::try_from(tile.level()).unwrap_or(usize::MAX);
    let (first, count) = (tile.index() * FULL, usize::try_from(tile.width()).unwrap_or(0));
    let known = match (level, recovered) {
        (0, Some(recovered)) if tile.index() == files.full_tiles() => return recovered.level(0).to_vec(),
        (0, _) => return files.stored(0, first, count),
        (_, Some(recovered)) => recovered.level(level),
        (_, None) => levels.stored(level),
    };
    known.iter().skip(usize::try_from(first).unwrap_or(usize::MAX)).take(count).copied().collect()
}

/// Reports records that the log should not hold.
fn malformed(passed: &Passed, report: &mut Integrity) {
    for id in &passed.malformed {
        let what = "is not two well-formed lines about one module version";
        report.add(Finding { records: Some(*id..*id + 1), ..Finding::of_file(Flaw::Malformed, "records", what) });
    }
    let listed = wide(passed.malformed.len());
    report.count(Flaw::Malformed, passed.malformed_count.saturating_sub(listed));
}

fn figures(files: &Files, options: &VerifyOptions, report: &mut Integrity) {
    let above = (1..).map(|level| crate::sumdb::tile::Edge::hashes(files.tree.size, level)).take_while(|n| *n > 0);
    let end = match files.tiles() - files.full_tiles() {
        0 => files.begin(files.full_tiles()),
        _ => files.begin(files.full_tiles()).map(|begin| files.tree_end(begin, files.width(files.full_tiles()))),
    };
    let end = end.filter(|end| *end <= files.records.len()).unwrap_or(files.records.len());
    let (records, bytes) = match options.coverage {
        Coverage::Full => (files.tree.size, end),
        Coverage::Part { .. } => parts::covered(files, options),
    };
    (report.figures.records, report.figures.record_bytes) = (records, bytes);
    report.figures.hashes = records + above.sum::<u64>();
    let beyond = files.records.len() - end;
    if beyond > 0 && report.head.is_some() && report.total() == 0 {
        let text =
            format!("{beyond} bytes of records lie beyond the committed head: a sync that goes on or was interrupted");
        report.notices.push(Notice { level: Level::Note, text });
    }
}
