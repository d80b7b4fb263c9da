//! The history of a git repository: every go.sum and go.work.sum that any commit ever had. Each distinct line is one claim; of one
//! that turns out wrong it is told which commits and branches carried it, and by whose commit it came and went.
//!
//! The repository may be a stranger's: it is read by the crate `gix`, without a checkout, a command or a network, and all that is
//! counted has a bound. What cannot be seen (a shallow clone, another repository within this one) is named.

mod commits;
mod lines;
mod links;
mod repository;
mod trace;
mod trees;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use gix::{ObjectId, Repository};

use super::Claims;
use super::exclude::{Excluded, Exclusions};
use crate::database::Progress;
use crate::fault::Fault;
use crate::report::{Artifact, Level, Notice, counted};
use crate::sumdb::gosum::MAX_FILE_BYTES;
use crate::sumdb::number::wide;
use commits::Commits;
use lines::{DistinctLines, PlaceInCommit};
use links::KnownLinks;
use repository::Tips;
use trees::{CommitTrees, SumPath, What};

/// Versions of go.sum files.
const MAX_VERSIONS: usize = 5_000_000;
/// Bytes of all of them.
const MAX_BYTES: u64 = 1 << 40;
/// What is not read is named up to this number, then counted.
const MAX_UNREAD: usize = 1_000;
/// Submodules and excluded files that a notice names.
const NAMED: usize = 3;

/// A history that was read.
pub struct History {
    path: String,
    /// the folder with its files; empty where there is none
    tree: PathBuf,
    repository: Repository,
    tips: BTreeMap<String, ObjectId>,
    commits: Commits,
    trees: CommitTrees,
    /// the number of the set of files of each commit, in the order of `commits.order`
    sets: Vec<u32>,
    lines: DistinctLines,
    excluded: Excluded,
}

/// What there is to audit in a history.
pub struct HistoryInputs {
    /// with what its findings are traced; none where nothing could be read
    pub history: Option<History>,
    /// its lines, and what of it could not be read
    pub files: Vec<Claims>,
    /// what was left out without harm
    pub notices: Vec<Notice>,
}

/// Reads the history of the repository at `path`: the commits that `range` names, else all that its branches and tags lead to.
///
/// # Errors
/// `Usage`: the range.
pub fn read(
    path: &str,
    range: Option<&str>,
    exclusions: &Exclusions,
    progress: Progress<'_>,
) -> Result<HistoryInputs, Fault> {
    let nothing = |why: String| HistoryInputs { history: None, files: vec![unread(path, &why)], notices: Vec::new() };
    let (repository, tree) = match repository::open(Path::new(path)) {
        Ok((repository, tree)) => (repository, tree.unwrap_or_default()),
        Err(why) => return Ok(nothing(why)),
    };
    let (tips, broken) = match repository::references(&repository) {
        Ok(found) => found,
        Err(why) => return Ok(nothing(why)),
    };
    let wanted = match range {
        Some(range) => repository::tips_of(&repository, range)?,
        None => Tips { included: tips.values().copied().collect(), excluded: Vec::new() },
    };
    progress("commits read", 0, 0);
    let commits = match Commits::read(&repository, &wanted) {
        Ok(commits) => commits,
        Err(why) => return Ok(nothing(why)),
    };
    let history = History {
        path: path.to_owned(),
        tree,
        repository,
        tips,
        commits,
        trees: CommitTrees::default(),
        sets: Vec::new(),
        lines: DistinctLines::default(),
        excluded: exclusions.alone(),
    };
    let mut reading = Reading::default();
    if range.is_none() {
        broken.into_iter().for_each(|name| reading.unread(&name, "is a branch or a tag that leads to no commit"));
    }
    Ok(reading.read(history, exclusions, progress))
}

