//! The go.sum files and the programs below a folder that may be a stranger's: the ones by their names, the others by their first
//! bytes. Links are not followed: neither those to folders, as
//! everywhere in this program, nor those with the name of a go.sum file, which are listed as what they are. Memory is bounded by
//! the folders that wait to be searched, whatever else the tree holds.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::OsString;
use std::fs::{DirEntry, FileType};
use std::io;
use std::path::{Component, Path, PathBuf};

use super::exclude::{Excluded, Pattern};
use super::look::{self, Look};
use super::vendor;
use crate::files::Unfit;
use crate::report::Artifact;

/// The names of the files that are looked for.
pub const NAMES: [&str; 2] = ["go.sum", "go.work.sum"];
/// The name of a vendor folder.
pub(super) const VENDOR: &str = "vendor";
/// Why one is not read.
const LINKED_VENDOR: &str =
    "is a link, or its modules.txt is: go builds from it, and what is behind a link was not read";
/// Folders that are not searched: a build of this tree does not use the go.sum files in them.
const SKIPPED_FOLDERS: [&str; 2] = [VENDOR, ".git"];
/// Deeper folders are not searched.
const MAX_DEPTH: usize = 64;
/// Links from one to the next that are followed by their names.
const MAX_CHAIN: usize = 8;

/// Folders and files that were left out and are named.
const NAMED_EXCLUDED: usize = 3;

/// What a search takes at most.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// files and folders of the tree, whatever their names
    pub entries: usize,
    /// folders that wait to be searched
    pub waiting: usize,
    /// go.sum files and programs
    pub files: usize,
    /// others of that name, and folders, that are named as not read; the rest is counted
    pub unread: usize,
}

/// Ten million entries are about a minute on a slow disk.
pub(super) const LIMITS: Limits = Limits { entries: 10_000_000, waiting: 500_000, files: 10_000, unread: 1_000 };

/// What was found, by its path below the folder, in the order of these.
pub(super) enum Found {
    /// a regular file, and what it is taken for
    File(PathBuf, Artifact),
    /// a link, and where it leads; none where that cannot be read
    Link(PathBuf, Option<PathBuf>),
    /// what cannot be read, and why
    Unread(PathBuf, String),
}

/// A finished search.
#[derive(Default)]
pub(super) struct Search {
    pub found: Vec<Found>,
    /// links and others that are not in `found`, because there are too many
    pub more: usize,
    /// the limit that ended the search early
    pub ended_by: Option<String>,
    /// the first of the folders and go.sum files that patterns excluded, in the order in which they were found
    pub excluded: Vec<PathBuf>,
    /// how many these are
    pub excluded_count: usize,
    /// the patterns that excluded something
    pub patterns: BTreeSet<Pattern>,
    /// vendor folders
    pub vendors: Vec<PathBuf>,
    /// the first of the files that could not be opened, so that nobody knows whether they are programs
    pub closed: Vec<PathBuf>,
    /// how many these are
    pub closed_count: usize,
}

/// A file or folder that is still to be looked at.
struct Waiting {
    path: PathBuf,
    depth: usize,
    found: io::Result<FileType>,
    /// what it is taken for, if it is a regular file
    artifact: Artifact,
}

/// Searches `root`, which may be a link itself, for what `look` says, except what `excluded` says.
pub(super) fn search(root: &Path, look: Look, excluded: &Excluded, limits: Limits) -> Search {
    let mut search = Search::default();
    let mut counts = Counts { limits, entries: 0, files: 0, unread: 0 };
    let mut waiting = Vec::new();
    let place = Root { path: root, look, excluded };
    expand(&place, PathBuf::new(), 0, &mut waiting, &mut search, &mut counts);
    while let Some(Waiting { path, depth, found, artifact }) = waiting.pop() {
        if search.ended_by.is_some() {
            break;
        }
        match found {
            Ok(found) if found.is_dir() && depth > MAX_DEPTH => {
                let why = format!("is more than {MAX_DEPTH} folders deep, so it was not searched");
                search.unread(Found::Unread(path, why), &mut counts);
            }
            Ok(found) if found.is_dir() && artifact == Artifact::Vendor => search.vendors.push(path),
            Ok(found) if found.is_dir() => expand(&place, path, depth, &mut waiting, &mut search, &mut counts),
            Ok(found) => match Unfit::of_type(found) {
                None if counts.files == limits.files => {
                    search.ended_by = Some(format!("more than {} go.sum files and programs", limits.files));
                }
                None => {
                    counts.files += 1;
                    search.found.push(Found::File(path, artifact));
                }
                Some(Unfit::Link) => {
                    let target = std::fs::read_link(root.join(&path)).ok();
                    search.unread(Found::Link(path, target), &mut counts);
                }
                Some(unfit) => search.unread(Found::Unread(path, unfit.to_string()), &mut counts),
            },
            Err(error) => search.unread(Found::Unread(path, error.to_string()), &mut counts),
        }
    }
    search
}

