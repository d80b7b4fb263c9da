//! The go command's module cache: every zip and go.mod in it is hashed again and becomes a claim, as if it were a go.sum line.
//!
//! The cache is laid out as a module proxy: `cache/download/ESCAPED-PATH/@v/ESCAPED-VERSION.{zip,mod}`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use walkdir::{DirEntry, WalkDir};

use super::inputs::Inputs;
use super::{Claim, Claims, Says};
use crate::database::Progress;
use crate::files::{self, Links, Tree, Unfit};
use crate::report::{Level, Location, Notice, Verdict};
use crate::store::zipfile::ZipFile;
use crate::sumdb::dirhash::{ZipError, h1_go_mod, h1_zip};
use crate::sumdb::gosum::{Kind, SumHash, SumLine};
use crate::sumdb::hash::Hash;
use crate::sumdb::module::{ModulePath, ModuleVersion, Version};
use crate::sumdb::modzip::MAX_GO_MOD;

/// Zips and go.mods that are judged at most; a cache of all modules that anybody builds with has fewer.
const MAX_FILES: usize = 2_000_000;
/// What is not read is named up to this number, then counted.
const MAX_UNREAD: usize = 1_000;

/// A file of the cache and what it is of.
struct Cached {
    /// as it is shown
    path: PathBuf,
    /// below the root of the tree
    below: PathBuf,
    module: ModuleVersion,
    kind: Kind,
    /// why it is not read, whatever it is
    unfit: Option<Unfit>,
}

/// The claims of the module cache at `root` (the value of GOMODCACHE), with `threads` files hashed at a time; and what in it was
/// passed over, though a build might read it. A link is followed as far as it stays in the cache.
pub fn read(root: &Path, threads: usize, progress: Progress<'_>) -> Inputs {
    let path = root.display().to_string();
    let nothing = |why: String| Inputs { files: vec![Claims::unread(path.as_str(), why)], notices: Vec::new() };
    let download = root.join("cache").join("download");
    let base = base(root, &download);
    let opened = download.metadata().and_then(|_| Tree::open(base));
    let tree = match opened {
        Ok(tree) => tree,
        Err(error) => return nothing(format!("{}: {error}", download.display())),
    };
    let (found, mut unread) = find(base, &download);
    if found.is_empty() && unread.is_empty() {
        return nothing("no module in it".to_owned());
    }
    let more = unread.len().saturating_sub(MAX_UNREAD);
    unread.truncate(MAX_UNREAD);
    if more > 0 {
        unread
            .push(Claims::unread(path.as_str(), format!("{more} more folders in it could not be read, or are links")));
    }
    let claims = hash_all(&tree, &found, threads, progress);
    let notices = unread_notice(&claims).into_iter().collect();
    let judged = Claims { path, unread: None, remarks: Vec::new(), claims };
    Inputs { files: (!found.is_empty()).then_some(judged).into_iter().chain(unread).collect(), notices }
}

/// The folder that links must not lead out of. Where the user made a link of `cache` or `cache/download`, it is what that names.
fn base<'a>(root: &'a Path, download: &'a Path) -> &'a Path {
    let is_link = |path: &Path| path.symlink_metadata().is_ok_and(|found| found.is_symlink());
    if is_link(&root.join("cache")) || is_link(download) { download } else { root }
}

/// A file that is not read is not the network's fault.
fn unread_notice(claims: &[Claim]) -> Option<Notice> {
    let is_unread = |claim: &&Claim| matches!(&claim.says, Says::Nothing(Verdict::Unavailable { .. }));
    let text = match claims.iter().filter(is_unread).count() {
        0 => return None,
        1 => "1 file of the module cache could not be read, but a build may read it".to_owned(),
        count => format!("{count} files of the module cache could not be read, but a build may read them"),
    };
    Some(Notice { level: Level::Warning, text: format!("{text}: nothing is known about what it gets") })
}

/// Every zip and go.mod below `download`, in the order of their paths; and what hides others.
fn find(base: &Path, download: &Path) -> (Vec<Cached>, Vec<Claims>) {
    let (mut found, mut unread) = (Vec::new(), Vec::new());
    for entry in WalkDir::new(download).sort_by_file_name() {
        if found.len() == MAX_FILES {
            let why = format!("has more than {MAX_FILES} zips and go.mods: the rest was not read");
            unread.push(Claims::unread(download.display().to_string(), why));
            break;
        }
        match entry {
            Ok(entry) => match cached(base, download, &entry) {
                Some(file) => found.push(file),
                None if hides_modules(download, &entry) => {
                    let why = "is a link, so the modules behind it were not read";
                    unread.push(Claims::unread(entry.path().display().to_string(), why));
                }
                None => {}
            },
            Err(error) => {
                let path = error.path().unwrap_or(download).display().to_string();
                let why = error.io_error().map_or_else(|| error.to_string(), io::Error::to_string);
                unread.push(Claims::unread(path, why));
            }
        }
    }
    (found, unread)
}

