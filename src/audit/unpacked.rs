//! The unpacked modules of a module cache, which are what builds read: `ESCAPED-PATH@ESCAPED-VERSION/` below its root. A folder has
//! the h1 of the zip that it was unpacked from (x/mod dirhash, HashDir): its files are named `PATH@VERSION/...`, in plain spelling.

use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::Claims;
use crate::files::{Links, Tree, Unfit};
use crate::report::Verdict;
use crate::store::zipfile::ZipFile;
use crate::sumdb::dirhash::{Limits, ReadAt as _, h1_files, sha256_of};
use crate::sumdb::hash::Hash;
use crate::sumdb::module::{ModulePath, ModuleVersion, Version};

/// Unpacked modules that are judged at most, as many as files of the cache.
const MAX_FOLDERS: usize = 2_000_000;

/// One of them.
pub(super) struct Unpacked {
    /// as it is shown
    pub path: PathBuf,
    /// below the root of the module cache
    pub below: PathBuf,
    pub module: ModuleVersion,
}

impl Unpacked {
    /// That of `module` in the module cache at `root`, whether it is there or not.
    pub(super) fn of(root: &Path, module: &ModuleVersion) -> Unpacked {
        let below = PathBuf::from(format!("{}@{}", module.path().escaped(), module.version().escaped()));
        Unpacked { path: root.join(&below), below, module: module.clone() }
    }
}

/// What the search found.
#[derive(Default)]
pub(super) struct UnpackedModules {
    pub found: Vec<Unpacked>,
    /// links that hide modules, and what could not be read
    pub unread: Vec<Claims>,
    /// folders that go unpacks again before it uses them, because it was interrupted
    pub partial: usize,
}

/// Every unpacked module below `root`, in the order of their paths.
pub(super) fn find(root: &Path) -> UnpackedModules {
    let mut modules = UnpackedModules::default();
    let mut entries = WalkDir::new(root).sort_by_file_name().into_iter();
    while let Some(entry) = entries.next() {
        if modules.found.len() == MAX_FOLDERS {
            let why = format!("has more than {MAX_FOLDERS} unpacked modules: the rest was not read");
            modules.unread.push(Claims::unread(root.display().to_string(), why));
            break;
        }
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().unwrap_or(root).display().to_string();
                let why = error.io_error().map_or_else(|| error.to_string(), io::Error::to_string);
                modules.unread.push(Claims::unread(path, why));
                continue;
            }
        };
        let is_folder = entry.file_type().is_dir();
        // `cache` holds what was downloaded, and go's own data. No module path begins with it: its first element has no dot.
        let is_cache = entry.depth() == 1 && entry.file_name() == "cache";
        let is_version = entry.depth() > 0 && entry.file_name().as_bytes().contains(&b'@');
        if is_folder && (is_cache || is_version) {
            entries.skip_current_dir();
        }
        if !is_cache {
            look_at(root, &entry, is_version, &mut modules);
        }
    }
    modules
}

/// Adds what `entry` is, if it is or hides a module.
fn look_at(root: &Path, entry: &DirEntry, is_version: bool, modules: &mut UnpackedModules) {
    let unread = |why: &str| Claims::unread(entry.path().display().to_string(), why);
    let module = if is_version { module(root, entry.path()) } else { None };
    if entry.path_is_symlink() && entry.depth() > 0 {
        // Another link leads to no module that go would find by its name.
        if module.is_some() || (!is_version && entry.path().is_dir()) {
            modules.unread.push(unread("is a link, so the unpacked modules behind it were not read"));
        }
        return;
    }
    let (true, Some(module)) = (entry.file_type().is_dir(), module) else { return };
    let Ok(below) = entry.path().strip_prefix(root) else { return };
    if root.join(partial_marker(&module)).symlink_metadata().is_ok() {
        modules.partial += 1;
    } else {
        modules.found.push(Unpacked { path: entry.path().to_owned(), below: below.to_owned(), module });
    }
}

/// The module version that a folder has the name of; none where go looks for none there.
fn module(root: &Path, folder: &Path) -> Option<ModuleVersion> {
    let (path, version) = folder.strip_prefix(root).ok()?.to_str()?.rsplit_once('@')?;
    ModuleVersion::pair(ModulePath::unescape(path).ok()?, Version::unescape(version).ok()?).ok()
}

/// What go puts beside a zip while it unpacks it (cmd/go/internal/modfetch, DownloadDir).
fn partial_marker(module: &ModuleVersion) -> PathBuf {
    let (path, version) = (module.path().escaped(), module.version().escaped());
    PathBuf::from(format!("cache/download/{path}/@v/{version}.partial"))
}

/// The h1 of an unpacked module; `tree` is the module cache. A link within the cache counts as the file that it leads to, as
/// for go.
pub(super) fn hash(tree: &Tree, unpacked: &Unpacked) -> Result<Hash, Verdict> {
    let files = files(tree, unpacked)?;
    h1_files(files.iter().map(|(name, hash)| (name.as_slice(), *hash)))
        .map_err(|error| Verdict::Malformed { why: error.to_string() })
}