/// The folder that is searched, and what in it is not.
struct Root<'a> {
    path: &'a Path,
    look: Look,
    excluded: &'a Excluded,
}

struct Counts {
    limits: Limits,
    entries: usize,
    files: usize,
    unread: usize,
}

impl Search {
    /// Whether a pattern excludes what is at `path`; if so it is noted.
    fn excludes(&mut self, excluded: &Excluded, path: &Path, is_folder: bool) -> bool {
        let Some(pattern) = excluded.by(path, is_folder) else { return false };
        self.patterns.insert(pattern);
        self.excluded_count += 1;
        if self.excluded.len() < NAMED_EXCLUDED {
            self.excluded.push(path.to_owned());
        }
        true
    }

    fn unread(&mut self, found: Found, counts: &mut Counts) {
        if counts.unread == counts.limits.unread {
            self.more += 1;
        } else {
            counts.unread += 1;
            self.found.push(found);
        }
    }

    /// The links that lead to a regular file that was found too, by their paths.
    pub(super) fn links_within(&self) -> HashSet<&Path> {
        let files: HashSet<&Path> = self.found.iter().filter_map(Found::file).collect();
        let links: HashMap<&Path, &Path> = self.found.iter().filter_map(Found::link).collect();
        let leads_to_file = |link: &&Path| {
            let mut at = link.to_path_buf();
            for _ in 0..MAX_CHAIN {
                let Some(next) = links.get(at.as_path()).and_then(|target| resolve(&at, target)) else { return false };
                if files.contains(next.as_path()) {
                    return true;
                }
                at = next;
            }
            false
        };
        links.keys().copied().filter(leads_to_file).collect()
    }
}

impl Found {
    fn file(&self) -> Option<&Path> {
        if let Found::File(path, _) = self { Some(path) } else { None }
    }

    fn link(&self) -> Option<(&Path, &Path)> {
        if let Found::Link(path, Some(target)) = self { Some((path, target)) } else { None }
    }
}

/// What a link at `link` leads to, by names alone, without a look at the disk. None where that is not below the root for
/// certain. A `..` behind a name is not taken: what the name stands for may be a link.
pub(super) fn resolve(link: &Path, target: &Path) -> Option<PathBuf> {
    let mut at = link.parent()?.to_path_buf();
    let mut is_below = false;
    for component in target.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if !is_below && at.pop() => {}
            Component::Normal(name) => {
                is_below = true;
                at.push(name);
            }
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(at)
}

/// Puts the folders and the wanted names of the folder at `path` on those that wait, the first one on top.
fn expand(
    root: &Root<'_>,
    path: PathBuf,
    depth: usize,
    waiting: &mut Vec<Waiting>,
    search: &mut Search,
    counts: &mut Counts,
) {
    let entries = match std::fs::read_dir(root.path.join(&path)) {
        Ok(entries) => entries,
        Err(error) => return search.unread(Found::Unread(path, error.to_string()), counts),
    };
    let mut wanted = Vec::new();
    for entry in entries {
        counts.entries += 1;
        if counts.entries > counts.limits.entries {
            search.ended_by = Some(format!("more than {} files and folders", counts.limits.entries));
            return;
        }
        match entry {
            Ok(entry) => wanted.extend(is_wanted(root, &path, &entry, search)),
            Err(error) => return search.unread(Found::Unread(path, error.to_string()), counts),
        }
        if waiting.len() + wanted.len() > counts.limits.waiting {
            search.ended_by = Some(format!("more than {} folders side by side", counts.limits.waiting));
            return;
        }
    }
    wanted.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    // Only now, in the order of their names.
    wanted.retain(|(name, found, _)| {
        let is_folder = found.as_ref().is_ok_and(FileType::is_dir);
        !search.excludes(root.excluded, &path.join(name), is_folder)
    });
    waiting.extend(wanted.into_iter().rev().map(|(name, found, artifact)| Waiting {
        path: path.join(name),
        depth: depth + 1,
        found,
        artifact,
    }));
}

