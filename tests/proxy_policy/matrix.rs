//! One row of the matrix: a change of policy, in all columns.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::columns::{Ask, Column, Seen, questions, send};
use crate::world::{Log, Policy, Server};

/// A change from one policy to another.
pub struct Row<'a> {
    pub name: &'static str,
    pub old: Policy<'a>,
    pub new: Policy<'a>,
    /// columns in which the new policy's server may refuse (403) or be out (502, 503, 504) where an empty folder would do better;
    /// a 404 is never as good as a refusal, but below `/cached-only`
    pub may_refuse: &'a [Column],
    /// columns in which every answer must be a good one: what was proven is not lost
    pub must_answer: &'a [Column],
}

impl Row<'_> {
    /// Runs every cell; panics with the names of those that fail, and gives how many there were.
    #[track_caller]
    pub fn run(&self) -> usize {
        let filled = folder();
        let tags = self.fill(filled.path());
        let mut wrong = Vec::new();
        for column in Column::ALL {
            let asks = questions(column, &self.logs(), &self.prefixes(), &|path| tags.get(path).cloned());
            assert!(!asks.is_empty(), "{}: {column:?} asks nothing", self.name);
            for (ask, told) in asks.iter().zip(self.cell(column, &asks, filled.path())) {
                wrong.extend(told.map(|told| format!("[{} x {column:?}] {}: {told}", self.name, ask.path)));
            }
        }
        assert!(wrong.is_empty(), "{} wrong answers:\n{}", wrong.len(), wrong.join("\n"));
        Column::ALL.len()
    }

    /// Asks everything under the old policy; gives the tags of the answers by path.
    fn fill(&self, data: &Path) -> BTreeMap<String, String> {
        let server = Server::open(&self.old, data).unwrap();
        let mut tags = BTreeMap::new();
        for column in Column::ALL.into_iter().filter(|column| *column != Column::CachedOnly) {
            for ask in questions(column, &self.logs(), &self.prefixes(), &|_| None) {
                let seen = send(server.at, &ask);
                tags.extend(seen.etag.map(|tag| (ask.path, tag)));
            }
        }
        tags
    }

    /// Asks the questions of one cell over a copy of the filled folder and over an empty one; tells what is wrong with each answer.
    fn cell(&self, column: Column, asks: &[Ask], filled: &Path) -> Vec<Option<String>> {
        let copied = folder();
        copy(filled, copied.path());
        let used = answers(&self.new, copied.path(), asks);
        // What is cached may be given below `/cached-only` and offline: it must be what the policy would give without these.
        let plain: Vec<Ask> =
            asks.iter().map(|ask| Ask { path: ask.path.replacen("/cached-only", "", 1), ..ask.clone() }).collect();
        let online = Policy { offline: false, ..self.new.clone() };
        let fresh = [(&self.new, asks), (&online, &plain)].map(|(policy, asks)| {
            let empty = folder();
            answers(policy, empty.path(), asks)
        });
        let judged = used.iter().enumerate().map(|(at, used)| {
            let fresh = [&fresh[0][at], &fresh[1][at]];
            let is_given = fresh.iter().any(|fresh| used == *fresh || used.is_error() && fresh.is_error());
            let is_refused = matches!(used.status, 403 | 502 | 503 | 504);
            let is_not_cached = column == Column::CachedOnly && used.status == 404;
            let is_allowed = is_given || is_refused && self.may_refuse.contains(&column) || is_not_cached;
            let is_lost = self.must_answer.contains(&column) && used.is_error() && !fresh[1].is_error();
            let shown = || format!("{}, where an empty folder gives {}", used.shown(), fresh[1].shown());
            (!is_allowed || is_lost).then(shown)
        });
        judged.collect()
    }

    fn logs(&self) -> Vec<&Log> {
        self.old.databases.iter().chain(&self.new.databases).copied().collect()
    }

    fn prefixes(&self) -> Vec<&'static str> {
        let mut prefixes = vec!["", self.old.prefix, self.new.prefix];
        prefixes.sort_unstable();
        prefixes.dedup();
        prefixes
    }
}

/// What a server under this policy answers; the same refusal to all where it does not start.
fn answers(policy: &Policy<'_>, data: &Path, asks: &[Ask]) -> Vec<Seen> {
    match Server::open(policy, data) {
        Ok(server) => asks.iter().map(|ask| send(server.at, ask)).collect(),
        Err(fault) => asks.iter().map(|_| Seen::nothing(&fault.to_string())).collect(),
    }
}

/// An empty data folder.
pub fn folder() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// Copies all files below a folder.
pub fn copy(from: &Path, to: &Path) {
    for file in crate::common::files_below(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&file, target).unwrap();
    }
}