/// The SHA-256 of each file of an unpacked module, under the name that it has in the zip: `PATH@VERSION/...`.
pub(super) fn files(tree: &Tree, unpacked: &Unpacked) -> Result<Vec<(Vec<u8>, Hash)>, Verdict> {
    let limits = Limits::default();
    let (mut left, mut files) = (limits.unpacked, Vec::new());
    for entry in WalkDir::new(&unpacked.path).sort_by_file_name() {
        let entry = entry.map_err(|error| unavailable(&unpacked.path, &error.to_string()))?;
        if entry.file_type().is_dir() {
            continue;
        }
        if files.len() == limits.entries {
            return Err(too_much(&format!("{} files", limits.entries)));
        }
        let rest = entry.path().strip_prefix(&unpacked.path).unwrap_or(entry.path());
        let opened = tree.file(&unpacked.below.join(rest), Links::Within);
        let hashed = opened.and_then(|file| hash_file(file, &mut left));
        let Some(hash) = hashed.map_err(|error| unavailable(rest, &explained(&error)))? else {
            return Err(too_much(&format!("{} MiB", limits.unpacked >> 20)));
        };
        let mut name = format!("{}/", unpacked.module).into_bytes();
        name.extend_from_slice(rest.as_os_str().as_bytes());
        files.push((name, hash));
    }
    Ok(files)
}

/// The SHA-256 of a file, whose bytes are taken off `left`; none where it has more.
fn hash_file(file: File, left: &mut u64) -> io::Result<Option<Hash>> {
    let file = ZipFile::new(file)?;
    let Some(rest) = left.checked_sub(file.size()) else { return Ok(None) };
    *left = rest;
    sha256_of(&file).map(Some)
}

fn explained(error: &io::Error) -> String {
    match Unfit::of(error) {
        Some(Unfit::Leaves) => "is a link that leads out of the module cache".to_owned(),
        _ => error.to_string(),
    }
}

fn unavailable(path: &Path, why: &str) -> Verdict {
    Verdict::Unavailable { why: format!("{}: {why}", path.display()) }
}

fn too_much(limit: &str) -> Verdict {
    Verdict::Malformed { why: format!("the folder has more than {limit}, more than a module may have: it was changed") }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::symlink;

    use sha2::{Digest as _, Sha256};

    use super::*;

    const FOLDER: &str = "example.com/!a@v1.0.0";

    fn cache() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let at = root.path().join(FOLDER);
        std::fs::create_dir_all(at.join("sub/empty")).unwrap();
        std::fs::write(at.join("go.mod"), "module example.com/A\n").unwrap();
        std::fs::write(at.join("sub/a.go"), "package a\n").unwrap();
        root
    }

    fn hash_one(root: &Path) -> Result<Hash, Verdict> {
        let [unpacked] = find(root).found.try_into().ok().unwrap();
        hash(&Tree::open(root).unwrap(), &unpacked)
    }

    #[test]
    fn a_folder_has_the_hash_of_its_zip() {
        let root = cache();
        let sha = |text: &str| Hash(Sha256::digest(text).into());
        let files = [
            (b"example.com/A@v1.0.0/go.mod".as_slice(), sha("module example.com/A\n")),
            (b"example.com/A@v1.0.0/sub/a.go".as_slice(), sha("package a\n")),
        ];
        let right = h1_files(files).unwrap();
        assert_eq!(hash_one(root.path()).unwrap(), right);
        std::fs::write(root.path().join(FOLDER).join("sub/empty/b"), "").unwrap();
        assert_ne!(hash_one(root.path()).unwrap(), right);
    }

    #[test]
    fn only_names_of_module_versions_are_modules() {
        let root = cache();
        for path in [
            "cache/download/x.y/z@v1.0.0",
            "cache/vcs/x@v1.0.0",
            "x.y/z@v1.0.0.bak",
            "x.y/Z@v1.0.0",
            "x.y/z@v2.0.0",
            "x.y/z/v2@v2.0.0",
            "x.y/z@v1.0.0/sub@v1.0.0",
            "x.y/other",
        ] {
            std::fs::create_dir_all(root.path().join(path)).unwrap();
        }
        std::fs::write(root.path().join("x.y/file@v1.0.0"), "").unwrap();
        let modules = find(root.path());
        let names: Vec<_> = modules.found.iter().map(|unpacked| unpacked.module.to_string()).collect();
        assert_eq!(names, ["example.com/A@v1.0.0", "x.y/z/v2@v2.0.0", "x.y/z@v1.0.0"]);
        assert!(modules.unread.is_empty() && modules.partial == 0);
    }

    #[test]
    fn links_are_named_or_followed_within_the_cache() {
        let root = cache();
        let before = hash_one(root.path()).unwrap();
        let file = root.path().join(FOLDER).join("sub/a.go");
        let relink = |target: &str| {
            std::fs::remove_file(&file).unwrap();
            symlink(target, &file).unwrap();
            hash_one(root.path())
        };
        std::fs::write(root.path().join("cached"), "package a\n").unwrap();
        assert_eq!(relink("../../../cached").unwrap(), before);
        assert!(matches!(relink("/etc/passwd"), Err(Verdict::Unavailable { why }) if why.contains("a.go: is a link")));
        assert!(matches!(relink("."), Err(Verdict::Unavailable { .. })));
        for (link, target) in
            [("x.y", "example.com"), ("example.com/b@v1.0.0", "!a@v1.0.0"), ("example.com/none", "none")]
        {
            symlink(target, root.path().join(link)).unwrap();
        }
        let unread: Vec<_> = find(root.path()).unread.into_iter().map(|claims| claims.path).collect();
        assert_eq!(unread.len(), 2, "{unread:?}");
    }

    #[test]
    fn a_folder_that_go_unpacks_again_is_counted() {
        let root = cache();
        std::fs::create_dir_all(root.path().join("cache/download/example.com/!a/@v")).unwrap();
        std::fs::write(root.path().join("cache/download/example.com/!a/@v/v1.0.0.partial"), "").unwrap();
        let modules = find(root.path());
        assert!(modules.found.is_empty() && modules.partial == 1);
    }
}
