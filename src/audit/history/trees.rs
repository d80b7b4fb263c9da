//! Which go.sum and go.work.sum files a commit has. Each folder of the repository is read once, however many commits have it.

use std::collections::HashMap;
use std::hash::Hash;

use gix::{ObjectId, Repository};

use super::commits::object;
use crate::audit::search::NAMES;
use crate::sumdb::number::wide;

/// Distinct folders of all commits.
const MAX_TREES: usize = 20_000_000;
/// go.sum files of one commit.
const MAX_SUMS: usize = 10_000;
/// go.sum files of all distinct folders together.
const MAX_ENTRIES: usize = 50_000_000;
/// Deeper folders are not read.
const MAX_DEPTH: usize = 64;

/// Things that are numbered in the order of their first sight.
pub(super) struct Numbered<T> {
    all: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Numbered { all: Vec::new(), numbers: HashMap::new() }
    }
}

impl<T: Hash + Eq + Clone> Numbered<T> {
    fn number(&mut self, one: T) -> u32 {
        let next = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        *self.numbers.entry(one).or_insert_with_key(|one| {
            self.all.push(one.clone());
            next
        })
    }

    pub(super) fn get(&self, number: u32) -> Option<&T> {
        self.all.get(usize::try_from(number).ok()?)
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }
}

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum What {
    /// a go.sum or go.work.sum file
    Sum,
    /// a link of that name
    Link,
    /// another repository
    Submodule,
    /// a folder that could not be read, and why is in `faults`
    Unread,
}

/// One path of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct SumPath {
    /// the number of the path
    pub path: u32,
    pub what: What,
    /// the number of the object; of a submodule always the same
    pub object: u32,
}

/// What all commits have.
#[derive(Default)]
pub(super) struct CommitTrees {
    /// the number of what each folder has, by the hash of the folder; none while it is read
    known: HashMap<ObjectId, Option<u32>>,
    sets: Numbered<Vec<SumPath>>,
    pub paths: Numbered<String>,
    pub objects: Numbered<ObjectId>,
    /// why a folder could not be read, by the number of its object
    pub faults: HashMap<u32, String>,
    entries: usize,
}

impl CommitTrees {
    /// The number of what the folder with this hash has, with all below it.
    ///
    /// # Errors
    /// There is more than the bounds.
    pub(super) fn of(&mut self, repository: &Repository, tree: ObjectId) -> Result<u32, String> {
        self.below(repository, tree, 0)
    }

    pub(super) fn set(&self, number: u32) -> &[SumPath] {
        self.sets.get(number).map(Vec::as_slice).unwrap_or_default()
    }

    fn below(&mut self, repository: &Repository, tree: ObjectId, depth: usize) -> Result<u32, String> {
        match self.known.get(&tree) {
            Some(Some(set)) => return Ok(*set),
            Some(None) => return Ok(self.unread(tree, "is within itself: the repository is damaged")),
            None if depth > MAX_DEPTH => {
                return Ok(self.unread(tree, &format!("is more than {MAX_DEPTH} folders deep")));
            }
            None if self.known.len() == MAX_TREES => return Err(format!("has more than {MAX_TREES} folders")),
            None => {}
        }
        self.known.insert(tree, None);
        let set = match self.read(repository, tree, depth)? {
            Ok(entries) => self.add(entries)?,
            Err(why) => self.unread(tree, &why),
        };
        self.known.insert(tree, Some(set));
        Ok(set)
    }

    /// The entries of a folder, or why it cannot be read.
    fn read(
        &mut self,
        repository: &Repository,
        tree: ObjectId,
        depth: usize,
    ) -> Result<Result<Vec<SumPath>, String>, String> {
        let object = match object(repository, tree) {
            Ok(object) if object.kind == gix::objs::Kind::Tree => object,
            Ok(_) => return Ok(Err("is not a folder: the repository is damaged".to_owned())),
            Err(why) => return Ok(Err(why)),
        };
        let mut entries = Vec::new();
        for entry in gix::objs::TreeRefIter::from_bytes(&object.data, tree.kind()) {
            let Ok(entry) = entry else { return Ok(Err("is damaged".to_owned())) };
            let name = String::from_utf8_lossy(entry.filename);
            if entry.mode.is_tree() {
                let set = self.below(repository, entry.oid.to_owned(), depth + 1)?;
                for inner in self.set(set).to_vec() {
                    let path = self.paths.get(inner.path).cloned().unwrap_or_default();
                    let slash = if path.is_empty() { "" } else { "/" };
                    let path = self.paths.number(format!("{name}{slash}{path}"));
                    entries.push(SumPath { path, ..inner });
                }
            } else {
                let what = match () {
                    () if entry.mode.is_commit() => What::Submodule,
                    () if !NAMES.contains(&&*name) => continue,
                    () if entry.mode.is_link() => What::Link,
                    () => What::Sum,
                };
                let id = if what == What::Submodule { ObjectId::null(tree.kind()) } else { entry.oid.to_owned() };
                entries.push(SumPath {
                    path: self.paths.number(name.into_owned()),
                    what,
                    object: self.objects.number(id),
                });
            }
            if entries.len() > MAX_SUMS {
                return Ok(Err(format!("has more than {MAX_SUMS} go.sum files")));
            }
        }
        Ok(Ok(entries))
    }

    fn unread(&mut self, tree: ObjectId, why: &str) -> u32 {
        let object = self.objects.number(tree);
        self.faults.entry(object).or_insert_with(|| why.to_owned());
        let path = self.paths.number(String::new());
        self.sets.number(vec![SumPath { path, what: What::Unread, object }])
    }

    fn add(&mut self, entries: Vec<SumPath>) -> Result<u32, String> {
        let before = self.sets.len();
        let length = entries.len();
        let set = self.sets.number(entries);
        if self.sets.len() > before {
            self.entries += length;
        }
        if self.entries > MAX_ENTRIES {
            return Err(format!(
                "has more than {} go.sum files in all commits",
                crate::report::grouped(wide(MAX_ENTRIES))
            ));
        }
        Ok(set)
    }
}