/// Whether an entry is a link in place of a folder that can have modules in it. Links beside the files of a version (`.info`,
/// `list`, `.lock`) and in the checksum database's own folder hide none.
fn hides_modules(download: &Path, entry: &DirEntry) -> bool {
    let below = entry.path().strip_prefix(download).unwrap_or(entry.path());
    let is_beside = entry.path().parent().is_some_and(|folder| folder.ends_with("@v"));
    entry.path_is_symlink() && entry.depth() > 0 && !is_beside && !below.starts_with("sumdb")
}

/// What an entry of the cache is of, be it a file or not; none for `.info`, `list`, `sumdb/` and whatever else lies there.
fn cached(base: &Path, download: &Path, entry: &DirEntry) -> Option<Cached> {
    let below = entry.path().strip_prefix(base).ok()?;
    let (module, file) = entry.path().strip_prefix(download).ok()?.to_str()?.rsplit_once("/@v/")?;
    let (version, kind) = match file.rsplit_once('.')? {
        (version, "zip") => (version, Kind::Zip),
        (version, "mod") => (version, Kind::GoMod),
        _ => return None,
    };
    let module = ModuleVersion::pair(ModulePath::unescape(module).ok()?, Version::unescape(version).ok()?).ok()?;
    let unfit = Unfit::of_type(entry.file_type()).filter(|unfit| *unfit != Unfit::Link);
    Some(Cached { path: entry.path().to_owned(), below: below.to_owned(), module, kind, unfit })
}

/// The claims of `found`, in its order.
fn hash_all(tree: &Tree, found: &[Cached], threads: usize, progress: Progress<'_>) -> Vec<Claim> {
    let next = AtomicUsize::new(0);
    let claims: Mutex<Vec<(usize, Claim)>> = Mutex::new(Vec::with_capacity(found.len()));
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while let Some((at, file)) = take(found, &next) {
                    let claim = claim(tree, file);
                    let mut claims = claims.lock().unwrap_or_else(PoisonError::into_inner);
                    claims.push((at, claim));
                    progress("files hashed", claims.len(), found.len());
                }
            });
        }
    });
    let mut claims = claims.into_inner().unwrap_or_else(PoisonError::into_inner);
    claims.sort_by_key(|(at, _)| *at);
    claims.into_iter().map(|(_, claim)| claim).collect()
}

fn take<'a>(found: &'a [Cached], next: &AtomicUsize) -> Option<(usize, &'a Cached)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    found.get(at).map(|file| (at, file))
}

fn claim(tree: &Tree, file: &Cached) -> Claim {
    let (text, says) = match hash(tree, file) {
        Ok(hash) => {
            let sum = SumLine { module: file.module.clone(), kind: file.kind, hash: SumHash::H1(hash) };
            (sum.to_string(), Says::Sum(sum))
        }
        Err(verdict) => {
            let suffix = file.kind.suffix();
            (format!("{} {}{suffix}", file.module.path(), file.module.version()), Says::Nothing(verdict))
        }
    };
    Claim {
        place: Location::File(file.path.display().to_string()),
        text,
        duplicate_of: None,
        unlisted_repeats: 0,
        says,
    }
}

/// A file that cannot be read proves nothing; a zip that is not one is a finding.
fn hash(tree: &Tree, file: &Cached) -> Result<Hash, Verdict> {
    let unavailable = |error: io::Error| Verdict::Unavailable { why: error.to_string() };
    if let Some(unfit) = file.unfit {
        return Err(Verdict::Unavailable { why: unfit.to_string() });
    }
    let opened = tree.file(&file.below, Links::Within).map_err(unavailable)?;
    match file.kind {
        Kind::GoMod => {
            let bytes = files::read_bounded(opened, MAX_GO_MOD).map_err(unavailable)?;
            if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_GO_MOD {
                return Err(Verdict::Malformed { why: "a go.mod of more than 16 MiB".to_owned() });
            }
            Ok(h1_go_mod(&bytes))
        }
        Kind::Zip => {
            let zip = ZipFile::new(opened).map_err(unavailable)?;
            h1_zip(&zip, 1).map_err(|error| match error {
                ZipError::Read(error) => unavailable(error),
                ZipError::Refused(error) => Verdict::Malformed { why: error.to_string() },
            })
        }
    }
}