/// What was met on the way.
#[derive(Default)]
struct Reading {
    /// files and folders that were looked at, and as what
    seen: HashSet<(What, u32)>,
    links: KnownLinks,
    versions: usize,
    bytes: u64,
    sums: BTreeSet<u32>,
    submodules: BTreeSet<u32>,
    left_out: BTreeSet<u32>,
    patterns: BTreeSet<String>,
    unread: Vec<Claims>,
    more: usize,
}

impl Reading {
    fn read(mut self, mut history: History, exclusions: &Exclusions, progress: Progress<'_>) -> HistoryInputs {
        let total = history.commits.order.len();
        let mut seen_sets = HashSet::new();
        for (done, place) in history.commits.order.clone().into_iter().enumerate() {
            let Some(commit) = history.commits.get(place) else { continue };
            let (id, tree) = (commit.id.to_string(), commit.tree);
            let outcome = history.trees.of(&history.repository, tree).and_then(|set| {
                history.sets.push(set);
                if seen_sets.insert(set) { self.read_set(&mut history, set, &id) } else { Ok(()) }
            });
            if let Err(why) = outcome {
                self.unread(&history.path, &format!("{why}: the commits after {id} were not read"));
                break;
            }
            progress("commits read", done, total);
        }
        let unread = std::mem::take(&mut history.commits.unread);
        for (id, why) in unread {
            let name = if id.is_null() { history.path.clone() } else { format!("commit {id}") };
            self.unread(&name, &why);
        }
        self.tell_shallow(&history);
        let files = self.files(&mut history);
        HistoryInputs { files, notices: self.notices(&history, exclusions), history: Some(history) }
    }

    fn unread(&mut self, name: &str, why: &str) {
        if self.unread.len() == MAX_UNREAD {
            self.more += 1;
        } else {
            self.unread.push(unread(name, why));
        }
    }

    /// The parents of some commits are not in a shallow clone.
    fn tell_shallow(&mut self, history: &History) {
        let cut_off = history.commits.order.iter().filter_map(|place| history.commits.get(*place));
        let ids: Vec<String> = cut_off.filter(|commit| commit.is_cut_off).map(|commit| commit.id.to_string()).collect();
        let Some(first) = ids.first() else { return };
        let why = format!(
            "is a shallow clone: what was before {} ({}) is not in it, so nobody saw it; `git fetch --unshallow` brings it",
            counted(wide(ids.len()), "commit"),
            if ids.len() > 1 { format!("{first} and others") } else { first.clone() }
        );
        self.unread(&history.path, &why);
    }

    fn read_set(&mut self, history: &mut History, set: u32, commit: &str) -> Result<(), String> {
        let entries = history.trees.set(set).to_vec();
        let lost = self.links.lost(history, &entries);
        for entry in &entries {
            let path = history.trees.paths.get(entry.path).cloned().unwrap_or_default();
            if let Some(pattern) = history.excluded.with_folders(&path) {
                self.patterns.insert(pattern.text);
                self.left_out.insert(entry.path);
                continue;
            }
            if entry.what == What::Sum {
                self.sums.insert(entry.path);
            }
            let is_same_anywhere = matches!(entry.what, What::Sum | What::Unread);
            if is_same_anywhere && !self.seen.insert((entry.what, entry.object)) {
                continue;
            }
            let name = format!("{commit}:{path}");
            match entry.what {
                What::Submodule => drop(self.submodules.insert(entry.path)),
                What::Unread => {
                    let why = history.trees.faults.get(&entry.object).cloned().unwrap_or_default();
                    self.unread(&name, &why);
                }
                What::Link if lost.contains(entry) => {
                    self.unread(&name, "is a link that does not lead to a go.sum file of this commit");
                }
                What::Link => {}
                What::Sum => self.read_sum(history, entry, PlaceInCommit { commit, path: &path })?,
            }
        }
        Ok(())
    }

