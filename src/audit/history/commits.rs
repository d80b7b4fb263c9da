//! The commits of a repository as a graph, bounded in number: each with its parents, and the order in which they came.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use gix::{ObjectId, Repository};

use super::repository::Tips;
use crate::report::history::CommitNote;

/// Commits of one repository. The largest known have some two million.
pub(super) const MAX_COMMITS: usize = 5_000_000;
/// Characters of an author.
const MAX_AUTHOR: usize = 200;

/// One commit.
pub(super) struct Commit {
    pub id: ObjectId,
    pub tree: ObjectId,
    /// in seconds since 1970, by its committer's clock
    pub time: i64,
    /// where in the list they are
    pub parents: Vec<u32>,
    /// it is one of those that were asked for
    pub is_in_range: bool,
    /// its parents are not at hand
    pub is_cut_off: bool,
    /// it was read
    is_read: bool,
}

/// All that can be reached.
#[derive(Default)]
pub(super) struct Commits {
    pub list: Vec<Commit>,
    /// those in the range, parents before children, else the older first
    pub order: Vec<u32>,
    /// what could not be read, and why
    pub unread: Vec<(ObjectId, String)>,
    places: HashMap<ObjectId, u32>,
}

impl Commits {
    /// Reads all commits that `tips` lead to.
    ///
    /// # Errors
    /// They are too many.
    pub(super) fn read(repository: &Repository, tips: &Tips) -> Result<Commits, String> {
        let shallow = repository.shallow_commits().map_err(|error| format!("its list of shallow commits: {error}"))?;
        let shallow: HashSet<ObjectId> = shallow.iter().flat_map(|commits| commits.iter().copied()).collect();
        let mut commits = Commits::default();
        let included: Vec<u32> = tips.included.iter().map(|id| commits.place(*id)).collect::<Result<_, _>>()?;
        let excluded: Vec<u32> = tips.excluded.iter().map(|id| commits.place(*id)).collect::<Result<_, _>>()?;
        let mut next = 0;
        while let Some(commit) = commits.list.get(next) {
            let id = commit.id;
            match read(repository, id) {
                Ok((tree, time, _)) if shallow.contains(&id) => {
                    commits.fill(next, |commit| {
                        *commit = Commit { tree, time, is_cut_off: true, is_read: true, ..Commit::new(id) }
                    });
                }
                Ok((tree, time, parents)) => {
                    let parents = parents.into_iter().map(|id| commits.place(id)).collect::<Result<_, _>>()?;
                    commits.fill(next, |commit| {
                        *commit = Commit { tree, time, parents, is_read: true, ..Commit::new(id) }
                    });
                }
                Err(why) => commits.unread.push((id, why)),
            }
            next += 1;
        }
        commits.mark(included, true);
        commits.mark(excluded, false);
        commits.sort();
        Ok(commits)
    }

    /// Where a commit is; none for one that was not met.
    pub(super) fn find(&self, id: &ObjectId) -> Option<u32> {
        self.places.get(id).copied()
    }

    pub(super) fn get(&self, place: u32) -> Option<&Commit> {
        self.list.get(usize::try_from(place).ok()?)
    }

