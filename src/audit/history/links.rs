//! Links with the name of a go.sum file: whether each leads to such a file of the same commit, by names alone.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::trees::{SumPath, What};
use super::{History, sum};
use crate::audit::search::resolve;

/// Bytes of what a link says; no system takes more.
const MAX_TARGET: usize = 4096;

/// The links that were met.
#[derive(Default)]
pub(super) struct KnownLinks {
    /// the path that each leads to; none where that is not in the repository for certain
    targets: HashMap<SumPath, Option<PathBuf>>,
    /// those of which it was said that they are lost
    told: HashSet<SumPath>,
}

impl KnownLinks {
    /// The links among all `entries` of a commit that lead to no go.sum file among them, but for those that were given before.
    pub(super) fn lost(&mut self, history: &History, entries: &[SumPath]) -> HashSet<SumPath> {
        let path = |entry: &SumPath| history.trees.paths.get(entry.path).map(String::as_str).unwrap_or_default();
        let mut links = entries.iter().filter(|entry| entry.what == What::Link).peekable();
        if links.peek().is_none() {
            return HashSet::new();
        }
        let sums = entries.iter().filter(|entry| entry.what == What::Sum);
        let sums: HashSet<&Path> = sums.map(|entry| Path::new(path(entry))).collect();
        let mut is_lost = |link: &&SumPath| {
            let target = self.targets.entry(**link).or_insert_with(|| target(history, link, path(link)));
            !target.as_deref().is_some_and(|target| sums.contains(target)) && self.told.insert(**link)
        };
        links.filter(|link| is_lost(link)).copied().collect()
    }
}

fn target(history: &History, link: &SumPath, path: &str) -> Option<PathBuf> {
    let says = sum(&history.repository, &history.trees, link).ok().filter(|says| says.len() <= MAX_TARGET)?;
    resolve(Path::new(path), Path::new(&*String::from_utf8_lossy(&says)))
}