/// The name and type of what is searched or read: a folder, what has the name of a go.sum file, a program.
fn is_wanted(
    root: &Root<'_>,
    folder: &Path,
    entry: &DirEntry,
    search: &mut Search,
) -> Option<(OsString, io::Result<FileType>, Artifact)> {
    let (name, found) = (entry.file_name(), entry.file_type());
    let is_named = |names: [&str; 2]| names.iter().any(|wanted| name == *wanted);
    if name == VENDOR && root.look.is_for(Artifact::Vendor) && vendor::is_linked(&root.path.join(folder).join(&name)) {
        return Some((name, Err(io::Error::other(LINKED_VENDOR)), Artifact::Vendor));
    }
    if found.as_ref().is_ok_and(FileType::is_dir) {
        let is_vendor = name == VENDOR && vendor::is_vendor(&root.path.join(folder).join(&name));
        if root.look.is_for(Artifact::Vendor) && is_vendor {
            return Some((name, found, Artifact::Vendor));
        }
        return (!is_named(SKIPPED_FOLDERS)).then_some((name, found, Artifact::default()));
    }
    if root.look.is_for(Artifact::GoSum) && is_named(NAMES) {
        return Some((name, found, Artifact::GoSum));
    }
    if let Some(artifact) = look::by_name(&name).filter(|artifact| root.look.is_for(*artifact)) {
        return Some((name, found, artifact));
    }
    if !root.look.is_for(Artifact::Program) || !found.as_ref().is_ok_and(FileType::is_file) {
        return None;
    }
    let below = folder.join(&name);
    match look::starts_as_program(root.path, &below) {
        Ok(is_program) => is_program.then_some((name, found, Artifact::Program)),
        // It was there a moment ago.
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(_) if search.excludes(root.excluded, &below, false) => None,
        Err(_) => {
            search.closed_count += 1;
            if search.closed.len() < NAMED_EXCLUDED {
                search.closed.push(below);
            }
            None
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::exclude::Exclusions;
    use super::*;
    use crate::files::Tree;

    fn search(root: &Path, limits: Limits) -> Search {
        let (excluded, _) = Exclusions::default().of_folder(&Tree::open(root).unwrap());
        super::search(root, Look::ForAll, &excluded, limits)
    }

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for path in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        root
    }

    fn files(search: &Search) -> Vec<&str> {
        search.found.iter().filter_map(|found| found.file()?.to_str()).collect()
    }

    #[test]
    fn files_are_found_in_the_order_of_their_paths() {
        let root = tree(&[
            "go.sum",
            "a/go.work.sum",
            "a/x",
            "a/vendor/go.sum",
            ".git/go.sum",
            "vendor.go/go.sum",
            "b/go.sum.x",
        ]);
        std::fs::create_dir_all(root.path().join("c/go.sum")).unwrap();
        let search = search(root.path(), LIMITS);
        assert_eq!(files(&search), ["a/go.work.sum", "go.sum", "vendor.go/go.sum"]);
        assert!(search.found.len() == 3 && search.ended_by.is_none());
    }

    #[test]
    fn each_limit_ends_the_search_and_says_so() {
        let root = tree(&["a/go.sum", "b/go.sum", "c/go.sum", "d/x", "e/x", "f/x"]);
        let ended_by = |limits| search(root.path(), limits).ended_by;
        assert_eq!(ended_by(Limits { entries: 12, waiting: 6, files: 3, unread: 0 }), None);
        assert!(ended_by(Limits { entries: 11, ..LIMITS }).unwrap().contains("11 files and folders"));
        assert!(ended_by(Limits { waiting: 5, ..LIMITS }).unwrap().contains("5 folders"));
        let found = search(root.path(), Limits { files: 2, ..LIMITS });
        assert_eq!(
            (files(&found).len(), found.ended_by.unwrap().as_str()),
            (2, "more than 2 go.sum files and programs")
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_excluded_need_not_be_opened() {
        use std::os::unix::fs::PermissionsExt as _;

        use rustix::process::{Uid, geteuid};
        use rustix::thread::set_thread_res_uid;

        let root = tree(&["closed", "other/closed"]);
        let closed = std::fs::Permissions::from_mode(0o000);
        for path in ["closed", "other/closed"] {
            std::fs::set_permissions(root.path().join(path), closed.clone()).unwrap();
        }
        std::fs::set_permissions(root.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let (excluded, _) =
            Exclusions::parse(&["/closed".to_owned()]).unwrap().of_folder(&Tree::open(root.path()).unwrap());
        // Root opens every file: this thread is somebody else for a moment.
        let is_root = geteuid().is_root();
        if is_root {
            set_thread_res_uid(None, Uid::from_raw(65534), None).unwrap();
        }
        let search = super::search(root.path(), Look::ForAll, &excluded, LIMITS);
        if is_root {
            set_thread_res_uid(None, Uid::ROOT, None).unwrap();
        }
        assert_eq!((search.closed_count, search.closed), (1, vec!["other/closed".into()]));
        assert_eq!((search.excluded_count, search.excluded), (1, vec!["closed".into()]));
    }

    #[test]
    fn a_link_is_resolved_by_names_alone() {
        let at = |link: &str, target: &str| resolve(Path::new(link), Path::new(target));
        assert_eq!(at("a/b/go.sum", "../../go.sum"), Some("go.sum".into()));
        assert_eq!(at("go.sum", "./a/go.sum"), Some("a/go.sum".into()));
        for (link, target) in
            [("go.sum", "../go.sum"), ("a/go.sum", "../../x/go.sum"), ("go.sum", "/go.sum"), ("go.sum", "a/../go.sum")]
        {
            assert_eq!(at(link, target), None, "{link} -> {target}");
        }
    }
}
