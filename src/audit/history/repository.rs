//! Opening a git repository that may be a stranger's: nothing but its own configuration is read, no command is started, and no
//! object takes more memory than a bound.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use gix::revision::plumbing::Spec;
use gix::{ObjectId, Repository};
use walkdir::WalkDir;

use crate::fault::Fault;
use crate::files::Unfit;
use crate::sumdb::gosum::MAX_FILE_BYTES;
use crate::sumdb::printable::quoted;

/// Branches, tags and other references.
const MAX_REFERENCES: usize = 200_000;
/// Files and folders of a repository and of those whose objects it borrows.
const MAX_FILES: usize = 10_000_000;

/// Which commits are read.
#[derive(Default)]
pub(super) struct Tips {
    /// these and their ancestors
    pub included: Vec<ObjectId>,
    /// but not these and theirs
    pub excluded: Vec<ObjectId>,
}

/// The repository that the folder `path` is in, or that it is, and the folder with its files, if it has one.
///
/// # Errors
/// Why there is none, or none that can be read.
pub(super) fn open(path: &Path) -> Result<(Repository, Option<PathBuf>), String> {
    let none = |error: &dyn std::fmt::Display| format!("no git repository in it or around it: {error}");
    let (found, _) = gix::discover::upwards(path).map_err(|error| none(&error))?;
    let (git_dir, tree) = found.into_repository_and_work_tree_directories();
    let mut files = MAX_FILES;
    check(&git_dir, &mut files)?;
    // No go.sum is larger than half of it; the rest is for the parts that an object is made of.
    let limit = format!("gitoxide.objects.allocLimit={}", 2 * MAX_FILE_BYTES);
    let options = gix::open::Options::isolated()
        .cli_overrides([limit, "core.useReplaceRefs=false".to_owned()])
        .open_path_as_is(true);
    let repository = options.open(&git_dir).map_err(|error| format!("the git repository cannot be read: {error}"))?;
    let repository = repository.to_thread_local();
    let common = repository.common_dir().to_owned();
    if common != git_dir {
        check(&common, &mut files)?;
    }
    let borrowed = repository.objects.store_ref().alternate_db_paths();
    for alternate in borrowed.map_err(|error| format!("its alternates cannot be read: {error}"))? {
        check(&alternate, &mut files)?;
    }
    Ok((repository, tree))
}

/// Whether all in a folder of git is a file: an open of anything else may wait for ever.
fn check(folder: &Path, left: &mut usize) -> Result<(), String> {
    for entry in WalkDir::new(folder) {
        let entry = entry.map_err(|error| format!("the git repository cannot be read: {error}"))?;
        *left = left.checked_sub(1).ok_or_else(|| format!("the git repository has more than {MAX_FILES} files"))?;
        let found =
            if entry.path_is_symlink() { entry.path().metadata() } else { entry.metadata().map_err(Into::into) };
        let found = match found {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(format!("{}: {error}", entry.path().display())),
        };
        match Unfit::of_type(found.file_type()) {
            None | Some(Unfit::Folder) => {}
            Some(unfit) => return Err(format!("{} {unfit}", entry.path().display())),
        }
    }
    Ok(())
}

/// The commits that `range` names.
///
/// # Errors
/// `Usage`: it names none.
pub(super) fn tips_of(repository: &Repository, range: &str) -> Result<Tips, Fault> {
    let wrong = |why: &str| {
        Fault::Usage(format!(
            "--history {}: {why}; it is a branch, a tag, a commit, or two as in v1.0.0..main",
            quoted(range)
        ))
    };
    let spec = repository.rev_parse(range).map_err(|error| wrong(&error.to_string()))?.detach();
    let tips = |included: &[ObjectId], excluded: &[ObjectId]| Tips {
        included: included.iter().filter_map(|id| commit_of(repository, *id)).collect(),
        excluded: excluded.iter().filter_map(|id| commit_of(repository, *id)).collect(),
    };
    let parents = |id: ObjectId| -> Vec<ObjectId> {
        let commit = repository.find_commit(id);
        commit.map(|commit| commit.parent_ids().map(gix::Id::detach).collect()).unwrap_or_default()
    };
    let tips = match spec {
        Spec::Include(id) => tips(&[id], &[]),
        Spec::Range { from, to } => tips(&[to], &[from]),
        Spec::IncludeOnlyParents(id) => tips(&parents(id), &[]),
        Spec::ExcludeParents(id) => tips(&[id], &parents(id)),
        Spec::Merge { theirs, ours } => {
            let bases = repository.merge_bases_many(theirs, &[ours]).map_err(|error| wrong(&error.to_string()))?;
            tips(&[theirs, ours], &bases.into_iter().map(gix::Id::detach).collect::<Vec<_>>())
        }
        Spec::Exclude(_) => return Err(wrong("names only what is left out")),
    };
    if tips.included.is_empty() { Err(wrong("names no commit")) } else { Ok(tips) }
}

/// The commit that an object is, or that a tag leads to.
fn commit_of(repository: &Repository, id: ObjectId) -> Option<ObjectId> {
    let object = repository.find_object(id).ok()?;
    object.peel_to_kind(gix::objs::Kind::Commit).ok().map(|commit| commit.id)
}

/// The branches and tags with the commits that they lead to, by name; and the names of those that lead to none.
///
/// # Errors
/// Why they cannot be read.
pub(super) fn references(repository: &Repository) -> Result<(BTreeMap<String, ObjectId>, Vec<String>), String> {
    let failed = |error: gix::Error| format!("its references cannot be read: {error}");
    let platform = repository.references().map_err(failed)?;
    let (mut tips, mut broken) = (BTreeMap::new(), Vec::new());
    for reference in platform.all().map_err(failed)? {
        if tips.len() + broken.len() == MAX_REFERENCES {
            return Err(format!("has more than {MAX_REFERENCES} branches and tags"));
        }
        let Ok(mut reference) = reference else {
            broken.push("an unreadable name".to_owned());
            continue;
        };
        let name = shown(&String::from_utf8_lossy(reference.name().as_bstr()));
        match reference.peel_to_id() {
            // A tag of a file or a folder has no history.
            Ok(id) if id.header().is_ok_and(|header| header.kind() != gix::objs::Kind::Commit) => {}
            Ok(id) => drop(tips.insert(name, id.detach())),
            Err(_) => broken.push(name),
        }
    }
    if let Some(id) = repository.head().ok().and_then(|head| head.id())
        && !tips.values().any(|tip| *tip == id.detach())
    {
        tips.insert("HEAD".to_owned(), id.detach());
    }
    Ok((tips, broken))
}

/// A reference as people call it.
fn shown(name: &str) -> String {
    let tag = name.strip_prefix("refs/tags/").map(|tag| format!("tag {tag}"));
    let branch = name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/remotes/"));
    tag.or(branch.map(str::to_owned)).unwrap_or_else(|| name.to_owned())
}