    /// The parents of a commit that were read.
    pub(super) fn parents<'a>(&'a self, commit: &'a Commit) -> impl Iterator<Item = (u32, &'a Commit)> + 'a {
        let parents = commit.parents.iter().filter_map(|place| Some((*place, self.get(*place)?)));
        parents.filter(|(_, parent)| parent.is_read)
    }

    fn place(&mut self, id: ObjectId) -> Result<u32, String> {
        if let Some(place) = self.places.get(&id) {
            return Ok(*place);
        }
        let place = u32::try_from(self.list.len()).ok().filter(|_| self.list.len() < MAX_COMMITS);
        let place = place.ok_or_else(|| format!("has more than {MAX_COMMITS} commits"))?;
        self.places.insert(id, place);
        self.list.push(Commit::new(id));
        Ok(place)
    }

    fn fill(&mut self, place: usize, with: impl FnOnce(&mut Commit)) {
        if let Some(commit) = self.list.get_mut(place) {
            with(commit);
        }
    }

    /// Puts these and all their ancestors into the range, or out of it.
    fn mark(&mut self, mut waiting: Vec<u32>, is_in_range: bool) {
        let mut seen: HashSet<u32> = waiting.iter().copied().collect();
        while let Some(place) = waiting.pop() {
            let Some(commit) = usize::try_from(place).ok().and_then(|place| self.list.get_mut(place)) else { continue };
            commit.is_in_range = is_in_range && commit.is_read;
            waiting.extend(commit.parents.iter().copied().filter(|parent| seen.insert(*parent)));
        }
    }

    fn sort(&mut self) {
        let mut missing = vec![0_usize; self.list.len()];
        let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
        let mut ready = BinaryHeap::new();
        for (place, commit) in (0_u32..).zip(&self.list).filter(|(_, commit)| commit.is_in_range) {
            let mut count = 0;
            for (parent, _) in self.parents(commit).filter(|(_, parent)| parent.is_in_range) {
                count += 1;
                children.entry(parent).or_default().push(place);
            }
            if count == 0 {
                ready.push(Reverse((commit.time, place)));
            }
            if let Some(missing) = usize::try_from(place).ok().and_then(|place| missing.get_mut(place)) {
                *missing = count;
            }
        }
        while let Some(Reverse((_, place))) = ready.pop() {
            self.order.push(place);
            for child in children.remove(&place).unwrap_or_default() {
                let Some(left) = usize::try_from(child).ok().and_then(|child| missing.get_mut(child)) else { continue };
                *left = left.saturating_sub(1);
                if let (0, Some(commit)) = (*left, self.get(child)) {
                    ready.push(Reverse((commit.time, child)));
                }
            }
        }
        // No commit can name its own descendant, unless its name is not its hash.
        let in_circles = self.list.iter().filter(|commit| commit.is_in_range).count() - self.order.len();
        if in_circles > 0 {
            let why = format!("{in_circles} commits are their own ancestors: the repository is damaged");
            self.unread.push((ObjectId::null(gix::hash::Kind::Sha1), why));
        }
    }
}

impl Commit {
    fn new(id: ObjectId) -> Commit {
        let tree = ObjectId::null(id.kind());
        Commit { id, tree, time: 0, parents: Vec::new(), is_in_range: false, is_cut_off: false, is_read: false }
    }
}

/// The tree, the time and the parents of a commit.
fn read(repository: &Repository, id: ObjectId) -> Result<(ObjectId, i64, Vec<ObjectId>), String> {
    let object = object(repository, id)?;
    let commit = object.try_into_commit().map_err(|_| "is not a commit".to_owned())?;
    let decoded = commit.decode().map_err(|error| format!("is damaged: {error}"))?;
    let time = decoded.time().map(|time| time.seconds).unwrap_or_default();
    Ok((decoded.tree(), time, decoded.parents().collect()))
}

/// An object of the repository.
pub(super) fn object(repository: &Repository, id: ObjectId) -> Result<gix::Object<'_>, String> {
    match repository.try_find_object(id) {
        Ok(Some(object)) => Ok(object),
        Ok(None) => {
            Err("is not at hand: the clone is not complete (`git fetch --refetch` brings what a filter left out)"
                .to_owned())
        }
        Err(error) => Err(format!("is damaged: {error}")),
    }
}

/// A commit as a report shows it.
pub(super) fn note(repository: &Repository, commit: &Commit) -> CommitNote {
    let found = object(repository, commit.id).ok().and_then(|object| object.try_into_commit().ok());
    let author = found.as_ref().and_then(|commit| commit.author().ok());
    let author = author.map(|author| format!("{} <{}>", author.name, author.email)).unwrap_or_default();
    CommitNote {
        commit: commit.id.to_string(),
        time: jiff::Timestamp::from_second(commit.time).map(|time| time.to_string()).unwrap_or_default(),
        author: author.chars().take(MAX_AUTHOR).collect(),
    }
}