    fn read_sum(&mut self, history: &mut History, entry: &SumPath, place: PlaceInCommit<'_>) -> Result<(), String> {
        self.versions += 1;
        if self.versions > MAX_VERSIONS {
            return Err(format!("has more than {MAX_VERSIONS} versions of go.sum files"));
        }
        let outcome = sum(&history.repository, &history.trees, entry).and_then(|bytes| {
            self.bytes = self.bytes.saturating_add(wide(bytes.len()));
            history.lines.add(&bytes, place)
        });
        if history.lines.is_full() {
            return outcome;
        }
        if let Err(why) = outcome {
            self.unread(&format!("{}:{}", place.commit, place.path), &why);
        }
        if self.bytes > MAX_BYTES { Err(format!("has more than {MAX_BYTES} bytes of go.sum files")) } else { Ok(()) }
    }

    fn files(&mut self, history: &mut History) -> Vec<Claims> {
        let claims = std::mem::take(&mut history.lines.claims);
        let about = format!(
            "{} of {} {}, {} of {}",
            counted(wide(history.sets.len()), "commit"),
            history.tips.len(),
            if history.tips.len() == 1 { "branch or tag" } else { "branches and tags" },
            counted(wide(self.versions), "version"),
            counted(wide(self.sums.len()), "go.sum file")
        );
        let mut parts = std::mem::take(&mut self.unread);
        if self.more > 0 {
            parts.push(unread(&history.path, &format!("{} more of its parts could not be read", self.more)));
        }
        let why = "no commit of it has a go.sum or go.work.sum file";
        let nothing = (claims.is_empty() && parts.is_empty()).then(|| why.to_owned());
        let judged = Claims {
            artifact: Artifact::GitHistory,
            tree: history.tree.display().to_string(),
            about: Some(about),
            claims,
            unread: nothing,
            is_explained: true,
            ..Claims::empty(history.path.as_str())
        };
        std::iter::once(judged)
            .filter(|judged| !judged.claims.is_empty() || judged.unread.is_some())
            .chain(parts)
            .collect()
    }

    fn notices(&self, history: &History, exclusions: &Exclusions) -> Vec<Notice> {
        let named = |paths: &BTreeSet<u32>| {
            let names = paths.iter().filter_map(|path| history.trees.paths.get(*path)).take(NAMED).cloned();
            names.collect::<Vec<_>>().join(", ") + if paths.len() > NAMED { ", ..." } else { "" }
        };
        let submodules = (!self.submodules.is_empty()).then(|| {
            let (count, names) = (counted(wide(self.submodules.len()), "submodule"), named(&self.submodules));
            let text =
                format!("{count} not read, each has a history of its own (gosumcheck audit --history PATH): {names}");
            Notice { level: Level::Warning, text }
        });
        let left_out = (!self.left_out.is_empty()).then(|| {
            let (count, names) = (counted(wide(self.left_out.len()), "file"), named(&self.left_out));
            Notice { level: Level::Note, text: format!("{count} of the history excluded by --exclude: {names}") }
        });
        let unused = exclusions.patterns().iter().filter(|pattern| !self.patterns.contains(*pattern)).map(|unused| {
            let text = format!("--exclude {unused} excludes nothing: no go.sum file of the history matches it");
            Notice { level: Level::Warning, text }
        });
        submodules.into_iter().chain(left_out).chain(unused).collect()
    }
}

/// What of a history could not be read, and why, which leaves nothing to advise.
fn unread(name: &str, why: &str) -> Claims {
    Claims { artifact: Artifact::GitHistory, is_explained: true, ..Claims::unread(name, why) }
}

/// The bytes of a go.sum file.
fn sum(repository: &Repository, trees: &CommitTrees, entry: &SumPath) -> Result<Vec<u8>, String> {
    let id = trees.objects.get(entry.object).copied().ok_or("is not at hand")?;
    if let Ok(Some(header)) = repository.try_find_header(id)
        && header.size() > wide(MAX_FILE_BYTES)
    {
        return Err(format!("has more than {MAX_FILE_BYTES} bytes"));
    }
    let mut object = commits::object(repository, id)?;
    Ok(std::mem::take(&mut object.data))
}
